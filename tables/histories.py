"""Table ``histories``: every store's polls, in segments of one UTC day.

Written by ``agents.polls``, scanned by ``agents.report_rows``. Keys and values:
``streamproc.rules.history``. Two keys more per partition: ``NEWEST`` holds the time
of the newest poll the partition has seen, ``OLDEST`` a day before which it has never
held any; without it, nobody knows.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import faust
import numpy as np

from streamproc.cells import Cells, Ints
from streamproc.rules import history, packing
from streamproc.rules.history import Segments
from streamproc.rules.timestamp import timestamp_text
from tables.archive import Archive
from tables.batch_table import BatchTable
from tables.chunks import STORES_PER_CHUNK, Chunk, ChunkBuilder
from tables.first_polls import FirstPolls
from tables.leaving import Leaving, leaving
from tables.recent import Recent

log = logging.getLogger(__name__)

NEWEST = b"\0newest"
OLDEST = b"\0oldest"
_SURVEYED_STORES = 16_000
_SHORT = history.THIN_ABOVE * packing.POLL_BYTES
"""Bytes of a segment that is not thinned."""


@dataclass(slots=True)
class Added:
    """What became of a batch of polls beyond the ordinary.

    ``late``: (store code, packed poll) that contradict a thinned gap.
    ``expired``: polls older than what is kept. ``segments``: written.
    """

    late: list[tuple[int, int]] = field(default_factory=list)
    expired: int = 0
    segments: int = 0


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest poll of some stores: when, of whom, and of the next newest store.

    Times are -1 where there is none.
    """

    time_us: int = -1
    store_id: bytes = b""
    next_us: int = -1

    def joined(self, other: "Newest") -> "Newest":
        """The newest of two groups of stores."""
        later, earlier = (
            (self, other) if self.time_us > other.time_us else (other, self)
        )
        next_us = max(later.next_us, earlier.time_us)
        return Newest(later.time_us, later.store_id, next_us)


NOBODY = Newest()


