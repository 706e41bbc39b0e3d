"""Keys of what is known of a store, where a table may hold several facts of it.

The key is the store id, alone or with a NUL byte and a suffix: so one fact is one
key, and a store's facts lie together, in the order of their suffixes.
"""

from streamproc.rules import poll
from tables.batch_table import BatchTable

ALL_STORES = poll.ALL_STORES.encode()
"""In place of a store id: the fact is of every store."""

AFTER_FACTS = b"\1"
"""Behind a store id: after all its keys, before those of the next one."""

_NUL = b"\0"
_DAY_BYTES = 4

Facts = tuple[tuple[bytes, bytes], ...]
"""A store's facts of one table: suffix and value, in order."""


def encode_key(store_id: bytes, suffix: bytes = b"") -> bytes:
    """Key of a fact; without a suffix that of the store's only one."""
    return store_id + _NUL + suffix if suffix else store_id


def decode_key(key: bytes) -> tuple[bytes, bytes]:
    """Store id and suffix of a key; no store id holds a NUL byte."""
    store_id, _, suffix = key.partition(_NUL)
    return store_id, suffix


def encode_day(day: int) -> bytes:
    """Suffix of a local date, in the order of the dates."""
    return day.to_bytes(_DAY_BYTES, "big")


def decode_day(suffix: bytes) -> int:
    """Local date of a suffix, in days since 1970-01-01."""
    return int.from_bytes(suffix, "big")


def facts_of(table: BatchTable, partition: int, store_id: bytes) -> Facts:
    """All that a table holds of a store."""
    found = []
    for key, value in table.scan(partition, store_id):
        owner, suffix = decode_key(key)
        if owner != store_id:
            break
        found.append((suffix, value))
    return tuple(found)


def facts_between(
    table: BatchTable, partition: int, after: bytes, upto: bytes | None
) -> dict[bytes, Facts]:
    """All facts of the stores with ``after`` < id <= ``upto``; None for no end.

    What is told of all stores is of none.
    """
    found: dict[bytes, Facts] = {}
    start = after + AFTER_FACTS if after else b""
    for key, value in table.scan(partition, start):
        store_id, suffix = decode_key(key)
        if upto is not None and store_id > upto:
            break
        before = found.get(store_id, ())
        found[store_id] = (*before, (suffix, value))
    found.pop(ALL_STORES, None)
    return found
