"""The accounting: how long each store was up, down or unobserved while open.

Pure. Comes from ``history`` (polls) and ``schedule`` (open intervals); leads
to ``report``. The rules and worked examples: ``docs/accounting.md``.

All stores are computed at once with numpy. For every schedule there is a
function B(t), the business microseconds before t: piecewise linear and never
falling, so a status that held over ``[s, e)`` covers ``B(e) - B(max(s, w))`` of
the business time of the window that begins at w.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streamproc.rules import history
from streamproc.rules.calendar import open_intervals
from streamproc.rules.schedule import DAY_US, Schedule

Ints = npt.NDArray[np.int64]

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DEFAULT_HOLD_US = HOUR_US

WINDOWS_US = {"hour": HOUR_US, "day": DAY_US, "week": 7 * DAY_US}
"""Windows by elapsed time; each ends at ``as_of``. The longest comes last."""

LONGEST_US = max(WINDOWS_US.values())
_OFFSET_BITS = LONGEST_US.bit_length()


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


class Calendars:
    """B(t) of many schedules over the longest window before ``as_of_us``.

    All open intervals lie in one sorted array: the schedule's number in the
    high bits, the microseconds since the window's start in the low ones. One
    binary search then answers for any mix of schedules.
    """

    def __init__(
        self, schedules: Sequence[Sequence[tuple[int, int]]], as_of_us: int
    ) -> None:
        """``schedules``: each one's open intervals, see ``open_intervals``."""
        self.as_of_us = as_of_us
        self.begin_us = as_of_us - LONGEST_US
        starts: list[int] = []
        lengths: list[int] = []
        before: list[int] = []
        for number, intervals in enumerate(schedules):
            base = number << _OFFSET_BITS
            total = 0
            # A closed mark at the window's start keeps searches in their schedule.
            starts.append(base)
            lengths.append(0)
            before.append(0)
            for start, end in intervals:
                starts.append(base + start - self.begin_us)
                lengths.append(end - start)
                before.append(total)
                total += end - start
        self._starts = np.array(starts, np.int64)
        self._lengths = np.array(lengths, np.int64)
        self._before = np.array(before, np.int64)

    def before(self, schedule: Ints, time_us: Ints) -> Ints:
        """B(t), elementwise; times outside the longest window are clipped to it."""
        offset = np.clip(time_us, self.begin_us, self.as_of_us) - self.begin_us
        keys = (schedule << _OFFSET_BITS) + offset
        at = np.searchsorted(self._starts, keys, side="right") - 1
        inside = np.minimum(keys - self._starts[at], self._lengths[at])
        total: Ints = self._before[at] + inside
        return total


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
    packed: Ints, counts: Ints, schedule: Ints, calendars: Calendars, rules: Rules
) -> Accounts:
    """Account all stores at once.

    ``packed``: every store's polls after one another, each store's in time
    order and without repeats (see ``history``). ``counts``: shape (n,), polls
    per store. ``schedule``: shape (n,), each store's number in ``calendars``.
    """
    as_of_us, stores = calendars.as_of_us, len(counts)
    store = np.repeat(np.arange(stores), counts)
    known = (packed >> history.FLAG_BITS) < as_of_us
    if not known.all():
        packed, store = packed[known], store[known]
        counts = np.bincount(store, minlength=stores)
    edges = np.concatenate(([0], np.cumsum(counts)))
    start, end = _spans(packed, store, as_of_us, rules)
    own = schedule[store]
    b_start, b_end = calendars.before(own, start), calendars.before(own, end)
    b_as_of = calendars.before(schedule, np.full(stores, as_of_us))
    active = packed & history.ACTIVE
    up, down, opened = [], [], []
    for length in WINDOWS_US.values():
        b_window = calendars.before(schedule, np.full(stores, as_of_us - length))
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
        Calendars([intervals], as_of_us),
        rules,
    )
    return {
        window: Uptime(
            int(figures.up[i, 0]), int(figures.down[i, 0]), int(figures.open[i, 0])
        )
        for i, window in enumerate(WINDOWS_US)
    }
