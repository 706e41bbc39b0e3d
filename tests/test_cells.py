"""A column of cells behaves as the list it was made of."""

import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamproc.cells import NULL, Cells, group, leading, windows

QUICK = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)

Cell = bytes | None
Expected = list[Cell]

# What is special: nothing, None, zeros, a high byte, one prefix of another.
COLUMNS: list[Expected] = [
    [],
    [None],
    [b""],
    [b"", b""],
    [None, None, None],
    [None, b""],
    [b"", None, b"a", None],
    [b"a", b"ab", b"abc", b"ab"],
    [b"\0", b"\0\0", b"a\0", b"\0a"],
    [b"\xff" * 300, b"\x80", b"\0\xff"],
    [None, b"abcdefghi"],
    [b"abcdefghi", None],
    [b"abcdefghi", b""],
]

# Columns without None and without zero bytes.
KEYS: list[list[bytes]] = [
    [],
    [b""],
    [b"", b"", b""],
    [b"a"],
    [b"a", b"a"],
    [b"a", b"ab"],
    [b"ab", b"a"],
    [b"", b"\x01"],
    [b"\x01", b"", b"\x01\x01"],
    [b"\xff", b"\x01", b"\x7f", b"\x80"],
    [b"\xff" * 8, b"\xff" * 9, b"\xff" * 7, b"\xfe" * 9],
    [b"\x80" * 16, b"\x7f" * 16, b"\x80" * 15 + b"\x7f"],
    [b"a" * 8, b"a" * 7 + b"b", b"a" * 7, b"a" * 9],
    [b"a" * 7 + b"\xff", b"a" * 8],
    [b"12345678" + b"a", b"12345678" + b"b", b"12345678"],
    [b"b2345678", b"a2345678", b"b2345678" + b"1", b"a2345678" + b"2"],
    ["é".encode(), b"e", "店".encode(), "😀".encode()],
    [b"x" * 128, b"x" * 127, b"x" * 127 + b"y", b"y" + b"x" * 127],
    [b"x" * 128, b"x"],
    [b"%d" % (n % 7) for n in range(50)],
]


class Made(NamedTuple):
    """A column, and the list it is to equal."""

    cells: Cells
    expected: Expected


def scattered(expected: Sequence[Cell], dice: random.Random) -> Cells:
    """Cells anywhere in a buffer, in any order, with other bytes between them."""
    buffer = dice.randbytes(dice.randrange(4))
    starts = [0] * len(expected)
    for row in dice.sample(range(len(expected)), len(expected)):
        starts[row] = len(buffer)
        buffer += (expected[row] or b"") + dice.randbytes(dice.randrange(3))
    for row, cell in enumerate(expected):
        if cell is None:
            starts[row] = dice.randint(0, len(buffer))
    sizes = [NULL if cell is None else len(cell) for cell in expected]
    return Cells(buffer, np.array(starts, np.int64), np.array(sizes, np.int64))


plain = st.binary(max_size=20)
lists = st.lists(st.one_of(st.none(), plain, plain), max_size=20)
made = st.one_of(
    lists.map(lambda expected: Made(Cells.of(expected), expected)),
    st.builds(
        lambda expected, dice: Made(scattered(expected, dice), expected),
        lists,
        st.randoms(use_true_random=False),
    ),
)
keys = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.binary(max_size=128),
        st.sampled_from([cell for column in KEYS for cell in column]),
    ).map(lambda cell: cell.replace(b"\0", b"\x01")),
    max_size=30,
)


@pytest.mark.parametrize("expected", COLUMNS)
def test_a_column_is_what_it_was_made_of(expected: Expected) -> None:
    """Also when it is empty, or has None or empty cells at either end."""
    cells = Cells.of(expected)
    assert expected == cells.to_list()
    assert expected == list(cells)
    assert len(expected) == len(cells)
    assert f"Cells({expected!r})" == repr(cells)


@QUICK
@given(column=made)
def test_a_column_is_read_as_a_list(column: Made) -> None:
    """However it lies in its buffer: by length, iteration, search and backwards."""
    cells, expected = column
    assert expected == cells.to_list()
    assert expected == list(cells)
    assert len(expected) == len(cells)
    assert expected[::-1] == list(reversed(cells))
    for cell in (None, b"", b"a", *expected[:3]):
        assert (cell in expected) == (cell in cells)
        assert expected.count(cell) == cells.count(cell)
        if cell in expected:
            assert expected.index(cell) == cells.index(cell)


def test_a_column_of_a_column_is_the_same() -> None:
    """Nothing is copied when cells are gathered already."""
    cells = Cells.of([b"a", None])
    assert Cells.of(cells) is cells


