"""Rows of text that are made a column at a time, against rows that are joined."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamproc.cells import Cells
from streamproc.report.text_rows import cells_of
from tests.report.test_rows import QUICK

texts = st.binary(max_size=20).map(lambda text: text.replace(b"\0", b"."))
rows_of_two = st.lists(st.tuples(texts, texts), min_size=1, max_size=9)


@given(rows_of_two, texts)
@QUICK
def test_rows_are_their_cells_one_after_the_other(
    rows: list[tuple[bytes, bytes]], shared: bytes
) -> None:
    """Of any length, empty ones too; what is the same in all rows is said once."""
    left, right = (np.array(column, bytes) for column in zip(*rows, strict=True))
    found = cells_of([left, shared, right, b"\n"])
    assert found == [a + shared + b + b"\n" for a, b in rows]


def test_rows_follow_each_other_in_one_buffer() -> None:
    """So whoever writes all of them takes the buffer as it is."""
    found = cells_of([b"<", np.array([b"a", b"", b"ccc"]), b">"])
    assert isinstance(found, Cells)
    assert found.buffer == found.contents() == b"<a><><ccc>"
