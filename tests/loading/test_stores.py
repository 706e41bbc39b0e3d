"""Files of hours and zones: a store's rows are taken whole or not at all."""

from pathlib import Path

import pytest

from streamproc.errors import LoadError
from streamproc.loading.hours import read_hours
from streamproc.loading.refused import Refused
from streamproc.loading.stores import StoreFile
from streamproc.loading.zones import read_zones
from streamproc.rules.schedule import WEEKDAYS, Opening, parse_hours

HOURS = "store_id,dayOfWeek,start_time_local,end_time_local\n"
ZONES = "store_id,timezone_str\n"
HOUR_S = 3_600


def hours_of(
    path: Path, text: str, weekdays: str | None = None
) -> tuple[StoreFile, list[Refused]]:
    """A file of hours with this text."""
    (path / "hours.csv").write_text(HOURS + text)
    told: list[Refused] = []
    convention = WEEKDAYS[weekdays] if weekdays else None
    file = read_hours(
        path / "hours.csv", lambda count: None, told.append, {}, convention
    )
    return file, told


def zones_of(path: Path, text: str) -> tuple[StoreFile, list[Refused]]:
    """A file of zones with this text."""
    (path / "zones.csv").write_text(ZONES + text)
    told: list[Refused] = []
    return read_zones(path / "zones.csv", lambda count: None, told.append, {}), told


def test_a_week_is_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    """One bad row, and nothing is said of that store; the others are taken."""
    file, told = hours_of(
        tmp_path,
        "7,0,09:00,17:00\n7,1,09:00,tea time\n8,0,09:00,17:00\n7,2,9:00,17:00\n",
    )
    assert list(file.messages) == ["8"]
    assert file.broken == {"7"}
    assert (file.refused, file.first_refused) == (1, told[0])
    assert (told[0].line, told[0].reason) == (3, "bad-time")


@pytest.mark.parametrize(
    "row",
    [
        '"7,1,09:00,17:00',
        '7,"1,09:00,17:00',
        "7,1,09:00,17:00,x",
        "7,1,09:00",
        " 7 ,1",
        f"7,1,09:00,17:00{' ' * 140_000}",
    ],
)
def test_a_line_that_is_no_row_belongs_to_the_store_it_begins_with(
    row: str, tmp_path: Path
) -> None:
    """Its week is not the rows that could be read: there would be a day less."""
    file, told = hours_of(
        tmp_path, f"7,0,09:00,17:00\n8,0,09:00,17:00\n{row}\n7,2,09:00,17:00\n"
    )
    assert list(file.messages) == ["8"]
    assert file.broken == {"7"}
    assert [each.line for each in told] == [4]


def test_rows_that_contradict_refuse_the_week(tmp_path: Path) -> None:
    """Closed and open on one weekday."""
    file, told = hours_of(tmp_path, "7,0,09:00,17:00\n7,0,closed,closed\n")
    assert (file.messages, file.broken) == ({}, {"7"})
    assert "closed in one row, open in another" in told[0].message


def test_a_row_of_nobody_belongs_to_no_store(tmp_path: Path) -> None:
    """It is refused; whose it was nobody can say."""
    file, told = hours_of(tmp_path, "1.2E+18,0,09:00,17:00\n8,0,09:00,17:00\n")
    assert (list(file.messages), file.broken, file.refused) == (["8"], set(), 1)
    assert told[0].reason == "mangled-id"


def test_a_message_says_what_the_rows_say(tmp_path: Path) -> None:
    """Weekdays as the topic counts them, times as they are written."""
    file, _ = hours_of(tmp_path, "7,Sunday,9:00 AM,5:00 PM\n 7 ,0.0,closed,closed\n")
    hours = file.messages["7"]["hours"]
    assert hours == [
        {"dayOfWeek": 6, "start_time_local": "9:00 AM", "end_time_local": "5:00 PM"},
        {"dayOfWeek": 0, "start_time_local": "closed", "end_time_local": "closed"},
    ]
    assert parse_hours(hours) == (Opening(6, 9 * HOUR_S, 17 * HOUR_S),)


