"""The accounting: how long each store was up, down or unobserved while open.

Pure. Comes from ``history`` (polls) and ``business`` (B(t) of each schedule); leads
to ``report``. The rules and worked examples: ``docs/accounting.md``.

All stores are computed at once with numpy: a status that held over ``[s, e)`` covers
``B(e) - B(max(s, w))`` of the business time of the window that begins at w.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import overload

import numpy as np
import numpy.typing as npt

from streamproc.cells import Ints
from streamproc.rules import packing
from streamproc.rules.business import BusinessTime
from streamproc.rules.exclusions import Correction
from streamproc.rules.statuses import Statuses, corrected
from streamproc.rules.units import HOUR_US
from streamproc.rules.windows import WINDOWS, Window

DEFAULT_HOLD_US = HOUR_US


@dataclass(frozen=True, slots=True)
class Rules:
    """How long a poll speaks.

    ``hold_us``: at most this long after the poll; None means until the next.
    ``backfill``: the first known poll also covers the time before it.
    """

    hold_us: int | None = DEFAULT_HOLD_US
    backfill: bool = False

    @overload
    def until(self, time_us: int, next_us: int) -> int: ...
    @overload
    def until(self, time_us: Ints, next_us: Ints | int) -> Ints: ...
    def until(self, time_us: int | Ints, next_us: int | Ints) -> int | Ints:
        """Until when polls speak, before their next ones (or ``as_of``) at the latest.

        One or many: ``time_us`` and ``next_us`` of shape (n,), or one for all.
        """
        if self.hold_us is None:
            return next_us
        held_us = time_us + self.hold_us
        if isinstance(held_us, int) and isinstance(next_us, int):
            return min(next_us, held_us)
        return np.minimum(next_us, held_us)

    def speaks(self, time_us: Ints, at_us: int) -> npt.NDArray[np.bool_]:
        """Whether polls without a next one speak at an instant, shape (n,)."""
        return np.asarray(self.until(time_us, at_us + 1)) > at_us


@dataclass(frozen=True, slots=True)
class Uptime:
    """One store's business time within one window, in microseconds."""

    up_us: int
    down_us: int
    open_us: int
    excluded_us: int = 0

    @property
    def unknown_us(self) -> int:
        """Business time that no poll covers: neither up nor down."""
        return self.open_us - self.excluded_us - self.up_us - self.down_us

    def plus(self, other: "Uptime") -> "Uptime":
        """The sums of two stores."""
        return Uptime(
            self.up_us + other.up_us,
            self.down_us + other.down_us,
            self.open_us + other.open_us,
            self.excluded_us + other.excluded_us,
        )


