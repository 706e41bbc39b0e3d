"""A report's rows: exact cells, sorted, safe to open, whole after a journey."""

import csv
import io
import random
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamproc.cells import Ints
from streamproc.errors import InvalidInput
from streamproc.report.record import time_text
from streamproc.report.rows import (
    FULL_HEADER,
    NO_ROWS,
    ROWS_PER_PIECE,
    Rows,
    csv_rows,
    decode_rows,
    encode_rows,
    join_rows,
    last_poll_text,
    last_status,
    pieces,
    rows_of,
    safe_cell,
    write_csv,
)
from streamproc.rules.percent import percent
from streamproc.rules.uptime import Accounts
from tests.reference import DAY_US, HOUR_US, WINDOWS_US
from tests.rules.test_reference import MINUTE_US, utc

HEADER = (
    "store_id,uptime_last_hour(in minutes),uptime_last_day(in hours),"
    "uptime_last_week(in hours),downtime_last_hour(in minutes),"
    "downtime_last_day(in hours),downtime_last_week(in hours)"
)
UNITS_US = (MINUTE_US, HOUR_US, HOUR_US)
LENGTHS_US = tuple(WINDOWS_US.values())
MEGABYTE = 1_000_000
AS_OF_US = utc("2025-05-06 12:00")

QUICK = settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)

characters = st.one_of(
    st.sampled_from("abc019=+-@,;\"' |é店😀\ufffd\uffee\ud7ff\ue000\U0010ffff"),
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]),
)
store_ids = st.text(characters, min_size=1, max_size=12)