class Histories(BatchTable):
    """Polls by store and day."""

    own_keys = (*BatchTable.own_keys, NEWEST, OLDEST)

    #: Where older polls go to.
    archive: Archive

    def __init__(self, app: faust.App, *, recent_mib: int = 256, **kw: Any) -> None:
        super().__init__(app, **kw)
        self._recent = Recent(recent_mib, self._version)
        #: When each partition's first poll was; see ``tables.kept``.
        self.first_polls = FirstPolls(self._version)

    def _version(self, partition: int) -> int:
        version: int = self.data.versions[partition]
        return version

    def take_over(self) -> None:
        """Write again: the partitions have been assigned anew."""
        super().take_over()
        self._recent.forget()
        self.first_polls.forget()

    async def add(
        self,
        partition: int,
        store_ids: Cells,
        segments: Segments,
        newest_us: int,
    ) -> Added:
        """Merge new polls into the segments they belong to, and write those.

        ``store_ids``: by the number of the store, in their order as bytes.
        ``newest_us``: time of the newest of them, -1 when there are none.
        """
        added = Added()
        async with self.exclusive(partition):
            # In the order of their keys, which RocksDB finds and keeps sooner.
            keys = segments.keys(store_ids)
            old = await self.read_aside(partition, keys)
            changes: dict[bytes, bytes | None] = {}
            rows = zip(keys, old, segments.values, segments.stores, strict=True)
            for key, before, new, store in rows:
                if before is None and len(new) <= _SHORT:
                    changes[key] = new
                    continue
                after, late = history.merge(before or b"", new)
                if late:
                    added.late += [(store, poll) for poll in late]
                if after != before:
                    changes[key] = after
            if keys and self._spans_too_much(partition, segments, changes):
                known = dict(zip(keys, old, strict=True))
                await self._archive(partition, segments.stores, known, changes, added)
            if newest_us > self.newest_us(partition):
                changes[NEWEST] = newest_us.to_bytes(8, "big")
            added.segments = len(changes)
            version = self._version(partition)
            await self.write(partition, changes)
            self._recent.added(partition, changes, version)
            if segments.days:
                self.first_polls.added(partition, min(segments.days), version)
        return added

    def _spans_too_much(
        self,
        partition: int,
        segments: Segments,
        changes: dict[bytes, bytes | None],
    ) -> bool:
        """Whether any store can have days to let go of; notes the oldest day.

        Looking at each store's other days would cost as much as all the rest.
        """
        newest_us, noted = self.newest_us(partition), self.read(partition, OLDEST)
        if noted is None and newest_us >= 0:
            return True  # written by a version that did not note it
        oldest = min(segments.days)
        if noted is None or oldest < int.from_bytes(noted, "big"):
            changes[OLDEST] = oldest.to_bytes(8, "big")
        else:
            oldest = int.from_bytes(noted, "big")
        newest = max(max(segments.days), history.day_of(newest_us))
        return newest - oldest > history.KEPT_DAYS

    async def _archive(
        self,
        partition: int,
        stores: Sequence[int],
        old: Mapping[bytes, bytes | None],
        changes: dict[bytes, bytes | None],
        added: Added,
    ) -> None:
        """Have what leaves in the archive; only then it is deleted here."""
        args = partition, stores, old, changes
        gone = await asyncio.to_thread(self._leaving, *args)
        if not gone:
            return
        taken = await self.archive.take(partition, gone)
        added.late += taken.late
        added.expired += taken.expired
        for one in gone:
            key = history.segment_key(one.store_id, one.day)
            changes.pop(key, None)
            if not one.is_new:
                changes[key] = None

    def _leaving(
        self,
        partition: int,
        stores: Sequence[int],
        old: Mapping[bytes, bytes | None],
        changes: Mapping[bytes, bytes | None],
    ) -> list[Leaving]:
        """Days that are too old here, of stores that get another one."""
        with self.data.reading[partition]:
            return leaving(partial(self.runs, partition), stores, old, changes)

    def newest_us(self, partition: int) -> int:
        """Time of the newest poll the partition has seen, -1 before the first."""
        value = self.read(partition, NEWEST)
        return -1 if value is None else int.from_bytes(value, "big")

    def survey(self, partition: int, until_us: int) -> Newest:
        """The newest poll up to an instant, and that of the next newest store."""
        found = NOBODY
        for chunk in self.chunks(partition, _SURVEYED_STORES):
            times = history.known_until(chunk.packed, chunk.counts, until_us)
            for at in np.argsort(times)[-2:].tolist():
                found = found.joined(Newest(int(times[at]), chunk.store_ids[at]))
        return found

    def newest_until(self, partition: int, until_us: int) -> int:
        """Time of the newest poll up to an instant, -1 for none.

        A look-up, unless the newest of all lies later: then all stores are looked at.
        """
        newest_us = self.newest_us(partition)
        if newest_us <= until_us:
            return newest_us
        log.warning(
            "Polls of partition %d lie in the future, up to %s: they are left out;"
            " see: streamproc future",
            *(partition, timestamp_text(newest_us)),
        )
        return self.survey(partition, until_us).time_us

    def at_hand(self, partition: int) -> Iterator[Chunk]:
        """All histories in the order of their store ids; from memory when they fit.

        Of use to who reads all of them; see ``chunks``.
        """
        return self._recent.chunks(
            partition, lambda: self.chunks(partition, STORES_PER_CHUNK)
        )

    def chunks(
        self, partition: int, stores: int, after: bytes = b""
    ) -> Iterator[Chunk]:
        """All histories in the order of their store ids, ``stores`` at a time at most.

        Each chunk reads afresh, so no iterator outlives it. ``after``: only the stores
        behind this id.
        """
        # Else after NEWEST and OLDEST.
        start = history.after_all_days(after) if after else b"\1"
        while chunk := self._chunk(partition, start, stores):
            yield chunk
            start = history.after_all_days(chunk.store_ids[-1])

    def _chunk(self, partition: int, start: bytes, stores: int) -> Chunk | None:
        chunk = ChunkBuilder()
        for keys, values in self.runs(partition, start):
            chunk.add(keys, values)
            if chunk.is_full(stores):
                # The last store may go on in segments that were not read.
                return chunk.build(min(stores, len(chunk) - 1))
        return chunk.build(len(chunk))

    def store_ids(self, partition: int) -> Iterator[bytes]:
        """Ids of all stores that have polls, in their order."""
        with self.data.using(partition) as db:
            cursor = db.iter()
            try:
                cursor.seek(b"\1")
                while cursor.valid():
                    if cursor.key() in self.own_keys:
                        cursor.next()
                        continue
                    yield (store_id := history.store_of(cursor.key()))
                    cursor.seek(history.after_all_days(store_id))
                cursor.status()
            finally:
                del cursor  # a traceback would keep it, and it the database

    def polls_of(self, partition: int, store_id: bytes) -> Ints:
        """One store's packed polls in time order."""
        prefix = history.prefix_of(store_id)
        values = []
        for key, value in self.scan(partition, prefix):
            if not key.startswith(prefix):
                break
            values.append(value)
        return packing.unpack(b"".join(values))
