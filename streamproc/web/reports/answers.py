"""A report as the API tells of it."""

from dataclasses import dataclass, field
from typing import Annotated

from streamproc.report import record
from streamproc.report.messages import KINDS
from streamproc.report.record import Report, time_text
from streamproc.web.shapes import OPTIONAL, OneOf

STATES = (record.RUNNING, record.COMPLETE, record.FAILED)
Status = Annotated[str, OneOf(STATES)]


@dataclass(frozen=True, slots=True)
class Triggered:
    """A report that has been asked for."""

    report_id: str
    status: Annotated[str, OneOf((record.RUNNING,))]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running report is; ``behind``: records to be read before."""

    partitions: int
    partitions_complete: int
    rows: int
    behind: int
    attempt: int


@dataclass(frozen=True, slots=True)
class ReportState:
    """Running with progress, Complete with its URL, or Failed with the reason.

    ``known_since``: where a period reaches before what is kept.
    """

    report_id: str
    status: Status
    as_of: str | None = field(default=None, metadata=OPTIONAL)
    progress: Progress | None = field(default=None, metadata=OPTIONAL)
    url: str | None = field(default=None, metadata=OPTIONAL)
    rows: int | None = field(default=None, metadata=OPTIONAL)
    error: str | None = field(default=None, metadata=OPTIONAL)
    known_since: str | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """All that is kept of a report; ``as_of_asked``: what was asked for.

    ``as_polled``: as if nothing were excluded or corrected.
    ``period``: its dates, once they are known; ``known_since``: where they reach before
    what is kept.
    """

    report_id: str
    status: Status
    kind: Annotated[str, OneOf(KINDS)]
    store_id: str | None
    as_of_asked: str
    created: str
    finished: str | None
    duration_s: float | None
    rows: int
    error: str | None
    attempt: int
    as_polled: bool
    as_of: str | None = field(default=None, metadata=OPTIONAL)
    progress: Progress | None = field(default=None, metadata=OPTIONAL)
    url: str | None = field(default=None, metadata=OPTIONAL)
    period: str | None = field(default=None, metadata=OPTIONAL)
    by: str | None = field(default=None, metadata=OPTIONAL)
    zone: str | None = field(default=None, metadata=OPTIONAL)
    where: str | None = field(default=None, metadata=OPTIONAL)
    group_by: str | None = field(default=None, metadata=OPTIONAL)
    known_since: str | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True, slots=True)
class ReportsPage:
    """Some of the reports, newest first."""

    total: int
    page: int
    per_page: int
    reports: list[ReportRecord]


def state_of(report: Report) -> ReportState:
    """What ``/get_report`` says of a report."""
    complete = report.state == record.COMPLETE
    return ReportState(
        report.report_id,
        report.state,
        _as_of(report),
        _progress(report),
        _url(report),
        report.rows if complete else None,
        report.error if report.state == record.FAILED else None,
        _since(report),
    )


def record_of(report: Report) -> ReportRecord:
    """A report's whole record."""
    asked, end_us = report.as_of, report.finished_us
    return ReportRecord(
        report.report_id,
        report.state,
        report.kind,
        report.store_id,
        asked if isinstance(asked, str) else time_text(asked),
        time_text(report.created_us),
        None if end_us is None else time_text(end_us),
        None if end_us is None else (end_us - report.created_us) / 1e6,
        report.rows,
        report.error,
        report.attempt,
        report.as_polled,
        _as_of(report),
        _progress(report),
        _url(report),
        report.told or report.period,
        report.by,
        report.zone,
        report.where,
        report.group_by,
        _since(report),
    )


def _as_of(report: Report) -> str | None:
    return None if report.as_of_us is None else time_text(report.as_of_us)


def _since(report: Report) -> str | None:
    return None if report.since_us is None else time_text(report.since_us)


def _url(report: Report) -> str | None:
    complete = report.state == record.COMPLETE
    return f"/reports/{report.report_id}.csv" if complete else None


def _progress(report: Report) -> Progress | None:
    if report.state != record.RUNNING:
        return None
    parts = report.parts.values()
    return Progress(
        len(report.parts),
        report.complete_parts,
        sum(part.rows for part in parts),
        sum(part.behind for part in parts),
        report.attempt,
    )
