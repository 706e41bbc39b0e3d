"""Files of special hours and exclusions, and hours that change on a date."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streamproc.loading.dates import read_exclusions, read_special_hours
from streamproc.loading.hours import read_hours
from streamproc.loading.refused import Refused
from streamproc.loading.stores import StoreFile

SPECIAL = "store_id,date,start_time_local,end_time_local,note\n"
EXCLUSIONS = "store_id,id,kind,from_utc,to_utc,from_local,to_local,note\n"
DATED = "store_id,day,start_time_local,end_time_local,valid_from\n"

Reader = Callable[..., StoreFile]


def read(
    path: Path, reader: Reader, text: str
) -> tuple[dict[str, Any], list[Refused], StoreFile]:
    """Messages of a file with this text, and what was refused of it."""
    (path / "file.csv").write_text(text)
    told: list[Refused] = []
    file = reader(path / "file.csv", lambda count: None, told.append, {})
    return dict(file.messages), told, file


def test_the_rows_of_a_date_are_one_message(tmp_path: Path) -> None:
    """Two openings, and a note once."""
    rows = "7,2026-12-24,10:00,12:00,eve\n7,2026-12-24,13:00,15:00,\n"
    messages, told, _ = read(tmp_path, read_special_hours, SPECIAL + rows)
    assert told == []
    assert messages == {
        "7\0002026-12-24": {
            "store_id": "7",
            "date": "2026-12-24",
            "openings": [
                {"start_time_local": "10:00", "end_time_local": "12:00"},
                {"start_time_local": "13:00", "end_time_local": "15:00"},
            ],
            "note": "eve",
        }
    }


@pytest.mark.parametrize("times", ["closed,closed", ","])
def test_closed_or_empty_times_close_a_date_of_all_stores(
    tmp_path: Path, times: str
) -> None:
    """``*`` is every store, and no store of its own."""
    rows = f"*,2026-12-25,{times},\n"
    messages, told, file = read(tmp_path, read_special_hours, SPECIAL + rows)
    assert (list(messages), told, file.store_ids) == (["*\0002026-12-25"], [], [])


def test_a_date_both_closed_and_open_refuses_the_store(tmp_path: Path) -> None:
    """Nothing is said of it then; the others are taken."""
    rows = (
        "7,2026-12-25,closed,closed,\n7,2026-12-25,10:00,12:00,\n"
        "7,2026-12-26,10:00,12:00,\n8,2026-12-25,10:00,12:00,\n"
    )
    messages, told, file = read(tmp_path, read_special_hours, SPECIAL + rows)
    assert list(messages) == ["8\0002026-12-25"]
    assert (file.broken, told[0].reason) == ({"7"}, "bad-hours")


def test_the_note_may_be_missing_as_a_column(tmp_path: Path) -> None:
    """What may be empty need not be there."""
    text = "store_id,date,start_time_local,end_time_local\n7,2026-12-24,10:00,12:00\n"
    messages, told, _ = read(tmp_path, read_special_hours, text)
    assert (len(messages), told) == (1, [])


def test_an_exclusion_has_one_pair_of_ends(tmp_path: Path) -> None:
    """In UTC or on the store's clock."""
    rows = (
        "7,m1,maintenance,2026-11-23 12:00:00 UTC,2026-11-23T13:00:00Z,,,router\n"
        "*,c1,correction-up,,,2026-11-23 12:00:00,2026-11-23 13:00:00,\n"
    )
    messages, told, file = read(tmp_path, read_exclusions, EXCLUSIONS + rows)
    assert told == []
    assert list(messages) == ["7\0m1", "*\0c1"]
    assert messages["7\0m1"]["note"] == "router"
    assert file.store_ids == ["7"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("7,m1,holiday,2026-11-23 12:00,2026-11-23 13:00,,,", "bad-kind"),
        ("7,m1,maintenance,2026-11-23 12:00,,,,", "bad-exclusion"),
        ("7,m1,maintenance,2026-11-23 14:00,2026-11-23 13:00,,,", "bad-exclusion"),
        ("7,,maintenance,2026-11-23 12:00,2026-11-23 13:00,,,", "bad-exclusion-id"),
    ],
)
def test_an_exclusion_that_cannot_be_understood_refuses_its_store(
    tmp_path: Path, row: str, reason: str
) -> None:
    """With the line and the reason."""
    text = EXCLUSIONS + row + "\n"
    messages, told, file = read(tmp_path, read_exclusions, text)
    assert (messages, file.broken) == ({}, {"7"})
    assert (told[0].line, told[0].reason) == (2, reason)


def test_an_id_that_says_two_things_refuses_its_store(tmp_path: Path) -> None:
    """Of two exclusions one would be forgotten; the same row twice is one."""
    day = "2026-11-23"
    rows = (
        f"7,m1,maintenance,{day} 12:00,{day} 13:00,,,\n"
        f"8,m1,maintenance,{day} 12:00,{day} 13:00,,,\n"
        f"7,m1,maintenance,{day} 14:00,{day} 15:00,,,\n"
        f"8,m1,maintenance,{day} 12:00,{day} 13:00,,,\n"
    )
    messages, told, file = read(tmp_path, read_exclusions, EXCLUSIONS + rows)
    assert (list(messages), file.broken) == (["8\0m1"], {"7"})
    (one,) = told
    assert (one.line, one.reason) == (4, "bad-exclusion-id")
    assert "m1 is that of line 2, which says something else" in one.message


def test_the_undated_week_of_a_store_goes_first(tmp_path: Path) -> None:
    """It forgets the dated ones before it, so they come after it."""
    rows = "7,0,08:00,12:00,2026-11-16\n7,0,09:00,17:00,\n8,0,09:00,17:00,2026-01-05\n"
    messages, told, file = read(tmp_path, read_hours, DATED + rows)
    assert told == []
    assert list(messages) == ["7", "7\0002026-11-16", "8\0002026-01-05"]
    assert messages["7\0002026-11-16"]["valid_from"] == "2026-11-16"
    assert file.store_ids == ["7", "8"]


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (",2026-11-23 13:00,,", "from_utc is missing, expected YYYY-MM-DD"),
        ("2026-11-23 14:00,2026-11-23 13:00,,", "from_utc is not before to_utc"),
        (
            "2026-11-23 12:00,,,2026-11-23 13:00",
            "from_utc, to_local are given,"
            " expected from_utc and to_utc or from_local and to_local",
        ),
    ],
)
def test_a_refused_exclusion_names_the_columns_of_its_file(
    tmp_path: Path, ends: str, said: str
) -> None:
    """Not the fields of a message, which are called otherwise."""
    rows = f"7,m1,maintenance,{ends},\n"
    _, told, _ = read(tmp_path, read_exclusions, EXCLUSIONS + rows)
    assert said in told[0].message
