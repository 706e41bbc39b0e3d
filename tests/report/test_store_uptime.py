"""The JSON of the topic store-uptime, which is made column by column."""

import json
from datetime import UTC, datetime

import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st

from streamproc.report.record import time_text
from streamproc.report.rows import NO_ROWS, Rows, last_poll_text, last_status
from streamproc.report.store_uptime import uptime_json
from streamproc.rules import windows
from tests.reference import HOUR_US
from tests.report.test_rows import (
    AS_OF_US,
    LENGTHS_US,
    QUICK,
    Table,
    last_polls,
    rows_from,
    tables,
)
from tests.rules.test_reference import MINUTE_US, utc


def row_by_row(rows: Rows, as_of_us: int) -> list[bytes]:
    """The reference: an object for each row, written by orjson."""
    columns = {
        "up": rows.up,
        "down": rows.down,
        "unknown": rows.open - rows.excluded - rows.up - rows.down,
        "open": rows.open,
        "excluded": rows.excluded,
    }
    found = []
    for row, store_id in enumerate(rows.store_ids):
        seconds = {
            f"{name}_{window}_s": int(column[at, row]) / 1_000_000
            for name, column in columns.items()
            for at, window in enumerate(windows.NAMES)
        }
        last = int(rows.last[row])
        value = {
            "store_id": store_id,
            "as_of": time_text(as_of_us),
            **seconds,
            "last_poll": last_poll_text(last) or None,
            "last_status": last_status(last) or None,
        }
        found.append(orjson.dumps(value))
    return found


@given(tables, st.integers(0, 2 * AS_OF_US))
@QUICK
def test_columns_give_the_same_bytes_as_rows_one_by_one(
    table: Table, as_of_us: int
) -> None:
    """Whatever the ids, amounts and last polls are."""
    rows = rows_from(table)
    assert uptime_json(rows, as_of_us) == row_by_row(rows, as_of_us)


@given(st.lists(last_polls, min_size=1), st.booleans())
@QUICK
def test_last_polls_are_the_same_text_one_by_one_or_all_at_once(
    polls: list[int], far: bool
) -> None:
    """To the microsecond; years beyond 9999 in words, in either."""
    last = np.array(polls, np.int64)
    if far:
        end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
        last[0] = (int(end) + 1) * 4_000_000
    amounts = np.zeros((len(windows.NAMES), len(polls)), np.int64)
    ids = [f"{n}" for n in range(len(polls))]
    rows = Rows(ids, amounts, amounts, amounts, amounts, last)
    assert uptime_json(rows, AS_OF_US) == row_by_row(rows, AS_OF_US)


def test_every_number_of_digits_is_written_as_orjson_writes_it() -> None:
    """From a microsecond, with an exponent, to the whole week, zeros left out."""
    powers = [10**n * digit for n in range(12) for digit in (1, 5, 9)]
    around = [us + step for us in powers for step in (-1, 0, 1)]
    week = np.array([us for us in around if us <= LENGTHS_US[2]], np.int64)
    amounts = np.array([week % LENGTHS_US[0], week % LENGTHS_US[1], week])
    ids = [f"{n}" for n in range(len(week))]
    none, last = np.zeros_like(amounts), np.full(len(week), -1)
    rows = Rows(ids, amounts, none, amounts, none, last)
    assert uptime_json(rows, AS_OF_US) == row_by_row(rows, AS_OF_US)


def test_many_rows_are_the_same_as_few() -> None:
    """They are made some thousand at a time."""
    count = 4_500
    up = np.arange(3 * count).reshape(3, count)
    last = np.arange(count) - 1
    rows = Rows([f"{n}" for n in range(count)], up, up, 3 * up, up, last)
    assert uptime_json(rows, AS_OF_US) == row_by_row(rows, AS_OF_US)


def test_no_rows_are_no_values() -> None:
    """An empty piece publishes nothing."""
    assert uptime_json(NO_ROWS, AS_OF_US) == []


def test_a_store_is_published_with_all_its_figures() -> None:
    """Amounts in seconds; no last poll is null."""
    up, down = [MINUTE_US, HOUR_US, HOUR_US], [500_000, 0, 0]
    last = utc("2025-05-06 11:30") * 4 + 1
    rows = rows_from([("é", (up, down, list(LENGTHS_US)), last),
                      ("z", ([0] * 3, [0] * 3, [0] * 3), -1)])  # fmt: skip
    first, second = (
        json.loads(value) for value in uptime_json(rows, AS_OF_US).present()
    )
    assert first == {
        "store_id": "é",
        "as_of": "2025-05-06T12:00:00Z",
        "up_hour_s": 60.0,
        "up_day_s": 3600.0,
        "up_week_s": 3600.0,
        "down_hour_s": 0.5,
        "down_day_s": 0.0,
        "down_week_s": 0.0,
        "unknown_hour_s": 3539.5,
        "unknown_day_s": 82_800.0,
        "unknown_week_s": 601_200.0,
        "open_hour_s": 3600.0,
        "open_day_s": 86_400.0,
        "open_week_s": 604_800.0,
        "excluded_hour_s": 0.0,
        "excluded_day_s": 0.0,
        "excluded_week_s": 0.0,
        "last_poll": "2025-05-06T11:30:00Z",
        "last_status": "active",
    }
    assert second["store_id"] == "z"
    assert (second["last_poll"], second["last_status"]) == (None, None)
    assert first.keys() == second.keys()
