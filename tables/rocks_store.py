"""RocksDB under a table: how each partition's database is opened and closed."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faust.stores.rocksdb import RocksDBOptions, Store
from faust.types import TP
from rocksdict import Options, Rdict

log = logging.getLogger(__name__)

_FILTER_SHARE = 0.05
"""Of the write buffer."""


class _Options(RocksDBOptions):
    """Faust's, with a filter for what has been written but not flushed.

    Most keys of a batch are new when few polls are of the same store.
    """

    def as_options(self) -> Options:
        """RocksDB's own form of the options."""
        options = super().as_options()
        options.set_memtable_whole_key_filtering(True)
        options.set_memtable_prefix_bloom_ratio(_FILTER_SHARE)
        return options


class RocksStore(Store):
    """Faust's RocksDB store, which closes what it opened and survives damage.

    Faust leaves closing to the garbage collector; a forgotten iterator would
    then keep the database locked.
    """

    logger = logging.getLogger("faust.stores")  # Faust's lines, not ours

    def __init__(self, *args: Any, options: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, options=options, **kwargs)
        self.rocksdb_options = _Options(**options)
        #: Held while a thread reads a partition: nobody can close it meanwhile.
        self.reading: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)

    def _open_for_partition(self, partition: int) -> Rdict:
        try:
            return super()._open_for_partition(partition)
        except Exception as exc:
            if "lock" in repr(exc).lower():
                raise  # another process has it: Faust waits and tries again
            aside = _set_aside(self.partition_path(partition))
            log.error(
                "Table %s, partition %d is damaged (%s): set aside as %s,"
                " rebuilding it from the changelog",
                self.table_name,
                partition,
                exc,
                aside,
            )
            return super()._open_for_partition(partition)

    def revoke_partitions(self, table: Any, tps: set[TP]) -> None:
        """Close the databases of partitions that go to another worker."""
        for tp in tps:
            if tp.topic in table.changelog_topic.topics:
                self._close(tp.partition)

    async def stop(self) -> None:
        """Close all databases."""
        for partition in list(self._dbs):
            self._close(partition)

    def _close(self, partition: int) -> None:
        with self.reading[partition]:
            db = self._dbs.pop(partition, None)
            if db is not None:
                db.close()

    def set_aside(self, partition: int) -> Path | None:
        """Put a database that is not to be trusted out of the way."""
        self._close(partition)
        path = self.partition_path(partition)
        return _set_aside(path) if path.exists() else None


def _set_aside(path: Path) -> Path:
    """Rename a damaged database so that it can be looked at later."""
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    path.rename(aside)
    return aside
