"""Numbers for ids, in the order in which the ids come. Pure.

A few thousand ids stand in millions of rows: nearly all are found at once, by a hash
of their bytes that is looked up in a sorted array. Every byte of what is found is
compared, so a hash that two ids share costs time and nothing else.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from streamproc.cells import Cells, group

Codes = npt.NDArray[np.int32]
"""Numbers of ids, in half the memory."""

_Words = npt.NDArray[np.uint64]
"""Ids as rows of eight bytes each, zero after their end; shape (n, words)."""

_WORD = 8
_MAX_WORDS = 16
_FACTORS = np.random.default_rng(5).integers(1, 1 << 63, _MAX_WORDS, np.uint64) | 1
_GROWTH = 4


@dataclass
class Numbering:
    """``ids``: every id so far, with its number; none holds a zero byte."""

    ids: dict[bytes, int] = field(default_factory=dict)
    _hashes: _Words = field(default_factory=lambda: np.zeros(0, np.uint64))
    _words: _Words = field(default_factory=lambda: np.zeros((0, 1), np.uint64))
    _numbers: Codes = field(default_factory=lambda: np.zeros(0, np.int32))

    def __len__(self) -> int:
        return len(self.ids)

    def of(self, cells: Cells) -> Codes:
        """The number of each id, of no more than 128 bytes; new ones get the next."""
        words = _words_of(cells)
        codes, known = self._look_up(words)
        if not known.all():
            fresh = np.flatnonzero(~known)
            codes[fresh] = self._one_by_one(cells[fresh])
            if len(self.ids) > len(self._hashes) * (1 + 1 / _GROWTH):
                self._remember()
        return codes

    def _look_up(self, words: _Words) -> tuple[Codes, npt.NDArray[np.bool_]]:
        """Numbers of the ids that are remembered, and which are."""
        if not len(self._hashes):
            return np.zeros(len(words), np.int32), np.zeros(len(words), bool)
        hashes = _hashes_of(words)
        at = np.searchsorted(self._hashes, hashes)
        at[at == len(self._hashes)] = 0
        known = self._hashes[at] == hashes
        both = min(words.shape[1], self._words.shape[1])
        for word in range(both):
            known &= words[:, word] == self._words[at, word]
        for longer in (words[:, both:], self._words[at, both:]):
            known &= ~longer.any(axis=1)
        return self._numbers[at], known

    def _one_by_one(self, cells: Cells) -> Codes:
        distinct, order, which = group(cells)
        ids = self.ids
        numbers = [ids.setdefault(each, len(ids)) for each in distinct.present()]
        codes = np.empty(len(cells), np.int32)
        codes[order] = np.array(numbers, np.int32)[which]
        return codes

    def _remember(self) -> None:
        """Have all ids looked up from now on; costs as much as sorting them."""
        words = _words_of(Cells.of(list(self.ids)))
        hashes = _hashes_of(words)
        order = np.argsort(hashes)
        self._hashes, self._words = hashes[order], words[order]
        self._numbers = order.astype(np.int32)


def _words_of(cells: Cells) -> _Words:
    width = -(-max(int(cells.lengths.max(initial=0)), 1) // _WORD)
    return cells.chars(width * _WORD).view(np.uint64)


def _hashes_of(words: _Words) -> _Words:
    """Words of zeros, as an id's last ones may be, change nothing."""
    hashes: _Words = words @ _FACTORS[: words.shape[1]]
    return hashes
