"""What SQLite's errors say about the disk and the file."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streamproc.errors import LogDamagedError, LogDiskError, NotALogError

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_DISK = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
)


@contextmanager
def explained(path: Path, opening: bool = False) -> Iterator[None]:
    """Turn SQLite's errors about the disk or the file into ours, in one line.

    ``opening``: what cannot be opened at all is no log.
    """
    try:
        yield
    except sqlite3.Error as exc:
        code = getattr(exc, "sqlite_errorcode", 0) & 0xFF  # the rest is a detail
        if opening and code not in (*_DISK, sqlite3.SQLITE_CORRUPT):
            raise NotALogError(f"{path}: cannot be used as a log: {exc}") from exc
        if code in _DAMAGED:
            raise LogDamagedError(
                f"{path}: {exc}; restore the log from a backup (docs/operations.md,"
                " Damaged records)"
            ) from exc
        if code in _DISK:
            raise LogDiskError(
                f"{path}: {exc}; make room or mend the disk, then start again: what"
                " was acknowledged is kept"
            ) from exc
        raise
