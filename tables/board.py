"""The live state of a partition's stores, in memory.

Kept up to date by ``agents.polls``, which hands over each batch by reference; it is
folded in when somebody asks. What the batches cannot tell (late polls, other hours,
corrections) makes a store stale: it is looked up in the tables and begun anew. The
rules are those of ``streamproc.rules.standing`` and ``now``.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from streamproc.cells import Cells, Ints
from streamproc.pace import rest_s
from streamproc.rules import packing
from streamproc.rules.business import NONE
from streamproc.rules.now import phases
from streamproc.rules.packing import Flags
from streamproc.rules.standing import NowRules, Polls, advance
from streamproc.rules.units import DAY_US
from streamproc.rules.uptime import Times
from tables.board_anew import begun
from tables.board_clock import Clock
from tables.board_noted import Batch, Noted, in_parts
from tables.board_source import Heard, Source
from tables.board_stores import BoardStores
from tables.board_view import View, states_of

PAST_US = 11 * DAY_US
AHEAD_US = 3 * DAY_US
"""The span over which the board knows the time that counts, and a week at least."""

RENEWED_US = DAY_US
"""How long before the end of that span the board is made anew."""

FEW = 20
"""Where more than one in so many is stale, all are looked up, in one scan."""

FLOOD, FLOOD_S = 200_000, 1.5
"""Of more polls than that at once, none are folded in so soon after the last."""

BACKLOG_S = 60.0
"""Beside a backlog fewer polls than those are folded in so seldom."""


class Board:
    """One partition's stores; made anew when its span of time comes to an end.

    Batches and stale stores may be told from any thread, views made in any.
    """

    def __init__(self, source: Source, by: NowRules, epoch: int, now_us: int) -> None:
        today_us = now_us // DAY_US * DAY_US
        self.epoch = epoch
        self._source = source
        self._by = by
        self._lock = threading.Lock()
        self._noted = Noted()
        self._clock = Clock(today_us - PAST_US, today_us + AHEAD_US)
        self._as_of_us = now_us
        self._stores = BoardStores()
        self._sequence = 0
        self._later: list[tuple[Ints, Ints]] = []
        self._folded_at = self._rests_until = 0.0
        self._is_void = False
        #: Stores looked up so far, while all are.
        self.done = 0

    @property
    def is_void(self) -> bool:
        """Whether all is to be looked up again."""
        return self._is_void or self._noted.is_lossy

    def is_good_at(self, as_of_us: int) -> bool:
        """Whether the board can tell of an instant."""
        return not self.is_void and as_of_us < self._clock.end_us - RENEWED_US

    def is_beside_backlog(self) -> bool:
        """Whether polls are coming that were sent long ago."""
        return self._noted.is_backlog()

    def is_rested(self) -> bool:
        """Whether stores may be looked up again beside a backlog."""
        return time.monotonic() >= self._rests_until

    # -- what is told -----

    def add(self, store_ids: Cells, codes: Ints, packed: Ints, sent_ms: int) -> None:
        """Note polls that are in the tables; ``codes``: the store of each."""
        self._noted.add((store_ids, codes, packed), sent_ms)

    def touch(self, store_ids: Iterable[bytes]) -> None:
        """Note stores that are to be looked up."""
        self._noted.touch(store_ids)

    def void(self) -> None:
        """Note that all stores are to be looked up."""
        self._is_void = True

    # -- asking -----

    def build(self, as_of_us: int) -> None:
        """Look up all stores, as of an instant."""
        with self._lock, self._at_its_pace():
            for heard in self._source.all():
                self._begin_anew(heard, as_of_us)
                self.done += len(heard.store_ids)
        self._folded_at = time.monotonic()

    def view(self, as_of_us: int) -> View:
        """What the stores are at an instant; not before that of any other view."""
        with self._lock:
            self._as_of_us = max(self._as_of_us, as_of_us)
            is_behind = self._noted.is_lossy or self._is_flooded()
            if not is_behind:
                self._fold(self._as_of_us)
                self._folded_at = time.monotonic()
            return self._view(self._as_of_us, is_behind or self._noted.is_stale)

    def _is_flooded(self) -> bool:
        """Whether what comes in is to be folded in later, all at once."""
        ago_s = time.monotonic() - self._folded_at
        if self._noted.polls > FLOOD:
            return ago_s < FLOOD_S
        return self._noted.is_backlog() and ago_s < BACKLOG_S

    def _view(self, as_of_us: int, is_behind: bool) -> View:
        count = len(self._stores)
        numbers = np.arange(len(self._clock.facts))
        schedule = self._stores.schedule[:count]
        phase = phases(self._clock.times, numbers, as_of_us)
        standings = self._stores.standings[slice(count)]
        return View(
            self.epoch,
            self._sequence,
            as_of_us,
            self._stores.ids[:],
            self._clock.facts[:],
            schedule.copy(),
            *states_of(standings, phase, schedule, as_of_us),
            standings.last.copy(),
            standings.streak.copy(),
            standings.confirmed_us.copy(),
            standings.usual_us.copy(),
            standings.silent_at_us.copy(),
            standings.run_up.copy(),
            standings.run_start_us.copy(),
            self._stores.anew[:count].copy(),
            is_behind,
        )

    # -- folding in -----

    def _fold(self, as_of_us: int) -> None:
        """Take in what was noted, as of an instant."""
        batches, touched = self._noted.take()
        good_until_us = self._stores.standings.good_until_us[: len(self._stores)]
        ended = np.flatnonzero(good_until_us < as_of_us)
        touched.update([self._stores.ids[row] for row in ended.tolist()])
        for some in in_parts(batches):
            self._take_in(some, touched, as_of_us)
        if touched:
            self._look_up(touched, as_of_us)

    def _take_in(
        self, batches: Sequence[Batch], touched: set[bytes], as_of_us: int
    ) -> None:
        """Move stores on by their polls; of whom that cannot be is ``touched``."""
        rows, packed = self._rows_and_polls(batches, touched)
        soon = packing.time_of(packed) < as_of_us
        if not soon.all():
            self._later.append((rows[~soon], packed[~soon]))
            rows, packed = rows[soon], packed[soon]
        rows, packed = packing.canonical_rows(rows, packed)
        rows, packed, stale = self._in_order(rows, packed)
        ids = self._stores.ids
        touched.update([ids[row] for row in np.flatnonzero(stale).tolist()])
        fresh = ~stale[rows]
        self._advance(rows[fresh], packed[fresh], as_of_us)

    def _rows_and_polls(
        self, batches: Sequence[Batch], touched: set[bytes]
    ) -> tuple[Ints, Ints]:
        """Row and poll of all that was noted; new stores are only touched."""
        known = self._stores.row_of
        later, self._later = self._later, []
        rows, polls = [r for r, _ in later], [p for _, p in later]
        for store_ids, codes, packed in batches:
            ids = store_ids.present()
            numbers = np.array([known.get(i, NONE) for i in ids], np.int64)
            if len(numbers) and numbers.min() == NONE:
                touched.update(i for i in ids if i not in known)
            mine = numbers[codes]
            rows.append(mine[mine != NONE])
            polls.append(packed[mine != NONE])
        empty = np.zeros(0, np.int64)
        return np.concatenate([empty, *rows]), np.concatenate([empty, *polls])

    def _in_order(self, rows: Ints, packed: Ints) -> tuple[Ints, Ints, Flags]:
        """Polls that come after their store's last one, and which stores are stale.

        A poll that is known already says nothing new; any other one that is not later
        than the last makes its store stale, and so does what the span does not cover.
        """
        stale = np.zeros(len(self._stores), bool)
        last = self._stores.standings.last[rows]
        before, time = packing.time_of(last), packing.time_of(packed)
        known = (last != NONE) & (time == before)
        known &= packing.is_active(packed) | ~packing.is_active(last)
        rows, packed, before, time = (
            each[~known] for each in (rows, packed, before, time)
        )
        heard = before >= 0
        ends = self._clock.corrected_until()[self._stores.schedule[rows]]
        bad = (time <= before) | (time < self._clock.begin_us)
        bad |= heard & (before < self._clock.begin_us) | (ends > before)
        stale[rows[bad]] = True
        return rows, packed, stale

    def _advance(self, rows: Ints, packed: Ints, as_of_us: int) -> None:
        """Take in polls in the order of their stores and times."""
        if not len(rows):
            return
        whose, store = np.unique(rows, return_inverse=True)
        times = Times(self._clock.times.opened, self._clock.times.business)
        polls = Polls(packed, store, as_of_us)
        known, schedule = self._stores.standings, self._stores.schedule[whose]
        known.put(whose, advance(known[whose], polls, schedule, times, self._by))

    def _look_up(self, store_ids: set[bytes], as_of_us: int) -> None:
        """Begin stores anew; beside a backlog when they have had their rest."""
        are_many = FEW * len(store_ids) > len(self._stores) + FEW * FEW
        if self.is_beside_backlog():
            if not self.is_rested():
                self._noted.touch(store_ids)
                return
            if are_many:
                self.void()  # the board at hand answers while another one is made
                return
        with self._at_its_pace():
            if are_many:
                self._look_up_all(as_of_us)
            else:
                self._look_up_some(store_ids, as_of_us)

    @contextmanager
    def _at_its_pace(self) -> Iterator[None]:
        """Look stores up, and rest from that."""
        began = time.monotonic()
        yield
        ended = time.monotonic()
        self._rests_until = ended + rest_s(ended - began)

    def _look_up_all(self, as_of_us: int) -> None:
        for heard in self._source.all():
            self._begin_anew(heard, as_of_us)

    def _look_up_some(self, store_ids: set[bytes], as_of_us: int) -> None:
        heard = self._source.some(sorted(store_ids))
        self._begin_anew(heard, as_of_us)
        unheard = store_ids.difference(heard.store_ids)
        if not self._stores.row_of.keys().isdisjoint(unheard):
            self.void()  # a store was forgotten: rows are others from then on

    def _begin_anew(self, heard: Heard, as_of_us: int) -> None:
        """Work out some stores from all their polls."""
        if not heard.store_ids:
            return
        rows = self._stores.rows_of(heard.store_ids)
        self._stores.schedule[rows] = self._clock.numbers(heard.distinct)[heard.number]
        self._sequence += 1
        self._stores.anew[rows] = self._sequence
        for some, part in heard.parts():
            self._stand_anew(rows[some], part, as_of_us)

    def _stand_anew(self, rows: Ints, heard: Heard, as_of_us: int) -> None:
        """Work out how some stores stand; polls after the instant are for later."""
        store = np.repeat(np.arange(len(rows)), heard.counts)
        soon = packing.time_of(heard.packed) < as_of_us
        self._later.append((rows[store[~soon]], heard.packed[~soon]))
        polls = Polls(heard.packed[soon], store[soon], as_of_us)
        told = begun(polls, heard, self._clock, self._by)
        self._stores.standings.put(rows, told)


__all__ = ["Board", "View"]
