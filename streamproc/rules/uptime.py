"""The accounting: how long each store was up, down or unobserved while open.

Pure. Comes from ``history`` (polls) and ``business`` (B(t) of each schedule); leads
to ``report``. The rules and worked examples: ``docs/accounting.md``.

All stores are computed at once with numpy: a status that held over ``[s, e)`` covers
``B(e) - B(max(s, w))`` of the business time of the window that begins at w.
"""

from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt

from streamproc.cells import Ints
from streamproc.rules import history
from streamproc.rules.business import BusinessTime
from streamproc.rules.calendar import open_intervals
from streamproc.rules.schedule import Schedule
from streamproc.rules.units import HOUR_US
from streamproc.rules.windows import LONGEST_US, WINDOWS

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

    @property
    def unknown_us(self) -> int:
        """Business time that no poll covers: neither up nor down."""
        return self.open_us - self.up_us - self.down_us


@dataclass(frozen=True, slots=True)
class Accounts:
    """The figures of n stores.

    ``up``, ``down`` and ``open``: shape (windows, n), microseconds.
    ``last``: shape (n,), each store's last packed poll before ``as_of``, or -1.
    """

    up: Ints
    down: Ints
    open: Ints
    last: Ints


def window_intervals(
    openings: Schedule, zone: str, as_of_us: int
) -> list[tuple[int, int]]:
    """Open intervals within the longest window that ends at ``as_of_us``."""
    return open_intervals(openings, zone, as_of_us - LONGEST_US, as_of_us)


def _spans(packed: Ints, store: Ints, as_of_us: int, rules: Rules) -> tuple[Ints, Ints]:
    """Start and end of each poll's status, before clipping to any window."""
    start = history.time_of(packed)
    following = np.full_like(start, as_of_us)
    followed = store[1:] == store[:-1]
    following[:-1][followed] = start[1:][followed]
    end = rules.until(start, following)
    if rules.backfill and len(start):
        first = np.concatenate(([True], ~followed))
        start[first] = np.minimum(start[first], as_of_us - LONGEST_US)
    return start, end


def _sums(values: Ints, edges: Ints) -> Ints:
    """Sum of each run ``values[edges[i]:edges[i+1]]``; exact, empty runs are 0."""
    running = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=running[1:])
    sums: Ints = running[edges[1:]] - running[edges[:-1]]
    return sums


def account(
    packed: Ints, counts: Ints, schedule: Ints, business: BusinessTime, rules: Rules
) -> Accounts:
    """Account all stores at once.

    ``packed``: every store's polls after one another, each store's in time
    order and without repeats (see ``history``). ``counts``: shape (n,), polls
    per store. ``schedule``: shape (n,), each store's number in ``business``, which
    covers the longest window before ``as_of``.
    """
    as_of_us, stores = business.end_us, len(counts)
    store = np.repeat(np.arange(stores), counts)
    known = history.time_of(packed) < as_of_us
    if not known.all():
        packed, store = packed[known], store[known]
        counts = np.bincount(store, minlength=stores)
    edges = np.concatenate(([0], np.cumsum(counts)))
    start, end = _spans(packed, store, as_of_us, rules)
    own = schedule[store]
    b_start, b_end = business.before(own, start), business.before(own, end)
    b_as_of = business.before(schedule, np.full(stores, as_of_us))
    active = history.is_active(packed)
    up, down, opened = [], [], []
    for window in WINDOWS:
        b_window = business.before(
            schedule, np.full(stores, as_of_us - window.length_us)
        )
        covered = np.maximum(b_end - np.maximum(b_start, b_window[store]), 0)
        all_us, up_us = _sums(covered, edges), _sums(covered * active, edges)
        up.append(up_us)
        down.append(all_us - up_us)
        opened.append(b_as_of - b_window)
    last = np.full(stores, -1, np.int64)
    polled = counts > 0
    last[polled] = packed[edges[1:][polled] - 1]
    return Accounts(np.array(up), np.array(down), np.array(opened), last)
