"""Scans of a RocksDB database that never end early.

RocksDB's iterators end at a damaged block as they do at the end of the database; so
it is asked each time which of the two it was.
"""

from collections.abc import Iterator
from itertools import chain, islice, repeat

from rocksdict import Rdict

_RUN = 1_000
_FIRST_RUNS = (1, 4, 16, 64, 256)
"""Few at first: many who scan stop soon."""


def whole_items(db: Rdict, start: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Items from ``start`` on, in key order.

    Raises RocksDB's error where the next one cannot be read.
    """
    sizes = chain(_FIRST_RUNS, repeat(_RUN))
    at: bytes | None = start
    while at is not None:
        items = db.items(from_key=at or None)
        # By the run: a step of Python for each item costs as much as reading it.
        while run := list(islice(items, next(sizes))):
            at = run[-1][0]
            yield from run
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
