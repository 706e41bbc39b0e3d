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
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from typing import Any

import faust
from faust.types import TP

from streamproc.errors import TableDamagedError, TopicMismatchError
from streamproc.transport.batched import BatchSchema, declare_batched
from streamproc.transport.client import Client
from streamproc.transport.protocols import producer_of
from tables import rebuild
from tables.fencing import Fence, PartitionLostError
from tables.readable_table import ReadableTable
from tables.rebuild import Repairs
from tables.rocks_errors import PartitionDamagedError
from tables.rocks_store import RocksStore

_MIB = 1 << 20


class BatchTable(ReadableTable):
    """Table of bytes to bytes; read per partition, written by ``write``."""

    logger = logging.getLogger("faust.tables")  # Faust's lines, not ours

    #: Keys that are not the table's rows.
    own_keys: tuple[bytes, ...] = RocksStore.own_keys

    #: ``zstd``, or RocksDB's default.
    compression: str | None = None

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
                "compression": self.compression,
            },
            **kw,
        )
        self._exclusive: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        #: Topic that the table can be built anew from, partition by partition.
        self.source: str | None = None
        #: Gives a reader of the changelog.
        self.connect: Callable[[], Awaitable[Client]] = _unconnected
        self._handing_over = False
        self._repairs = Repairs(self)
        self._fence = Fence(self.changelog, self._persisted, lambda: self.app.consumer)

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

    def changelog(self, partition: int) -> TP:
        """Where a partition's changes are written to first."""
        return TP(self.changelog_topic.get_topic_name(), partition)

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
        tp = self.changelog(partition)
        return partition in self.data._dbs and self.app.assignor.is_active(tp)

    def require(self, partition: int) -> None:
        """Raise PartitionLostError when the partition is not ours (any more).

        TopicMismatchError when it was never anybody's.
        """
        if partition >= self.partitions:
            raise TopicMismatchError(
                f"{self.source or self.name} has a partition {partition}, but table"
                f" {self.name} only {self.partitions}: partitions were added to the"
                ' topic (see docs/operations.md, "Another number of partitions")'
            )
        if not self.owns(partition):
            raise PartitionLostError(f"{self.name}, partition {partition}")

    def partitions_owned(self) -> list[int]:
        """Partitions this worker may write, in order."""
        return sorted(p for p in self.data._dbs if self.owns(p))

    @asynccontextmanager
    async def exclusive(self, partition: int) -> AsyncIterator[None]:
        """Hold the partition from reading the old values to writing the new.

        A rebalance waits for it, so no other worker writes in between. Raises
        PartitionLostError when the partition is not ours (any more). A partition that
        is damaged is built anew first.
        """
        async with self._exclusive[partition]:
            self.require(partition)
            if partition in self.data.damaged:
                await self._repairs.build_anew(partition)
            yield

    async def hand_over(self) -> None:
        """Let nobody begin to write, and wait until nobody is writing.

        What is written after the partitions have gone would come after what
        their new owner writes, and win in the changelog.
        """
        self._handing_over = True
        for partition, lock in list(self._exclusive.items()):
            async with lock:
                late = await self._fence.written_since(partition)
                if late and partition not in self.data.damaged:
                    await self._have_last_word(partition, late)

    def take_over(self) -> None:
        """Write again: the partitions have been assigned anew."""
        self._handing_over = False
        self._fence.forget()

    async def repair(self, partition: int) -> None:
        """Return when the partition is whole."""
        async with self.exclusive(partition):
            pass

    def repair_soon(self, partition: int) -> None:
        """Begin to build a damaged partition anew; may be called from any thread."""
        self._repairs.soon(partition)

    # -- writing ----------------------------------------------------------------

    async def write(
        self, partition: int, changes: Mapping[bytes, bytes | None]
    ) -> None:
        """Apply changes: value None deletes. Call it inside ``exclusive``."""
        if changes:
            await self._write_both(partition, changes)

    async def write_run(
        self, partition: int, begin: bytes, keys: Sequence[bytes]
    ) -> None:
        """Delete a run of keys: all there are from ``begin`` to the last of them."""
        run = (begin, keys[-1] + b"\0")
        await self._write_both(partition, dict.fromkeys(keys), run)

    async def _write_both(
        self,
        partition: int,
        changes: Mapping[bytes, bytes | None],
        run: tuple[bytes, bytes] | None = None,
    ) -> None:
        """Changelog, then disk; ``run``: the changes delete just these keys there."""
        last = await self._append(partition, changes)
        try:
            await self._write(partition, changes, last, run)
        except PartitionDamagedError:
            # The changelog has it: it is among what the partition is built of.
            await self._repairs.build_anew(partition)

    async def _write(
        self,
        partition: int,
        changes: Mapping[bytes, bytes | None],
        last: int,
        run: tuple[bytes, bytes] | None,
    ) -> None:
        """Write on disk what the changelog has got, up to offset ``last``.

        Never opens a database: one that was closed meanwhile, as the worker stops, has
        it from the changelog when it is opened next. Raises PartitionLostError then.
        """
        if partition not in self.data._dbs:
            raise PartitionLostError(f"{self.name}, partition {partition}: closed")
        late = self._fence.written(partition, len(changes), last)
        if late:
            await self._fence.require_member(partition)
        items = changes.items() if run is None else ()
        self.data.apply(partition, items, last, run)
        if late:
            await self._have_last_word(partition, late)

    async def _append(
        self, partition: int, changes: Mapping[bytes, bytes | None]
    ) -> int:
        return await producer_of(self.app).append_batch(
            self.changelog_topic.get_topic_name(),
            partition,
            list(changes),
            list(changes.values()),
        )

    def _persisted(self, partition: int) -> int | None:
        """Changelog offset of the newest change on disk; None before the first."""
        offset = self.read(partition, self.data.offset_key)
        return None if offset is None else int(offset)

    async def _have_last_word(self, partition: int, late: range) -> None:
        """Append what we know of keys that another worker wrote late once more."""
        keys = await self._fence.keys_written(partition, late)
        values = self.read_many(partition, keys)
        await self.write(partition, dict(zip(keys, values, strict=True)))

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Recover: write each fetched run of the changelog at once."""
        for event in batch:
            try:
                self.data.apply_batch(event.value)
            except PartitionDamagedError as exc:
                raise TableDamagedError(
                    f"{exc}; start the worker again: it will be built anew"
                ) from exc


async def _unconnected() -> Client:
    raise LookupError("the table was not told how to read its changelog")
