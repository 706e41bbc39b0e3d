"""Rows of plain cells as CSV, all at once, without the csv module. Pure.

The text of each amount comes out of a table: a word of eight characters.
"""

import functools
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from streamproc.cells import Ints
from streamproc.report.text_rows import cells_of

_WORD = 8
_HALF = _WORD // 2
_HUNDREDTHS = 80_000
"""Up to 799.99, which is more than a month of hours."""

_PLAIN = re.compile(r"(?:\w[^;,|\t\r\n\"\0]*+\n)++")
"""Lines of ids that need no quotes, and no look for formulas.

Possessive: what was read once is not read again, so it takes a quarter of the time.
"""


@functools.cache
def _words() -> npt.NDArray[np.uint64]:
    """The text of each number of hundredths: whole ones, padding, and the rest."""
    whole = [f",{n}".encode() for n in range(_HUNDREDTHS // 100)]
    rest = [b"." + b"%02d" % n for n in range(100)]
    left, right = (np.array(each, f"S{_WORD}").view("<u8") for each in (whole, rest))
    words = left[:, np.newaxis] | right << np.uint64(8 * _HALF)
    table: npt.NDArray[np.uint64] = words.ravel()
    return table


def plain_csv(store_ids: Sequence[str], hundredths: Sequence[Ints]) -> str | None:
    """Lines of an id and some amounts each; None where an id or amount is not plain.

    ``hundredths``: a column of shape (n,) for each amount, none below 0.
    """
    lines = "\n".join([*store_ids, ""])
    if lines.count("\n") > len(store_ids) or not _PLAIN.fullmatch(lines):
        return None
    if max(int(column.max()) for column in hundredths) >= _HUNDREDTHS:
        return None
    ids = np.array([store_id.encode() for store_id in store_ids])
    amounts = [_words()[column].view(f"S{_WORD}") for column in hundredths]
    return cells_of([ids, *amounts, b"\n"]).buffer.decode()
