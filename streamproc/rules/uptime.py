"""The accounting: how long each store was up, down or unobserved while open.

Pure. Comes from ``history`` (polls) and ``business`` (B(t) of each schedule); leads
to ``report``. The rules and worked examples: ``docs/accounting.md``.

All stores are computed at once with numpy: a status that held over ``[s, e)`` covers
``B(e) - B(max(s, w))`` of the business time of the window that begins at w.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from streamproc.rules import history
from streamproc.rules.business import BusinessTime
from streamproc.rules.calendar import open_intervals
from streamproc.rules.schedule import DAY_US, Schedule

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DEFAULT_HOLD_US = HOUR_US

WINDOWS_US = {"hour": HOUR_US, "day": DAY_US, "week": 7 * DAY_US}
"""Windows by elapsed time; each ends at ``as_of``. The longest comes last."""

LONGEST_US = max(WINDOWS_US.values())


@dataclass(frozen=True, slots=True)
class Rules:
    """How long a poll speaks.

    ``hold_us``: at most this long after the poll; None means until the next.
    ``backfill``: the first known poll also covers the time before it.
    """

    hold_us: int | None = DEFAULT_HOLD_US
    backfill: bool = False


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
    start = packed >> history.FLAG_BITS
    end = np.full_like(start, as_of_us)
    followed = store[1:] == store[:-1]
    end[:-1][followed] = start[1:][followed]
    if rules.hold_us is not None:
        np.minimum(end, start + rules.hold_us, out=end)
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
    known = (packed >> history.FLAG_BITS) < as_of_us
    if not known.all():
        packed, store = packed[known], store[known]
        counts = np.bincount(store, minlength=stores)
    edges = np.concatenate(([0], np.cumsum(counts)))
    start, end = _spans(packed, store, as_of_us, rules)
    own = schedule[store]
    b_start, b_end = business.before(own, start), business.before(own, end)
    b_as_of = business.before(schedule, np.full(stores, as_of_us))
    active = packed & history.ACTIVE
    up, down, opened = [], [], []
    for length in WINDOWS_US.values():
        b_window = business.before(schedule, np.full(stores, as_of_us - length))
        covered = np.maximum(b_end - np.maximum(b_start, b_window[store]), 0)
        all_us, up_us = _sums(covered, edges), _sums(covered * active, edges)
        up.append(up_us)
        down.append(all_us - up_us)
        opened.append(b_as_of - b_window)
    last = np.full(stores, -1, np.int64)
    polled = counts > 0
    last[polled] = packed[edges[1:][polled] - 1]
    return Accounts(np.array(up), np.array(down), np.array(opened), last)


def account_one(
    polls: Iterable[tuple[int, bool]],
    openings: Schedule,
    zone: str,
    as_of_us: int,
    rules: Rules,
) -> dict[str, Uptime]:
    """Account one store from its polls ``(time_us, active)``, in any order."""
    packed = history.canonical(history.pack(polls))
    intervals = window_intervals(openings, zone, as_of_us)
    figures = account(
        packed,
        np.array([len(packed)], np.int64),
        np.zeros(1, np.int64),
        BusinessTime([intervals], as_of_us - LONGEST_US, as_of_us),
        rules,
    )
    return {
        window: Uptime(
            int(figures.up[i, 0]), int(figures.down[i, 0]), int(figures.open[i, 0])
        )
        for i, window in enumerate(WINDOWS_US)
    }