@pytest.mark.parametrize("seven", ["7", "7.0", "07"])
def test_a_seven_without_a_zero_refuses_the_file(seven: str, tmp_path: Path) -> None:
    """It disproves that 0 is Monday, for every row; the option is named."""
    week = "".join(f"7,{day},09:00,17:00\n" for day in (1, 2, 3, 4, 5, 6, seven))
    with pytest.raises(LoadError, match=r"line 8: .*--weekdays 1-7 "):
        hours_of(tmp_path, week)


def test_a_seven_beside_a_zero_is_a_bad_row(tmp_path: Path) -> None:
    """Then the file counts from 0, and that row is wrong."""
    file, told = hours_of(tmp_path, "7,0,09:00,17:00\n8,7,09:00,17:00\n")
    assert [each.reason for each in told] == ["bad-weekday"]
    assert list(file.messages) == ["7"]


@pytest.mark.parametrize(
    ("weekdays", "number", "day"),
    [("1-7", 7, 6), ("1-7", 1, 0), ("0-6-sunday", 0, 6), ("0-6-sunday", 1, 0)],
)
def test_weekdays_are_counted_as_it_was_said(
    weekdays: str, number: int, day: int, tmp_path: Path
) -> None:
    """The message has the topic's number."""
    file, told = hours_of(tmp_path, f"7,{number},09:00,17:00\n", weekdays)
    assert told == []
    assert parse_hours(file.messages["7"]["hours"])[0].day == day


def test_an_empty_row_of_hours_is_not_a_short_one(tmp_path: Path) -> None:
    """Empty times close the weekday; cells that are not there are refused."""
    file, told = hours_of(tmp_path, "7,0,,\n8,0\n9,0,09:00\n")
    assert list(file.messages) == ["7"]
    assert [each.reason for each in told] == ["bad-csv", "bad-csv"]


def test_a_zone_is_published_in_the_database_s_spelling(tmp_path: Path) -> None:
    """In any case, with blanks, by its Windows name."""
    file, told = zones_of(
        tmp_path, "7,america/new york\n8,Central Standard Time\n9,UTC\n"
    )
    assert told == []
    assert [m["timezone_str"] for m in file.messages.values()] == [
        "America/New_York",
        "America/Chicago",
        "UTC",
    ]


def test_two_zones_for_one_store_are_said(tmp_path: Path) -> None:
    """The later line counts, and both are named; a repeat is nothing to say."""
    file, _ = zones_of(tmp_path, "7,UTC\n8,UTC\n7,Asia/Beirut\n8,utc\n")
    assert file.messages["7"]["timezone_str"] == "Asia/Beirut"
    (said,) = file.remarks
    assert "7 has UTC on line 2 and Asia/Beirut on line 4" in said
    assert "8 has" not in said


def test_an_empty_zone_is_no_zone_and_said(tmp_path: Path) -> None:
    """The store has the default one."""
    file, told = zones_of(tmp_path, "7,\n8,UTC\n")
    assert told == []
    assert file.messages["7"]["timezone_str"] is None
    assert any("1 store: without a zone; America/Chicago" in r for r in file.remarks)


def test_a_zone_without_summer_time_is_said(tmp_path: Path) -> None:
    """Taken, but few mean it."""
    file, told = zones_of(tmp_path, "7,EST\n8,EST\n")
    assert told == []
    assert any("2 stores: EST has no summer time" in said for said in file.remarks)


def test_an_unreadable_zone_is_not_the_one_before(tmp_path: Path) -> None:
    """Nothing is said of the store at all."""
    file, told = zones_of(tmp_path, "7,UTC\n7,America/New Yrok\n8,UTC\n")
    assert (list(file.messages), file.broken) == (["8"], {"7"})
    assert "did you mean America/New_York?" in told[0].message
