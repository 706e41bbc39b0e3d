"""Rows of text that are made a column at a time. Pure.

A column is one text, the same in each row, or an array with a text for each of them, of
shape (n,), padded with zero bytes as numpy does. The padding is taken out at the end.
Python would make an object of each cell and join them: that costs more, and holds up
all other threads meanwhile.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from streamproc.cells import Bytes, Cells

Texts = npt.NDArray[np.bytes_]


def cells_of(columns: Sequence[bytes | Texts]) -> Cells:
    """Rows, each a cell, one after the other; one column at least is an array."""
    chars = _chars(columns)
    inside = chars != 0
    lengths = np.add.reduce(inside, axis=1, dtype=np.uint16)  # a third of the time
    return Cells.adjacent(chars[inside].tobytes(), 0, lengths.astype(np.int64))


def _chars(columns: Sequence[bytes | Texts]) -> Bytes:
    """All columns side by side, shape (n, bytes): first what rows share, then the rest.

    Field by field of a record, which copies each text whole.
    """
    fields = {f"f{at}": np.array(column) for at, column in enumerate(columns)}
    row = np.zeros(1, [(name, texts.dtype) for name, texts in fields.items()])
    for name, texts in fields.items():
        if texts.ndim == 0:
            row[name] = texts
    rows = np.repeat(row, max(texts.size for texts in fields.values()))
    for name, texts in fields.items():
        if texts.ndim == 1:
            rows[name] = texts
    return rows.view(np.uint8).reshape(len(rows), -1)
