"""Incidents: outages in business time, of all stores at once. Pure.

Comes from ``history`` (polls) and ``business`` (time that is open and not excluded).
The rule and its examples: ``docs/accounting.md``. In business time closed time does
not exist, so an incident is a run of down spans with no gap longer than ``bridge``
between them: comparisons of neighbours. Only its ends go back to the clock.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streamproc.cells import Ints
from streamproc.rules import packing
from streamproc.rules.business import BusinessTime
from streamproc.rules.statuses import Statuses
from streamproc.rules.uptime import Rules, Times, what_is_told

Flags = npt.NDArray[np.bool_]

NONE = -1
"""No end yet, or no active poll before."""

DEFAULT_BRIDGE_US = 10 * 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class Incidents:
    """The incidents of many stores as columns, by store and start; shape (m,).

    ``store``: the store's number. ``start_us``: the first down instant.
    ``end_us``: the first up instant, or where an unknown piece longer than the bridge
    begins; NONE while it goes on. ``started_after_us``: the last active poll before
    the start, or NONE. ``down_us`` and ``unknown_us``: business time of either kind
    within. ``wall_us``: time on the clock from start to end, or to now.
    ``by_up``: whether it was ended by an up instant.
    """

    store: Ints
    start_us: Ints
    end_us: Ints
    started_after_us: Ints
    down_us: Ints
    unknown_us: Ints
    wall_us: Ints
    by_up: Flags

    def __len__(self) -> int:
        return len(self.store)


@dataclass(frozen=True, slots=True)
class Spoken:
    """Statuses that cover some business time, in order; shape (k,).

    ``begin`` and ``end``: in business time. ``gap``: business time without a status
    after it, up to the store's next one or to now. ``followed``: whether there is a
    next one.
    """

    store: Ints
    begin: Ints
    end: Ints
    gap: Ints
    up: Flags
    followed: Flags

    @property
    def length(self) -> Ints:
        """Business time that each of them covers."""
        return self.end - self.begin

    def bridged(self, bridge_us: int) -> Ints:
        """Business time without data after each of them that an incident goes over."""
        return np.where(self.gap <= bridge_us, self.gap, 0)


def incidents(
    packed: Ints,
    counts: Ints,
    schedule: Ints,
    times: Times,
    rules: Rules,
    bridge_us: int = DEFAULT_BRIDGE_US,
) -> Incidents:
    """All incidents of all stores within the span of ``times``, as of its end.

    ``packed``: every store's polls that are known; one after the span may be backfilled
    into it. ``counts``, ``schedule``: as in ``uptime.account``.
    """
    business = times.business
    store = np.repeat(np.arange(len(counts)), counts)
    told = what_is_told(packed, store, schedule, times, rules)
    spoken = spoken_time(told, schedule, business)
    first, last = runs(spoken, bridge_us)
    short = spoken.gap[last] <= bridge_us
    by_up = spoken.followed[last] & short
    ongoing = ~spoken.followed[last] & short
    whose = spoken.store[first]
    own, end = schedule[whose], _ends(spoken, last, by_up)
    start_us = business.first_instant(own, spoken.begin[first])
    end_us = np.where(ongoing, business.end_us, business.first_instant(own, end))
    return Incidents(
        whose,
        start_us,
        np.where(ongoing, NONE, end_us),
        _last_active(packed, store, whose, start_us),
        _summed(spoken.length, first, last),
        _summed(spoken.bridged(bridge_us), first, last),
        end_us - start_us,
        by_up,
    )


@dataclass(frozen=True, slots=True)
class OutagesOfEach:
    """How many incidents each store has, and the down time of its longest one."""

    count: Ints
    longest_us: Ints


def outages_of_each(spoken: Spoken, stores: int, bridge_us: int) -> OutagesOfEach:
    """The incidents of each store, counted; shape (stores,)."""
    first, last = runs(spoken, bridge_us)
    down = _summed(spoken.length, first, last)
    longest = np.zeros(stores, np.int64)
    np.maximum.at(longest, spoken.store[first], down)
    count = np.bincount(spoken.store[first], minlength=stores)
    return OutagesOfEach(count, longest)


def up_within(
    packed: Ints,
    counts: Ints,
    schedule: Ints,
    times: Times,
    rules: Rules,
    begin_us: Ints,
    end_us: Ints,
) -> Ints:
    """Up time of each store within its own ``[begin_us, end_us)``, in microseconds.

    The polls are those of ``incidents``. ``begin_us``, ``end_us``, and what is
    returned: shape (n,).
    """
    business = times.business
    store = np.repeat(np.arange(len(counts)), counts)
    told = what_is_told(packed, store, schedule, times, rules)
    own = schedule[told.store]
    first = np.maximum(told.begin_us, begin_us[told.store])
    last = np.minimum(told.end_us, end_us[told.store])
    covered = business.before(own, last) - business.before(own, first)
    up = np.zeros(len(counts), np.int64)
    np.add.at(up, told.store, np.where(told.up, np.maximum(covered, 0), 0))
    return up


def spoken_time(told: Statuses, schedule: Ints, business: BusinessTime) -> Spoken:
    """The statuses in business time; what covers none of it is left out."""
    begin, end = business.spans(schedule[told.store], told.begin_us, told.end_us)
    speaks = np.flatnonzero(end > begin)
    begin, end, store = begin[speaks], end[speaks], told.store[speaks]
    followed = np.zeros(len(store), bool)
    followed[:-1] = store[1:] == store[:-1]
    until = np.roll(begin, -1)
    until[~followed] = business.before(schedule[store[~followed]], business.end_us)
    gap = until - end
    return Spoken(store, begin, end, gap, told.up[speaks], followed)


def runs(spoken: Spoken, bridge_us: int) -> tuple[Ints, Ints]:
    """First and last status of each incident, by position; all between are down."""
    down = ~spoken.up
    goes_on = down & spoken.followed & (spoken.gap <= bridge_us)
    goes_on[:-1] &= down[1:]
    joined = np.zeros(len(down), bool)
    joined[1:] = goes_on[:-1]
    return np.flatnonzero(down & ~joined), np.flatnonzero(down & ~goes_on)


def _ends(spoken: Spoken, last: Ints, by_up: Flags) -> Ints:
    """Where each incident ends: where its store is up again, or speaks no more."""
    following = np.minimum(last + 1, max(len(spoken.store) - 1, 0))
    return np.where(by_up, spoken.begin[following], spoken.end[last])


def _last_active(packed: Ints, store: Ints, of_store: Ints, before_us: Ints) -> Ints:
    """Time of each store's newest active poll before an instant, or NONE."""
    active = packing.is_active(packed)
    known = Statuses(
        store[active],
        packing.time_of(packed[active]) + 1,
        np.full(np.count_nonzero(active), np.iinfo(np.int64).max),
        np.ones(np.count_nonzero(active), bool),
    )
    row, found = known.holding(of_store, before_us)
    return np.where(found, known.begin_us[row] - 1 if len(known) else NONE, NONE)


def _summed(values: Ints, first: Ints, last: Ints) -> Ints:
    """Sum of each run ``values[first] .. values[last]``."""
    running = np.concatenate((np.zeros(1, np.int64), np.cumsum(values)))
    sums: Ints = running[last + 1] - running[first]
    return sums
