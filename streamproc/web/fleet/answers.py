"""The fleet and its stores as the API tells of them, in JSON or as CSV."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from streamproc.cells import Ints
from streamproc.report.record import time_text
from streamproc.report.rows import (
    FULL_HEADER,
    csv_rows,
    last_poll_text,
    last_status,
)
from streamproc.rules.windows import NAMES
from streamproc.web.figures import State, Windows, window_of
from streamproc.web.fleet.overview import Overview
from streamproc.web.flow import Flow
from streamproc.web.now.counts import COUNTS
from streamproc.web.shapes import Keys
from streamproc.web.store.budgets import StoreBudget, budget_of
from tables.budgets import MonthBudget

ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class FlowNow:
    """How polls come in, over all workers."""

    polls_per_s: float
    lag_records: int
    lag_s: float
    last_arrival: str | None
    workers: int
    silent_workers: int


@dataclass(frozen=True, slots=True)
class Fleet:
    """The fleet's totals, and how many stores are in each state now."""

    as_of: str
    stores: Annotated[dict[str, int], Keys(COUNTS)]
    windows: Windows
    flow: FlowNow


@dataclass(frozen=True, slots=True)
class Store:
    """One store of a list."""

    store_id: str
    now: State
    zone: str
    last_poll: str | None
    last_status: str | None
    windows: Windows
    budget: StoreBudget | None


@dataclass(frozen=True, slots=True)
class StoresPage:
    """Some of the stores that match."""

    as_of: str
    total: int
    page: int
    per_page: int
    pages: int
    stores: list[Store]


def fleet_of(overview: Overview, flow: Flow) -> Fleet:
    """The fleet's figures."""
    windows = {
        total.window: window_of(
            total.up_us, total.down_us, total.open_us, total.excluded_us
        )
        for total in overview.totals
    }
    arrived = flow.last_arrival_us
    now = FlowNow(
        flow.polls_per_s,
        flow.lag_records,
        flow.lag_s,
        None if arrived is None else time_text(arrived),
        flow.workers,
        flow.silent_workers,
    )
    return Fleet(time_text(overview.as_of_us), overview.counts, windows, now)


def store_of(overview: Overview, row: int, budget: MonthBudget | None) -> Store:
    """One of its stores."""
    rows = overview.rows
    last = int(rows.last[row])
    amounts = zip(
        NAMES,
        rows.up[:, row].tolist(),
        rows.down[:, row].tolist(),
        rows.open[:, row].tolist(),
        rows.excluded[:, row].tolist(),
        strict=True,
    )
    return Store(
        rows.store_ids[row],
        overview.state_of(row),
        overview.shard.zones[int(overview.shard.zone[row])],
        last_poll_text(last) or None,
        last_status(last) or None,
        {window: window_of(*parts) for window, *parts in amounts},
        budget_of(budget),
    )


def stores_csv(overview: Overview, rows: Ints) -> Iterator[Sequence[str]]:
    """All chosen stores as rows of CSV, header first, with every column of the view."""
    yield (*FULL_HEADER, "now", "zone", "as_of_utc")
    for first in range(0, len(rows), ROWS_AT_ONCE):
        yield from _csv_rows(overview, rows[first : first + ROWS_AT_ONCE])


def _csv_rows(overview: Overview, rows: Ints) -> Iterator[Sequence[str]]:
    some, zones = overview.rows[rows], overview.shard.zones
    as_of = time_text(overview.as_of_us)
    for row, cells in zip(rows.tolist(), csv_rows(some, full=True), strict=True):
        zone = zones[int(overview.shard.zone[row])]
        yield (*cells, overview.state_of(row), zone, as_of)
