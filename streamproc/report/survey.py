"""What the partitions' answers to a survey make of a report. Pure.

As of when it is, if that was to be the newest poll; which dates its period has. Comes
from the report's record, which keeps the answers; leads to the orders for rows.
"""

from streamproc.errors import InvalidInput, ReportFailedError
from streamproc.report import period_record, record
from streamproc.report.messages import MONTHLY
from streamproc.report.record import Report, time_text
from streamproc.rules.units import DAY_US, HOUR_US, MINUTE_US, SECOND_US

LOADING_US = 10 * SECOND_US
"""When a month is worth asking for again of which polls are being loaded."""

EMPTY_US = MINUTE_US
"""When it is while there are no polls at all: somebody will load some."""


class ComesTooEarly(Exception):
    """Raised for a month that is not over yet, or that is not there (as a whole) yet.

    ``again_us``: when it is worth asking again.
    """

    def __init__(self, again_us: int) -> None:
        super().__init__(again_us)
        self.again_us = again_us


def settled(
    report: Report, now_us: int, partitions: int, day_starts_s: int
) -> Report | None:
    """The record once all have answered and rows can be asked for; None before.

    Raises ReportFailedError or InvalidInput, which say why there can be no rows, and
    ComesTooEarly.
    """
    done = report.told if report.is_of_period else report.as_of_us
    if done is not None or not period_record.is_surveyed(report):
        return None
    as_of_us = report.as_of_us
    if as_of_us is None:
        as_of_us = surveyed_as_of(report, now_us)
    assert as_of_us is not None  # all have answered
    if not report.is_of_period:
        return record.resolved(report, as_of_us, partitions)
    if report.kind != MONTHLY:
        return period_record.resolved(report, as_of_us, day_starts_s)
    return _month(report, now_us, as_of_us, day_starts_s)


def _month(report: Report, now_us: int, as_of_us: int, day_starts_s: int) -> Report:
    over_us = period_record.over_us(report, as_of_us, day_starts_s)
    if over_us > as_of_us:
        raise ComesTooEarly(over_us)
    if any(part.loading for part in report.parts.values()):
        raise ComesTooEarly(now_us + LOADING_US)
    try:
        return period_record.resolved(report, as_of_us, day_starts_s)
    except InvalidInput as exc:
        is_empty = period_record.kept_of(report) is None
        raise ComesTooEarly(now_us + (EMPTY_US if is_empty else HOUR_US)) from exc


def surveyed_as_of(report: Report, now_us: int) -> int | None:
    """The newest poll time, once every partition has told its own.

    With no polls at all, now. Raises ReportFailedError when that poll stands alone,
    over a day after the newest of all other stores: its clock decides for nobody.
    """
    told = [
        (part.newest_us, part.next_us, part.newest_store or "?")
        for part in report.parts.values()
        if part.newest_us is not None
    ]
    if len(told) < len(report.parts):
        return None
    told.sort()
    newest_us, next_us, store_id = told[-1]
    next_us = max([next_us, *(each_us for each_us, *_ in told[:-1])])
    if 0 <= next_us < newest_us - DAY_US:
        raise ReportFailedError(_lone_text(newest_us, store_id, next_us))
    return newest_us if newest_us >= 0 else now_us


def _lone_text(newest_us: int, store_id: str, next_us: int) -> str:
    newest, following = time_text(newest_us), time_text(next_us)
    return (
        f"latest is {newest}, the time of a poll of store {store_id}; the next newest"
        f" store was polled at {following}, over a day before. When the clock of store"
        f" {store_id} was wrong, ask for --as-of {following}; when it was right, for"
        f" --as-of {newest}"
    )
