"""A partition's figures of a period, of all its stores.

Reads ``histories``, ``archive`` and what is known of the stores side by side, some
hundred thousand polls at a time, so that memory does not grow with the fleet.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from streamproc.cells import Ints
from streamproc.report.period_rows import NO_PERIOD_ROWS, PeriodRows
from streamproc.rules.labels import Labels, Where
from streamproc.rules.period_edges import Span
from streamproc.rules.uptime import Rules
from tables.accounting import Stores, with_facts
from tables.calendars import FactNumbers
from tables.chunks import Chunk
from tables.fact_tables import FactTables, LabelsTable, labels_between
from tables.histories import Histories
from tables.period_accounting import POLLS_PER_CHUNK, edges_of_each, rows_of_slices
from tables.period_polls import SpanPolls

ROWS_PER_CHUNK = 200_000
_FIRST_STORES = 64
_MOST_STORES = 2_000
_GROWTH = 4
"""Times as many stores as in the chunk before, at most: others may have more polls."""

_NO_POLLS = np.zeros(0, np.int64)


@dataclass(slots=True)
class PeriodSnapshot:
    """Rows of one partition's stores in the slices of a period.

    ``as_polled``: as if there were no exclusions. ``where``: of these stores only.
    """

    histories: Histories
    facts: FactTables
    labels: LabelsTable
    partition: int
    span: Span
    rules: Rules
    bridge_us: int
    as_polled: bool = False
    where: Where | None = None
    _edges: dict[str, Ints] = field(default_factory=dict)

    def rows(self) -> Iterator[PeriodRows]:
        """Rows of all known stores, in id order."""
        after, count = b"", _FIRST_STORES
        chunks = self.histories.chunks
        while chunk := next(chunks(self.partition, count, after), None):
            last = chunk.store_ids[-1]
            some, polls = self._rows(chunk, after, last)
            yield some
            after, count = last, self._next_count(len(chunk.store_ids), polls)
        some, _ = self._rows(Chunk([], _NO_POLLS, _NO_POLLS), after, None)
        yield some

    def _next_count(self, stores: int, polls: int) -> int:
        """How many stores to read next, so that there are as many polls as allowed."""
        slices = max(len(self.span.slices()), 1)
        fitting = min(POLLS_PER_CHUNK * stores // max(polls, 1), _GROWTH * stores)
        return max(min(fitting, ROWS_PER_CHUNK // slices, _MOST_STORES), 1)

    def _rows(
        self, chunk: Chunk, after: bytes, upto: bytes | None
    ) -> tuple[PeriodRows, int]:
        """Rows of a chunk and of the stores without polls that lie in between."""
        own = self.facts.between(self.partition, after, upto)
        of_all = self.facts.of_all(self.partition)
        some = with_facts(chunk, own, of_all, FactNumbers())
        labels = self._labels_of(some.store_ids, after, upto)
        if self.where is not None:
            wanted = np.array([self.where.holds(each) for each in labels], bool)
            some = some.chosen(wanted)
            labels = [labels[at] for at in np.flatnonzero(wanted).tolist()]
        return self._account(some, labels)

    def _labels_of(
        self, store_ids: list[bytes], after: bytes, upto: bytes | None
    ) -> list[Labels]:
        """The labels of each store; those with ``after`` < id <= ``upto`` are asked."""
        return labels_between(self.labels, self.partition, store_ids, after, upto)

    def _account(
        self, some: Stores, labels: Sequence[Labels]
    ) -> tuple[PeriodRows, int]:
        """Rows of some stores, and how many polls had to be read."""
        if not some.store_ids:
            return NO_PERIOD_ROWS, 0
        edges_us = self._edges_of([facts.zone_name for facts in some.facts])
        begin_us, end_us = int(edges_us.min()), int(edges_us.max())
        if begin_us == end_us:
            return NO_PERIOD_ROWS, 0
        chunk = self._polls(begin_us, end_us).complete(
            Chunk(some.store_ids, some.counts, some.packed)
        )
        some = replace(some, counts=chunk.counts, packed=chunk.packed)
        rules = self.rules, self.bridge_us, self.as_polled
        return rows_of_slices(some, labels, edges_us, *rules), len(chunk.packed)

    def _polls(self, begin_us: int, end_us: int) -> SpanPolls:
        archive = self.histories.archive
        as_of_us = self.span.as_of_us
        return SpanPolls(
            archive, self.partition, begin_us, end_us, as_of_us, self.rules
        )

    def _edges_of(self, zones: Sequence[str]) -> Ints:
        """The slices' edges of each store, shape (stores, slices + 1)."""
        return edges_of_each(self.span, zones, self._edges)
