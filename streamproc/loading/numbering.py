"""Numbers for ids, in the order in which the ids come. Pure.

A few thousand ids stand in millions of rows: nearly all are found at once, in a table
of slots, by a hash of their bytes. Every byte of what is found is compared, and of ids
that share a slot only one is there: the others are looked up one by one.
"""

from dataclasses import dataclass, field
from random import Random

import numpy as np
import numpy.typing as npt

from streamproc.cells import Cells, group

Codes = npt.NDArray[np.int32]
"""Numbers of ids, in half the memory."""

_Words = npt.NDArray[np.uint64]
"""Ids as rows of eight bytes each, zero after their end; shape (n, words)."""

_WORD = 8
_MAX_WORDS = 16
# numpy's own generator is a module that nothing else here loads.
_DRAWN = Random(5)
_FACTORS = np.array([_DRAWN.getrandbits(63) | 1 for _ in range(_MAX_WORDS)], np.uint64)
_FREE = -1
_GROWTH = 4
_LEAST_BITS, _MOST_BITS = 16, 24
_SLOTS_PER_ID = 16


@dataclass
class Numbering:
    """``ids``: every id so far, with its number; none holds a zero byte."""

    ids: dict[bytes, int] = field(default_factory=dict)
    _words: _Words = field(default_factory=lambda: np.zeros((0, 1), np.uint64))
    _slots: Codes = field(default_factory=lambda: np.full(2, _FREE, np.int32))

    def __len__(self) -> int:
        return len(self.ids)

    def of(self, cells: Cells) -> Codes:
        """The number of each id, of no more than 128 bytes; new ones get the next."""
        words = _words_of(cells)
        codes, known = self._look_up(words)
        if not known.all():
            fresh = np.flatnonzero(~known)
            codes[fresh] = self._one_by_one(cells[fresh])
            if self._is_outgrown(len(cells)):
                self._remember()
        return codes

    def _is_outgrown(self, cells: int) -> bool:
        """Whether so many new ids are not remembered that it is worth to begin anew.

        ``cells``: how many came together; where all ids are fewer, that costs little.
        """
        count, known = len(self.ids), len(self._words)
        return count > known * (1 + 1 / _GROWTH) or known < count < cells

    def _look_up(self, words: _Words) -> tuple[Codes, npt.NDArray[np.bool_]]:
        """Numbers of the ids that are remembered, and which are."""
        codes = self._slots[_slots_of(words, len(self._slots))]
        known = codes != _FREE
        if not known.any():
            return codes, known
        both = min(words.shape[1], self._words.shape[1])
        for word in range(both):
            known &= words[:, word] == self._words[codes, word]
        for longer in (words[:, both:], self._words[codes, both:]):
            known &= ~longer.any(axis=1)
        return codes, known

    def _one_by_one(self, cells: Cells) -> Codes:
        distinct, order, which = group(cells)
        ids = self.ids
        numbers = [ids.setdefault(each, len(ids)) for each in distinct.present()]
        codes = np.empty(len(cells), np.int32)
        codes[order] = np.array(numbers, np.int32)[which]
        return codes

    def _remember(self) -> None:
        """Have all ids looked up from now on."""
        self._words = _words_of(Cells.of(list(self.ids)))
        count = len(self.ids)
        bits = (count * _SLOTS_PER_ID).bit_length()
        slots = 1 << min(max(bits, _LEAST_BITS), _MOST_BITS)
        self._slots = np.full(slots, _FREE, np.int32)
        self._slots[_slots_of(self._words, slots)] = np.arange(count)


def _words_of(cells: Cells) -> _Words:
    width = -(-max(int(cells.lengths.max(initial=0)), 1) // _WORD)
    return cells.chars(width * _WORD).view(np.uint64)


def _slots_of(words: _Words, slots: int) -> _Words:
    """The slot of each id, of a power of two: the first bits of a hash.

    Words of zeros, as an id's last ones may be, change nothing.
    """
    hashes: _Words = words @ _FACTORS[: words.shape[1]]
    return hashes >> np.uint64(65 - slots.bit_length())
