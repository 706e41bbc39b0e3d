"""A report from request to Complete or Failed. Pure.

Comes from a request's message; kept in the table ``reports`` by its collector.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from streamproc.errors import InvalidInput
from streamproc.report.messages import ALL as ALL
from streamproc.report.messages import HOURLY as HOURLY
from streamproc.report.messages import LATEST as LATEST
from streamproc.report.messages import NOW as NOW
from streamproc.report.messages import STORE as STORE
from streamproc.report.messages import Request
from streamproc.rules.poll import MAX_FUTURE_US
from streamproc.rules.units import HOUR_US
from streamproc.transport.partitioner import partition_for

RUNNING, COMPLETE, FAILED = "Running", "Complete", "Failed"


def time_text(time_us: int) -> str:
    """A time as people and programs read it: ISO 8601, UTC."""
    whole, micros = divmod(time_us, 1_000_000)
    text = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{micros:06d}".rstrip("0") if micros else "") + "Z"


def check_as_of(as_of_us: int, now_us: int) -> int:
    """Return a time that a report can be as of; raise InvalidInput for the future."""
    if as_of_us > now_us + MAX_FUTURE_US:
        raise InvalidInput(
            "bad-as-of",
            f"as_of is {time_text(as_of_us)}, over 5 minutes in the future; it is"
            f" {time_text(now_us)} now",
        )
    return as_of_us


def hourly_request(hour_us: int) -> Request:
    """The report of a full hour; its id makes repeats one and the same."""
    moment = datetime.fromtimestamp(hour_us // 1_000_000, UTC)
    return Request(f"hourly-{moment:%Y%m%dT%H%MZ}", HOURLY, hour_us, hour_us)


def due_hour(now_us: int, last_hour_us: int | None) -> int | None:
    """The newest full hour, when no report of it (or a later one) exists yet."""
    hour_us = now_us // HOUR_US * HOUR_US
    return None if last_hour_us is not None and last_hour_us >= hour_us else hour_us


@dataclass(frozen=True, slots=True)
class Part:
    """What the collector has of one partition.

    ``pieces``: how many are on its disk. ``expected``: how many there are, known
    from the last one. ``newest_us``: answer to a survey.
    """

    pieces: int = 0
    expected: int | None = None
    rows: int = 0
    behind: int = 0
    newest_us: int | None = None

    @property
    def complete(self) -> bool:
        """Whether every piece has arrived."""
        return self.expected is not None and self.pieces >= self.expected


@dataclass(frozen=True, slots=True)
class Report:
    """A report's record in the table ``reports``."""

    report_id: str
    kind: str
    as_of: str | int
    requested_us: int
    store_id: str | None
    state: str
    as_of_us: int | None
    created_us: int
    progress_us: int
    collector: str
    attempt: int = 1
    parts: dict[int, Part] = field(default_factory=dict)
    rows: int = 0
    finished_us: int | None = None
    error: str | None = None

    @property
    def complete_parts(self) -> int:
        """Partitions whose rows are all in."""
        return sum(part.complete for part in self.parts.values())

    @property
    def as_of_text(self) -> str:
        """As of when, for people."""
        return "?" if self.as_of_us is None else time_text(self.as_of_us)

    @property
    def progress_text(self) -> str:
        """How far the report is, for people."""
        rows = sum(part.rows for part in self.parts.values())
        behind = sum(part.behind for part in self.parts.values())
        text = (
            f"report {self.report_id}: {self.state},"
            f" {self.complete_parts} of {len(self.parts)} partitions, {rows:,} rows"
        )
        return f"{text}; {behind:,} messages to read first" if behind else text


def start(request: Request, partitions: Iterable[int], now_us: int, me: str) -> Report:
    """The record of a report that has just been asked for."""
    as_of_us = request.as_of if isinstance(request.as_of, int) else None
    if request.as_of == NOW:
        as_of_us = request.requested_us
    return Report(
        **asdict(request),
        state=RUNNING,
        as_of_us=as_of_us,
        created_us=now_us,
        progress_us=now_us,
        collector=me,
        parts={partition: Part() for partition in partitions},
    )


def resolved(report: Report, as_of_us: int, partitions: int) -> Report:
    """The record once it is known as of when; the parts are asked for now."""
    wanted = range(partitions)
    if report.store_id is not None:
        wanted = range(
            at := partition_for(report.store_id.encode(), partitions), at + 1
        )
    return replace(
        report, as_of_us=as_of_us, parts={partition: Part() for partition in wanted}
    )


def again(report: Report, now_us: int, me: str) -> Report:
    """The record for another attempt: everything collected so far is void."""
    return replace(
        report,
        attempt=report.attempt + 1,
        progress_us=now_us,
        collector=me,
        parts={partition: Part() for partition in report.parts},
    )


def with_part(report: Report, partition: int, now_us: int, **changes: Any) -> Report:
    """The record after news from one partition."""
    part = replace(report.parts[partition], **changes)
    return replace(report, progress_us=now_us, parts={**report.parts, partition: part})


def surveyed_as_of(report: Report, now_us: int) -> int | None:
    """The newest poll time, once every partition has told its own.

    With no polls at all, now.
    """
    told = [part.newest_us for part in report.parts.values()]
    if any(newest is None for newest in told):
        return None
    newest = max(newest for newest in told if newest is not None)
    return newest if newest >= 0 else now_us


def finished(report: Report, now_us: int, rows: int) -> Report:
    """The record of a report whose file is written."""
    return replace(
        report, state=COMPLETE, finished_us=now_us, progress_us=now_us, rows=rows
    )


def failed(report: Report, now_us: int, reason: str) -> Report:
    """The record of a report that will not be made."""
    return replace(
        report, state=FAILED, finished_us=now_us, progress_us=now_us, error=reason
    )


def encode(report: Report) -> bytes:
    """Value of a report in the table."""
    return orjson.dumps(report, option=orjson.OPT_NON_STR_KEYS)


def decode(value: bytes) -> Report:
    """Report of a table's value."""
    fields = orjson.loads(value)
    parts = {int(number): Part(**part) for number, part in fields.pop("parts").items()}
    return Report(**fields, parts=parts)
