"""Scans of a RocksDB database that never end early.

RocksDB's iterators end at a damaged block as they do at the end of the database; so
it is asked each time which of the two it was.
"""

from collections.abc import Iterator

from rocksdict import Rdict


def whole_items(db: Rdict, start: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Items from ``start`` on, in key order.

    Raises RocksDB's error where the next one cannot be read.
    """
    at: bytes | None = start
    while at is not None:
        for key, value in db.items(from_key=at or None):
            at = key
            yield key, value
        at = _next_key(db, at)


def _next_key(db: Rdict, last: bytes) -> bytes | None:
    """The key after the last one that was read; None when that was the last of all.

    Raises RocksDB's error when what comes next cannot be read.
    """
    cursor = db.iter()
    try:
        cursor.seek(last)
        if cursor.valid() and cursor.key() == last:
            cursor.next()
        key: bytes | None = cursor.key() if cursor.valid() else None
        cursor.status()
    finally:
        del cursor  # a traceback would keep it, and it the database
    return key
