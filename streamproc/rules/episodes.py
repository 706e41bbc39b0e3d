"""What happened to stores: their outages and silences, of all stores at once. Pure.

Comes from ``history`` (polls) and ``business`` (time that is open and not excluded);
leads to ``transitions``, which says what of it is to be told. It follows from the polls
alone, whoever looked when: an outage goes from the confirming poll to the first up
instant, a silence from the end of its limit to the next poll.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np

from streamproc.cells import Ints
from streamproc.rules import packing
from streamproc.rules.incidents import Spoken, runs, spoken_time
from streamproc.rules.newest import newest_at
from streamproc.rules.packing import Flags
from streamproc.rules.uptime import Rules, Times, known_polls, statuses
from streamproc.rules.usual import (
    LONGEST_GAP_MS,
    USUAL_GAPS,
    silent_limit_us,
    usual_us,
)

NEVER = -1
"""Not yet."""

Limit = Callable[[Ints], int]
"""From the gaps between a store's polls to how long it may not be heard."""

T = TypeVar("T")

_NO_GAPS = np.zeros(0, np.int64)


class Outage(NamedTuple):
    """An outage as it is told, in microseconds.

    ``at_us``: when it was confirmed, in business time. ``since_us``: begin of the
    incident. ``until_us``: the first up instant after, or NEVER. ``down_us``: business
    time that was down from ``since_us`` on.
    """

    at_us: int
    since_us: int
    until_us: int
    down_us: int


class Silence(NamedTuple):
    """A store that was not heard for longer than its limit, in microseconds.

    ``at_us``: the end of the limit. ``since_us``: the poll before. ``until_us``: the
    first business instant with the next poll, or NEVER; ``heard_us``: that poll.
    """

    at_us: int
    since_us: int
    until_us: int
    heard_us: int


@dataclass(frozen=True, slots=True)
class Episodes:
    """What happened to one store, and when it was polled.

    ``known_us``: since when its polls are at hand. ``first_up_us``: the first up
    instant from then on, or NEVER. ``polls``: their times, in order. ``spoken``: for
    each the first business instant from it on, or NEVER.
    """

    known_us: int
    first_up_us: int
    outages: list[Outage]
    silences: list[Silence]
    polls: Ints
    spoken: Ints


def episodes(
    packed: Ints,
    counts: Ints,
    schedule: Ints,
    times: Times,
    rules: Rules,
    bridge_us: int,
    confirm: int,
) -> Iterator[Episodes]:
    """What happened to each store within the span of ``times``, in their order.

    ``packed``, ``counts``, ``schedule``: as in ``uptime.account``. ``confirm``: how
    many inactive polls in a row make an outage.
    """
    business, stores = times.business, len(counts)
    rules = replace(rules, backfill=False)  # what nobody has seen is not told
    packed, store = known_polls(packed, counts, times)
    known = np.bincount(store, minlength=stores)
    told = statuses(packed, known, schedule, times, rules)
    spoken = spoken_time(told, schedule, business)
    begins = business.first_instant(schedule[spoken.store], spoken.begin)
    confirmed = ~spoken.up & _confirmed(packed, store, spoken.store, begins, confirm)
    outages = _outages(spoken, begins, confirmed, bridge_us)
    ups = _first_ups(spoken, begins, stores).tolist()
    heard = _Heard.of(packed, store, schedule, times)
    silences = _silences(heard, schedule, times, limit_of(rules, bridge_us))
    edges = np.searchsorted(store, np.arange(stores + 1)).tolist()
    for number, (first, end) in enumerate(pairwise(edges)):
        yield Episodes(
            business.begin_us,
            ups[number],
            outages.get(number, []),
            silences.get(number, []),
            heard.time_us[first:end],
            heard.instant_us[first:end],
        )


def _first_ups(spoken: Spoken, begins: Ints, stores: int) -> Ints:
    """The first up instant of each store, or NEVER."""
    found = np.full(stores, NEVER, np.int64)
    up = np.flatnonzero(spoken.up)[::-1]
    found[spoken.store[up]] = begins[up]  # of several the first one counts
    return found


def _confirmed(
    packed: Ints, store: Ints, of_store: Ints, at_us: Ints, confirm: int
) -> Flags:
    """Whether the newest polls of stores at an instant are enough inactive ones."""
    if not len(packed):
        return np.zeros(len(at_us), bool)
    row, known = newest_at(store, packing.time_of(packed), of_store, at_us)
    enough: Flags = _streaks(packed, store, confirm)[row] >= confirm
    return enough & known


def _streaks(packed: Ints, store: Ints, confirm: int) -> Ints:
    """How many inactive polls in a row each poll is the last of; shape (polls,).

    Where some were left out between two of the same status, there were enough.
    """
    active = packing.is_active(packed)
    weight = np.where(packing.is_thinned(packed), confirm, 1)
    total = np.cumsum(np.where(active, 0, weight))
    first = np.ones(len(packed), bool)
    first[1:] = store[1:] != store[:-1]
    resets = np.where(active, total, np.where(first, total - weight, 0))
    streaks: Ints = total - np.maximum.accumulate(resets)
    return streaks


