"""A poll packed into one number, and sets of such polls in order.

Pure. A packed poll is an int64, ``time_us << 2 | thinned << 1 | active``, so that
polls sort by time. Whatever holds polls holds them so: ``history`` in segments by day,
``months`` in the archive.

A set has one poll per time. It depends only on the polls, never on their order or
repetition; that is what makes at-least-once delivery count each poll once.
"""

from collections.abc import Iterable
from typing import TypeVar, overload

import numpy as np
import numpy.typing as npt

from streamproc.cells import Ints

Flags = npt.NDArray[np.bool_]

FLAG_BITS = 2
ACTIVE = 1
THINNED = 2
POLL_BYTES = 8

_ENCODING = np.dtype("<i8")
_SORTED_BITS = 63

_P = TypeVar("_P", int, Ints)


def time_of(packed: _P) -> _P:
    """Time of a packed poll in UTC microseconds; of one or of many."""
    return packed >> FLAG_BITS


@overload
def is_active(packed: int) -> bool: ...
@overload
def is_active(packed: Ints) -> Flags: ...
def is_active(packed: int | Ints) -> bool | Flags:
    """Whether a packed poll says that the store was up; of one or of many."""
    return packed & ACTIVE != 0


@overload
def is_thinned(packed: int) -> bool: ...
@overload
def is_thinned(packed: Ints) -> Flags: ...
def is_thinned(packed: int | Ints) -> bool | Flags:
    """Whether polls of the same status were left out after it; of one or of many."""
    return packed & THINNED != 0


def packed_of(time_us: _P, active: _P) -> _P:
    """Packed polls; ``active`` is 1 or 0."""
    return time_us << FLAG_BITS | active


def pack(polls: Iterable[tuple[int, bool]]) -> Ints:
    """Pack ``(time_us, active)`` pairs into the array form of a segment."""
    return np.array([packed_of(time, int(active)) for time, active in polls], "i8")


def unpack(value: bytes) -> Ints:
    """Read a segment, or several one after another, without copying."""
    return np.frombuffer(value, _ENCODING)


def bytes_of(packed: Ints) -> bytes:
    """Polls as segments hold them; ``unpack`` reads them."""
    return packed.astype(_ENCODING, copy=False).tobytes()


def canonical(packed: Ints) -> Ints:
    """Sort by time and keep one poll per time; on disagreement inactive wins."""
    packed = np.sort(packed)
    return packed[_is_first(packed)]


def canonical_rows(rows: Ints, packed: Ints) -> tuple[Ints, Ints]:
    """``canonical`` for many stores; ``rows`` numbers the store of each poll."""
    rows, packed = sorted_rows(rows, packed)
    first = _is_first(packed)
    first[1:] |= rows[1:] != rows[:-1]
    return rows[first], packed[first]


def in_order(rows: Ints, packed: Ints) -> tuple[Ints, Ints]:
    """``sorted_rows``, sooner where they are in order, as segments mostly are."""
    later = time_of(packed[1:]) > time_of(packed[:-1])
    if ((rows[1:] > rows[:-1]) | (rows[1:] == rows[:-1]) & later).all():
        return rows, packed
    return canonical_rows(rows, packed)


def sorted_rows(rows: Ints, packed: Ints) -> tuple[Ints, Ints]:
    """Polls by row, then time; as one number each where they fit, which is quicker."""
    if not len(packed):
        return rows, packed
    base = int(packed.min())
    bits = (int(packed.max()) - base).bit_length()
    if int(rows.max()).bit_length() + bits > _SORTED_BITS:
        order = np.lexsort((packed, rows))
        return rows[order], packed[order]
    both = np.sort(rows << bits | packed - base)
    return both >> bits, (both & (1 << bits) - 1) + base


def _is_first(packed: Ints) -> Flags:
    """Which of sorted polls are the first of their time."""
    time = time_of(packed)
    first = np.ones(len(packed), bool)
    first[1:] = time[1:] != time[:-1]
    return first
