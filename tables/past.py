"""The polls of stores before an instant, from ``histories`` and ``archive``.

Each store is judged by its own polls: where those in ``histories`` begin after the
time asked about does, the archive is asked for the rest.
"""

from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from streamproc.errors import ReportFailedError
from streamproc.report.record import time_text
from streamproc.rules import history, packing
from streamproc.rules.packing import Flags
from streamproc.rules.units import DAY_US
from streamproc.rules.windows import LONGEST_US
from tables.chunks import Chunk
from tables.one_archive import Archived


@dataclass(frozen=True, slots=True)
class Past:
    """A partition's polls before ``as_of_us``."""

    archive: Archived
    partition: int
    as_of_us: int
    length_us: int = LONGEST_US
    """Of the time before it that is asked about."""

    @property
    def _begin_us(self) -> int:
        return self.as_of_us - self.length_us

    def complete(self, chunk: Chunk) -> tuple[Chunk, Flags]:
        """A chunk with what is archived of its stores; shape (n,): whose is whole.

        Of a store that had to be completed: all polls of that time, and the
        last one before it, whose status may hold into the window. To be called after
        the chunk was read: what has left it since is in the archive.
        """
        late = np.flatnonzero(self._begins_late(chunk))
        asked = len(late) > 0 and self.archive.holds_any(self.partition)
        if asked and self._kept_since_us() <= self._begin_us:
            return self._joined(chunk, late), np.ones(len(chunk.store_ids), bool)
        since_us = history.known_since(chunk.packed, chunk.counts)
        return chunk, since_us <= self._begin_us

    def _begins_late(self, chunk: Chunk) -> Flags:
        """Whose polls begin after the window does, or who has none; shape (n,)."""
        late = np.ones(len(chunk.store_ids), bool)
        polled = chunk.counts > 0
        firsts = (np.cumsum(chunk.counts) - chunk.counts)[polled]
        late[polled] = packing.time_of(chunk.packed[firsts]) > self._begin_us
        return late

    def completed(self, store_id: bytes, polls: Ints) -> Ints:
        """One store's packed polls, of which ``polls`` were read of ``histories``.

        Raises ReportFailedError when they are not whole.
        """
        chunk = Chunk([store_id], np.array([len(polls)], np.int64), polls)
        chunk, whole = self.complete(chunk)
        if not whole.all():
            since_us = self._kept_since_us()
            if not self.archive.holds_any(self.partition):
                since_us = max(packing.time_of(int(polls[0])), since_us)
            raise ReportFailedError(
                f"as_of {time_text(self.as_of_us)} lies too far back: the history of"
                f" store {store_id.decode()} is kept since {time_text(since_us)}, not"
                f" for the {self.length_us // DAY_US} days before"
            )
        return chunk.packed

    def _kept_since_us(self) -> int:
        return self.archive.kept_since(self.partition) * DAY_US

    def _joined(self, chunk: Chunk, late: Ints) -> Chunk:
        """A chunk and what is archived of some of its rows, before the instant."""
        count = len(chunk.store_ids)
        archived, values = self._archived(chunk, late)
        if not values:
            return chunk
        rows = np.concatenate([np.repeat(np.arange(count), chunk.counts), archived])
        packed = np.concatenate([chunk.packed, packing.unpack(values)])
        past = packing.time_of(packed) < self.as_of_us
        rows, packed = packing.canonical_rows(rows[past], packed[past])
        return Chunk(chunk.store_ids, np.bincount(rows, minlength=count), packed)

    def _archived(self, chunk: Chunk, late: Ints) -> tuple[Ints, bytes]:
        """Archived polls: the row of each, and all of them packed."""
        archive, partition = self.archive, self.partition
        first = history.day_of(self._begin_us)
        days = range(first, history.day_of(self.as_of_us - 1) + 1)
        store_ids = [chunk.store_ids[row] for row in late.tolist()]
        within = archive.segments_of(partition, store_ids, days)
        earlier = archive.newest_before(partition, store_ids, first)
        joined = [
            b"".join([newest, *some])
            for newest, some in zip(earlier, within, strict=True)
        ]
        counts = [len(value) // packing.POLL_BYTES for value in joined]
        return np.repeat(late, counts), b"".join(joined)
