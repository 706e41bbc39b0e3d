"""A store's history: its polls in segments, one per UTC day.

Pure. Comes from ``poll_batch``; leads through the table ``histories`` to
``uptime``.

A segment's key is the store id, a NUL byte and the day (days since
1970-01-01, 4 bytes, big-endian): RocksDB keeps a store's days together and in
order. Its value is a sorted array of polls as ``packing`` says, one per distinct time.

The answers depend only on the set of polls, never on their order or
repetition (and so does every byte, until a segment is thinned); that is what
makes at-least-once delivery count each poll once.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from streamproc.cells import Cells, Ints
from streamproc.rules.packing import (
    ACTIVE,
    FLAG_BITS,
    POLL_BYTES,
    THINNED,
    bytes_of,
    canonical,
    sorted_rows,
    time_of,
    unpack,
)
from streamproc.rules.units import DAY_US
from streamproc.rules.windows import LONGEST_US

KEPT_DAYS = -(-LONGEST_US // DAY_US) + 1
"""The longest window, and a day more, so that ``as_of`` may lie a day back."""

THIN_ABOVE = 512
THIN_STEP = 64
THIN_GAP_US = 5 * 60 * 1_000_000

_DAY_BYTES = 4
_TAIL_BYTES = 1 + _DAY_BYTES


def segment_key(store_id: bytes, day: int) -> bytes:
    """Key of the segment that holds a store's polls of one UTC day."""
    return prefix_of(store_id) + day.to_bytes(_DAY_BYTES, "big")


def segment_keys(store_ids: Cells, days: Ints) -> list[bytes]:
    """The same for many, one day each."""
    width = int(store_ids.lengths.max(initial=0)) + 1 + _DAY_BYTES
    keys = store_ids.chars(width)  # zero after the id
    tails = days.astype(">u4").view(np.uint8).reshape(-1, _DAY_BYTES)
    rows = np.arange(len(days))
    for at in range(_DAY_BYTES):
        keys[rows, store_ids.lengths + 1 + at] = tails[:, at]
    lengths = store_ids.lengths + 1 + _DAY_BYTES
    return Cells(keys.tobytes(), rows * width, lengths).present()


def store_of(key: bytes) -> bytes:
    """Store id of a segment's key."""
    return key[:-_TAIL_BYTES]


def stores_of(keys: Iterable[bytes]) -> list[bytes]:
    """Store id of each of many segments' keys."""
    return [key[:-_TAIL_BYTES] for key in keys]


