"""When many stores were without data together: what polls them was broken. Pure.

Comes from ``history`` and ``business``; leads to ``GET /api/v1/suspects``. Time is cut
into steps; a store is without data in a step in which it was in business and no status
covers any of that. A gap that is shorter than a step does not count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from streamproc.rules.packing import Flags
from streamproc.rules.units import MINUTE_US
from streamproc.rules.uptime import Rules, Times, statuses

STEP_US = 5 * MINUTE_US
MOST_STEPS = 672
"""A week in steps of a quarter of an hour."""

LEAST = 5
"""Stores in business of which it is worth saying what most of them are."""

_AT_ONCE = 2_000


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
    ``uptime.account``; ``times`` reaches back as far as a status can hold.
    """
    business = times.business
    told = statuses(packed, counts, schedule, times, rules)
    own = schedule[told.store]
    begin, end = (business.before(own, t) for t in (told.begin_us, told.end_us))
    covered = np.concatenate((np.zeros(1, np.int64), np.cumsum(end - begin)))
    bits = int(business.end_us - business.begin_us).bit_length()
    starts = np.clip(told.begin_us, business.begin_us, business.end_us)
    keys = (told.store << bits) + starts - business.begin_us
    for first in range(0, len(counts), _AT_ONCE):
        rows = np.arange(first, min(first + _AT_ONCE, len(counts)))[:, np.newaxis]
        at = business.before(schedule[rows], edges)
        ahead = (rows << bits) + edges - business.begin_us
        row = np.searchsorted(keys, ahead, side="right") - 1
        known = np.maximum(row, 0)
        mine = (row >= 0) & (told.store[known] == rows) if len(keys) else row > row
        reached = np.zeros_like(at)
        if len(keys):
            partly = np.minimum(at, end[known]) - begin[known]
            reached = np.where(mine, covered[known] + partly, 0)
            before = covered[np.searchsorted(told.store, rows)]
            reached = np.where(mine, reached - before, 0)
        in_business = np.diff(at, axis=1) > 0
        yield (
            slice(first, first + len(rows)),
            in_business,
            in_business & (np.diff(reached, axis=1) == 0),
        )


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
