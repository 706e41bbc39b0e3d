"""Days of all stores as data for other programs: a row per store and local date. Pure.

Comes from the rows of a month's report, sliced by day; integer microseconds, so that
sums are exact. Parquet needs pyarrow, which ``pip install streamproc[export]`` brings.
"""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import import_module
from types import ModuleType
from typing import Any, BinaryIO

from streamproc.cells import Ints
from streamproc.errors import InvalidInput
from streamproc.report.period_rows import PeriodRows
from streamproc.report.record import time_text
from streamproc.report.rows import safe_cell
from streamproc.rules.days import dates_text

COLUMNS = (
    *("store_id", "date", "from_utc", "to_utc"),
    *("up_us", "down_us", "unknown_us", "excluded_us", "open_us"),
    *("incidents", "longest_incident_us"),
)
"""Of every file. ``from_utc`` and ``to_utc``: the date's real ends, as it is told."""

_FIELDS = ("up", "down", "unknown", "excluded", "open", "incidents", "longest")
_ENDS = ("from_us", "to_us")
_ROWS_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True)
class Part:
    """Dates of one month, both ends in: what a file holds, and how it is called."""

    first: date
    last: date

    @property
    def period(self) -> str:
        """As a report is asked for them."""
        return f"{self.first}..{self.last}"

    @property
    def name(self) -> str:
        """``2026-10``; of a part of the month ``2026-10-05..31``."""
        return dates_text(self.first, self.last)


def parts(first: date, last: date) -> list[Part]:
    """The months from a date to a date, both in; raises InvalidInput for none."""
    if first > last:
        raise InvalidInput("bad-period", f"{first} to {last} ends before it begins")
    found: list[Part] = []
    while first <= last:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        found.append(Part(first, min(last, following - timedelta(days=1))))
        first = following
    return found


Write = Callable[[BinaryIO, PeriodRows, Sequence[str]], None]
"""Writes rows to a file; the texts are the names of their slices, ``day:...``."""


def write_csv(stream: BinaryIO, rows: PeriodRows, names: Sequence[str]) -> None:
    """As CSV, header first."""
    text = io.TextIOWrapper(stream, "utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    ids = [safe_cell(named.store_id) for named in rows.stores]
    dates = [_date_of(name) for name in names]
    columns = (
        [ids[store] for store in rows.of("store").tolist()],
        [dates[number] for number in rows.of("slice").tolist()],
        *([time_text(us) for us in rows.of(end).tolist()] for end in _ENDS),
        *(_of(rows, field).tolist() for field in _FIELDS),
    )
    writer.writerows(zip(*columns, strict=True))
    text.detach()


def write_parquet(stream: BinaryIO, rows: PeriodRows, names: Sequence[str]) -> None:
    """As Parquet: ids as a dictionary, dates and instants as such; zstd."""
    arrow = _arrow("")
    ids = [named.store_id for named in rows.stores]
    dates = [date.fromisoformat(_date_of(name)) for name in names]
    instant = arrow.timestamp("us", "UTC")
    columns = [
        arrow.DictionaryArray.from_arrays(
            arrow.array(rows.of("store"), arrow.int32()), arrow.array(ids)
        ),
        arrow.array(dates, arrow.date32()).take(arrow.array(rows.of("slice"))),
        *(arrow.array(rows.of(end)).cast(instant) for end in _ENDS),
        *(arrow.array(_of(rows, field)) for field in _FIELDS),
    ]
    table = arrow.table(columns, names=list(COLUMNS))
    parquet: Any = _arrow(".parquet")
    parquet.write_table(table, stream, compression="zstd", row_group_size=_ROWS_AT_ONCE)


def _of(rows: PeriodRows, field: str) -> Ints:
    return rows.unknown if field == "unknown" else rows.of(field)


def _date_of(name: str) -> str:
    return name.removeprefix("day:")


def _arrow(module: str) -> ModuleType:
    """Part of pyarrow; raises InvalidInput when it is not installed."""
    try:
        return import_module(f"pyarrow{module}")
    except ImportError as exc:
        raise InvalidInput(
            "no-pyarrow",
            "Parquet needs pyarrow: pip install 'streamproc[export]', or --format csv",
        ) from exc


FORMATS: dict[str, Write] = {"csv": write_csv, "parquet": write_parquet}


def check_format(name: str) -> Write:
    """How a format is written; raises InvalidInput when what it needs is missing."""
    if name == "parquet":
        _arrow("")
    return FORMATS[name]
