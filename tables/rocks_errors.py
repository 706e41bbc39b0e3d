"""What RocksDB's errors mean. rocksdict raises each as a plain ``Exception``.

The text is RocksDB's own (``Status::ToString``): what kind of error it is, a colon,
and what was being done, often with a path. Only the kind is looked at, and the whole
text where the kind does not tell; paths and reasons may hold any word.
"""

import re
import traceback
from enum import Enum
from typing import Any

from rocksdict import DbClosedError

from streamproc.errors import TableDiskError, TableLockedError
from tables.fencing import PartitionLostError

_TEXT = re.DOTALL


class PartitionDamagedError(PartitionLostError):
    """Raised when a partition's files are damaged, until it has been built anew."""

    def __init__(self, table: Any, partition: int, why: str) -> None:
        super().__init__(f"table {table.name}, partition {partition} is damaged: {why}")
        self.table = table
        self.partition = partition
        self.why = why

    async def repaired(self) -> None:
        """Return when the partition has been built anew."""
        # An iterator that is left in one of the frames keeps the database open.
        for error in (self, self.__cause__):
            traceback.clear_frames(error.__traceback__ if error else None)
        await self.table.repair(self.partition)


class Trouble(Enum):
    """What has to be done about an error.

    ``LOCKED``: another process, or a reader in this one, has the database open.
    ``DAMAGED``: its files are not what RocksDB has written. ``DISK``: the disk is
    full, or cannot be read or written. ``CLOSED``: it was closed without a flush.
    """

    LOCKED = (
        r"IO error: lock hold by current process, acquire time \d+"
        r" acquiring thread \d+: [^\n]*/LOCK: No locks available",
        r"IO error: While lock file: [^\n]*/LOCK: Resource temporarily unavailable",
    )
    DAMAGED = (
        r"Corruption: .*",
        # A file that another one of the database names.
        r"IO error: No such file or directory: While open[^\n]*",
    )
    DISK = (r"IO error: .*", r"[^\n]* \(os error \d+\)")
    CLOSED = (r"Shutdown in progress: .*",)


_PATTERNS = [
    (trouble, re.compile(pattern, _TEXT))
    for trouble in Trouble
    for pattern in trouble.value
]


def trouble_of(exc: BaseException) -> Trouble | None:
    """What an error means; None when it is none of RocksDB's, or another one."""
    if type(exc) is not Exception:
        return None
    text = str(exc)
    matches = (t for t, pattern in _PATTERNS if pattern.fullmatch(text))
    return next(matches, None)


def explained(exc: Exception, table: Any, partition: int) -> Exception | None:
    """The error to raise in place of one of RocksDB's; None for any other."""
    where, trouble = f"table {table.name}, partition {partition}", trouble_of(exc)
    if isinstance(exc, DbClosedError):
        return PartitionLostError(f"{where}: closed")
    if trouble is Trouble.DAMAGED:
        return PartitionDamagedError(table, partition, str(exc))
    if trouble is Trouble.LOCKED:
        return TableLockedError(
            f"{where}: another process has it open ({exc}); stop that worker, or give"
            " this one its own data directory"
        )
    if trouble is Trouble.DISK:
        return TableDiskError(
            f"{where}: {exc}; make room or mend the disk, then start the worker again:"
            " nothing that was acknowledged is lost"
        )
    return None
