"""Which segments of ``histories`` leave it for the archive, once newer ones come.

Looked for where a store gets a day that it did not have; then all of its days are read.
Stores that lie close together are read with one iterator: to seek each of them, and to
step from key to key, took longer than all the rest of a batch.
"""

from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

from streamproc.rules import history
from tables.rocks_scan import Run

Runs = Callable[[bytes], Generator[Run]]
"""Reads a table from a key on."""

_STORES_AT_ONCE = 1_000
"""Of which all segments are in memory."""

_KEYS_A_SEEK_COSTS = 20
"""So many that are read for nothing cost what a new iterator does."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A segment that leaves ``histories``, or was too old to come there.

    ``store``: its number in the batch. ``is_new``: whether all of its polls are.
    """

    store: int
    store_id: bytes
    day: int
    value: bytes
    is_new: bool


def leaving(
    runs: Runs,
    stores: Sequence[int],
    old: Mapping[bytes, bytes | None],
    changes: Mapping[bytes, bytes | None],
) -> list[Leaving]:
    """Segments that are too old, by store and day, of stores that get another day.

    ``stores``: number of the store of each segment of a batch; ``old``: what the table
    has of each, by key, in their order; ``changes``: what it is to have.
    """
    numbers, new = _with_another_day(stores, old)
    ids, found = list(numbers), list[Leaving]()
    for first in range(0, len(ids), _STORES_AT_ONCE):
        some = ids[first : first + _STORES_AT_ONCE]
        present: dict[bytes, bytes] = {}
        for keys, values in segments_of(runs, some):
            present.update(zip(keys, values, strict=True))
        both = [*present, *chain.from_iterable(new[store_id] for store_id in some)]
        gone = history.let_go(sorted(both))
        found += [_leaving(key, numbers, present, changes) for key in gone]
    return found


def _with_another_day(
    stores: Sequence[int], old: Mapping[bytes, bytes | None]
) -> tuple[dict[bytes, int], dict[bytes, list[bytes]]]:
    """Stores that get a day that they did not have: their numbers, and those keys."""
    numbers: dict[bytes, int] = {}
    new: dict[bytes, list[bytes]] = {}
    for store, (key, before) in zip(stores, old.items(), strict=True):
        if before is None:
            store_id = history.store_of(key)
            numbers[store_id] = store
            new.setdefault(store_id, []).append(key)
    return numbers, new


def _leaving(
    key: bytes,
    numbers: Mapping[bytes, int],
    present: Mapping[bytes, bytes],
    changes: Mapping[bytes, bytes | None],
) -> Leaving:
    store_id, day = history.split_key(key)
    value = changes.get(key) or present.get(key) or b""
    return Leaving(numbers[store_id], store_id, day, value, key not in present)


def segments_of(runs: Runs, store_ids: Sequence[bytes]) -> Iterator[Run]:
    """All segments of some stores, which are in their order."""
    at = 0
    while at < len(store_ids):
        at = yield from _close_together(runs, store_ids, at)


def _close_together(
    runs: Runs, store_ids: Sequence[bytes], begin: int
) -> Generator[Run, None, int]:
    """Those of the stores from ``begin`` on, up to one that is far; returns which."""
    at, read = begin, 0
    with closing(runs(history.prefix_of(store_ids[begin]))) as some:
        for keys, values in some:
            at = yield from _within(keys, values, store_ids, at)
            read += len(keys)
            if at == len(store_ids):
                return at
            is_behind = keys[-1] < history.prefix_of(store_ids[at])
            if is_behind and read > _KEYS_A_SEEK_COSTS * (at - begin):
                return at
    return len(store_ids)  # the table ends here


def _within(
    keys: list[bytes], values: list[bytes], store_ids: Sequence[bytes], begin: int
) -> Generator[Run, None, int]:
    """Those of one run; returns the first store that may have some behind it."""
    first = 0
    for at in range(begin, len(store_ids)):
        first = bisect_left(keys, history.prefix_of(store_ids[at]), first)
        end = bisect_left(keys, history.after_all_days(store_ids[at]), first)
        if end > first:
            yield keys[first:end], values[first:end]
        if end == len(keys):
            return at
        first = end
    return len(store_ids)
