"""Rows of hours and zones, many at once: the same as one by one, whatever they hold."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from streamproc.cells import Cells, Ints
from streamproc.errors import LoadError
from streamproc.loading import source, store_rows
from streamproc.loading.header import Header
from streamproc.loading.hours import read_hours
from streamproc.loading.refused import Refused
from streamproc.loading.rows import Lines, columns_of
from streamproc.loading.source import Block
from streamproc.loading.stores import StoreFile
from streamproc.loading.zones import read_zones

HOURS = "store_id,dayOfWeek,start_time_local,end_time_local,valid_from"
ZONES = "timezone_str,store_id"
ROW = ("7", "0", "09:00", "17:00", "")
SEVEN = ("8", "7", *ROW[2:])
LATER = ("7", "1", "0:00", "2:00", "")
CONTRADICTING = [(store, "0", "closed", "closed", "") for store in ("7", "8")]
WHOLE = 1 << 20

ids = st.sampled_from(["7", "8", " 7", "*", "", "é", "1.0E+18", "a\0", "a", "x" * 129])
days = st.sampled_from(["0", "1", "6", "7", "Mon", "0.0", "x", ""])
times = st.sampled_from(["09:00", "9:00", "17:00", "5 PM", "closed", "tea", ""])
dates = st.sampled_from(["", "", "2026-11-16", "16.11."])
zones = st.sampled_from(["UTC", "utc", "America/New York", "", "Nowhere", "EST", "U\0"])
chunks = st.sampled_from([150, WHOLE])
marks = st.sampled_from(["", "", "", '"', " ", '""', "\t"])


def noisy(*cells: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """Rows of these cells, some in quotes, with blanks or stray quotes around them."""
    return st.tuples(
        *(st.builds(lambda a, c, b: a + c + b, marks, each, marks) for each in cells)
    )


week = (ids, days, times, times, dates)
good = st.tuples(
    *(st.sampled_from("78"), st.sampled_from("012")),
    *(st.sampled_from(["9:00", "10:00"]), st.sampled_from(["11:00", "12:00"])),
    st.sampled_from(["", "2026-11-16"]),
)
rows_of_hours = st.one_of(good, good, st.tuples(*week), noisy(*week), st.just(("",)))
rows_of_zones = st.one_of(st.tuples(zones, ids), noisy(zones, ids), st.just(("7",)))


def _none_usual(block: Block, header: Header) -> tuple[Lines, Ints, list[Cells]]:
    lines, usual, columns = columns_of(block, header)
    return lines, usual[:0], [each[:0] for each in columns]


def outcome(
    read: Callable[..., StoreFile], header: str, rows: Sequence[tuple[str, ...]]
) -> Any:
    """All that comes of a file, in blocks of some lines each."""
    refused: list[Refused] = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.csv"
        path.write_text("\n".join([header, *map(",".join, rows)]) + "\n")
        try:
            file = read(path, lambda count: None, refused.append, {})
        except LoadError as exc:
            return str(exc).partition("file.csv")[2]
    said = [(each.line, each.reason, each.row) for each in refused]
    remarks = [each.partition("file.csv")[2] for each in file.remarks]
    return list(file.messages.items()), file.broken, file.refused, said, remarks


def outcomes(
    read: Callable[..., StoreFile],
    header: str,
    rows: Sequence[tuple[str, ...]],
    chunk_bytes: int,
) -> tuple[Any, Any]:
    """What comes of a file in the usual way, and row by row."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "CHUNK_BYTES", chunk_bytes)
        at_once = outcome(read, header, rows)
        patch.setattr(store_rows, "columns_of", _none_usual)
        return at_once, outcome(read, header, rows)


quiet = settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow]
)


@quiet
@given(rows=st.lists(rows_of_hours, max_size=25), chunk_bytes=chunks)
@example(rows=[("8", *ROW[1:]), ROW, *CONTRADICTING], chunk_bytes=100)
@example(rows=[("a\0", *ROW[1:]), ("a", *ROW[1:])], chunk_bytes=WHOLE)
@example(rows=[SEVEN, ROW, ("8", "7 ", *ROW[2:]), SEVEN], chunk_bytes=WHOLE)
@example(rows=[SEVEN, ("8", '"7', *ROW[2:]), SEVEN], chunk_bytes=WHOLE)
@example(rows=[("7", "0", "1:00", "2:00", ""), LATER], chunk_bytes=WHOLE)
def test_hours_read_at_once_are_those_of_one_row_after_the_other(
    rows: Sequence[tuple[str, ...]], chunk_bytes: int
) -> None:
    """Messages in their order, refused rows in theirs, and why a file is refused."""
    at_once, one_by_one = outcomes(read_hours, HOURS, rows, chunk_bytes)
    assert at_once == one_by_one


@quiet
@given(rows=st.lists(rows_of_zones, max_size=25), chunk_bytes=chunks)
@example(
    rows=[("UTC", "7"), ("EST", "8"), ("EST", '"7"'), ("UTC", "7")], chunk_bytes=WHOLE
)
def test_zones_read_at_once_are_those_of_one_row_after_the_other(
    rows: Sequence[tuple[str, ...]], chunk_bytes: int
) -> None:
    """The last row of a store counts, and two zones of one store are said."""
    at_once, one_by_one = outcomes(read_zones, ZONES, rows, chunk_bytes)
    assert at_once == one_by_one


def test_what_many_rows_say_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What makes it quick: the csv module sees no row that is in the usual form."""
    asked: list[int] = []
    monkeypatch.setattr(Lines, "row", lambda self, at, header: asked.append(at))
    lines = [f'{store},{day},"09:00",17:00' for store in range(90) for day in range(7)]
    (tmp_path / "hours.csv").write_text("\n".join([HOURS[:-11], *lines, ""]))
    file = read_hours(tmp_path / "hours.csv", lambda count: None, print, {})
    assert len(file.messages) == 90
    assert asked == []
    weeks = {id(message["hours"]) for message in file.messages.values()}
    assert len(weeks) == 1


def test_a_week_that_contradicts_is_told_at_its_store_s_first_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the order of the file, though the rows are far apart."""
    monkeypatch.setattr(source, "CHUNK_BYTES", 100)
    rows = [("8", *ROW[1:]), ROW, *[("9", *ROW[1:])] * 9, *CONTRADICTING]
    _, broken, _, said, _ = outcome(read_hours, HOURS, rows)
    assert broken == {"7", "8"}
    assert [(line, row) for line, _, row in said] == [
        (2, "8,0,09:00,17:00,"),
        (3, "7,0,09:00,17:00,"),
    ]


def test_the_first_line_with_a_seven_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all that say it, in whatever form."""
    monkeypatch.setattr(source, "CHUNK_BYTES", 100)
    rows = [("7", "1", *ROW[2:]), SEVEN, *[("8", "7.0", *ROW[2:])] * 9, SEVEN]
    assert outcome(read_hours, HOURS, rows).startswith(", line 3: dayOfWeek is 7")
