"""Rows of a period's report: as pieces, joined, and as cells of its file."""

import io

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.cells import Ints
from streamproc.errors import InvalidInput
from streamproc.report import period_rows
from streamproc.report.label_columns import label_columns
from streamproc.report.period_csv import (
    GROUP_HEADER,
    HEADER,
    write_period_csv,
)
from streamproc.report.period_rows import (
    FIELDS,
    Named,
    PeriodRows,
    decode_period_rows,
    encode_period_rows,
    join_period_rows,
    pieces,
)
from streamproc.rules.units import HOUR_US

YEAR_US = 8_784 * HOUR_US
LARGEST_MESSAGE = 1 << 20


def numbers(*rows: tuple[int, ...]) -> Ints:
    """Numbers of rows, given one after the other."""
    return np.array(rows, np.int64).reshape(len(rows), len(FIELDS)).T


def row(store: int = 0, slice_: int = 0, **amounts: int) -> tuple[int, ...]:
    """One row of an hour; ``amounts`` by the names of the fields."""
    facts = dict.fromkeys(FIELDS, 0) | {"store": store, "slice": slice_}
    return tuple((facts | {"to_us": HOUR_US} | amounts).values())


def cells(rows: PeriodRows, group_by: str | None = None) -> list[dict[str, str]]:
    """The file's rows by their columns."""
    stream = io.StringIO()
    names = [f"day:{number}" for number in range(9)]
    written = write_period_csv(stream, rows, names, group_by)
    header, *lines = (line.split(",") for line in stream.getvalue().splitlines())
    assert written == len(lines)
    return [dict(zip(header, line, strict=True)) for line in lines]


def one(**amounts: int) -> dict[str, str]:
    """The cells of one store's row."""
    (found,) = cells(PeriodRows([Named("1", None, {})], numbers(row(**amounts))))
    return found


@pytest.mark.parametrize(
    ("us", "shown"),
    [(0, "0.0000"), (179_999, "0.0000"), (180_000, "0.0001"), (HOUR_US, "1.0000")],
)
def test_hours_have_four_decimals_half_rounded_up(us: int, shown: str) -> None:
    """Half of the last one is 180 ms."""
    assert one(open=us)["open(in hours)"] == shown


def test_the_longest_incident_is_0_only_where_nothing_was_down() -> None:
    """However short it was."""
    short = one(open=HOUR_US, down=1, incidents=1, longest=1)
    assert short["longest_incident(in minutes)"] == "0.01"
    assert one(open=HOUR_US)["longest_incident(in minutes)"] == "0.00"


def test_percentages_are_never_100_or_0_by_rounding() -> None:
    """Neither uptime nor coverage; empty where there is nothing to count."""
    almost = one(open=HOUR_US, up=HOUR_US - 2, down=1)
    assert almost["uptime_percent(of observed)"] == "99.99"
    assert almost["coverage_percent"] == "99.99"
    barely = one(open=HOUR_US, up=1, down=1_000_000)
    assert barely["uptime_percent(of observed)"] == "0.01"
    excluded = one(open=HOUR_US, excluded=HOUR_US)
    assert excluded["coverage_percent"] == excluded["uptime_percent(of observed)"] == ""
    unseen = one(open=HOUR_US)
    assert unseen["coverage_percent"] == "0.00"
    assert unseen["uptime_percent(of observed)"] == ""


def test_sums_of_many_stores_do_not_overflow() -> None:
    """A million stores that were up all year, and one that was down."""
    count = 1_000_000
    column = np.ones(count, np.int64)
    amounts = {"store": np.arange(count), "to_us": column, "open": column * YEAR_US}
    up = np.full(count, YEAR_US)
    up[7] = 0
    amounts |= {"up": up, "down": YEAR_US - up, "longest": YEAR_US - up}
    table = np.array([amounts.get(name, column * 0) for name in FIELDS])
    rows = PeriodRows([Named("1", None, {})] * count, table)
    (group,) = cells(rows, "region")
    assert group["open(in hours)"] == f"{count * 8_784}.0000"
    assert group["uptime_percent(of observed)"] == "99.99"
    assert (group["mean_percent"], group["worst_percent"]) == ("99.99", "0.00")


