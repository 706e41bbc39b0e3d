"""The incidents of some stores of a partition, whole, over the whole history.

Those that reach beyond the time that was looked at are looked for again, in more of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from streamproc.cells import Ints
from streamproc.rules import history, months, packing
from streamproc.rules.incidents import NONE, Incidents, incidents, up_within
from streamproc.rules.labels import Labels, Where
from streamproc.rules.packing import Flags
from streamproc.rules.units import DAY_US
from streamproc.rules.uptime import Rules, Times
from tables.accounting import Stores
from tables.chunks import Chunk, before
from tables.one_archive import Archived
from tables.one_store import OneStore
from tables.outage import Dates, Outage, Outages
from tables.period_polls import SpanPolls

_MARGIN_US = DAY_US
"""How far beyond the span to look: polls of so much before a week are at hand."""

_MARGINS_US = (8 * DAY_US, 64 * DAY_US)
"""How far for stores of which that was not enough; then all that is kept."""

_FEW_STORES = 100
"""So few are looked at one by one, instead of reading what lies between them."""

_ALL = np.ones(1, bool)


@dataclass(frozen=True, slots=True)
class OutageSpan:
    """The incidents of a partition's stores, whole, that overlap a span of time.

    ``wheres``: only of stores for which all of them hold. ``dates``: the span is that
    of these dates in each store's own zone, within ``begin_us`` and ``end_us``.
    """

    archive: Archived
    partition: int
    as_of_us: int
    begin_us: int
    end_us: int
    rules: Rules
    bridge_us: int
    wheres: tuple[Where, ...] = ()
    dates: Dates | None = None

    def of_one(self, one: OneStore) -> Outages:
        """Those of a store, of what the tables have of it."""
        return self.joined([self.of(one.alone)] if self.holds(one.labels) else [])

    def joined(self, parts: Sequence[Outages]) -> Outages:
        """The parts as one."""
        return Outages(
            [outage for part in parts for outage in part.found],
            sum(part.up_us for part in parts),
            self.archive.kept_since(self.partition) * DAY_US,
        )

    def holds(self, labels: Labels) -> bool:
        """Whether a store with these labels is meant."""
        return all(where.holds(labels) for where in self.wheres)

    def of(self, some: Stores) -> Outages:
        """Those of some stores; the archive is read for who needs it only."""
        at_hand = _at_hand(some, self.begin_us - _MARGIN_US)
        parts = [
            self._settled(part)
            for part in (some.chosen(at_hand), some.chosen(~at_hand))
            if part.store_ids
        ]
        found = [outage for part in parts for outage in part.found]
        return Outages(found, sum(part.up_us for part in parts))

    def _settled(self, some: Stores) -> Outages:
        """Look at the span and a margin; of whom that is not enough, at more."""
        told = self._told(some, *self._looked_at(_MARGIN_US))
        up_us = told.up_us(*self._ends(told.some))
        unsettled = self._unsettled(told)
        found = list(self._outages(told, ~unsettled))
        some = some.chosen(unsettled)
        if len(some.store_ids) > _FEW_STORES:
            told = self._told(some, *self._looked_at(_MARGINS_US[0]))
            unsettled = self._unsettled(told)
            found += self._outages(told, ~unsettled)
            some = some.chosen(unsettled)
        for number in range(len(some.store_ids)):
            found += self._outages_of(_one(some, number))
        return Outages(found, up_us)

    def _outages_of(self, one: Stores) -> list[Outage]:
        """The incidents of one store, looking further and further."""
        for margin_us in _MARGINS_US:
            told = self._told(one, *self._looked_at(margin_us))
            if not self._unsettled(told).any():
                return list(self._outages(told, _ALL))
        first_us = min(self.begin_us, self._first_us(one))
        told = self._told(one, first_us, self.as_of_us)
        return list(self._outages(told, _ALL))

    def _looked_at(self, margin_us: int) -> tuple[int, int]:
        begin_us = max(self.begin_us - margin_us, 0)
        return begin_us, min(self.end_us + margin_us, self.as_of_us)

    def _first_us(self, some: Stores) -> int:
        """Before it nothing is known of the stores."""
        firsts = [self.as_of_us]
        if len(some.packed):
            firsts.append(int(packing.time_of(some.packed).min()))
        month = self.archive.oldest_month(self.partition)
        if month is not None:
            firsts.append(months.first_day_of(month) * DAY_US)
        for facts in some.numbers.facts:
            firsts += [each.begin_us for each in facts.corrections]
        return max(min(firsts), 0)

    def _told(self, some: Stores, begin_us: int, end_us: int) -> "_Told":
        """Stores with all polls that speak within a time."""
        chunk = Chunk(some.store_ids, some.counts, some.packed)
        polls = SpanPolls(
            self.archive,
            self.partition,
            begin_us,
            end_us,
            self.as_of_us,
            self.rules,
        )
        if _at_hand(some, begin_us).all():
            chunk = before(chunk, polls.known_until_us)
        else:
            chunk = polls.complete(chunk)
        some = replace(some, counts=chunk.counts, packed=chunk.packed)
        times = some.times(begin_us, end_us)
        polled = some.packed, some.counts, some.schedule, times, self.rules
        return _Told(some, times, self.rules, incidents(*polled, self.bridge_us))

    def _unsettled(self, told: "_Told") -> Flags:
        """Whose incidents may reach beyond what was looked at; shape (stores,)."""
        found, business, own = told.found, told.times.business, told.some.schedule
        begin_us, end_us = business.begin_us, business.end_us
        first = business.before(own[found.store], found.start_us)
        early = (first <= self.bridge_us) | (found.started_after_us < begin_us)
        late = (found.end_us == NONE) & (end_us < self.as_of_us)
        reaching = (early & (begin_us > 0)) | late
        # In so little business time one that goes on may not have been down at all.
        unsettled = business.before(own, self.begin_us) <= self.bridge_us
        unsettled &= begin_us > 0
        whole = _overlapping(found, end_us, self.begin_us, self.end_us)
        unsettled[found.store[reaching & whole]] = True
        return unsettled

    def _ends(self, some: Stores) -> tuple[Ints, Ints]:
        """Where each store's span begins and ends, shape (n,)."""
        if self.dates is None:
            ends = np.full((len(some.store_ids), 2), (self.begin_us, self.end_us))
        else:
            of_facts = [self.dates.ends_us(f.zone_name) for f in some.numbers.facts]
            ends = np.array(of_facts, np.int64).reshape(-1, 2)[some.schedule]
            ends = ends.clip(self.begin_us, self.end_us)
        return ends[:, 0], ends[:, 1]

    def _outages(self, told: "_Told", settled: Flags) -> Iterator[Outage]:
        """The incidents of the stores that are settled."""
        found = told.found
        begins, ends = self._ends(told.some)
        wanted = settled[found.store] & _overlapping(
            found, self.as_of_us, begins[found.store], ends[found.store]
        )
        columns = (
            *(found.store, found.start_us, found.end_us, found.started_after_us),
            *(found.down_us, found.unknown_us, found.wall_us, found.by_up),
        )
        rows = zip(*(column[wanted].tolist() for column in columns), strict=True)
        for store, start, end, after, *rest in rows:
            yield Outage(
                told.some.store_ids[store].decode(),
                start,
                None if end == NONE else end,
                None if after == NONE else after,
                *rest,
            )