@QUICK
@given(column=made)
def test_a_cell_is_found_by_its_index(column: Made) -> None:
    """From the beginning, and with a negative index from the end."""
    cells, expected = column
    for at in range(-len(expected), len(expected)):
        assert expected[at] == cells[at]
    for at in (len(expected), -len(expected) - 1):
        with pytest.raises(IndexError):
            cells[at]


@QUICK
@given(column=made, data=st.data())
def test_a_slice_is_the_slice_of_the_list(column: Made, data: st.DataObject) -> None:
    """With any start, stop and step; in the same buffer; also of a slice."""
    cells, expected = column
    for _ in range(2):
        part = data.draw(st.slices(len(expected)))
        before, cells, expected = cells, cells[part], expected[part]
        assert expected == cells.to_list()
        assert before.buffer is cells.buffer


@QUICK
@given(column=made, other=made, dice=st.randoms(use_true_random=False))
def test_columns_are_equal_when_their_cells_are(
    column: Made, other: Made, dice: random.Random
) -> None:
    """The buffer does not count; lists are compared from either side."""
    cells, expected = column
    moved = scattered(expected, dice)
    assert cells == moved
    assert cells == expected
    assert expected == cells
    assert cells == tuple(expected)
    same = expected == other.expected
    assert same == (cells == other.cells)
    assert same == (cells == other.expected)
    assert same == (other.expected == cells)
    assert cells != [*expected, None]
    assert cells != [*expected, b""]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([None], [b""]),
        ([b"a"], [b"b"]),
        ([b"ab"], [b"a", b"b"]),
        ([b"a", b"b"], [b"b", b"a"]),
        ([], [None]),
        ([b"a"], None),
        ([b"a"], 7),
        ([b"a"], {b"a"}),
    ],
)
def test_other_cells_are_another_column(one: Expected, other: object) -> None:
    """None is not empty, borders and order count, and not all is a sequence."""
    assert Cells.of(one) != other
    if isinstance(other, list):
        assert Cells.of(one) != Cells.of(other)


def test_a_column_has_no_hash() -> None:
    """Like a list."""
    with pytest.raises(TypeError, match="unhashable"):
        hash(Cells.of([b"a"]))


@QUICK
@given(column=made, data=st.data())
def test_rows_are_taken_in_the_order_given(column: Made, data: st.DataObject) -> None:
    """Any of them, and again and again; in the same buffer."""
    cells, expected = column
    rows = st.integers(0, max(len(expected) - 1, 0))
    chosen = data.draw(st.lists(rows, max_size=30 if expected else 0))
    taken = cells[np.array(chosen, np.int64)]
    assert [expected[row] for row in chosen] == taken.to_list()
    assert cells.buffer is taken.buffer


@QUICK
@given(parts=st.lists(made, max_size=5))
def test_joined_columns_follow_each_other(parts: list[Made]) -> None:
    """None of them, one, empty ones, and columns joined from others."""
    expected = [cell for part in parts for cell in part.expected]
    joined = Cells.join([part.cells for part in parts])
    assert expected == joined.to_list()
    assert expected * 2 == Cells.join([joined, joined]).to_list()


@QUICK
@given(expected=lists, before=plain, after=plain)
def test_adjacent_cells_follow_each_other(
    expected: Expected, before: bytes, after: bytes
) -> None:
    """From a position in the buffer on; a cell that is None takes no room."""
    buffer = before + b"".join([cell or b"" for cell in expected]) + after
    sizes = [NULL if cell is None else len(cell) for cell in expected]
    cells = Cells.adjacent(buffer, len(before), np.array(sizes, np.int64))
    assert expected == cells.to_list()
    assert b"".join([cell or b"" for cell in expected]) == cells.contents()


@QUICK
@given(column=made, data=st.data())
def test_contents_are_all_cells_and_nothing_else(
    column: Made, data: st.DataObject
) -> None:
    """Of a whole column, and of a part in whose buffer more lies."""
    cells, expected = column
    assert b"".join([cell or b"" for cell in expected]) == cells.contents()
    part = data.draw(st.slices(len(expected)))
    only = b"".join([cell or b"" for cell in expected[part]])
    assert only == cells[part].contents()


@QUICK
@given(expected=st.lists(plain, max_size=20), dice=st.randoms(use_true_random=False))
def test_a_column_without_none_is_read_at_once(
    expected: list[bytes], dice: random.Random
) -> None:
    """``present`` is the whole list."""
    assert expected == Cells.of(expected).present()
    assert expected == scattered(expected, dice).present()


def chars_of(expected: Sequence[Cell], width: int) -> list[bytes]:
    """The rows that ``chars`` is to give."""
    return [(cell or b"")[:width].ljust(width, b"\0") for cell in expected]


