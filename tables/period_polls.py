"""The polls that tell of a span of time, of some stores of a partition.

Reads ``archive`` beside what was read of ``histories`` before: what has left there
since is here by then.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from streamproc.rules import history, months, packing
from streamproc.rules.uptime import Rules
from tables.chunks import Chunk, before, rows_without
from tables.one_archive import Archived

_FEW_DAYS = 4
"""Of a month; so few are looked up, instead of reading the month."""


@dataclass(frozen=True, slots=True)
class SpanPolls:
    """What is to be known of ``[begin_us, end_us)``, as of ``as_of_us``.

    All polls in it, the last one before it where that may speak in it, and with
    ``backfill`` the first one after it where there is none before.
    """

    archive: Archived
    partition: int
    begin_us: int
    end_us: int
    as_of_us: int
    rules: Rules

    @property
    def known_until_us(self) -> int:
        """What polls from here on say does not count."""
        return self.as_of_us if self.rules.backfill else self.end_us

    def complete(self, chunk: Chunk) -> Chunk:
        """A chunk of histories with what is archived of its stores."""
        chunk = before(chunk, self.known_until_us)
        if not chunk.store_ids or not self.archive.holds_any(self.partition):
            return chunk
        chunk = self._with(chunk, self._within(chunk.store_ids))
        if self.rules.hold_us is None or self.rules.backfill:
            chunk = self._with(chunk, self._earlier(chunk))
        if self.rules.backfill:
            chunk = self._with(chunk, self._later(chunk))
            chunk = before(chunk, self.as_of_us)
        return chunk

    @property
    def _days(self) -> range:
        """The UTC days whose polls may speak in the span."""
        first_us = self.begin_us - (self.rules.hold_us or 0)
        last = history.day_of(max(self.end_us - 1, first_us))
        return range(history.day_of(first_us), last + 1)

    def _within(self, store_ids: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
        """Archived segments of those days, month by month: row and value."""
        for _, group in groupby(self._days, key=months.month_of):
            days = list(group)
            if len(days) > _FEW_DAYS:
                yield from self._month(store_ids, range(days[0], days[-1] + 1))
            else:
                found = self.archive.segments_of(self.partition, store_ids, days)
                yield from ((row, b"".join(some)) for row, some in enumerate(found))

    def _month(
        self, store_ids: Sequence[bytes], days: range
    ) -> Iterator[tuple[int, bytes]]:
        row_of = {store_id: row for row, store_id in enumerate(store_ids)}
        ends = store_ids[0], store_ids[-1]
        for some, values in self.archive.between(self.partition, *ends, days):
            for store_id, value in zip(some, values, strict=True):
                row = row_of.get(store_id)
                if row is not None:
                    yield row, value

    def _earlier(self, chunk: Chunk) -> Iterable[tuple[int, bytes]]:
        """The newest segment before those days, of who has no poll before the span."""
        rows = rows_without(chunk, self.begin_us)
        store_ids = [chunk.store_ids[row] for row in rows]
        day = self._days.start
        found = self.archive.newest_before(self.partition, store_ids, day)
        return list(zip(rows, found, strict=True))

    def _later(self, chunk: Chunk) -> Iterable[tuple[int, bytes]]:
        """The first segment after those days, of who has no poll before."""
        rows = rows_without(chunk, self.end_us)
        store_ids = [chunk.store_ids[row] for row in rows]
        day = self._days.stop
        found = self.archive.first_from(self.partition, store_ids, day)
        return list(zip(rows, found, strict=True))

    def _with(self, chunk: Chunk, more: Iterable[tuple[int, bytes]]) -> Chunk:
        """A chunk and more segments, of rows of it."""
        values: list[list[bytes]] = [[] for _ in chunk.store_ids]
        for row, value in more:
            values[row].append(value)
        if not any(map(any, values)):
            return chunk
        ends = np.cumsum(chunk.counts) * packing.POLL_BYTES
        starts = ends - chunk.counts * packing.POLL_BYTES
        own = packing.bytes_of(chunk.packed)
        for row, (a, z) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            values[row].append(own[a:z])
        joined = [b"".join(some) for some in values]
        sizes = np.array([len(value) for value in joined], np.int64)
        rows = np.repeat(np.arange(len(joined)), sizes // packing.POLL_BYTES)
        packed = packing.unpack(b"".join(joined))
        rows, packed = packing.in_order(rows, packed)
        counts = np.bincount(rows, minlength=len(joined))
        return before(Chunk(chunk.store_ids, counts, packed), self.as_of_us)