def first_segments(keys: Sequence[bytes]) -> Ints:
    """Positions of the keys at which another store begins; keys in their order."""
    lengths = np.fromiter(map(len, keys), np.int64, len(keys))
    starts = np.cumsum(lengths) - lengths
    ids = Cells(b"".join(keys), starts, lengths - _TAIL_BYTES)
    width = -(-int(lengths.max(initial=8)) // 8) * 8
    words = ids.chars(width).view(np.uint64)  # zero after an id, which holds no zero
    fresh = np.ones(len(keys), bool)
    fresh[1:] = (words[1:] != words[:-1]).any(axis=1)
    return np.flatnonzero(fresh)


def days_of(keys: Sequence[bytes]) -> Ints:
    """Day of each of many segments' keys."""
    tails = b"".join([key[-_DAY_BYTES:] for key in keys])
    return np.frombuffer(tails, ">u4").astype(np.int64)


def split_key(key: bytes) -> tuple[bytes, int]:
    """Return store id and day of a segment's key."""
    return store_of(key), int.from_bytes(key[-_DAY_BYTES:], "big")


def prefix_of(store_id: bytes) -> bytes:
    """What the keys of a store's segments begin with, and no other's."""
    return store_id + b"\0"


def after_all_days(store_id: bytes) -> bytes:
    """A key behind all of a store's, and before the next store's."""
    return store_id + b"\1"


def day_of(time_us: int) -> int:
    """UTC day number of a time."""
    return time_us // DAY_US


@dataclass(frozen=True, slots=True)
class Segments:
    """New polls by store and day, as columns: sorted, one per time in each value."""

    stores: list[int]
    days: list[int]
    values: list[bytes]

    def __len__(self) -> int:
        return len(self.values)

    def keys(self, store_ids: Cells) -> list[bytes]:
        """Key of each segment; ``store_ids`` by the number of the store."""
        ids = store_ids[np.array(self.stores, np.int64)]
        return segment_keys(ids, np.array(self.days, np.int64))


def group(codes: Ints, packed: Ints) -> Segments:
    """Split a batch into segments, ordered by store code, then day.

    ``codes`` numbers the store of each poll in ``packed``.
    """
    if not len(packed):
        return Segments([], [], [])
    if not _are_sorted(codes, packed):
        codes, packed = sorted_rows(codes, packed)
    time = packed >> FLAG_BITS
    first = np.ones(len(packed), bool)
    first[1:] = (codes[1:] != codes[:-1]) | (time[1:] != time[:-1])
    codes, packed, day = codes[first], packed[first], time[first] // DAY_US
    cut = np.flatnonzero((codes[1:] != codes[:-1]) | (day[1:] != day[:-1])) + 1
    starts = np.concatenate(([0], cut))
    ends = np.append(cut, len(packed))
    buffer = bytes_of(packed)
    bounds = zip(
        (starts * POLL_BYTES).tolist(), (ends * POLL_BYTES).tolist(), strict=True
    )
    return Segments(
        codes[starts].tolist(), day[starts].tolist(), [buffer[a:b] for a, b in bounds]
    )


def _are_sorted(codes: Ints, packed: Ints) -> bool:
    """Whether they are as they come from a producer that is in time."""
    same, later = codes[1:] == codes[:-1], packed[1:] >= packed[:-1]
    return bool(((codes[1:] > codes[:-1]) | same & later).all())


def _is_after(new: bytes, old: bytes) -> bool:
    """Whether all polls of one segment are later than all of another."""
    first = int.from_bytes(new[:POLL_BYTES], "little")
    # With all flags set, so that only a later time is more.
    return first > int.from_bytes(old[-POLL_BYTES:], "little") | ACTIVE | THINNED


def merge(old: bytes, new: bytes) -> tuple[bytes, list[int]]:
    """Add new polls to a segment; return its new value and the late polls.

    A late poll is one that contradicts a thinned gap, so it cannot be placed
    exactly; it is returned packed, and left out.
    """
    late: list[int] = []
    if not old or _is_after(new, old):
        merged = old + new
    else:
        present = unpack(old)
        added = unpack(new)
        if (present & THINNED).any():
            added, late = _placeable(present.tolist(), added.tolist())
        both = canonical(np.concatenate((present, added)))
        merged = bytes_of(both)
    if len(merged) > THIN_ABOVE * POLL_BYTES:
        merged = _thin_if_due(merged, len(old) // POLL_BYTES)
    return merged, late


def _placeable(present: list[int], added: list[int]) -> tuple[Ints, list[int]]:
    """Sort out the polls that fall into a thinned gap: absorbed or late."""
    times = [poll >> FLAG_BITS for poll in present]
    placed: list[int] = []
    late: list[int] = []
    for poll in added:
        time, active = poll >> FLAG_BITS, poll & ACTIVE
        left = bisect_right(times, time) - 1
        if left < 0 or not present[left] & THINNED:
            placed.append(poll)
        elif active == present[left] & ACTIVE:
            continue  # the gap already says so
        elif time == times[left] and active:
            continue  # inactive wins
        else:
            late.append(poll)
    return np.array(placed, np.int64), late


def _thin_if_due(value: bytes, old_count: int) -> bytes:
    """Thin a segment that passed the limit, again only every few polls."""
    count = len(value) // POLL_BYTES
    if old_count > THIN_ABOVE and count // THIN_STEP == old_count // THIN_STEP:
        return value
    return bytes_of(np.array(thin(unpack(value).tolist()), np.int64))


def thin(polls: Sequence[int]) -> list[int]:
    """Drop interior polls that change no answer.

    A poll may go when both neighbours have its status and lie at most
    ``THIN_GAP_US`` apart without it: no hold is shorter than that, so its left
    neighbour speaks for it. That neighbour is marked ``THINNED``.
    """
    kept = [polls[0]]
    for poll, right in pairwise(polls[1:]):
        left = kept[-1]
        same = not (poll ^ left) & ACTIVE and not (poll ^ right) & ACTIVE
        if same and (right >> FLAG_BITS) - (left >> FLAG_BITS) <= THIN_GAP_US:
            kept[-1] = left | THINNED
        else:
            kept.append(poll)
    if len(polls) > 1:
        kept.append(polls[-1])
    return kept


def let_go(keys: Sequence[bytes]) -> list[bytes]:
    """Which segments are not kept, of all that some stores have; keys in their order.

    Kept are a store's days within ``KEPT_DAYS`` of its newest, and the newest of the
    older ones: with an unlimited hold its last poll still speaks. A newest day that
    stands alone, further than that from all others, lets go of nothing that the day
    before it would keep: it may come from a clock that was wrong for a moment.
    """
    firsts, days = first_segments(keys), days_of(keys)
    ends = np.append(firsts[1:], len(keys))
    leading = _leading_day(days[np.maximum(ends - 2, firsts)], days[ends - 1])
    is_old = days < np.repeat(leading - KEPT_DAYS, ends - firsts)
    # The newest day of a store is never old, so both are of the same one.
    gone = is_old[:-1] & is_old[1:]
    return [keys[at] for at in np.flatnonzero(gone).tolist()]


def _leading_day(before: Ints, newest: Ints) -> Ints:
    """The day that says what is kept: the newest, unless it stands alone."""
    return np.where(newest - before > KEPT_DAYS, before, newest)


def known_since(packed: Ints, counts: Ints) -> Ints:
    """Since when each store's history is whole, shape (n,); -1 for ever.

    ``packed``: every store's polls after one another, each store's in time order.
    ``counts``: shape (n,), polls per store. Only who has a day beyond those that are
    kept may ever have let go of one; of that day on, and between, nothing was.
    """
    edges = np.concatenate(([0], np.cumsum(counts)))
    since = np.full(len(counts), -1, np.int64)
    polled = np.flatnonzero(counts)
    first = time_of(packed[edges[polled]])
    newest = time_of(packed[edges[polled + 1] - 1])
    far = newest // DAY_US - first // DAY_US > KEPT_DAYS
    since[polled[far]] = first[far]
    # Without a gap of that length, a store's newest day does not stand alone.
    gaps = np.flatnonzero(np.diff(packed) >> FLAG_BITS >= KEPT_DAYS * DAY_US)
    for store in np.unique(np.searchsorted(edges, gaps, side="right") - 1).tolist():
        times = time_of(packed[edges[store] : edges[store + 1]])
        days = np.unique(times // DAY_US)
        leading = _leading_day(days[-2:][0], days[-1])
        if int(times[0]) // DAY_US >= leading - KEPT_DAYS:
            since[store] = -1
    return since


def known_until(packed: Ints, counts: Ints, until_us: int) -> Ints:
    """Time of each store's newest poll up to an instant, shape (n,); -1 for none.

    ``packed``, ``counts``: see ``known_since``.
    """
    store = np.repeat(np.arange(len(counts)), counts)
    newest = np.full(len(counts), -1, np.int64)
    times = time_of(packed)
    known = times <= until_us
    np.maximum.at(newest, store[known], times[known])
    return newest