def amounts_within(length_us: int) -> st.SearchStrategy[int]:
    """Any share of a window, many of them beside a half of a hundredth."""
    unit_us = MINUTE_US if length_us == HOUR_US else HOUR_US
    halves = st.integers(0, length_us * 200 // unit_us)
    return st.one_of(
        st.integers(0, length_us),
        st.builds(
            lambda half, by: min(max(half * unit_us // 200 + by, 0), length_us),
            halves,
            st.integers(-1, 1),
        ),
        st.sampled_from((0, 1, length_us - 1, length_us)),
    )


@st.composite
def figures(draw: st.DrawFn) -> tuple[list[int], list[int], list[int]]:
    """Up, down and open time of a store in each window."""
    opened = [draw(amounts_within(length)) for length in LENGTHS_US]
    up = [draw(amounts_within(length)) for length in LENGTHS_US]
    up = [min(pair) for pair in zip(up, opened, strict=True)]
    share = draw(st.sampled_from((0, 1, 2, 3)))
    down = [(o - u) * share // 3 for u, o in zip(up, opened, strict=True)]
    return up, down, opened


last_polls = st.one_of(st.just(-1), st.integers(0, AS_OF_US * 4 + 3))
tables = st.lists(
    st.tuples(store_ids, figures(), last_polls),
    max_size=6,
    unique_by=lambda row: row[0],
)
Table = list[tuple[str, tuple[list[int], list[int], list[int]], int]]


def rows_from(table: Table) -> Rows:
    """Rows as columns."""

    def column(at: int) -> Ints:
        return np.array([row[1][at] for row in table], np.int64).reshape(-1, 3).T

    last = np.array([row[2] for row in table], np.int64)
    excluded = np.zeros_like(column(0))
    return Rows(
        [row[0] for row in table], column(0), column(1), column(2), excluded, last
    )


def some_rows(ids: Sequence[str], seed: int = 0) -> Rows:
    """Rows of large numbers, as long as they get."""
    dice = np.random.default_rng(seed)
    most = np.array(LENGTHS_US).reshape(3, 1)
    up, down, opened = (
        most - dice.integers(0, MINUTE_US, (3, len(ids))) for _ in range(3)
    )
    last = AS_OF_US * 4 - dice.integers(0, DAY_US, len(ids))
    return Rows(list(ids), up, down, opened, opened, last)


def as_lists(rows: Rows) -> tuple[object, ...]:
    """Everything in the rows, to be compared."""
    columns = (rows.up, rows.down, rows.open, rows.excluded, rows.last)
    assert all(column.dtype == np.int64 for column in columns)
    return rows.store_ids, *(column.tolist() for column in columns)


def csv_text(rows: Rows, full: bool = False) -> str:
    """The file's text."""
    stream = io.StringIO(newline="")
    write_csv(stream, rows, full)
    return stream.getvalue()


def cells(rows: Rows, full: bool = False) -> list[list[str]]:
    """The file's cells as a reader of CSV sees them, without the header."""
    return list(csv.reader(io.StringIO(csv_text(rows, full), newline="")))[1:]


def rounded(amount_us: int, unit_us: int) -> str:
    """Two decimals, half up."""
    exact = Decimal(amount_us) / Decimal(unit_us)
    return str(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))


# -- CSV -------------------------------------------------------------------------


def test_the_header_is_that_of_the_design() -> None:
    """Exactly these columns, one line each, whatever is reported."""
    assert csv_text(NO_ROWS) == HEADER + "\n"
    rows = rows_from([("a", ([0] * 3, [0] * 3, [0] * 3), -1)])
    assert csv_text(rows) == HEADER + "\na,0.00,0.00,0.00,0.00,0.00,0.00\n"


@QUICK
@given(table=tables)
def test_amounts_are_rounded_half_up_to_two_decimals(table: Table) -> None:
    """The hour in minutes, day and week in hours; half a hundredth counts up."""
    for (_, (up, down, _), _), row in zip(table, cells(rows_from(table)), strict=True):
        pairs = zip((*up, *down), UNITS_US * 2, strict=True)
        assert [rounded(amount, unit) for amount, unit in pairs] == row[1:]


@pytest.mark.parametrize(
    ("up_us", "row"),
    [
        ((0, 0, 0), ("0.00", "0.00", "0.00")),
        ((HOUR_US, DAY_US, 7 * DAY_US), ("60.00", "24.00", "168.00")),
        ((HOUR_US - 1, DAY_US - 1, 7 * DAY_US - 1), ("60.00", "24.00", "168.00")),
        ((299_999, 17_999_999, 17_999_999), ("0.00", "0.00", "0.00")),
        ((300_000, 18_000_000, 18_000_000), ("0.01", "0.01", "0.01")),
        ((900_000, 54_000_000, 54_000_000), ("0.02", "0.02", "0.02")),
        ((1_500_000, 90_000_000, 90_000_000), ("0.03", "0.03", "0.03")),
        ((899_999, 53_999_999, 53_999_999), ("0.01", "0.01", "0.01")),
    ],
)
def test_the_edges_of_rounding(
    up_us: tuple[int, int, int], row: tuple[str, ...]
) -> None:
    """Full windows, nothing, and half a hundredth to the microsecond."""
    rows = rows_from([("a", (list(up_us), [0, 0, 0], list(LENGTHS_US)), -1)])
    assert list(row) == cells(rows)[0][1:4]


@QUICK
@given(table=tables)
def test_every_id_is_read_back_from_the_file(table: Table) -> None:
    """Commas, quotes and any script; a formula's first sign is made harmless."""
    found = [row[0] for row in cells(rows_from(table))]
    for store_id, cell in zip((row[0] for row in table), found, strict=True):
        assert cell == safe_cell(store_id)
        if store_id[0] in "=+-@":
            assert cell.startswith("'")


@QUICK
@given(table=tables)
def test_every_row_is_one_line(table: Table) -> None:
    """No id breaks a line, so the file can be read line by line."""
    for full in (False, True):
        lines = csv_text(rows_from(table), full).split("\n")
        assert len(table) + 2 == len(lines)
        assert lines[-1] == ""


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("\tx", "'\tx"),
        ('=cmd|" /C calc"!A0', '\'=cmd|" /C calc"!A0'),
        ("a;=1+1", "a;'=1+1"),
        ("a;\u3000@x", "a;'\u3000@x"),
        ('a,"=1', "a,'\"=1"),
        ("a|-1;b", "a|'-1;b"),
        ("a\t+1", "a\t'+1"),
        ("＝1+1", "'＝1+1"),
        ("a;＋1", "a;'＋1"),
        ("\u200b=1", "'\u200b=1"),
        ("\xa0=1", "'\xa0=1"),
        ("'=1", "'=1"),
        ("a;b|c,d", "a;b|c,d"),
        ("ü-1", "ü-1"),
        ("_=1", "_=1"),
        ("a=1", "a=1"),
        ("1-1", "1-1"),
        (" =1", "' =1"),
        ("", ""),
    ],
)
def test_no_cell_is_taken_for_a_formula(text: str, cell: str) -> None:
    """A spreadsheet shows the id, and does not compute it."""
    assert cell == safe_cell(text)


@given(st.text("=+-@＝;,|\t\r\n\"' ax\u3000", max_size=12))
def test_no_part_of_a_cell_is_a_formula_wherever_it_is_cut(text: str) -> None:
    """Cut at any separator, no part begins with a sign after what is passed over."""
    for part in re.split("[;,|\t\r\n]", safe_cell(text)):
        assert part.strip().lstrip('" \u3000')[:1] not in {*"=+-@＝"}
    assert safe_cell(safe_cell(text)) == safe_cell(text)


def test_the_full_report_adds_columns_to_the_same_ones() -> None:
    """Unknown and open time, percent of observed time, last poll and status."""
    last = utc("2025-05-06 11:59:30.25") * 4 + 1
    table: Table = [
        ("a", ([30 * MINUTE_US, HOUR_US, 3 * HOUR_US],
               [15 * MINUTE_US, 2 * HOUR_US, 0],
               [HOUR_US, 9 * HOUR_US, 9 * HOUR_US]), last),
        ("b", ([0, 0, 0], [0, 0, 1], [HOUR_US, 0, 0]), last - 1),
        ("c", ([0, 0, 0], [0, 0, 0], [0, 0, 0]), -1),
    ]  # fmt: skip
    rows = rows_from(table)
    head = csv_text(rows, full=True).splitlines()[0].split(",")
    found = [dict(zip(head, row, strict=True)) for row in cells(rows, full=True)]
    assert [row[:7] for row in cells(rows, full=True)] == cells(rows)
    assert head == list(FULL_HEADER)
    assert ",".join(head[:7]) == HEADER
    a, b, c = found
    assert [a[f"unknown_last_{w}"] for w in ("hour(in minutes)", "day(in hours)")] == [
        "15.00",
        "6.00",
    ]
    assert a["open_last_week(in hours)"] == "9.00"
    percents = [f"uptime_percent_last_{w}(of observed)" for w in WINDOWS_US]
    assert [a[name] for name in percents] == ["66.67", "33.33", "100.00"]
    assert [b[name] for name in percents] == ["", "", "0.00"]
    assert [c[name] for name in percents] == ["", "", ""]
    assert (a["last_poll_utc"], a["last_status"]) == (
        "2025-05-06T11:59:30.25Z",
        "active",
    )
    assert (b["last_poll_utc"], b["last_status"]) == (a["last_poll_utc"], "inactive")
    assert (c["last_poll_utc"], c["last_status"]) == ("", "")


@QUICK
@given(table=tables)
def test_the_full_amounts_are_rounded_alike(table: Table) -> None:
    """Unknown is what is left of the open time; percent is of what was observed."""
    for (_, (up, down, opened), _), row in zip(
        table, cells(rows_from(table), full=True), strict=True
    ):
        unknown = [o - u - d for u, d, o in zip(up, down, opened, strict=True)]
        pairs = zip((*up, *down, *unknown, *opened), UNITS_US * 4, strict=True)
        shares = [percent(u, d) or "" for u, d in zip(up, down, strict=True)]
        assert [rounded(amount, unit) for amount, unit in pairs] == row[1:13]
        assert shares == row[13:16]


@pytest.mark.parametrize(
    ("time", "text"),
    [
        ("2025-05-06 12:00", "2025-05-06T12:00:00Z"),
        ("2025-05-06 12:00:00.5", "2025-05-06T12:00:00.5Z"),
        ("2025-05-06 12:00:00.000001", "2025-05-06T12:00:00.000001Z"),
        ("1970-01-01 00:00", "1970-01-01T00:00:00Z"),
        ("9999-12-31 23:59:59.999999", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_a_time_is_iso_8601_in_utc(time: str, text: str) -> None:
    """The fraction is trimmed, the zone is a Z."""
    assert text == time_text(utc(time))
    assert text == last_poll_text(utc(time) * 4)


@pytest.mark.parametrize(
    ("packed", "status"),
    [(-1, ""), (0, "inactive"), (1, "active"), (2, "inactive"), (3, "active")],
)
def test_the_last_status_is_that_of_the_last_poll(packed: int, status: str) -> None:
    """Whether it was thinned does not matter; with no poll there is none."""
    assert status == last_status(packed)


# -- order -----------------------------------------------------------------------


@QUICK
@given(table=tables, cuts=st.lists(st.integers(0, 6), max_size=4))
def test_rows_are_sorted_by_the_bytes_of_the_id(table: Table, cuts: list[int]) -> None:
    """However they were spread over partitions, each row keeps its figures."""
    edges = [0, *sorted(cuts), len(table)]
    parts = [rows_from(table[a:b]) for a, b in pairwise(edges)]
    joined = join_rows(parts)
    expected = sorted(table, key=lambda row: row[0].encode())
    assert as_lists(rows_from(expected)) == as_lists(joined)
    assert as_lists(joined) == as_lists(join_rows(parts[::-1]))


def test_numbers_are_sorted_as_text() -> None:
    """10 comes before 9, and letters with accents after all others."""
    ids = ["9", "10", "é", "z", "Z", "a", "😀", "\uffee", "1"]
    assert join_rows([some_rows(ids)]).store_ids == [
        *("1", "10", "9", "Z", "a", "z", "é", "\uffee", "😀")
    ]


def test_nothing_joined_is_no_rows() -> None:
    """No parts, or empty ones."""
    assert as_lists(NO_ROWS) == as_lists(join_rows([]))
    assert as_lists(NO_ROWS) == as_lists(join_rows([NO_ROWS, NO_ROWS]))
    assert len(NO_ROWS) == 0


# -- pieces ----------------------------------------------------------------------


@QUICK
@given(table=tables)
def test_a_piece_is_the_same_after_its_journey(table: Table) -> None:
    """Encoding and decoding lose nothing, not even of no rows."""
    rows = rows_from(table)
    assert as_lists(rows) == as_lists(decode_rows(encode_rows(rows)))


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"{}", b"7", b"null", b"[", b'["a"]', b"[7]\n" + bytes(104)),
        *(b'["a"]\n1234567', b'["a"]\n' + bytes(96), b'["a"]\n' + bytes(112)),
        b'"a"\n' + bytes(104),
    ],
)
def test_what_is_no_piece_is_refused(value: bytes) -> None:
    """No ids, ids that are no texts, numbers too few or too many."""
    with pytest.raises(InvalidInput):
        decode_rows(value)


@pytest.mark.parametrize(
    "count",
    [0, 1, ROWS_PER_PIECE - 1, ROWS_PER_PIECE, ROWS_PER_PIECE + 1, 20_000],
)
def test_the_pieces_are_all_rows(count: int) -> None:
    """Each has its rows once and in order, through encoding and decoding."""
    rows = some_rows([f"{n:06}" for n in range(count)])
    parts = [decode_rows(encode_rows(piece)) for piece in pieces(rows)]
    assert all(len(part) for part in parts)
    assert as_lists(rows) == as_lists(join_rows(parts))


@pytest.mark.parametrize(
    "store_id",
    ["7" * 19, "x" * 128, "é" * 64, "😀" * 32, '"' * 128, "\\" * 128],
    ids=["usual", "long", "accents", "emoji", "quotes", "backslashes"],
)
def test_a_piece_fits_into_one_message(store_id: str) -> None:
    """Under 1 MB, the limit of a broker, with the longest ids there are."""
    for piece in pieces(some_rows([store_id] * 9_000)):
        size = len(encode_rows(piece))
        assert size < MEGABYTE


def test_rows_are_made_of_accounts() -> None:
    """Ids become text, and the figures are handed on."""
    numbers = np.arange(9).reshape(3, 3)[:, :2]
    accounts = Accounts(
        numbers, numbers + 1, numbers + 2, numbers + 3, np.array([-1, 7])
    )
    rows = rows_of([b"a", "é".encode()], accounts)
    assert as_lists(rows) == (
        ["a", "é"],
        numbers.tolist(),
        (numbers + 1).tolist(),
        (numbers + 2).tolist(),
        (numbers + 3).tolist(),
        [-1, 7],
    )


def test_a_large_report_is_written_in_order() -> None:
    """Shuffled parts of many stores become one sorted file."""
    ids = [f"{n:x}" for n in range(30_000)]
    random.Random(7).shuffle(ids)
    joined = join_rows([some_rows(ids[:11_000], 1), some_rows(ids[11_000:], 2)])
    found = [row[0] for row in csv_rows(joined)]
    assert found == sorted(ids)
