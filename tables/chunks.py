"""Histories of consecutive stores as columns, and what later segments make of them.

Pure. Gathered for the table ``histories``; kept in memory by ``recent``.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from streamproc.rules import history, packing
from streamproc.rules.packing import Flags
from streamproc.rules.units import DAY_US

STORES_PER_CHUNK = 16_000

MOST_BYTES = 16 << 20
"""Bytes of the polls of a chunk, about; they are joined in one go."""


@dataclass(slots=True)
class Chunk:
    """Histories of consecutive stores: ids, polls per store, all polls packed."""

    store_ids: list[bytes]
    counts: Ints
    packed: Ints

    def chosen(self, wanted: Flags) -> "Chunk":
        """Some of the stores; ``wanted``: shape (stores,)."""
        if wanted.all():
            return self
        return Chunk(
            [self.store_ids[at] for at in np.flatnonzero(wanted).tolist()],
            self.counts[wanted],
            self.packed[np.repeat(wanted, self.counts)],
        )

    @property
    def size(self) -> int:
        """Bytes it takes, about."""
        ids = len(self.store_ids) * _BYTES_PER_ID + sum(map(len, self.store_ids))
        return ids + self.counts.nbytes + self.packed.nbytes


_BYTES_PER_ID = 49
_NONE = np.zeros(0, np.int64)
_FIRST_KEY = b"\1"
"""Before it stand keys that are of no store."""

NO_CHUNK = Chunk([], _NONE, _NONE)

Changes = Mapping[bytes, bytes | None]
"""Segments by their keys, as they are now; None for one that is not there any more."""


class ChunkBuilder:
    """Gathers segments, in key order, into a chunk."""

    def __init__(self) -> None:
        self._store_ids: list[bytes] = []
        self._firsts: list[int] = []
        self._values: list[bytes] = []
        self._bytes = 0

    def __len__(self) -> int:
        """How many stores there are."""
        return len(self._store_ids)

    def is_full(self, stores: int) -> bool:
        """Whether there are so many stores, or polls, and a store that is complete.

        The last one may go on in segments that were not added.
        """
        return len(self) > stores or (self._bytes > MOST_BYTES and len(self) > 1)

    def add(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Add segments, one at least; those of one store follow each other."""
        firsts = history.first_segments(keys).tolist()
        store_ids = history.stores_of([keys[at] for at in firsts])
        if self._store_ids[-1:] == store_ids[:1]:
            firsts, store_ids = firsts[1:], store_ids[1:]
        before = len(self._values)
        self._firsts += [before + at for at in firsts]
        self._store_ids += store_ids
        self._values += values
        self._bytes += sum(map(len, values))

    def build(self, stores: int) -> Chunk | None:
        """The first ``stores`` stores, or None for none."""
        if not stores:
            return None
        edges = [*self._firsts, len(self._values)][: stores + 1]
        values = self._values[: edges[-1]]
        sizes = np.fromiter(map(len, values), np.int64, len(values))
        counts = np.add.reduceat(sizes, edges[:-1]) // packing.POLL_BYTES
        packed = packing.unpack(b"".join(values))
        return Chunk(self._store_ids[:stores], counts, packed)


def before(chunk: Chunk, end_us: int) -> Chunk:
    """A chunk without the polls from an instant on."""
    known = packing.time_of(chunk.packed) < end_us
    if known.all():
        return chunk
    rows = np.repeat(np.arange(len(chunk.counts)), chunk.counts)[known]
    counts: Ints = np.bincount(rows, minlength=len(chunk.counts))
    return Chunk(chunk.store_ids, counts, chunk.packed[known])


def rows_without(chunk: Chunk, before_us: int) -> list[int]:
    """The rows of a chunk that have no poll before an instant."""
    known = packing.time_of(chunk.packed) < before_us
    rows = np.repeat(np.arange(len(chunk.counts)), chunk.counts)[known]
    having = np.bincount(rows, minlength=len(chunk.counts)) > 0
    return [int(row) for row in np.flatnonzero(~having)]


