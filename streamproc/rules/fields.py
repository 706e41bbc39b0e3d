"""Fields of polls, many at once: the words of a status, ids as nearly all are. Pure.

For ``poll_batch``, which reads messages, and for files. ``poll`` states the rules; what
is not accepted here is handed to them.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from streamproc.cells import Bytes, Cells, Ints
from streamproc.rules.poll import ALL_STORES, MAX_STORE_ID_BYTES, STATUS

Flags = npt.NDArray[np.bool_]

_CASE_BITS = 0x2020202020202020
"""What a small letter has and a capital one lacks, for eight characters."""


class Words:
    """Short cells, to be compared with words of at most ``width`` bytes.

    ``fold``: letters in any case are the same.
    """

    def __init__(self, cells: Cells, width: int, fold: bool = False) -> None:
        self._lengths = cells.lengths
        self._bit = np.uint64(_CASE_BITS if fold else 0)
        # Eight characters are one number.
        self._numbers = cells.chars(width).view(np.uint64).T | self._bit

    def are(self, word: str) -> Flags:
        """Which cells are this word."""
        width = 8 * len(self._numbers)
        expected = np.frombuffer(word.encode().ljust(width, b"\0"), np.uint64)
        same: Flags = self._lengths == len(word)
        for found, number in zip(self._numbers, expected | self._bit, strict=True):
            same &= found == number
        return same


def read_statuses(
    statuses: Cells, words: Mapping[str, bool] = STATUS
) -> tuple[Ints, Flags]:
    """1 for active, 0 for inactive; and which are one of the ``words``.

    Those in ASCII are read, in any case.
    """
    plain = {word: up for word, up in words.items() if word.isascii()}
    width = max([8, *map(len, plain)])
    cells = Words(statuses, -(-width // 8) * 8, fold=True)
    active: Flags = np.zeros(len(statuses), bool)
    known: Flags = np.zeros(len(statuses), bool)
    for word, up in plain.items():
        here = cells.are(word)
        known |= here
        if up:
            active |= here
    return active.astype(np.int64), known


def are_plain(store_ids: Cells) -> Flags:
    """Quick yes for the ids nearly everybody has; a no is not final.

    Printable ASCII without a backslash, which JSON would read as an escape, no blank
    at either end, not ``*`` and not a number as a spreadsheet writes it.
    """
    lengths = store_ids.lengths
    good: Flags = (lengths >= 1) & (lengths <= MAX_STORE_ID_BYTES)
    width = min(int(lengths.max(initial=1)), MAX_STORE_ID_BYTES)
    chars = store_ids.chars(width)
    plain = (chars - np.uint8(0x20) <= 0x7E - 0x20) & (chars != ord("\\"))
    plain |= np.arange(width) >= lengths[:, np.newaxis]
    good &= plain.all(axis=1)
    last = np.clip(lengths, 1, width) - 1
    good &= (chars[:, 0] != ord(" ")) & (chars[np.arange(len(chars)), last] != ord(" "))
    good &= (lengths > 1) | (chars[:, 0] != ord(ALL_STORES))
    return good & ~_may_be_mangled(chars)


def _may_be_mangled(chars: Bytes) -> Flags:
    """Which ids hold an E and a mark of ``1.02E+18``; the marks are rare."""
    marks = chars - np.uint8(ord("+")) <= ord(".") - ord("+")
    found: Flags = np.zeros(len(chars), bool)
    if marks.any():
        marks &= chars != ord("-")
        rows = np.flatnonzero(marks.any(axis=1))
        found[rows] = ((chars[rows] | 0x20) == ord("e")).any(axis=1)
    return found