def rows_of(cells: Cells, width: int) -> list[bytes]:
    """The rows of ``chars``, each as bytes."""
    found = cells.chars(width)
    assert (len(cells), width) == found.shape
    assert found.dtype == np.uint8
    return [row.tobytes() for row in found]


@pytest.mark.parametrize("width", [1, 2, 8, 9, 10, 400])
@pytest.mark.parametrize("expected", COLUMNS)
def test_chars_of_known_columns(expected: Expected, width: int) -> None:
    """Empty columns, None, and cells at the end of the buffer."""
    assert chars_of(expected, width) == rows_of(Cells.of(expected), width)


@QUICK
@given(column=made, width=st.integers(1, 30), data=st.data())
def test_chars_are_cut_off_or_zero_after_their_end(
    column: Made, width: int, data: st.DataObject
) -> None:
    """Whatever lies behind a cell in the buffer, and if nothing does."""
    cells, expected = column
    assert chars_of(expected, width) == rows_of(cells, width)
    part = data.draw(st.slices(len(expected)))
    assert chars_of(expected[part], width) == rows_of(cells[part], width)


@QUICK
@given(text=st.binary(min_size=1, max_size=40), data=st.data())
def test_a_window_is_the_bytes_from_a_position_on(
    text: bytes, data: st.DataObject
) -> None:
    """As many rows as positions, each as wide as asked."""
    width = data.draw(st.integers(1, len(text)))
    at = data.draw(st.lists(st.integers(0, len(text) - width), max_size=10))
    found = windows(np.frombuffer(text, np.uint8), np.array(at, np.int64), width)
    assert (len(at), width) == found.shape
    assert [text[a : a + width] for a in at] == [row.tobytes() for row in found]


def check_group(expected: Sequence[bytes], cells: Cells) -> None:
    """The distinct cells in order, and numbers that lead back to every cell."""
    found, order, numbers = group(cells)
    assert sorted(set(expected)) == found.to_list()
    assert sorted(range(len(expected)), key=expected.__getitem__) == order.tolist()
    assert numbers.dtype == order.dtype == np.int64
    assert sorted(expected) == found[numbers].to_list()


@pytest.mark.parametrize("expected", KEYS, ids=lambda cells: f"{cells!a:.30}")
def test_known_columns_are_grouped(expected: list[bytes]) -> None:
    """Prefixes, high bytes, and lengths around the words that are compared."""
    check_group(expected, Cells.of(expected))


@pytest.mark.parametrize("length", range(1, 129))
def test_cells_of_every_length_are_grouped(length: int) -> None:
    """Cells that differ in their first, a middle or the last byte, or in length."""
    same = b"m" * length
    others = [
        same[:at] + byte + same[at + 1 :]
        for at in (0, length // 2, length - 1)
        for byte in (b"\x01", b"l", b"n", b"\xff")
    ]
    expected = [same, same[1:], same + b"\x01", same, same[:-1], *others]
    check_group(expected, Cells.of(expected))


@QUICK
@given(expected=keys, dice=st.randoms(use_true_random=False))
def test_cells_are_sorted_and_numbered(
    expected: list[bytes], dice: random.Random
) -> None:
    """With repetitions, in any order, however they lie in the buffer."""
    repeated = [*expected, *dice.choices(expected, k=10)] if expected else []
    dice.shuffle(repeated)
    check_group(repeated, Cells.of(repeated))
    check_group(repeated, scattered(repeated, dice))


def test_a_large_column_is_grouped() -> None:
    """Twenty thousand numbers, of which each comes several times."""
    dice = random.Random(7)
    expected = [b"%d" % dice.randrange(10**4) ** 4 for _ in range(20_000)]
    check_group(expected, Cells.of(expected))


@pytest.mark.parametrize("width", [0, 1, 7, 256, 257])
def test_leading_bytes_are_as_many_as_a_cell_is_long(width: int) -> None:
    """None of a cell that is None, and no more than the row is wide."""
    lengths = np.array([NULL, 0, 1, width, width + 1, 10**9], np.int64)
    expected = [min(max(n, 0), width) for n in lengths.tolist()]
    found = leading(lengths, width)
    assert found.shape == (len(lengths), width)
    assert [bytes(row).rstrip(b"\0") for row in found] == [b"\1" * n for n in expected]


@QUICK
@given(column=made)
def test_compact_cells_are_the_same_one_after_the_other(column: Made) -> None:
    """In a buffer that holds nothing else."""
    cells, expected = column
    found = cells.compact()
    assert found == expected
    assert found.buffer == b"".join(cell for cell in expected if cell)
