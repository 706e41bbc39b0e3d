"""A report from request to Complete or Failed. Pure.

Comes from a request's message; kept in the table ``reports`` by its collector.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from streamproc.errors import InvalidInput, counted
from streamproc.report.messages import (
    ALL,
    HOURLY,
    NOW,
    Request,
)
from streamproc.rules.poll import MAX_FUTURE_US
from streamproc.transport.partitioner import partition_for

RUNNING, COMPLETE, FAILED = "Running", "Complete", "Failed"


_LAST_S = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
"""The last second that a date can have."""


def time_text(time_us: int) -> str:
    """A time as people and programs read it: ISO 8601, UTC; in words from 10000 on."""
    whole, micros = divmod(time_us, 1_000_000)
    if whole > _LAST_S:
        return "after the year 9999"
    text = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{micros:06d}".rstrip("0") if micros else "") + "Z"


def is_future(time_us: int, now_us: int) -> bool:
    """Whether a time lies ahead by more than clocks differ."""
    return time_us > now_us + MAX_FUTURE_US


def check_as_of(as_of_us: int, now_us: int) -> int:
    """Return a time that a report can be as of; raise InvalidInput for the future."""
    if is_future(as_of_us, now_us):
        raise InvalidInput(
            "bad-as-of",
            f"as_of is {time_text(as_of_us)}, over 5 minutes in the future; it is"
            f" {time_text(now_us)} now",
        )
    return as_of_us


def check_known(report: "Report", any_polls: bool) -> None:
    """Raise InvalidInput for a time that was asked for and that no poll lies before.

    It is a slip of the pen: all figures would be 0, and replace those that are known.
    """
    if report.kind == ALL and isinstance(report.as_of, int) and not any_polls:
        raise InvalidInput(
            "bad-as-of", f"no poll of any store lies before as_of {report.as_of_text}"
        )


@dataclass(frozen=True, slots=True)
class Part:
    """What the collector has of one partition.

    ``pieces``: how many are on its disk. ``expected``: how many there are, known
    from the last one. ``newest_us``, ``newest_store``, ``next_us``: answer to a
    survey, and ``kept_us``, ``whole_us``, ``zones``, ``loading``, see
    ``messages.Survey``.
    ``left_out``, ``such_as``: stores without a row, and one of them.
    """

    pieces: int = 0
    expected: int | None = None
    rows: int = 0
    behind: int = 0
    newest_us: int | None = None
    newest_store: str | None = None
    next_us: int = -1
    left_out: int = 0
    such_as: str | None = None
    kept_us: int = -1
    whole_us: int = 0
    zones: list[str] = field(default_factory=list)
    loading: bool = False

    @property
    def complete(self) -> bool:
        """Whether every piece has arrived."""
        return self.expected is not None and self.pieces >= self.expected


@dataclass(frozen=True, slots=True)
class Report:
    """A report's record in the table ``reports``.

    ``doubted``: it was once seen to be as of the future, so it was made too early.
    ``as_polled`` to ``group_by``: as it was asked for, see ``messages.Request``.
    ``told``: the dates that a period has turned out to be, once it is known since when
    polls are kept: ``first_us``, ``whole_us``. ``since_us``: since when it is told of,
    where it reaches before that.
    """

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
    doubted: bool = False
    as_polled: bool = False
    full: bool = False
    period: str | None = None
    by: str | None = None
    zone: str | None = None
    where: str | None = None
    group_by: str | None = None
    told: str | None = None
    first_us: int | None = None
    whole_us: int = 0
    since_us: int | None = None

    @property
    def is_of_period(self) -> bool:
        """Whether it tells of a period."""
        return self.period is not None

    @property
    def is_of_all(self) -> bool:
        """Whether it tells of all stores what counts: all that others build on."""
        return self.kind in (ALL, HOURLY) and not self.as_polled

    def counts_as_of(self, now_us: int) -> bool:
        """Whether it is a complete report of all stores, and not of the future."""
        return (
            self.state == COMPLETE
            and self.is_of_all
            and not self.doubted
            and not is_future(self.as_of_us or 0, now_us)
        )

    def is_newest_of(self, others: Iterable["Report"], now_us: int) -> bool:
        """Whether no later report of all stores is complete already."""
        return self.is_of_all and not any(
            other.counts_as_of(now_us) and (other.as_of_us or 0) > (self.as_of_us or 0)
            for other in others
        )

    @property
    def left_out_text(self) -> str:
        """Which stores have no row, for people; empty for none."""
        some = [part for part in self.parts.values() if part.left_out]
        count = sum(part.left_out for part in some)
        if not count:
            return ""
        stores = "1 store is" if count == 1 else f"{count:,} stores are"
        return (
            f"{stores} left out, such as {some[0].such_as}: the history before"
            f" {self.as_of_text} is not kept"
        )

    @property
    def since_text(self) -> str:
        """Since when its period is told of, for people; empty for from its begin."""
        if self.since_us is None:
            return ""
        return (
            f"{self.told} is told of since {time_text(self.since_us)}: history begins"
        )

    @property
    def rows_text(self) -> str:
        """How many rows it has, for people."""
        return counted(self.rows, "row" if self.is_of_period else "store")

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
            f" {self.complete_parts} of {counted(len(self.parts), 'partition')},"
            f" {counted(rows, 'row')}"
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


def doubted(report: Report) -> Report:
    """The record of a report that was made too early, by a clock that was ahead."""
    return replace(report, doubted=True)


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