@dataclass(frozen=True, slots=True)
class Accounts:
    """The figures of n stores.

    ``up``, ``down``, ``open`` and ``excluded``: shape (windows, n), microseconds;
    what is excluded is part of what is open.
    ``last``: shape (n,), each store's last packed poll before ``as_of``, or -1.
    """

    up: Ints
    down: Ints
    open: Ints
    excluded: Ints
    last: Ints

    @classmethod
    def join(cls, parts: "Sequence[Accounts]") -> "Accounts":
        """Stores after one another; of one part at least."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.up for part in parts], axis=1),
            np.concatenate([part.down for part in parts], axis=1),
            np.concatenate([part.open for part in parts], axis=1),
            np.concatenate([part.excluded for part in parts], axis=1),
            np.concatenate([part.last for part in parts]),
        )


@dataclass(frozen=True, slots=True)
class Times:
    """The time that counts, of many stores by the number of their schedule.

    ``opened``: all open time. ``business``: the same less what is excluded, over the
    same span. ``corrections``: of each schedule, in order and without overlaps.
    """

    opened: BusinessTime
    business: BusinessTime
    corrections: Sequence[Sequence[Correction]] = ()

    @classmethod
    def plain(cls, opened: BusinessTime) -> "Times":
        """Nothing is excluded, nothing put right."""
        return cls(opened, opened)

    def of_each(self, schedule: Ints) -> Sequence[Sequence[Correction]]:
        """The corrections of each store; empty when there is none at all."""
        if not any(self.corrections):
            return ()
        return [self.corrections[number] for number in schedule.tolist()]


def _polled(
    packed: Ints, store: Ints, business: BusinessTime, rules: Rules
) -> Statuses:
    """What the polls say, from when until when, up to the end of ``business``.

    ``packed``: polls before that end, each store's in time order. ``store``: shape
    as ``packed``, the number of each one's store, ascending.
    """
    start = packing.time_of(packed)
    following = np.full_like(start, business.end_us)
    followed = store[1:] == store[:-1]
    following[:-1][followed] = start[1:][followed]
    end = rules.until(start, following)
    if rules.backfill and len(start):
        first = np.concatenate(([True], ~followed))
        start[first] = np.minimum(start[first], business.begin_us)
    return Statuses(store, start, end, packing.is_active(packed))


def sums(values: Ints, edges: Ints) -> Ints:
    """Sum of each run ``values[edges[i]:edges[i+1]]``; exact, empty runs are 0."""
    running = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=running[1:])
    between: Ints = running[edges[1:]] - running[edges[:-1]]
    return between


def account(
    packed: Ints,
    counts: Ints,
    schedule: Ints,
    times: Times,
    rules: Rules,
    windows: Sequence[Window] = WINDOWS,
) -> Accounts:
    """Account many stores, some thousand polls at a time.

    ``packed``: every store's polls after one another, each store's in time
    order and without repeats (see ``history``). ``counts``: shape (n,), polls
    per store. ``schedule``: shape (n,), each store's number in ``times``, which
    covers the longest of the ``windows`` before ``as_of``.
    """
    edges = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
    # What is computed of so many stays in the processor's cache: twice as fast.
    cuts = np.flatnonzero(np.diff(edges[1:] // _POLLS_AT_ONCE)) + 1
    bounds = [0, *cuts.tolist(), len(counts)]
    return Accounts.join(
        [
            _account(
                packed[edges[a] : edges[b]],
                *(counts[a:b], schedule[a:b], times, rules, windows),
            )
            for a, b in pairwise(bounds)
        ]
    )


_POLLS_AT_ONCE = 32_768


def _account(
    packed: Ints,
    counts: Ints,
    schedule: Ints,
    times: Times,
    rules: Rules,
    windows: Sequence[Window],
) -> Accounts:
    """Account all of them at once."""
    business, stores = times.business, len(counts)
    packed, store = known_polls(packed, counts, times)
    told = what_is_told(packed, store, schedule, times, rules)
    begins = np.array([business.end_us - window.length_us for window in windows])
    b_windows = business.within(schedule, begins)
    up, down = _covered(told, schedule, business, begins, b_windows)
    opened = b_windows
    if times.opened is not business:
        opened = times.opened.within(schedule, begins)
    last = _last(packed, store, stores)
    return Accounts(up, down, opened, opened - b_windows, last)


def _covered(
    told: Statuses,
    schedule: Ints,
    business: BusinessTime,
    begins_us: Ints,
    b_windows: Ints,
) -> tuple[Ints, Ints]:
    """Up and down time of each window and store, shape (windows, n).

    ``begins_us``: shape (windows,). ``b_windows``: business time of each window.
    """
    stores = np.arange(len(schedule) + 1)
    b_begin, b_end = business.spans(schedule[told.store], told.begin_us, told.end_us)
    b_first = business.before(schedule, business.end_us) - b_windows
    up, down = [], []
    for begin_us, first in zip(begins_us.tolist(), b_first, strict=True):
        within: slice | Ints = slice(None)
        if begin_us > business.begin_us:  # short windows look at few of the statuses
            within = np.flatnonzero(told.end_us > begin_us)
        store, is_up = told.store[within], told.up[within]
        covered = np.maximum(b_begin[within], first[store])
        covered = np.maximum(b_end[within] - covered, 0)
        edges = np.searchsorted(store, stores)
        all_us, up_us = sums(covered, edges), sums(covered * is_up, edges)
        up.append(up_us)
        down.append(all_us - up_us)
    return np.array(up), np.array(down)


def known_polls(packed: Ints, counts: Ints, times: Times) -> tuple[Ints, Ints]:
    """The polls before the end, and the number of each one's store."""
    store = np.repeat(np.arange(len(counts)), counts)
    known = packing.time_of(packed) < times.business.end_us
    if known.all():
        return packed, store
    return packed[known], store[known]


def statuses(
    packed: Ints, counts: Ints, schedule: Ints, times: Times, rules: Rules
) -> Statuses:
    """What is known of all stores: what the polls say, where nobody put it right.

    The arguments are those of ``account``.
    """
    return what_is_told(*known_polls(packed, counts, times), schedule, times, rules)


def what_is_told(
    packed: Ints, store: Ints, schedule: Ints, times: Times, rules: Rules
) -> Statuses:
    """What is known of all stores, of all polls that are handed in.

    ``store``: shape as ``packed``, the number of each one's store, ascending.
    """
    told = _polled(packed, store, times.business, rules)
    return corrected(told, times.of_each(schedule))


def _last(packed: Ints, store: Ints, stores: int) -> Ints:
    """Each store's last packed poll, or -1."""
    last = np.full(stores, -1, np.int64)
    last[store] = packed  # of several the last one counts
    return last
