"""A partition's incidents, of all its stores or of one.

Leads to ``GET /api/v1/incidents``; what is an incident of a store: ``tables.outages``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from streamproc.rules import history
from streamproc.rules.units import DAY_US
from tables.accounting import Stores, with_facts
from tables.calendars import FactNumbers
from tables.chunks import Chunk
from tables.fact_tables import FactTables, LabelsTable, labels_between
from tables.histories import Histories
from tables.one_store import OneStore
from tables.outage import Outages
from tables.outages import OutageSpan

POLLS_PER_CHUNK = 2_000_000
_FIRST_STORES = 64
_MOST_STORES = 16_000
_GROWTH = 16
"""Times as many stores as in the chunk before, at most: others may have more polls."""

_NO_POLLS = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class OutageSearch:
    """Looks through the tables for the incidents of a span."""

    histories: Histories
    facts: FactTables
    labels: LabelsTable
    span: OutageSpan

    def of_all(self) -> Outages:
        """Those of all known stores, by store and start."""
        return self.joined(list(self.in_parts()))

    def in_parts(self) -> Iterator[Outages]:
        """Those of all known stores, of some thousand at a time; see ``joined``."""
        return map(self.span.of, self._stores())

    def of(self, store_id: bytes) -> Outages:
        """Those of one store."""
        tables = self.histories, self.facts, self.labels
        one = OneStore.read(*tables, self.span.partition, store_id)
        return self.span.of_one(one)

    def joined(self, parts: Sequence[Outages]) -> Outages:
        """The parts as one."""
        return self.span.joined(parts)

    def _stores(self) -> Iterator[Stores]:
        """All stores with the polls at hand, so many at a time as memory allows."""
        chunks, after, count = self.histories.chunks, b"", _FIRST_STORES
        while chunk := next(chunks(self.span.partition, count, after), None):
            last = chunk.store_ids[-1]
            yield self._with_facts(chunk, after, last)
            after, count = last, self._next_count(chunk)
        yield self._with_facts(Chunk([], _NO_POLLS, _NO_POLLS), after, None)

    def _next_count(self, chunk: Chunk) -> int:
        """How many stores to read next; archived polls are guessed from those here."""
        days = (self.span.as_of_us - self.span.begin_us) // DAY_US + 1
        polls = len(chunk.packed) * max(days, history.KEPT_DAYS) // history.KEPT_DAYS
        fitting = POLLS_PER_CHUNK * len(chunk.counts) // max(polls, 1)
        return max(min(fitting, _GROWTH * len(chunk.counts), _MOST_STORES), 1)

    def _with_facts(self, chunk: Chunk, after: bytes, upto: bytes | None) -> Stores:
        own = self.facts.between(self.span.partition, after, upto)
        of_all = self.facts.of_all(self.span.partition)
        return self._meant(with_facts(chunk, own, of_all, FactNumbers()), after, upto)

    def _meant(self, some: Stores, after: bytes, upto: bytes | None) -> Stores:
        """Those of the stores whose labels are as asked for."""
        if not self.span.wheres or not some.store_ids:
            return some
        labels = labels_between(
            self.labels, self.span.partition, some.store_ids, after, upto
        )
        return some.chosen(np.array([self.span.holds(each) for each in labels], bool))