def test_labels_are_columns_and_none_is_called_like_another() -> None:
    """All labels that any of the stores has; none is a formula."""
    stores = [
        Named("1", "=1+1", {"region": "West", "name": "x"}),
        Named("2", None, {"=cmd": "-1"}),
    ]
    first, second = cells(PeriodRows(stores, numbers(row(0), row(1))))
    assert list(first) == [*HEADER, "'=cmd", "label name", "region"]
    assert (first["name"], first["label name"], first["'=cmd"]) == ("'=1+1", "x", "")
    assert second["'=cmd"] == "'-1"


def test_the_label_that_rows_are_grouped_by_is_not_called_like_a_column() -> None:
    """Whatever it is called: each header stands there once."""
    for column in GROUP_HEADER:
        rows = PeriodRows([Named("1", None, {column: "x"})], numbers(row()))
        (group,) = cells(rows, column)
        assert list(group) == [f"label {column}", *GROUP_HEADER]
        assert group[f"label {column}"] == "x"


@given(st.sets(st.sampled_from(("period", "label period", "label label period", "x"))))
def test_no_two_labels_have_the_same_column(labels: set[str]) -> None:
    """Also where one is called as another one's column would be."""
    columns = label_columns(sorted(labels), HEADER)
    assert len({*HEADER, *columns}) == len(HEADER) + len(labels)


def test_pieces_are_bounded_whatever_the_labels_are() -> None:
    """Together they are all rows; each holds the stores of its rows only."""
    labels = {f"{number:064}": "é" * 200 for number in range(50)}
    stores = [Named(f"{number:03}", None, labels) for number in range(40)]
    count = len(stores) * 100
    some = [row(number // 100, number % 100, up=number) for number in range(count)]
    rows = PeriodRows(stores, numbers(*some))
    parts = list(pieces(rows))
    assert len(parts) > 3
    bodies = [encode_period_rows(part) for part in parts]
    assert max(map(len, bodies)) < LARGEST_MESSAGE
    assert all(len(part.stores) < len(stores) for part in parts)
    joined = join_period_rows([decode_period_rows(body) for body in bodies[::-1]])
    assert joined.stores == stores
    assert joined.numbers.tolist() == rows.numbers.tolist()
    assert list(pieces(period_rows.NO_PERIOD_ROWS)) == []


def test_joined_rows_are_by_store_id_then_by_slice() -> None:
    """A store whose rows came in two pieces is one."""
    a, b = Named("a", "A", {}), Named("b", None, {"x": "y"})
    first = PeriodRows([b, a], numbers(row(0, 1), row(1, 1)))
    second = PeriodRows([a, b], numbers(row(0, 0), row(1, 0)))
    joined = join_period_rows([first, second])
    assert joined.stores == [a, b]
    assert joined.of("store").tolist() == [0, 0, 1, 1]
    assert joined.of("slice").tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"{}", b"[]", b'{"stores": [], "numbers": [[1]]}'),
        b'{"stores": [["a", null, {}]], "numbers": []}',
        orjson.dumps({"stores": [], "numbers": [[0]] * len(FIELDS)}),
        orjson.dumps(
            {
                "stores": [{"store_id": 7, "name": None, "labels": {}}],
                "numbers": [[0]] * len(FIELDS),
            }
        ),
        orjson.dumps(
            {
                "stores": [{"store_id": "a", "name": None, "labels": {"x": 1}}],
                "numbers": [[0]] * len(FIELDS),
            }
        ),
        b'{"stores": [], "numbers": [[99999999999999999999]]}',
    ],
)
def test_what_are_no_rows_is_refused(value: bytes) -> None:
    """Any producer may have written it."""
    with pytest.raises(InvalidInput):
        decode_period_rows(value)