@dataclass(frozen=True, slots=True)
class _Told:
    """Some stores' incidents within the time of ``times``."""

    some: Stores
    times: Times
    rules: Rules
    found: Incidents

    def up_us(self, begin_us: Ints, end_us: Ints) -> int:
        """Their up time, each within a part of it; shape (n,)."""
        some = self.some
        polls = some.packed, some.counts, some.schedule, self.times, self.rules
        return int(up_within(*polls, begin_us, end_us).sum())


def _overlapping(
    found: Incidents, last_us: int, begin_us: Ints | int, end_us: Ints | int
) -> Flags:
    """Which of them lie in a span at least partly; ``last_us``: end of what goes on."""
    ends = np.where(found.end_us == NONE, last_us, found.end_us)
    overlapping: Flags = (found.start_us < end_us) & (ends > begin_us)
    return overlapping


def _at_hand(some: Stores, begin_us: int) -> Flags:
    """Of which stores all polls from an instant on are at hand; shape (n,).

    All days within some of a store's newest one are, and all from its first one on.
    """
    polled = np.flatnonzero(some.counts)
    ends = np.cumsum(some.counts)[polled]
    firsts = packing.time_of(some.packed[ends - some.counts[polled]])
    newest = packing.time_of(some.packed[ends - 1]) // DAY_US
    whole = np.zeros(len(some.counts), bool)
    since = np.minimum(firsts, (newest - history.KEPT_DAYS) * DAY_US)
    whole[polled] = since <= begin_us
    return whole


def _one(some: Stores, number: int) -> Stores:
    """One of some stores, with nobody else's facts."""
    wanted = np.zeros(len(some.counts), bool)
    wanted[number] = True
    one = some.chosen(wanted)
    return Stores.of(one.store_ids, one.counts, one.packed, one.facts)
