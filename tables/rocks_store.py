"""RocksDB under a table: how each partition's database is opened, read and closed.

What RocksDB raises comes out as one of four errors, see ``guarded_store``.
"""

import asyncio
import logging
import shutil
import threading
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from faust.stores.rocksdb import Store
from faust.types import TP
from rocksdict import Rdict, WriteBatch

from streamproc.errors import TableLockedError
from streamproc.transport.batch import Batch
from tables import rocks_files
from tables.fencing import PartitionLostError
from tables.guarded_store import GuardedStore
from tables.rocks_errors import (
    PartitionDamagedError,
    Trouble,
    trouble_of,
)
from tables.rocks_options import TableOptions
from tables.rocks_scan import Run, whole_runs

log = logging.getLogger(__name__)

_NOTE_EVERY_S = 1.0
"""How often the lengths of a database's files are noted while it is written."""

_LOCK_TRIES = 30
_LOCK_WAIT_S = 1.0


class RocksStore(GuardedStore):
    """Faust's RocksDB store, which closes what it opened and survives damage.

    Faust leaves closing to the garbage collector; a forgotten iterator would
    then keep the database locked.
    """

    logger = logging.getLogger("faust.stores")  # Faust's lines, not ours

    #: Keys that the store itself writes.
    own_keys = (Store.offset_key, rocks_files.OWNER_KEY, rocks_files.LENGTHS_KEY)

    def __init__(self, *args: Any, options: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, options=options, **kwargs)
        self.rocksdb_options = TableOptions(**options)
        #: Room that may be needed to write down what is in memory.
        self._flush_bytes = (
            self.rocksdb_options.max_write_buffer_number
            * self.rocksdb_options.write_buffer_size
        )
        #: Held while a thread reads a partition: nobody can close it meanwhile.
        self.reading: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)
        self._noted_at: dict[int, float] = {}
        #: Another number whenever a partition's database may hold something else.
        self.versions: Counter[int] = Counter()
        self._stopped_for_good = False

    # -- reading and writing ------------------------------------------------------

    def persisted_offset(self, tp: TP) -> int | None:
        """Changelog offset of the newest change; None before the first."""
        self._db_for_partition(tp.partition)
        with self.using(tp.partition) as db:
            offset = db.get(self.offset_key)
        return None if offset is None else int(offset)

    def scan(self, partition: int, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Items from ``start`` on, in key order, without the store's own."""
        for keys, values in self.runs(partition, start):
            yield from zip(keys, values, strict=True)

    def runs(
        self, partition: int, start: bytes, end: bytes | None = None
    ) -> Generator[Run]:
        """The same as columns, up to ``end`` if that is given, some at a time."""
        with self.using(partition) as db:
            for keys, values in whole_runs(db, start, end):
                for own in self.own_keys:
                    at = bisect_left(keys, own)
                    if at < len(keys) and keys[at] == own:
                        del keys[at], values[at]
                if keys:
                    yield keys, values

    def apply(
        self,
        partition: int,
        items: Iterable[tuple[bytes, bytes | None]],
        offset: int,
        run: tuple[bytes, bytes] | None = None,
    ) -> None:
        """Write changes (value None deletes) and their changelog offset, atomically.

        ``run``: the keys from the first to before the second are deleted before.
        """
        db = self._db_for_partition(partition)
        batch = WriteBatch(raw_mode=True)
        if run is not None:
            batch.delete_range(*run)
        put, delete = batch.put, batch.delete
        for key, value in items:
            if value is None:
                delete(key)
            else:
                put(key, value)
        put(self.offset_key, str(offset).encode())
        now = time.monotonic()
        if now - self._noted_at.get(partition, now) >= _NOTE_EVERY_S:
            self._noted_at[partition] = now
            put(rocks_files.LENGTHS_KEY, self._lengths(partition))
        try:
            with self._explained(partition):
                db.write(batch)
        finally:  # not before: who reads a version has all that was written up to it
            self.versions[partition] += 1

    def apply_batch(self, records: Batch) -> None:
        """Write a run of the partition's changelog."""
        items = zip(records.keys, records.values, strict=True)
        self.apply(records.partition, items, records.offset)  # type: ignore[arg-type]

    def _lengths(self, partition: int) -> bytes:
        return rocks_files.encode(rocks_files.lengths(self.partition_path(partition)))

    # -- opening ------------------------------------------------------------------

    def _open_for_partition(self, partition: int) -> Rdict:
        """Open a database; one that is damaged is set aside, and begun anew.

        Raises PartitionLostError once the store was stopped: a rebalance under way
        would take the lock of what is being closed.
        """
        if self._stopped_for_good:
            raise PartitionLostError(
                f"{self.table_name}, partition {partition}: closed"
            )
        mark = self._damage_mark(partition)
        why = mark.read_text() if mark.exists() else None
        if why is None:
            try:
                return self._open_checked(partition)
            except PartitionDamagedError as exc:
                why = exc.why
        aside = self.set_aside(partition)
        mark.unlink(missing_ok=True)
        log.error(
            "Table %s, partition %d is damaged (%s): set aside as %s, rebuilding it"
            " from the changelog",
            self.table_name,
            partition,
            why,
            aside,
        )
        return self._open_checked(partition)

    async def begin_anew(self, partition: int) -> None:
        """Put an empty database in the place of a damaged one; readers still wait."""
        why = self.damaged[partition]
        self._close(partition)
        self.damaged[partition] = why
        generation = self.app.consumer_generation_id
        await self._try_open_db_for_partition(partition, generation_id=generation)

    async def need_active_standby_for(self, tp: TP) -> bool:
        """Whether nobody else on this machine keeps that copy."""
        try:
            self._db_for_partition(tp.partition)
        except TableLockedError:
            return False
        return True

    def _open_checked(self, partition: int) -> Rdict:
        """Open a database; raise PartitionDamagedError when it is not what it was."""
        found = rocks_files.lengths(self.partition_path(partition))
        with self._explained(partition):
            db = super()._open_for_partition(partition)
            try:
                self._check(partition, db, found)
            except BaseException:
                db.close()
                raise
        return db

    def _check(self, partition: int, db: Rdict, found: Mapping[str, int]) -> None:
        mine = rocks_files.owner(self.app.conf.id, self.table_name, partition)
        _, theirs, noted = (db.get(key) for key in self.own_keys)
        why = rocks_files.wrong(mine, theirs, found, rocks_files.decode(noted))
        if why is not None:
            raise PartitionDamagedError(self.table, partition, why)
        db.put(rocks_files.OWNER_KEY, mine)
        db.put(rocks_files.LENGTHS_KEY, self._lengths(partition))
        self._noted_at[partition] = time.monotonic()

    async def _try_open_db_for_partition(
        self,
        partition: int,
        max_retries: int = _LOCK_TRIES,
        retry_delay: float = _LOCK_WAIT_S,
        generation_id: int = 0,
    ) -> Rdict | None:
        """Open a database; wait while somebody else has it, and only then."""
        for left in reversed(range(max_retries)):
            try:
                return self._db_for_partition(partition)
            except TableLockedError as exc:
                if not left:
                    raise
                log.info("%s; waiting", exc)
            if generation_id != self.app.consumer_generation_id:
                return None  # there has been a rebalance since
            await self.sleep(retry_delay)
        return None

    # -- closing ------------------------------------------------------------------

    def revoke_partitions(self, table: Any, tps: set[TP]) -> None:
        """Close the databases of partitions that go to another worker."""
        for tp in tps:
            if tp.topic in table.changelog_topic.topics:
                self._close(tp.partition)

    async def stop(self) -> None:
        """Close all databases side by side, each waits for the disk; open no more."""
        self._stopped_for_good = True
        each = (asyncio.to_thread(self._close, partition) for partition in self._dbs)
        await asyncio.gather(*each)

    def _close(self, partition: int) -> None:
        with self.reading[partition]:
            self.versions[partition] += 1
            db = self._dbs.pop(partition, None)
            if db is None:
                return
            damaged = self.damaged.pop(partition, None) is not None
            if shutil.disk_usage(self.path).free < self._flush_bytes:
                # A flush that finds no room is tried again and again for a second.
                db.cancel_all_background(False)
            elif not damaged:
                note = self._lengths(partition)
                self._try_last(partition, lambda: db.put(rocks_files.LENGTHS_KEY, note))
            self._try_last(partition, db.close)

    def _try_last(self, partition: int, step: Callable[[], None]) -> None:
        """Do what can be done before the end; a disk in trouble was told of before."""
        try:
            step()
        except Exception as exc:
            trouble = trouble_of(exc)
            if trouble is None:
                raise
            level = logging.DEBUG if trouble is Trouble.CLOSED else logging.WARNING
            log.log(level, "Closing %s, %d: %s", self.table_name, partition, str(exc))

    def set_aside(self, partition: int) -> Path | None:
        """Put a database that is not to be trusted out of the way, to be looked at.

        Only the last one of a partition is kept. None: there is no database.
        """
        self._close(partition)
        path = self.partition_path(partition)
        if not path.exists():
            return None
        for earlier in path.parent.glob(f"{path.name}.damaged-*"):
            shutil.rmtree(earlier)
        return Path(path.rename(f"{path}.damaged-{time.time_ns()}"))
