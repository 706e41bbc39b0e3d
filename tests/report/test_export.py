"""Days of all stores as files for other programs: exact, typed, one month each."""

import csv
import io
from datetime import UTC, date, datetime

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from streamproc.errors import InvalidInput
from streamproc.report import export
from streamproc.report.export import (
    COLUMNS,
    check_format,
    parts,
    write_csv,
    write_parquet,
)
from streamproc.report.period_rows import NO_PERIOD_ROWS, Named, PeriodRows
from streamproc.rules.units import DAY_US

NAMES = ["day:2026-10-30", "day:2026-10-31"]
FIRST_US = 1_793_336_400_000_000
STORES = [Named("=1+1", "Shop", {"region": "West"}), Named("007", None, {})]
ROWS = PeriodRows(
    STORES,
    np.array(
        [
            # store, slice, from, to, up, down, excluded, open, incidents, longest
            [0, 0, FIRST_US, FIRST_US + DAY_US, 5, 2, 1, 9, 3, 2],
            [0, 1, FIRST_US + DAY_US, FIRST_US + 2 * DAY_US, 0, 0, 0, 0, 0, 0],
            [1, 1, FIRST_US + DAY_US, FIRST_US + DAY_US + 1, 1, 0, 0, 1, 0, 0],
        ],
        np.int64,
    ).T,
)
BEGIN = datetime.fromtimestamp(FIRST_US // 1_000_000, UTC)


def test_csv_has_whole_microseconds_and_no_live_formula() -> None:
    """A row per store and date; an id that a spreadsheet would run is quoted."""
    stream = io.BytesIO()
    write_csv(stream, ROWS, NAMES)
    rows = list(csv.reader(io.StringIO(stream.getvalue().decode())))
    begin, end = f"{BEGIN:%Y-%m-%dT%H:%M:%SZ}", "2026-10-31T05:00:00Z"
    assert rows[:2] == [
        list(COLUMNS),
        ["'=1+1", "2026-10-30", begin, end, "5", "2", "1", "1", "9", "3", "2"],
    ]
    assert [row[:2] for row in rows[2:]] == [
        ["'=1+1", "2026-10-31"],
        ["007", "2026-10-31"],
    ]
    assert rows[3][3] == "2026-10-31T05:00:00.000001Z"


def test_parquet_has_the_same_rows_with_types() -> None:
    """Ids as they are, dates as dates, instants in UTC, amounts as integers."""
    stream = io.BytesIO()
    write_parquet(stream, ROWS, NAMES)
    table = parquet.read_table(io.BytesIO(stream.getvalue()))
    assert table.column_names == list(COLUMNS)
    assert table["date"].to_pylist() == [date(2026, 10, day) for day in (30, 31, 31)]
    assert table["store_id"].to_pylist() == ["=1+1", "=1+1", "007"]
    assert table["from_utc"].to_pylist()[0] == BEGIN
    assert table["to_utc"].to_pylist()[2].microsecond == 1
    assert table.schema.field("up_us").type == pyarrow.int64()
    amounts = zip(*(table[name].to_pylist() for name in COLUMNS[4:]), strict=True)
    assert list(amounts) == [
        (5, 2, 1, 1, 9, 3, 2),
        (0, 0, 0, 0, 0, 0, 0),
        (1, 0, 0, 0, 1, 0, 0),
    ]


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_a_month_without_rows_is_a_file_with_its_columns(write: export.Write) -> None:
    """Whoever reads many files at once finds the same columns in each."""
    stream = io.BytesIO()
    write(stream, NO_PERIOD_ROWS, [])
    text = stream.getvalue()
    if write is write_csv:
        assert text.decode().splitlines() == [",".join(COLUMNS)]
    else:
        assert parquet.read_table(io.BytesIO(text)).column_names == list(COLUMNS)


def test_a_file_is_a_month_and_its_name_says_which_dates() -> None:
    """Whole months by their name, parts with their dates; both ends are in."""
    found = parts(date(2026, 11, 29), date(2027, 2, 27))
    assert [part.name for part in found] == [
        "2026-11-29..30",
        "2026-12",
        "2027-01",
        "2027-02-01..27",
    ]
    assert found[1].period == "2026-12-01..2026-12-31"
    assert [p.name for p in parts(date(2028, 2, 1), date(2028, 2, 29))] == ["2028-02"]
    with pytest.raises(InvalidInput, match="ends before it begins"):
        parts(date(2026, 2, 1), date(2026, 1, 31))


def test_without_pyarrow_parquet_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before anything is asked of a worker; CSV needs nothing."""
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert check_format("csv") is write_csv
    with pytest.raises(InvalidInput, match=r"pip install 'streamproc\[export\]'"):
        check_format("parquet")
