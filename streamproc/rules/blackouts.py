"""When many stores were without data together: what polls them was broken. Pure.

Comes from ``history`` and ``business``; leads to ``GET /api/v1/suspects``. Time is cut
into steps; a store is without data in a step in which it was in business and no status
covers any of that. A gap that is shorter than a step does not count, nor does what was
before a store's first poll.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from streamproc.cells import Ints
from streamproc.rules import packing
from streamproc.rules.business import BusinessTime
from streamproc.rules.packing import Flags
from streamproc.rules.units import MINUTE_US
from streamproc.rules.uptime import Rules, Times, statuses

STEP_US = 5 * MINUTE_US
MOST_STEPS = 31 * 288
"""The longest month in steps of five minutes."""

LEAST = 5
"""Stores in business of which it is worth saying what most of them are."""

_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class Blackout:
    """A span in which most stores in business were without data.

    ``stores``: most in business at once; ``without``: most of them without data.
    """

    begin_us: int
    end_us: int
    stores: int
    without: int


def edges_of(begin_us: int, end_us: int) -> Ints:
    """The edges of the steps that a span is cut into; the last one ends it."""
    length = -(-(end_us - begin_us) // MOST_STEPS)
    step_us = max(-(-length // MINUTE_US) * MINUTE_US, STEP_US)
    return np.append(np.arange(begin_us, end_us, step_us), end_us)


def without_data(
    packed: Ints,
    counts: Ints,
    schedule: Ints,
    times: Times,
    rules: Rules,
    edges: Ints,
) -> Iterator[tuple[slice, Flags, Flags]]:
    """Which stores were in business in each step, and which of them without data.

    Some stores at a time, with their positions; shapes (stores, steps). Arguments as in
    ``uptime.account``; ``times`` reaches back as far as a status can hold. A store
    without a poll is in business in no step.
    """
    covered = _covered(packed, counts, schedule, times, rules, edges)
    opened = _opened(times.business, edges)
    firsts = _first_steps(packed, counts, edges)
    steps = len(edges) - 1
    at_once = max(_CELLS_AT_ONCE // steps, 1)
    for first in range(0, len(counts), at_once):
        rows = slice(first, min(first + at_once, len(counts)))
        numbers, mine = np.unique(schedule[rows], return_inverse=True)
        in_business = opened.among(numbers, steps)[mine]
        in_business &= np.arange(steps) >= firsts[rows, np.newaxis]
        stores = np.arange(rows.start, rows.stop)
        yield rows, in_business, in_business & ~covered.among(stores, steps)


class _Marks(NamedTuple):
    """What holds from a step to another one, both included, of rows in order."""

    row: Ints
    first: Ints
    last: Ints

    def among(self, rows: Ints, steps: int) -> Flags:
        """Whether any holds in each step; ``rows``: ascending; shape (rows, steps)."""
        at = np.searchsorted(rows, self.row)
        known = np.minimum(at, len(rows) - 1)
        mine = np.flatnonzero((rows[known] == self.row) & (self.last >= 0))
        width = steps + 1  # an end stands behind the last step
        begins = known[mine] * width + np.maximum(self.first[mine], 0)
        ends = known[mine] * width + self.last[mine] + 1
        size = len(rows) * width
        change = np.bincount(begins, minlength=size) - np.bincount(ends, minlength=size)
        running = np.cumsum(change.reshape(len(rows), width), axis=1)
        holds: Flags = running[:, :steps] > 0
        return holds


def _steps_of(edges: Ints, time_us: Ints) -> Ints:
    """The step that each instant lies in; -1 before the first one."""
    return np.minimum(np.searchsorted(edges, time_us, side="right"), len(edges) - 1) - 1


def _covered(
    packed: Ints,
    counts: Ints,
    schedule: Ints,
    times: Times,
    rules: Rules,
    edges: Ints,
) -> _Marks:
    """From the first to the last step in business that each status covers a part of."""
    business = times.business
    told = statuses(packed, counts, schedule, times, rules)
    begin, end = business.spans(schedule[told.store], told.begin_us, told.end_us)
    some = np.flatnonzero(end > begin)
    store = told.store[some]
    own = schedule[store]
    first = business.first_instant(own, begin[some])
    last = business.first_instant(own, end[some] - 1)
    return _Marks(store, _steps_of(edges, first), _steps_of(edges, last))


def _opened(business: BusinessTime, edges: Ints) -> _Marks:
    """From the first to the last step of each opening, by schedule."""
    schedule, begin_us, end_us = business.openings()
    return _Marks(schedule, _steps_of(edges, begin_us), _steps_of(edges, end_us - 1))


def _first_steps(packed: Ints, counts: Ints, edges: Ints) -> Ints:
    """The step of each store's first poll; without one, the step after the last."""
    polled = np.flatnonzero(counts)
    firsts = (np.cumsum(counts) - counts)[polled]
    found = np.full(len(counts), len(edges) - 1)
    found[polled] = np.searchsorted(edges, packing.time_of(packed[firsts]), "right") - 1
    return found


def blackouts(edges: Ints, stores: Ints, without: Ints) -> list[Blackout]:
    """The spans in which more than half of the stores in business had no data.

    ``stores`` and ``without``: in each step, shape (steps,).
    """
    most = (2 * without > stores) & (stores >= LEAST)
    change = np.flatnonzero(np.diff(np.concatenate(([0], most.astype(np.int8), [0]))))
    return [
        Blackout(
            int(edges[first]),
            int(edges[end]),
            int(stores[first:end].max()),
            int(without[first:end].max()),
        )
        for first, end in zip(change[::2].tolist(), change[1::2].tolist(), strict=True)
    ]


def not_within(some: Sequence[Blackout], others: Sequence[Blackout]) -> list[Blackout]:
    """Those that no other one covers."""
    return [
        one
        for one in some
        if not any(
            o.begin_us <= one.begin_us and one.end_us <= o.end_us for o in others
        )
    ]
