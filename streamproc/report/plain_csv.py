"""Rows of plain cells as CSV, all at once. Pure.

Rows are a matrix of characters: an id, padded with zero bytes, and a word of eight
characters for each amount, out of a table. What is padding is taken out at the end.
The csv module would make and join an object for each cell.
"""

import functools
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

_WORD = 8
_HALF = _WORD // 2
_HUNDREDTHS = 80_000
"""Up to 799.99, which is more than a month of hours."""

_NOT_PLAIN = re.compile(r"^\W|[;,|\t\r\"\0]", re.MULTILINE)
"""What an id has that must be quoted, or looked at for formulas."""


@functools.cache
def _words() -> npt.NDArray[np.uint64]:
    """The text of each number of hundredths: whole ones, padding, and the rest."""
    whole = [f",{n}".encode() for n in range(_HUNDREDTHS // 100)]
    rest = [b"." + b"%02d" % n for n in range(100)]
    left, right = (np.array(each, f"S{_WORD}").view("<u8") for each in (whole, rest))
    words: npt.NDArray[np.uint64] = left[:, np.newaxis] | right << np.uint64(8 * _HALF)
    return words.ravel()


def plain_csv(store_ids: Sequence[str], hundredths: Sequence[Ints]) -> str | None:
    """Lines of an id and some amounts each; None where an id or amount is not plain.

    ``hundredths``: a column of shape (n,) for each amount, none below 0.
    """
    text = "\n".join(store_ids)
    if not text or text.count("\n") >= len(store_ids) or _NOT_PLAIN.search(text):
        return None
    if max(int(column.max()) for column in hundredths) >= _HUNDREDTHS:
        return None
    ids = np.array([store_id.encode() for store_id in store_ids])
    ids = ids.astype(f"S{-(-ids.dtype.itemsize // _WORD) * _WORD}")
    width = ids.dtype.itemsize // _WORD
    lines = np.zeros((len(ids), width + len(hundredths) + 1), np.uint64)
    lines[:, :width] = ids.view(np.uint64).reshape(len(ids), width)
    for at, column in enumerate(hundredths, width):
        lines[:, at] = _words()[column]
    lines[:, -1] = np.frombuffer(b"\n".ljust(_WORD, b"\0"), np.uint64)
    return lines.tobytes().translate(None, b"\0").decode()
