"""A store whose databases are read only while they are whole.

What RocksDB raises comes out as one of four errors: ``PartitionDamagedError`` (its
files are damaged: the partition is built anew from its changelog),
``TableLockedError``, ``TableDiskError`` and ``PartitionLostError``.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faust.stores.rocksdb import Store
from rocksdict import Rdict

from tables.fencing import PartitionLostError
from tables.rocks_errors import PartitionDamagedError, Trouble, explained, trouble_of

log = logging.getLogger(__name__)


class GuardedStore(Store):
    """Faust's RocksDB store, which knows what is damaged, and lets nobody read it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Why each damaged partition is, until it has been built anew.
        self.damaged: dict[int, str] = {}

    @contextmanager
    def _explained(self, partition: int) -> Iterator[None]:
        """Turn RocksDB's errors into ours, and note damage."""
        try:
            yield
        except Exception as exc:
            if trouble_of(exc) is Trouble.DAMAGED:
                self._note_damage(partition, str(exc))
            ours = explained(exc, self.table, partition)
            if ours is None:
                raise
            raise ours from exc

    @contextmanager
    def using(self, partition: int) -> Iterator[Rdict]:
        """The database of a partition, to be read.

        Raises PartitionLostError when it is not here, PartitionDamagedError while it
        is damaged.
        """
        if partition in self.damaged:
            raise PartitionDamagedError(self.table, partition, self.damaged[partition])
        db = self._dbs.get(partition)
        if db is None:
            raise PartitionLostError(f"{self.table_name}, partition {partition}")
        with self._explained(partition):
            yield db

    def _note_damage(self, partition: int, why: str) -> None:
        """Let nobody read it until it is built anew, also not after a crash."""
        if partition in self.damaged or partition not in self._dbs:
            return
        self.damaged[partition] = why
        try:
            self._damage_mark(partition).write_text(why)
        except OSError as exc:
            log.warning("%s cannot be written: %s", self._damage_mark(partition), exc)
        self.table.repair_soon(partition)

    def _damage_mark(self, partition: int) -> Path:
        """File that says that the database beside it is damaged."""
        path: Path = self.partition_path(partition).with_suffix(".damaged")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