def changed(chunks: Sequence[Chunk], changes: Changes) -> list[Chunk]:
    """Chunks of all stores, in order, once segments have changed; others as they are.

    Changes that were taken in before make no difference.
    """
    keys = sorted(key for key in changes if key >= _FIRST_KEY)
    found: list[Chunk] = []
    at = 0
    for number, chunk in enumerate(chunks or [NO_CHUNK], 1):
        end = len(keys)
        if number < len(chunks):
            end = bisect_left(keys, history.after_all_days(chunk.store_ids[-1]), at)
        mine, at = keys[at:end], end
        if mine:
            chunk = _replaced(chunk, mine, [changes[key] or b"" for key in mine])
        found += _cut(chunk)
    return found


def _cut(chunk: Chunk) -> Iterator[Chunk]:
    """The chunk, in parts when it has grown too large; nothing without stores."""
    count = len(chunk.store_ids)
    if 0 < count < 2 * STORES_PER_CHUNK:
        yield chunk
        return
    edges = np.concatenate((np.zeros(1, np.int64), np.cumsum(chunk.counts)))
    for a in range(0, count, STORES_PER_CHUNK):
        b = min(a + STORES_PER_CHUNK, count)
        packed = chunk.packed[edges[a] : edges[b]].copy()
        yield Chunk(chunk.store_ids[a:b], chunk.counts[a:b].copy(), packed)


def _replaced(chunk: Chunk, keys: Sequence[bytes], values: Sequence[bytes]) -> Chunk:
    """A chunk with these segments in the place of those of the same keys."""
    first = history.first_segments(keys)
    owners = history.stores_of([keys[at] for at in first.tolist()])
    chunk = _with_stores(chunk, owners)
    row_of = {store_id: row for row, store_id in enumerate(chunk.store_ids)}
    segments = np.diff(np.append(first, len(keys)))
    rows = np.repeat([row_of[owner] for owner in owners], segments)
    ends = np.cumsum(chunk.counts)
    begin_us = history.days_of(keys) * DAY_US
    begin = _first_from(chunk, (ends - chunk.counts)[rows], ends[rows], begin_us)
    end = _first_from(chunk, begin, ends[rows], begin_us + DAY_US)
    sizes = np.fromiter(map(len, values), np.int64, len(values)) // packing.POLL_BYTES
    counts = chunk.counts.copy()
    np.add.at(counts, rows, sizes - (end - begin))
    packed = _spliced(chunk.packed, begin, end, sizes, packing.unpack(b"".join(values)))
    return _without_empty(Chunk(chunk.store_ids, counts, packed))


def _with_stores(chunk: Chunk, store_ids: Sequence[bytes]) -> Chunk:
    """A chunk in which each of these stores has its place."""
    counts = dict(zip(chunk.store_ids, chunk.counts.tolist(), strict=True))
    new = [store_id for store_id in store_ids if store_id not in counts]
    if not new:
        return chunk
    every = sorted([*chunk.store_ids, *new])
    of_each = [counts.get(store_id, 0) for store_id in every]
    return Chunk(every, np.array(of_each, np.int64), chunk.packed)


def _without_empty(chunk: Chunk) -> Chunk:
    """A chunk without stores that have no polls."""
    if chunk.counts.all():
        return chunk
    rows = np.flatnonzero(chunk.counts)
    store_ids = [chunk.store_ids[row] for row in rows.tolist()]
    return Chunk(store_ids, chunk.counts[rows], chunk.packed)


def _first_from(chunk: Chunk, low: Ints, high: Ints, time_us: Ints) -> Ints:
    """Position of the first poll from a time on, each within ``[low, high)``."""
    least = packing.packed_of(time_us, np.zeros_like(time_us))
    while (unsure := low < high).any():
        middle = (low + high) >> 1
        at = np.where(unsure, middle, 0)
        earlier = chunk.packed[at] < least
        low = np.where(unsure & earlier, middle + 1, low)
        high = np.where(unsure & ~earlier, middle, high)
    return low


def _spliced(packed: Ints, begin: Ints, end: Ints, sizes: Ints, new: Ints) -> Ints:
    """``new``, cut by ``sizes``, in the place of each ``packed[begin:end]``."""
    gone = np.zeros(len(packed) + 1, np.int64)
    np.add.at(gone, begin, 1)
    np.add.at(gone, end, -1)
    kept = packed[np.cumsum(gone)[:-1] == 0]
    lengths = end - begin
    places = begin - (np.cumsum(lengths) - lengths)
    spliced: Ints = np.insert(kept, np.repeat(places, sizes), new)
    return spliced
