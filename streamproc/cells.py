"""A column of byte strings in one buffer, so that numpy can work on all at once.

Pure. What a batch's keys and values are, from the broker to the poll parser: a
Python object per cell would cost more than everything that is done with it.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

NULL = -1
"""Length of a cell that is None."""


class Cells(Sequence[bytes | None]):
    """Cell i is ``buffer[starts[i] : starts[i] + lengths[i]]``, or None.

    ``starts`` and ``lengths`` have shape (n,); a length of ``NULL`` is None.
    """

    __slots__ = ("buffer", "lengths", "starts")

    def __init__(self, buffer: bytes, starts: Ints, lengths: Ints) -> None:
        self.buffer = buffer
        self.starts = starts
        self.lengths = lengths

    @classmethod
    def of(cls, cells: Sequence[bytes | None]) -> "Cells":
        """Gather byte strings into one buffer; Cells stay as they are."""
        if isinstance(cells, Cells):
            return cells
        buffer = b"".join([cell for cell in cells if cell])
        return cls.adjacent(buffer, 0, lengths_of(cells))

    @classmethod
    def adjacent(cls, buffer: bytes, start: int, lengths: Ints) -> "Cells":
        """Cells that follow each other in a buffer."""
        sizes = np.maximum(lengths, 0)
        return cls(buffer, start + np.cumsum(sizes) - sizes, lengths)

    @classmethod
    def join(cls, parts: Sequence["Cells"]) -> "Cells":
        """One column after the other."""
        if len(parts) == 1:
            return parts[0]
        begins = np.cumsum([0, *(len(part.buffer) for part in parts)]).tolist()
        starts = [part.starts + at for part, at in zip(parts, begins, strict=False)]
        return cls(
            b"".join([part.buffer for part in parts]),
            np.concatenate([np.zeros(0, np.int64), *starts]),
            np.concatenate([np.zeros(0, np.int64), *(part.lengths for part in parts)]),
        )

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, at: int) -> bytes | None: ...
    @overload
    def __getitem__(self, at: slice | Ints) -> "Cells": ...
    def __getitem__(self, at: int | slice | Ints) -> "bytes | Cells | None":
        """One cell; or a part or the cells of some rows, in the same buffer."""
        if isinstance(at, slice | np.ndarray):
            return Cells(self.buffer, self.starts[at], self.lengths[at])
        start, length = int(self.starts[at]), int(self.lengths[at])
        return None if length < 0 else self.buffer[start : start + length]

    def __iter__(self) -> Iterator[bytes | None]:
        return iter(self.to_list())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self.to_list() == list(other)

    __hash__ = None  # type: ignore[assignment]  # like a list

    def __repr__(self) -> str:
        return f"Cells({self.to_list()!r})"

    def to_list(self) -> list[bytes | None]:
        """Every cell as an object of its own."""
        if len(self) and self.lengths.min() < 0:
            return [self[row] for row in range(len(self))]
        return list(self.present())

    def present(self) -> list[bytes]:
        """Every cell as an object of its own, of a column without None."""
        buffer, ends = self.buffer, self.starts + self.lengths
        return [
            buffer[a:b]
            for a, b in zip(self.starts.tolist(), ends.tolist(), strict=True)
        ]

    def contents(self) -> bytes:
        """All cells, one after the other, and nothing else."""
        ends = self.starts + np.maximum(self.lengths, 0)
        if len(self) and (ends[:-1] == self.starts[1:]).all():
            return self.buffer[int(self.starts[0]) : int(ends[-1])]
        return b"".join(self[np.flatnonzero(self.lengths > 0)].present())

    def compact(self) -> "Cells":
        """These cells, which are short, in a buffer of their own, one by one."""
        chars = self.chars(int(self.lengths.max(initial=0)))
        inside = leading(self.lengths, chars.shape[1]).view(np.bool_)
        return Cells.adjacent(chars[inside].tobytes(), 0, self.lengths)

    def chars(self, width: int) -> Bytes:
        """The cells as rows of ``width`` bytes: cut off, or zero after their end."""
        text = np.frombuffer(self.buffer, np.uint8)
        if int(self.starts.max(initial=0)) + width > len(text):
            text = np.frombuffer(self.buffer + bytes(width), np.uint8)
        rows = windows(text, self.starts, width)
        np.multiply(rows, leading(self.lengths, width), out=rows)
        return rows


def lengths_of(cells: Sequence[bytes | None]) -> Ints:
    """Length of each cell, NULL for None."""
    return np.array([NULL if cell is None else len(cell) for cell in cells], np.int64)


def windows(text: Bytes, at: Ints, width: int) -> Bytes:
    """``width`` bytes from each position on, shape (len(at), width)."""
    if not width:
        return np.zeros((len(at), 0), np.uint8)
    # As one item each: copied whole, which is several times as fast as byte by byte.
    items = np.ndarray(
        len(text) - width + 1, np.dtype((np.void, width)), text, strides=(1,)
    )
    rows: Bytes = items[at].view(np.uint8).reshape(len(at), width)
    return rows


_NARROW = 256


@functools.lru_cache(maxsize=32)
def _triangle(width: int) -> Bytes:
    return np.tri(width + 1, width, -1, dtype=np.uint8)


def leading(lengths: Ints, width: int) -> Bytes:
    """1 for the first bytes of each row and 0 for others, shape (n, width)."""
    if width > _NARROW:
        return (np.arange(width) < lengths[:, np.newaxis]).view(np.uint8)
    rows: Bytes = _triangle(width)[np.clip(lengths, 0, width)]
    return rows


def group(cells: Cells) -> tuple[Cells, Ints, Ints]:
    """Sort cells: the distinct ones, the order, and each one's number in that order.

    The distinct cells are in their order as bytes; ``order`` holds the positions of
    all cells, sorted, equal ones as they come; ``numbers`` says which of the distinct
    ones each of them is. For cells without zero bytes (and without None).
    """
    if not len(cells):
        return cells, np.zeros(0, np.int64), np.zeros(0, np.int64)
    width = -(-max(int(cells.lengths.max()), 1) // 8) * 8
    chars = cells.chars(width)
    words = chars.view(">u8").T.astype(np.uint64)
    order = np.lexsort(words[::-1])
    fresh = np.zeros(len(cells), bool)
    for word in words:
        ordered = word[order]
        fresh[1:] |= ordered[1:] != ordered[:-1]
    numbers = np.cumsum(fresh)
    fresh[0] = True
    first = order[fresh]
    starts = np.arange(len(first)) * width
    distinct = Cells(chars[first].tobytes(), starts, cells.lengths[first])
    return distinct, order, numbers
