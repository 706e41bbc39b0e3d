"""Stores of the board begun anew, from all polls that are at hand of them.

Their last polls may be years old. What they say is worked out over a span around them,
and over longer ones where a store has been closed ever since.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from streamproc.rules import packing
from streamproc.rules.standing import NEVER, NowRules, Polls, Standings, advance
from streamproc.rules.units import DAY_US
from tables.board_clock import Clock
from tables.board_source import Heard
from tables.calendars import StoreFacts

RECENT_US = 2 * DAY_US
"""Who was polled since then has all polls at hand within the board's own span."""

BEFORE_US = 11 * DAY_US
AFTER_US = 3 * DAY_US
"""The span around the last polls of stores that were not polled lately."""

TOGETHER_US = 7 * DAY_US
"""Stores whose last polls lie within that are worked out together."""

_LONGER = 10


def begun(polls: Polls, heard: Heard, clock: Clock, by: NowRules) -> Standings:
    """How stores stand by all their polls before now, which are ``polls``."""
    count = len(heard.store_ids)
    last = np.full(count, -1, np.int64)
    last[polls.store] = packing.time_of(polls.packed)
    told = Standings.none(count)
    for rows in _groups(last, polls.as_of_us):
        some = _Some(_of(polls, rows, count), heard.number[rows], heard.distinct)
        newest = int(last[rows].max())
        if newest < 0 or newest >= polls.as_of_us - RECENT_US:
            told.put(rows, some.standings(clock, by))
        else:
            oldest = int(last[rows].min())
            told.put(rows, _long_ago(some, oldest, newest, clock.end_us, by))
    return told


@dataclass(frozen=True, slots=True)
class _Some:
    """Some stores; ``number``: which of the ``distinct`` facts are those of each."""

    polls: Polls
    number: Ints
    distinct: Sequence[StoreFacts]

    def standings(self, clock: Clock, by: NowRules) -> Standings:
        """How they stand, by the time that counts of a clock."""
        used, number = np.unique(self.number, return_inverse=True)
        schedule = clock.numbers([self.distinct[n] for n in used.tolist()])[number]
        none = Standings.none(len(self.number))
        return advance(none, self.polls, schedule, clock.times, by)

    def of(self, rows: Ints) -> "_Some":
        """Some of them."""
        polls = _of(self.polls, rows, len(self.number))
        return _Some(polls, self.number[rows], self.distinct)


def _groups(last: Ints, as_of_us: int) -> Iterator[Ints]:
    """Stores that are worked out over the same span."""
    lately = (last < 0) | (last >= as_of_us - RECENT_US)
    group = np.where(lately, -1, last // TOGETHER_US)
    for number in np.unique(group).tolist():
        yield np.flatnonzero(group == number)


def _of(polls: Polls, rows: Ints, count: int) -> Polls:
    """The polls of some stores, which are numbered anew."""
    number = np.full(count, -1, np.int64)
    number[rows] = np.arange(len(rows))
    store = number[polls.store]
    chosen = store >= 0
    return Polls(polls.packed[chosen], store[chosen], polls.as_of_us)


def _long_ago(
    some: _Some, oldest: int, newest: int, most_us: int, by: NowRules
) -> Standings:
    """How stores stand whose last polls lie between two instants of the past.

    Silence comes last of all that can become of them: when that is known, all is.
    """
    begin_us = oldest // DAY_US * DAY_US - BEFORE_US
    today_us, ahead_us = newest // DAY_US * DAY_US, AFTER_US
    end_us = min(today_us + ahead_us, most_us)
    told = some.standings(Clock(begin_us, end_us), by)
    open_end = np.flatnonzero(told.silent_at_us == NEVER)
    while len(open_end) and end_us < most_us:
        ahead_us *= _LONGER
        end_us = min(today_us + ahead_us, most_us)
        again = some.of(open_end).standings(Clock(begin_us, end_us), by)
        told.put(open_end, again)
        open_end = open_end[again.silent_at_us == NEVER]
    return told
