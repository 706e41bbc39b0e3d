"""Keys of what is known of a store, where a table may hold several facts of it.

The key is the store id, alone or with a NUL byte and a suffix: so one fact is one
key, and a store's facts lie together, in the order of their suffixes.
"""

from dataclasses import dataclass

from streamproc.rules import poll

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


@dataclass(frozen=True, slots=True)
class NumberedFacts:
    """What a table holds of some stores, each distinct set of facts once.

    ``store_ids``: those it holds anything of, in order. ``numbers``: for each of them
    the position of its facts in ``distinct``, which begins with no facts at all.
    """

    store_ids: list[bytes]
    numbers: list[int]
    distinct: list[Facts]

    def of(self, store_ids: list[bytes]) -> list[int]:
        """The number of each of some stores, 0 where nothing is held."""
        if self.store_ids == store_ids:
            return self.numbers
        numbers = dict(zip(self.store_ids, self.numbers, strict=True))
        return [numbers.get(store_id, 0) for store_id in store_ids]


def numbered(keys: list[bytes], values: list[bytes]) -> NumberedFacts:
    """The facts of a run of items of one table, in the order of their keys.

    What is told of all stores is of none.
    """
    if _NUL in b"".join(keys) or ALL_STORES in keys:
        return _grouped(keys, values)
    number: dict[bytes, int] = {}  # one fact of each store: no need to gather any
    numbers = [number.setdefault(value, len(number) + 1) for value in values]
    return NumberedFacts(keys, numbers, [(), *(((b"", value),) for value in number)])


def _grouped(keys: list[bytes], values: list[bytes]) -> NumberedFacts:
    """Gather the facts of each store."""
    found: dict[bytes, list[tuple[bytes, bytes]]] = {}
    for key, value in zip(keys, values, strict=True):
        store_id, suffix = decode_key(key)
        found.setdefault(store_id, []).append((suffix, value))
    found.pop(ALL_STORES, None)
    number: dict[Facts, int] = {(): 0}
    numbers = [number.setdefault(tuple(each), len(number)) for each in found.values()]
    return NumberedFacts(list(found), numbers, list(number))
