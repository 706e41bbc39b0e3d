"""A store as the API tells of it, in JSON or as a row of CSV."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from streamproc.report.record import time_text
from streamproc.report.rows import FULL_HEADER, csv_rows, last_status
from streamproc.rules.schedule import Opening
from streamproc.rules.timeline import (
    CLOSED,
    DOWN,
    EXCLUDED,
    UNKNOWN,
    UP,
    Span,
    local_time,
)
from streamproc.rules.windows import LONGEST_US
from streamproc.web.figures import State, Windows, window_of
from streamproc.web.shapes import OneOf, called
from streamproc.web.store.budgets import StoreBudget, budget_of
from streamproc.web.store.view import PollRow, StoreView
from tables.budgets import MonthBudget


@dataclass(frozen=True, slots=True)
class StoreDetail:
    """One store: its figures, its week, what it is now."""

    store_id: str
    as_of: str
    now: State
    since: str | None
    zone: str
    zone_is_default: bool
    hours: list[Opening]
    open_24x7: bool
    polls: int
    last_poll: str | None
    last_status: str | None
    windows: Windows
    budget: StoreBudget | None
    report_row: list[str]


SpanState = Annotated[str, OneOf((CLOSED, UP, DOWN, UNKNOWN, EXCLUDED))]


@dataclass(frozen=True, slots=True)
class StoreSpan:
    """A time in which the store was one thing."""

    state: SpanState
    start: str = field(metadata=called("from"))
    end: str = field(metadata=called("to"))
    seconds: float
    local_from: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """One store's last seven days, without a gap."""

    store_id: str
    as_of: str
    start: str = field(metadata=called("from"))
    zone: str
    spans: list[StoreSpan]


@dataclass(frozen=True, slots=True)
class StorePoll:
    """One poll, and until when it speaks."""

    time: str
    status: Annotated[str, OneOf(("active", "inactive"))]
    holds_until: str
    thinned: bool


@dataclass(frozen=True, slots=True)
class PollsPage:
    """Some of one store's polls, newest first."""

    store_id: str
    as_of: str
    total: int
    page: int
    per_page: int
    polls: list[StorePoll]


def store_of(view: StoreView, budget: MonthBudget | None) -> StoreDetail:
    """One store as the API shows it."""
    return StoreDetail(
        view.store_id,
        time_text(view.as_of_us),
        view.state,
        None if view.since_us is None else time_text(view.since_us),
        view.zone,
        view.zone_is_default,
        list(view.openings),
        not view.openings,
        view.poll_count,
        None if view.last_us is None else time_text(view.last_us),
        last_status(-1 if view.last is None else view.last) or None,
        {
            window: window_of(
                found.up_us, found.down_us, found.open_us, found.excluded_us
            )
            for window, found in view.windows.items()
        },
        budget_of(budget),
        list(next(iter(csv_rows(view.rows)))),
    )


def timeline_of(view: StoreView) -> Timeline:
    """Its last seven days."""
    return Timeline(
        view.store_id,
        time_text(view.as_of_us),
        time_text(view.as_of_us - LONGEST_US),
        view.zone,
        [_span(view.zone, span) for span in view.spans],
    )


def _span(zone: str, span: Span) -> StoreSpan:
    return StoreSpan(
        span.state,
        time_text(span.start_us),
        time_text(span.end_us),
        span.length_us / 1e6,
        local_time(zone, span.start_us).isoformat(),
    )


def poll_of(poll: PollRow) -> StorePoll:
    """One of its polls."""
    return StorePoll(
        time_text(poll.time_us),
        "active" if poll.active else "inactive",
        time_text(poll.until_us),
        poll.thinned,
    )


def store_rows(view: StoreView) -> Iterator[Sequence[str]]:
    """One store's row of a report, after its header."""
    yield FULL_HEADER
    yield from csv_rows(view.rows, full=True)