def _outages(
    spoken: Spoken, begins: Ints, confirmed: Flags, bridge_us: int
) -> dict[int, list[Outage]]:
    """The outages of each store that has any, by its number."""
    telling = np.flatnonzero(spoken.up | confirmed)
    up, whose = spoken.up[telling], spoken.store[telling]
    after_down = np.zeros(len(telling), bool)
    after_down[1:] = (whose[1:] == whose[:-1]) & ~up[:-1]
    begun, ended = telling[~up & ~after_down], telling[up & after_down]
    down_us = np.where(spoken.up, 0, spoken.end - spoken.begin)
    running = np.concatenate((np.zeros(1, np.int64), np.cumsum(down_us)))
    first, _ = runs(spoken, bridge_us)
    since = first[np.searchsorted(first, begun, side="right") - 1]
    # Every outage but a store's last one has an end, so they stand side by side.
    at = np.searchsorted(ended, begun)
    end = np.append(ended, 0)[at]
    over = (at < len(ended)) & (spoken.store[end] == spoken.store[begun])
    stop = np.where(
        over, end, np.searchsorted(spoken.store, spoken.store[begun], side="right")
    )
    columns = (
        begins[begun],
        begins[since],
        np.where(over, begins[end], NEVER),
        running[stop] - running[since],
    )
    return _by_store(spoken.store[begun], [Outage(*row) for row in _rows(columns)])


@dataclass(frozen=True, slots=True)
class _Heard:
    """All polls, by store and time: shape (polls,).

    ``business_us``: business time before each. ``instant_us``: the first business
    instant from it on, or NEVER. ``gap_us``: business time to the store's next poll,
    or to now. ``next``: position of that poll, or NEVER. ``whole``: whether no closed
    or excluded time lies between the two; False without a next one.
    """

    store: Ints
    time_us: Ints
    business_us: Ints
    instant_us: Ints
    gap_us: Ints
    next: Ints
    whole: Flags

    @classmethod
    def of(cls, packed: Ints, store: Ints, schedule: Ints, times: Times) -> "_Heard":
        """The polls in business time."""
        business, own = times.business, schedule[store]
        time_us = packing.time_of(packed)
        before = business.before(own, time_us)
        following = np.full(len(store), NEVER, np.int64)
        followed = np.flatnonzero(store[1:] == store[:-1])
        following[followed] = followed + 1
        now = business.before(own, business.end_us)
        gap_us = now - before
        gap_us[followed] = before[followed + 1] - before[followed]
        whole = np.zeros(len(store), bool)
        apart = time_us[followed + 1] - time_us[followed]
        whole[followed] = gap_us[followed] == apart
        # A gap from which polls were thinned out is none.
        whole &= ~packing.is_thinned(packed) & (time_us >= business.begin_us)
        ahead = business.first_instant(own, before)
        instant = np.where(before < now, ahead, NEVER)
        return cls(store, time_us, before, instant, gap_us, following, whole)

    def gaps_before(self, row: int) -> Ints:
        """Lengths of the gaps before a poll that lie within business time."""
        first = int(np.searchsorted(self.store, self.store[row]))
        gaps: Ints = self.gap_us[first:row][self.whole[first:row]]
        return gaps


def _silences(
    heard: _Heard, schedule: Ints, times: Times, limit: Limit
) -> dict[int, list[Silence]]:
    """The silences of each store that has any, by its number."""
    found: list[Silence] = []
    rows: list[int] = []
    for row in np.flatnonzero(heard.gap_us > limit(_NO_GAPS)).tolist():
        limit_us = limit(heard.gaps_before(row))
        if heard.gap_us[row] <= limit_us:
            continue
        own = schedule[heard.store[row : row + 1]]
        after = heard.business_us[row : row + 1] + limit_us
        at_us = int(times.business.first_instant(own, after)[0])
        following = int(heard.next[row])
        ended = NEVER, NEVER
        if following != NEVER and heard.instant_us[following] != NEVER:
            ended = int(heard.instant_us[following]), int(heard.time_us[following])
        found.append(Silence(at_us, int(heard.time_us[row]), *ended))
        rows.append(row)
    return _by_store(heard.store[rows], found)


def limit_of(rules: Rules, bridge_us: int) -> Limit:
    """How long stores may not be heard, by the gaps between their polls."""

    def limit(gaps_us: Ints) -> int:
        last_ms = np.zeros(USUAL_GAPS, np.uint32)
        few = gaps_us[-USUAL_GAPS:]
        last_ms[: len(few)] = np.clip(few // 1_000, 1, LONGEST_GAP_MS)
        usual = usual_us(last_ms[np.newaxis, :])
        return int(silent_limit_us(usual, rules, bridge_us)[0])

    return limit


def _rows(columns: Sequence[Ints]) -> Iterator[tuple[int, ...]]:
    return zip(*(column.tolist() for column in columns), strict=True)


def _by_store(store: Ints, found: Sequence[T]) -> dict[int, list[T]]:
    """What was found, by the number of its store."""
    by_store: dict[int, list[T]] = {}
    for number, one in zip(store.tolist(), found, strict=True):
        by_store.setdefault(number, []).append(one)
    return by_store
