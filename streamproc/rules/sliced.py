"""Accounts of many stores between edges: days, weeks or months of a period. Pure.

Comes from ``period_edges`` and ``statuses``; leads to reports of periods. Each status
is cut where slices meet; the rules of ``uptime`` and ``incidents`` then hold for each
store and slice as they do for a store.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from streamproc.rules.incidents import outages_of_each, spoken_time
from streamproc.rules.statuses import Statuses
from streamproc.rules.uptime import Rules, Times, sums, what_is_told


@dataclass(frozen=True, slots=True)
class Sliced:
    """The figures of n stores in k slices, in microseconds; all of shape (n, k).

    ``excluded`` is part of ``open``. ``incidents``: those with down time in the slice;
    ``longest``: by its down time in it.
    """

    up: Ints
    down: Ints
    open: Ints
    excluded: Ints
    incidents: Ints
    longest: Ints


def account_slicings(
    packed: Ints,
    counts: Ints,
    schedule: Ints,
    times: Times,
    rules: Rules,
    edges_us: Sequence[Ints],
    bridge_us: int,
) -> list[Sliced]:
    """Account all stores in slices of their own, in several ways: of one walk.

    ``packed``: every store's polls that are known, those after the last slice, too.
    ``counts``, ``schedule``: as in ``uptime.account``. ``edges_us``: of each way, shape
    (n, k + 1), rising, within the span of ``times``; slice i of a store is from its
    edge i up to its edge i + 1.
    """
    store = np.repeat(np.arange(len(counts)), counts)
    told = what_is_told(packed, store, schedule, times, rules)
    return [_sliced(told, schedule, times, each, bridge_us) for each in edges_us]


def _sliced(
    told: Statuses, schedule: Ints, times: Times, edges_us: Ints, bridge_us: int
) -> Sliced:
    shape = len(schedule), edges_us.shape[1] - 1
    cells = _cut(told, edges_us)
    own = np.repeat(schedule, shape[1])
    spoken = spoken_time(cells, own, times.business)
    covered = spoken.end - spoken.begin
    bounds = np.searchsorted(spoken.store, np.arange(len(own) + 1))
    all_us, up_us = sums(covered, bounds), sums(covered * spoken.up, bounds)
    opened = _between(times.opened.before(schedule[:, np.newaxis], edges_us))
    counted = _between(times.business.before(schedule[:, np.newaxis], edges_us))
    found = outages_of_each(spoken, len(own), bridge_us)
    return Sliced(
        up_us.reshape(shape),
        (all_us - up_us).reshape(shape),
        opened,
        opened - counted,
        found.count.reshape(shape),
        found.longest_us.reshape(shape),
    )


def _between(at_edges: Ints) -> Ints:
    """What grows from each edge to the next."""
    grown: Ints = np.diff(at_edges, axis=1)
    return grown


def _cut(told: Statuses, edges_us: Ints) -> Statuses:
    """The statuses cut at the edges; the number of store and slice is their store's.

    What lies outside of all slices is left out.
    """
    slices = edges_us.shape[1] - 1
    if slices == 1:  # no need to search
        begins_us, ends_us = edges_us[:, 0][told.store], edges_us[:, 1][told.store]
        inside = (told.begin_us < ends_us) & (told.end_us > begins_us)
        row, slice_ = np.flatnonzero(inside), np.zeros(1, np.int64)
    else:
        row, slice_ = _pieces(told, edges_us)
    store = told.store[row]
    return Statuses(
        store * slices + slice_,
        np.maximum(told.begin_us[row], edges_us[store, slice_]),
        np.minimum(told.end_us[row], edges_us[store, slice_ + 1]),
        told.up[row],
    )


def _pieces(told: Statuses, edges_us: Ints) -> tuple[Ints, Ints]:
    """Of each piece between neighbouring edges: which status it is of, which slice."""
    first = _slice_at(told.store, told.begin_us, edges_us)
    last = _slice_at(told.store, told.end_us - 1, edges_us)
    first, last = np.maximum(first, 0), np.minimum(last, edges_us.shape[1] - 2)
    pieces = np.maximum(last - first + 1, 0)
    row = np.repeat(np.arange(len(pieces)), pieces)
    slice_ = np.arange(len(row)) - np.repeat(np.cumsum(pieces) - pieces - first, pieces)
    return row, slice_


def _slice_at(store: Ints, time_us: Ints, edges_us: Ints) -> Ints:
    """The slice that holds an instant of a store; -1 before all of them.

    Of slices without length that begin there, none. ``store``: ascending.
    """
    found = np.empty(len(store), np.int64)
    if not len(store):
        return found
    begin_us = int(edges_us.min()) - 1
    span_us = int(edges_us.max()) - begin_us + 1
    at_once = _MOST // span_us
    for first in range(0, len(edges_us), at_once):
        own_us = edges_us[first : first + at_once]
        # All edges in one sorted array, a span for each store: one search answers all.
        begins_us = np.arange(len(own_us))[:, np.newaxis] * span_us - begin_us
        rows = slice(*np.searchsorted(store, (first, first + len(own_us))))
        which = store[rows] - first
        asked_us = np.clip(time_us[rows], begin_us, begin_us + span_us - 1)
        keys = which * span_us + asked_us - begin_us
        before = np.searchsorted((own_us + begins_us).ravel(), keys, side="right")
        found[rows] = before - which * edges_us.shape[1] - 1
    return found


_MOST = 1 << 62
"""What a key may reach."""
