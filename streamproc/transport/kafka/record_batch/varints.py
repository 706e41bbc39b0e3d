"""Zigzag varints: one, or one of each record at once.

As Protocol Buffers have them: seven bits a byte, the lowest first, the highest bit
says that another follows; signs alternate, 0, -1, 1, -2, …
"""

from collections.abc import Iterator
from functools import cache

import numpy as np

from streamproc.cells import NULL, Bytes, Ints

_SMALL = 1 << 15
"""More records than a batch of polls has; most lengths are less, too."""

_LAST_SHIFT = 63
"""Of the tenth byte of a varint, which has room for no other."""


def varints(text: Bytes, at: Ints) -> tuple[Ints, Ints]:
    """The zigzag varints at some positions, and the positions after them."""
    byte = text[at]
    value = (byte & 0x7F).astype(np.uint64)
    after = at + 1
    going, shift = byte >= 0x80, 7
    while going.any():
        if shift > _LAST_SHIFT:
            raise ValueError("a number is too long")
        byte = np.where(going, text[after], 0)
        value |= (byte & 0x7F).astype(np.uint64) << np.uint64(shift)
        after = after + going
        going, shift = byte >= 0x80, shift + 7
    sign = -(value & np.uint64(1)).view(np.int64)
    return (value >> np.uint64(1)).view(np.int64) ^ sign, after


def varint_at(text: bytes, at: int) -> tuple[int, int]:
    """The zigzag varint at a position, and the position after it."""
    value = shift = 0
    while shift <= _LAST_SHIFT:
        byte = text[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
    raise ValueError("a number is too long")


def varint(value: int) -> bytes:
    """A number as a zigzag varint."""
    left = (value << 1) ^ (value >> 63)
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


_LIMITS = [1 << 7 * size - 1 for size in range(1, 9)]
"""The smallest numbers that take 2, 3, … bytes."""


@cache
def _small() -> list[bytes]:
    """Varints of the numbers from 0 on; NULL is the last, where -1 leads to."""
    return [*map(varint, range(_SMALL)), varint(NULL)]


def varints_of(numbers: Ints) -> Iterator[bytes]:
    """Each number as a varint."""
    if numbers.max(initial=0) < _SMALL:
        return map(_small().__getitem__, numbers.tolist())
    return map(varint, numbers.tolist())


def sizes_of(numbers: Ints) -> Ints:
    """How many bytes each of them takes, of lengths and counts."""
    return 1 + np.searchsorted(_LIMITS, numbers, side="right")
