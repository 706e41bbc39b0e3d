"""A report of a period on its way: from what was asked for to the dates it tells of.

Pure. Comes from the partitions' answers to a survey; leads to their orders for rows.
"""

from collections.abc import Iterable
from dataclasses import replace

from streamproc.errors import InvalidInput, shown
from streamproc.report import record
from streamproc.report.messages import MONTHLY, Request
from streamproc.report.record import Part, Report
from streamproc.rules.calendar import local_day
from streamproc.rules.period_edges import Kept, Span, span_of
from streamproc.rules.periods import UNITS, ends_us, parse_period

_FIRST_ZONE = "Pacific/Kiritimati"
"""Where every month is over first."""


def monthly_request(month: str, now_us: int) -> Request:
    """The report of a month such as ``month:2026-10``; its id makes repeats one."""
    report_id = month.replace(":", "-")
    return Request(report_id, MONTHLY, now_us, now_us, period=month)


def due_month(now_us: int, reports: Iterable[Report]) -> str | None:
    """The newest month that is over somewhere, when there is no report of it yet.

    Whether it is over in every store's zone is found out by asking for it.
    """
    this = UNITS["month"].holding(local_day(_FIRST_ZONE, now_us))
    month = UNITS["month"].holding(this.first_day - 1).name
    known = any(
        report.kind == MONTHLY and report.period == month and not report.doubted
        for report in reports
    )
    return None if known else month


def check_found(report: Report, rows: int) -> None:
    """Raise InvalidInput where no store is meant: a slip of the pen is no report."""
    if report.where is not None and not rows:
        raise InvalidInput("bad-where", f"no store has {shown(report.where)}")


def is_surveyed(report: Report) -> bool:
    """Whether every partition has answered."""
    return all(part.newest_us is not None for part in report.parts.values())


def kept_of(report: Report) -> Kept | None:
    """Since when polls are kept, of all partitions; None when there are none."""
    found: Kept | None = None
    for part in report.parts.values():
        if part.kept_us >= 0:
            one = Kept(part.kept_us, part.whole_us)
            found = one if found is None else found.joined(one)
    return found


def zones_of(report: Report) -> list[str]:
    """The zones whose dates count: the one asked for, or those of all stores."""
    if report.zone is not None:
        return [report.zone]
    return sorted({zone for part in report.parts.values() for zone in part.zones})


def over_us(report: Report, as_of_us: int, day_starts_s: int) -> int:
    """When the period is over in every zone; ``as_of_us`` without any store."""
    assert report.period is not None
    zones = zones_of(report)
    if not zones:
        return as_of_us
    period = parse_period(report.period).resolve(as_of_us, zones, day_starts_s)
    return ends_us(period, zones, day_starts_s)


def resolved(report: Report, as_of_us: int, day_starts_s: int) -> Report:
    """The record once it is known which dates are told; the parts are asked for now.

    Raises InvalidInput, which says why, when nothing of the period is kept.
    """
    assert report.period is not None
    asked, kept = parse_period(report.period), kept_of(report)
    zones = zones_of(report)
    span = span_of(asked, report.by, report.zone, kept, as_of_us, zones, day_starts_s)
    return replace(
        report,
        as_of_us=as_of_us,
        told=span.period.name,
        first_us=span.kept.first_us,
        whole_us=span.kept.whole_us,
        since_us=span.since_us(zones),
        parts={partition: Part() for partition in report.parts},
    )


def span(
    told: str,
    by: str | None,
    zone: str | None,
    kept: Kept,
    as_of_us: int,
    day_starts_s: int = 0,
) -> Span:
    """The span of a period that is named by its dates."""
    period = parse_period(told).period
    assert period is not None
    return Span(period, by, kept, as_of_us, zone, day_starts_s)


def span_of_report(report: Report, day_starts_s: int = 0) -> Span:
    """The span of a report whose dates are known."""
    assert report.told is not None
    assert report.first_us is not None
    assert report.as_of_us is not None
    kept = Kept(report.first_us, report.whole_us)
    of = report.told, report.by, report.zone, kept, report.as_of_us
    return span(*of, day_starts_s)


def slice_names(report: Report) -> list[str]:
    """Names of its slices, which do not depend on when days start."""
    return span_of_report(report).names


def is_newest_month(report: Report, others: Iterable[Report]) -> bool:
    """Whether no report of a later month is complete already."""
    return report.kind == MONTHLY and not any(
        other.kind == MONTHLY
        and other.state == record.COMPLETE
        and not other.doubted
        and other.report_id > report.report_id
        for other in others
    )
