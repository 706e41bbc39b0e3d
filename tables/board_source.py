"""What the board reads of a partition's tables: all stores, or some of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from tables.calendars import StoreFacts
from tables.fact_tables import FactTables
from tables.histories import Histories

STORES_PER_CHUNK = 16_000

POLLS_AT_ONCE = 65_536
"""Polls that are worked out together: what is made of them fits into the cache."""

_NO_POLLS = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Heard:
    """Some stores: ``counts`` polls each in ``packed``, and what is known of them.

    ``number``: shape (n,), which of the ``distinct`` facts are those of each.
    """

    store_ids: list[bytes]
    counts: Ints
    packed: Ints
    number: Ints
    distinct: list[StoreFacts]

    def parts(self) -> Iterator[tuple[slice, "Heard"]]:
        """Those of some stores after another, of as many polls as is quick at once."""
        ends = np.cumsum(self.counts)
        first = 0
        while first < len(ends):
            before = int(ends[first - 1]) if first else 0
            upto = int(np.searchsorted(ends, before + POLLS_AT_ONCE, side="right"))
            some = slice(first, max(upto, first + 1))
            first = some.stop
            yield some, self._some(some, before, int(ends[first - 1]))

    def _some(self, stores: slice, first: int, end: int) -> "Heard":
        return Heard(
            self.store_ids[stores],
            self.counts[stores],
            self.packed[first:end],
            self.number[stores],
            self.distinct,
        )


@dataclass(frozen=True, slots=True)
class Source:
    """A partition's stores with the polls that are at hand."""

    histories: Histories
    facts: FactTables
    partition: int

    def all(self) -> Iterator[Heard]:
        """All stores that anything is known of, some thousand at a time."""
        of_all = self.facts.of_all(self.partition)
        after = b""
        for chunk in self.histories.chunks(self.partition, STORES_PER_CHUNK):
            polled = dict(zip(chunk.store_ids, chunk.counts.tolist(), strict=True))
            upto = chunk.store_ids[-1]
            yield self._joined(polled, chunk.packed, of_all, after, upto)
            after = upto
        yield self._joined({}, _NO_POLLS, of_all, after, None)

    def some(self, store_ids: Iterable[bytes]) -> Heard:
        """Those of some stores that anything is known of."""
        of_all = self.facts.of_all(self.partition)
        found, polls, facts = [], [], []
        for store_id in store_ids:
            packed = self.histories.polls_of(self.partition, store_id)
            own = self.facts.of(self.partition, store_id)
            if len(packed) or any(own):
                found.append(store_id)
                polls.append(packed)
                facts.append(own.with_all(of_all))
        counts = np.array([len(packed) for packed in polls], np.int64)
        packed = np.concatenate([_NO_POLLS, *polls])
        return Heard(found, counts, packed, np.arange(len(found)), facts)

    def _joined(
        self,
        polled: dict[bytes, int],
        packed: Ints,
        of_all: StoreFacts,
        after: bytes,
        upto: bytes | None,
    ) -> Heard:
        """Stores with polls, and those without that lie between, in id order."""
        own = self.facts.between(self.partition, after, upto)
        store_ids = sorted({*polled, *own.store_ids})
        counts = np.array([polled.get(i, 0) for i in store_ids], np.int64)
        number, distinct = own.of(store_ids)
        distinct = [each.with_all(of_all) for each in distinct]
        return Heard(store_ids, counts, packed, number, distinct)
