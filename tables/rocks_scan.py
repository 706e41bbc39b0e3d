"""Scans of a RocksDB database that never end early.

RocksDB's iterators end at a damaged block as they do at the end of the database; so
it is asked each time which of the two it was.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain, islice, repeat
from typing import Any

from rocksdict import Rdict

Run = tuple[list[bytes], list[bytes]]
"""Consecutive items as two columns: keys and values."""

_RUN = 2_000
_FIRST_RUNS = (1, 4, 16, 64, 256)
"""Few at first: many who scan stop soon."""

_AT_ONCE = 100
"""Items that are read before other threads get their turn.

Rocksdict holds the interpreter's lock while RocksDB reads, which may be from disk.
"""


def whole_runs(db: Rdict, start: bytes, end: bytes | None = None) -> Iterator[Run]:
    """Items with ``start`` <= key < ``end`` (None for no end), in key order, as of now.

    As columns: a tuple kept for each item would cost as much as reading it, and keep
    Python's garbage collector busy. Raises RocksDB's error where the next one cannot be
    read.
    """
    snapshot = db.snapshot()  # of one instant, whatever is written meanwhile
    at: bytes | None = start
    while at is not None:
        for keys, values in _runs(snapshot, at):
            if end is not None and keys[-1] >= end:
                inside = bisect_left(keys, end)
                if inside:
                    yield keys[:inside], values[:inside]
                return
            at = keys[-1] + b"\0"
            yield keys, values
        at = _first_key(snapshot, at)


def _runs(snapshot: Any, start: bytes) -> Iterator[Run]:
    """Items from ``start`` on, up to the end or to damage."""
    items = snapshot.items(from_key=start or None)
    for size in chain(_FIRST_RUNS, repeat(_RUN)):
        some: list[bytes] = []  # key, value, key, value
        for first in range(0, size, _AT_ONCE):
            most = min(size - first, _AT_ONCE)
            some += chain.from_iterable(islice(items, most))
        if some:
            yield some[::2], some[1::2]
        if len(some) < 2 * size:
            return


def _first_key(snapshot: Any, start: bytes) -> bytes | None:
    """The first key from ``start`` on; None when there is none.

    Raises RocksDB's error when what comes there cannot be read.
    """
    cursor = snapshot.iter()
    try:
        cursor.seek(start)
        key: bytes | None = cursor.key() if cursor.valid() else None
        cursor.status()
    finally:
        del cursor  # a traceback would keep it, and it the database
    return key


def keys_from(cursor: Any, prefix: bytes) -> Iterator[bytes]:
    """Keys that begin with a prefix, in order; the cursor is at the one told last."""
    cursor.seek(prefix)
    while cursor.valid() and (key := cursor.key()).startswith(prefix):
        yield key
        cursor.next()
    cursor.status()  # raises where it is damage that has ended it
