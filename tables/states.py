"""What stores are at any instant, from the polls and facts that the tables have.

The board says the same of about now, from memory.
"""

from collections.abc import Sequence

import numpy as np

from streamproc.cells import Ints
from streamproc.rules import packing
from streamproc.rules.now import Now, now, phases
from streamproc.rules.standing import NowRules, Polls
from streamproc.rules.units import DAY_US
from tables.accounting import Stores
from tables.board_anew import begun
from tables.board_clock import Clock
from tables.board_source import Heard
from tables.board_view import View
from tables.calendars import StoreFacts

PAST_US = 11 * DAY_US
"""How far back the time that counts is looked at; see ``board_anew`` for what is."""


class StatesAt:
    """What stores are at an instant; asked for many at a time, it works out less."""

    def __init__(self, as_of_us: int, by: NowRules) -> None:
        self._as_of_us = as_of_us
        self._by = by
        self._clock = Clock(as_of_us - PAST_US, as_of_us + 1)

    def of(self, some: Stores) -> Now:
        """What some stores are."""
        distinct = some.numbers.facts
        return self._of(
            some.store_ids, some.counts, some.packed, some.schedule, distinct
        )

    def of_one(self, packed: Ints, facts: StoreFacts) -> Now:
        """What one store is, by its packed polls in order."""
        counts, number = np.array([len(packed)], np.int64), np.zeros(1, np.int64)
        return self._of([b""], counts, packed, number, [facts])

    def _of(
        self,
        store_ids: list[bytes],
        counts: Ints,
        packed: Ints,
        number: Ints,
        distinct: Sequence[StoreFacts],
    ) -> Now:
        used, of_used = np.unique(number, return_inverse=True)
        facts = [distinct[each] for each in used.tolist()]
        store = np.repeat(np.arange(len(counts)), counts)
        past = packing.time_of(packed) < self._as_of_us
        polls = Polls(packed[past], store[past], self._as_of_us)
        heard = Heard(store_ids, counts, packed, of_used, facts)
        standings = begun(polls, heard, self._clock, self._by)
        schedule = self._clock.numbers(facts)[of_used]
        phase = phases(self._clock.times, schedule, self._as_of_us)
        return now(standings, phase, self._as_of_us)


class StatesNow:
    """What stores are about now, as a board says it; ``view``: of their partition."""

    def __init__(self, view: View, otherwise: StatesAt) -> None:
        self._view = view
        self._rows = {store_id: row for row, store_id in enumerate(view.store_ids)}
        self._otherwise = otherwise

    def of(self, some: Stores) -> Now:
        """What some stores are; if the board does not know one, by the tables."""
        try:
            rows = [self._rows[store_id] for store_id in some.store_ids]
        except KeyError:
            return self._otherwise.of(some)
        return Now(self._view.state[rows], self._view.since_us[rows])
