"""A Faust table that is written a batch at a time: changelog first, then disk.

Keys and values are bytes. ``write`` appends all changes to the changelog and
waits until they are delivered, then puts them into RocksDB together with the
changelog offset reached, in one atomic write. So the local state is never
ahead of its changelog, and a crash in between is repaired by the replay of the
same input.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import faust
from aiokafka.errors import KafkaError
from faust.types import TP
from rocksdict import Rdict, WriteBatch

from streamproc.transport.batch import BatchSchema, declare_batched
from tables import rebuild
from tables.rocks_store import RocksStore

log = logging.getLogger(__name__)

_MIB = 1 << 20


class PartitionLostError(Exception):
    """Raised when a partition was handed to another worker in mid-batch.

    Nothing was written; its new owner reads the same batch again.
    """


class BatchTable(faust.Table[bytes, bytes]):
    """Table of bytes to bytes; read per partition, written by ``write``."""

    logger = logging.getLogger("faust.tables")  # Faust's lines, not ours

    #: Keys that are not the table's rows.
    own_keys: tuple[bytes, ...] = (RocksStore.offset_key,)

    def __init__(
        self,
        app: faust.App,
        *,
        block_cache: int = 32,
        write_buffer: int = 8,
        **kw: Any,
    ) -> None:
        super().__init__(
            app,
            key_type=bytes,
            value_type=bytes,
            # Each changelog event is a whole batch already. Not 1: at 1 Faust
            # goes on reading the changelog of partitions it is writing.
            recovery_buffer_size=2,
            standby_buffer_size=1,
            options={
                "block_cache_size": block_cache * _MIB,
                "write_buffer_size": write_buffer * _MIB,
            },
            **kw,
        )
        self._exclusive: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        #: Topic that the table can be built anew from, partition by partition.
        self.source: str | None = None
        self._handing_over = False
        #: Where the changelog of each partition ended when it was last written.
        self._ends: dict[int, int] = {}

    def _new_store(self) -> RocksStore:
        return RocksStore(
            "rocksdb://",
            self.app,
            self,
            table_name=self.name,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            options=dict(self.options),
            driver="rocksdict",
            loop=self.loop,
        )

    def _new_changelog_topic(self, **kwargs: Any) -> Any:
        topic = super()._new_changelog_topic(**kwargs)
        topic.schema = BatchSchema()
        declare_batched(self.app, topic.get_topic_name())
        return topic

    async def on_rebalance(
        self,
        assigned: set[TP],
        revoked: set[TP],
        newly_assigned: set[TP],
        generation_id: int = 0,
    ) -> None:
        """Open and close databases; those with a cut-off changelog start anew."""
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)
        await rebuild.check(self, assigned)

    # -- ownership --------------------------------------------------------------

    def owns(self, partition: int) -> bool:
        """Whether this worker holds the partition and may write it."""
        if self._handing_over:
            return False
        tp = TP(self.changelog_topic.get_topic_name(), partition)
        return partition in self.data._dbs and self.app.assignor.is_active(tp)

    def require(self, partition: int) -> None:
        """Raise PartitionLostError when the partition is not ours (any more)."""
        if not self.owns(partition):
            raise PartitionLostError(f"{self.name}, partition {partition}")

    def partitions_owned(self) -> list[int]:
        """Partitions this worker may write, in order."""
        return sorted(p for p in self.data._dbs if self.owns(p))

    @asynccontextmanager
    async def exclusive(self, partition: int) -> AsyncIterator[None]:
        """Hold the partition from reading the old values to writing the new.

        A rebalance waits for it, so no other worker writes in between. Raises
        PartitionLostError when the partition is not ours (any more).
        """
        async with self._exclusive[partition]:
            self.require(partition)
            yield

    async def hand_over(self) -> None:
        """Let nobody begin to write, and wait until nobody is writing.

        What is written after the partitions have gone would come after what
        their new owner writes, and win in the changelog.
        """
        self._handing_over = True
        for partition, lock in list(self._exclusive.items()):
            async with lock:
                await self._have_last_word(partition)

    def take_over(self) -> None:
        """Write again: the partitions have been assigned anew."""
        self._handing_over = False
        self._ends.clear()

    # -- reading ----------------------------------------------------------------

    def _db(self, partition: int) -> Rdict:
        try:
            return self.data._dbs[partition]
        except KeyError:
            raise PartitionLostError(f"{self.name}, partition {partition}") from None

    def read(self, partition: int, key: bytes) -> bytes | None:
        """Value of one key."""
        value: bytes | None = self._db(partition).get(key)
        return value

    def read_many(self, partition: int, keys: Sequence[bytes]) -> list[bytes | None]:
        """Value of each key."""
        with self.data.reading[partition]:
            values: list[bytes | None] = self._db(partition).get(list(keys))
        return values

    async def read_aside(
        self, partition: int, keys: Sequence[bytes]
    ) -> list[bytes | None]:
        """Value of each key, read in a thread; RocksDB needs no lock of Python's."""
        return await asyncio.to_thread(self.read_many, partition, keys)

    def scan(self, partition: int, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Items from ``start`` on, in key order, as of now.

        Use it up or let go of it soon: it keeps the database open.
        """
        items = self._db(partition).items(from_key=start or None)
        return (item for item in items if item[0] != self.data.offset_key)

    # -- writing ----------------------------------------------------------------

    async def write(
        self, partition: int, changes: Mapping[bytes, bytes | None]
    ) -> None:
        """Apply changes: value None deletes. Call it inside ``exclusive``."""
        if not changes:
            return
        last = await self._append(partition, changes)
        expected, first = self._end(partition), last - len(changes) + 1
        self._ends[partition] = last + 1
        if expected is not None and first > expected:
            await self._contested(partition, changes, expected, last)
        else:
            self._apply(partition, changes.items(), last)

    async def _append(
        self, partition: int, changes: Mapping[bytes, bytes | None]
    ) -> int:
        offset: int = await self.app.producer.append_batch(
            self.changelog_topic.get_topic_name(),
            partition,
            list(changes),
            list(changes.values()),
        )
        return offset

    def _end(self, partition: int) -> int | None:
        """Where the changelog ends as far as this worker knows."""
        if partition not in self._ends:
            offset = self.read(partition, self.data.offset_key)
            if offset is not None:
                self._ends[partition] = int(offset) + 1
        return self._ends.get(partition)

    async def _contested(
        self,
        partition: int,
        changes: Mapping[bytes, bytes | None],
        expected: int,
        last: int,
    ) -> None:
        """Somebody else has written to the changelog in between.

        A worker that was frozen longer than its session lasts wakes up in the
        middle of a write that its successor has made long ago. If that is us,
        our copy must not take its own offset for the changelog's end: nothing
        is applied, and the rejoin that is due reads everything. If it is not,
        what we know of those keys is appended once more, to come last.
        """
        consumer = self.app.consumer
        tp = TP(self.changelog_topic.get_topic_name(), partition)
        if not await consumer.is_member():
            del self._ends[partition]
            raise PartitionLostError(f"{self.name}, partition {partition}: taken over")
        if changes:
            self._apply(partition, changes.items(), last)
        self._ends[partition] = last + 1
        keys = sorted(await consumer.keys_between(tp, expected, last + 1))
        log.warning(
            "Table %s, partition %d: another worker wrote late, putting %d keys right",
            self.name,
            partition,
            len(keys),
        )
        values = self.read_many(partition, keys)
        await self.write(partition, dict(zip(keys, values, strict=True)))

    async def _have_last_word(self, partition: int) -> None:
        """Put right what another worker wrote late, before handing over."""
        consumer, end = self.app.consumer, self._ends.get(partition)
        tp = TP(self.changelog_topic.get_topic_name(), partition)
        if end is None or not hasattr(consumer, "is_member"):
            return  # not written by us, or on the embedded log
        try:
            reached = (await consumer.highwaters(tp))[tp]
            if reached > end and await consumer.is_member():
                await self._contested(partition, {}, end, reached - 1)
        except (KafkaError, TimeoutError) as exc:
            log.warning("Table %s, partition %d: %s", self.name, partition, exc)

    def _apply(
        self, partition: int, items: Iterable[tuple[bytes, bytes | None]], offset: int
    ) -> None:
        batch = WriteBatch(raw_mode=True)
        put, delete = batch.put, batch.delete
        for key, value in items:
            if value is None:
                delete(key)
            else:
                put(key, value)
        put(self.data.offset_key, str(offset).encode())
        self.data._db_for_partition(partition).write(batch)

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Recover: write each fetched run of the changelog at once."""
        for event in batch:
            records = event.value
            self._apply(
                records.partition,
                zip(records.keys, records.values, strict=True),
                records.offset,
            )
