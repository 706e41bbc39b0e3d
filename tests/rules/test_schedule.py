"""How hours and zones are read; what they mean is in ``test_uptime``."""

import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.errors import InvalidHours
from streamproc.rules.calendar import Calendar, open_intervals
from streamproc.rules.schedule import (
    ALWAYS_CLOSED,
    WEEKDAYS,
    Opening,
    hours_rows,
    parse_hours,
    parse_opening,
    parse_weekday,
    week_of,
)
from streamproc.rules.zones import zone_names
from tables.hours import decode, encode
from tests.rules.test_reference import utc, weekly

ROOT = Path(__file__).parents[2]
HOUR_S = 3_600
DAY_S = 24 * HOUR_S

SHOW_INTERVALS = """
import sys
zone, *window = map(eval, sys.argv[1:])
from streamproc.rules.calendar import Calendar, open_intervals
from streamproc.rules.schedule import parse_hours
hours = [{"dayOfWeek": 0, "start_time_local": "09:00", "end_time_local": "17:00"}]
print(open_intervals(Calendar.weekly(parse_hours(hours), zone), *map(int, window)))
"""


@pytest.mark.parametrize(
    ("value", "weekday"),
    [
        *((0, 0), (6, 6), ("0", 0), ("6", 6), (" 3 ", 3), ("04", 4)),
        *(("0.0", 0), ("6.0", 6), (1.0, 1)),
        *(("Monday", 0), ("mon", 0), (" SUNDAY ", 6), ("Thu", 3), ("Thurs", 3)),
    ],
)
def test_a_weekday_is_a_number_or_an_english_name(value: object, weekday: int) -> None:
    """0 is Monday and 6 is Sunday; tables with gaps write 0.0."""
    assert weekday == parse_weekday(value)


@pytest.mark.parametrize(
    ("convention", "monday", "sunday", "outside"),
    [
        ("0-6", "0", "6", "7"),
        ("1-7", "1", "7", "0"),
        ("0-6-sunday", "1", "0", "7"),
        ("1-7-sunday", "2", "1", "0"),
    ],
)
def test_a_convention_says_which_number_is_monday(
    convention: str, monday: str, sunday: str, outside: str
) -> None:
    """Names are the same in all of them; a number outside is refused."""
    weekdays = WEEKDAYS[convention]
    assert (parse_weekday(monday, weekdays), parse_weekday(sunday, weekdays)) == (0, 6)
    assert parse_weekday("Tuesday", weekdays) == 1
    with pytest.raises(InvalidHours, match=rf"{monday} \(Monday\) to {sunday} "):
        parse_weekday(outside, weekdays)


@pytest.mark.parametrize(
    "value",
    [
        *(-1, 7, 10**30, 1.5, 7.0, float("nan"), True, False, None, [], {}, [0]),
        *("", " ", "-1", "+1", "7", "1.5", "Montag", "mo", "0x1", "1_0", "٣", "²"),
        "1" * 5_000,
    ],
    ids=lambda value: f"{value!a:.20}",
)
def test_any_other_weekday_is_refused(value: object) -> None:
    """The error names the field, and no text is too long to be refused."""
    with pytest.raises(InvalidHours, match="dayOfWeek") as caught:
        parse_weekday(value)
    assert caught.value.reason == "bad-weekday"


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("00:00", 0),
        ("00:00:00", 0),
        ("09:00", 9 * HOUR_S),
        ("9:00", 9 * HOUR_S),
        ("09:05:07", 9 * HOUR_S + 307),
        ("09:05:07.999", 9 * HOUR_S + 307),
        (" 09:00 ", 9 * HOUR_S),
        ("23:58:59", DAY_S - 61),
        ("9.30", 9 * HOUR_S + 1_800),
        ("09.30.15", 9 * HOUR_S + 1_815),
        ("9:00 AM", 9 * HOUR_S),
        ("9:00:00 am", 9 * HOUR_S),
        ("9:30PM", 21 * HOUR_S + 1_800),
        ("9 am", 9 * HOUR_S),
        ("5 p.m.", 17 * HOUR_S),
        ("12:00 AM", 0),
        ("12:30 PM", 12 * HOUR_S + 1_800),
    ],
)
def test_a_time_is_hours_and_minutes_or_seconds_too(text: str, second: int) -> None:
    """HH:MM and HH:MM:SS, by 24 hours or by 12; fractions of seconds do not count."""
    (opening,) = parse_hours(weekly((0, text, "23:00")))
    assert second == opening.start_s


def test_an_end_of_twenty_four_is_midnight() -> None:
    """So is 12:00 AM, which comes before the start."""
    for end in ("24:00", "24:00:00", "12:00 AM", "0:00"):
        assert parse_hours(weekly((0, "18:00", end))) == (
            Opening(0, 18 * HOUR_S, DAY_S),
        )


@pytest.mark.parametrize("closed", [("closed", "closed"), ("", ""), (" ", "Closed")])
def test_closed_twice_or_two_empty_times_close_the_weekday(
    closed: tuple[str, str],
) -> None:
    """As if it were not there; a week in which nothing else is said is never open."""
    assert parse_hours(weekly((0, "09:00", "17:00"), (1, *closed))) == (
        Opening(0, 9 * HOUR_S, 17 * HOUR_S),
    )
    never = parse_hours(weekly(*((day, *closed) for day in range(7))))
    assert never == ALWAYS_CLOSED
    start, end = utc("2025-05-05 00:00"), utc("2025-05-12 00:00")
    assert open_intervals(Calendar.weekly(never, "UTC"), start, end) == []
    assert decode(encode(never)) == never


def test_a_weekday_that_is_closed_and_open_is_refused() -> None:
    """Nobody can say which of the two rows is right."""
    with pytest.raises(InvalidHours, match="closed in one row, open in another"):
        parse_hours(weekly((3, "09:00", "17:00"), (3, "closed", "closed")))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"dayOfWeek": 1, "closed": True, "start_time_local": "09:00"}, "bad-hours"),
        ({"dayOfWeek": 1, "closed": True, "end_time_local": "17:00"}, "bad-hours"),
        ({"dayOfWeek": 1, "closed": "true"}, "bad-hours"),
        ({"dayOfWeek": 1, "closed": 1}, "bad-hours"),
        ({"dayOfWeek": 1, "day": 2, "closed": True}, "bad-weekday"),
    ],
)
def test_a_row_that_says_two_things_is_refused(
    row: dict[str, object], reason: str
) -> None:
    """Closed and a time, two weekdays; neither of them is guessed to be meant."""
    with pytest.raises(InvalidHours) as caught:
        parse_hours([row])
    assert caught.value.reason == reason


def test_a_row_may_say_one_thing_twice() -> None:
    """Closed beside empty times, the weekday under both of its names."""
    closed = {"closed": True, "start_time_local": "", "end_time_local": "closed"}
    week = parse_hours([{"dayOfWeek": 1, "day": 1, **closed}])
    assert week == ALWAYS_CLOSED
    times = {"start_time_local": "09:00", "end_time_local": "17:00"}
    (opening,) = parse_hours([{"day": 1, "closed": False, **times}])
    assert opening == Opening(1, 9 * 3600, 17 * 3600)


@pytest.mark.parametrize(
    ("start", "end", "end_s"),
    [
        ("23:59", "23:59", 24 * 3600 + 23 * 3600 + 59 * 60),
        ("22:00", "23:59:00", 24 * 3600),
        ("22:00", "23:58:59", 24 * 3600 - 61),
        ("23:59:40", "23:59:10", 24 * 3600),
        ("23:58", "23:57", 24 * 3600 + 23 * 3600 + 57 * 60),
        ("00:00", "00:00", 24 * 3600),
    ],
)
def test_an_end_in_the_last_minute_is_midnight(
    start: str, end: str, end_s: int
) -> None:
    """Looked at after "start = end", and before "end before start"."""
    opening = parse_opening(2, start, end)
    assert isinstance(opening, Opening)
    assert (opening.day, opening.end_s) == (2, end_s)


def test_no_rows_at_all_say_nothing() -> None:
    """An empty week is open 24x7, not closed."""
    assert week_of([]) == ()


@pytest.mark.parametrize("field", ["start_time_local", "end_time_local"])
@pytest.mark.parametrize(
    "value",
    [
        *(None, 9, 9.5, True, [], {}, ["09:00"]),
        *("", " ", ":", "9", "0900", "09", "09:0", "09:000", "0 am", "13:00 PM"),
        *("closed", "9:00 A", "9:00 XM", "am", "9.5", "0.375", "9:00.00", "0 pm"),
        *("09:60", "09:00:60", "24:00:01", "24:01", "25:00", "99:99", "-9:00"),
        *("09:00:00.", "09:00:00:00", "09:00Z", "09:00+01:00", "9h00", "noon"),
        *("٠٩:٠٠", "09\u200b:00", "09:00\0", "9" * 5_000, "09:00:00." + "x" * 5_000),
    ],
    ids=lambda value: f"{value!a:.20}",
)
def test_any_other_time_is_refused(field: str, value: object) -> None:
    """The error names the field that holds it."""
    row = {"dayOfWeek": 0, "start_time_local": "09:00", "end_time_local": "17:00"}
    with pytest.raises(InvalidHours, match=field) as caught:
        parse_hours([row | {field: value}])
    assert caught.value.reason == "bad-time"


@pytest.mark.parametrize("missing", ["dayOfWeek", "start_time_local", "end_time_local"])
def test_a_missing_field_is_named(missing: str) -> None:
    """An opening has all three fields."""
    row = dict(weekly((0, "09:00", "17:00"))[0])
    del row[missing]
    with pytest.raises(InvalidHours, match=missing):
        parse_hours([row])


@pytest.mark.parametrize(
    "rows", [None, {}, "09:00", 7, (), [None], [7], ["09:00"], [[]], [[0, "9", "17"]]]
)
def test_hours_are_a_list_of_objects(rows: object) -> None:
    """Any other shape is refused."""
    with pytest.raises(InvalidHours, match="hours") as caught:
        parse_hours(rows)
    assert caught.value.reason == "bad-hours"


def test_one_bad_opening_refuses_the_week() -> None:
    """A store's week is taken whole or not at all."""
    with pytest.raises(InvalidHours):
        parse_hours(weekly((0, "09:00", "17:00"), (1, "09:00", "17 h")))


def test_repeats_collapse_and_the_order_does_not_matter() -> None:
    """The same opening twice, in any form, is one."""
    openings = weekly(
        (2, "09:00", "17:00"), (0, "9:00", "23:59"), (2, "12:00", "13:00")
    )
    again = weekly((0, "09:00:00", "24:00"), (2, "09:00", "17:00:00"))
    again[0]["dayOfWeek"] = "0"
    schedule = parse_hours(openings)
    assert schedule == parse_hours([*again, *reversed(openings)])
    assert schedule == (
        Opening(0, 9 * HOUR_S, DAY_S),
        Opening(2, 9 * HOUR_S, 17 * HOUR_S),
        Opening(2, 12 * HOUR_S, 13 * HOUR_S),
    )


def test_no_openings_are_an_empty_week() -> None:
    """An empty list is no error: it means open 24x7."""
    assert parse_hours([]) == ()


def test_every_zone_can_be_used() -> None:
    """No name of the tz database fails to open and close a store."""
    hours = parse_hours(weekly((0, "09:00", "17:00")))
    week = utc("2025-05-05 00:00"), utc("2025-05-12 00:00")
    open_s = {
        name: sum(
            end - start
            for start, end in open_intervals(Calendar.weekly(hours, name), *week)
        )
        for name in zone_names()
    }
    assert len(open_s) > 500
    assert {name for name, total in open_s.items() if total <= 0} == set()


def intervals_elsewhere(tzpath: str, zone: str, *window: int) -> str:
    """Monday's opening as a process with another system's zones computes it."""
    arguments = [repr(argument) for argument in (zone, *window)]
    done = subprocess.run(
        [sys.executable, "-c", SHOW_INTERVALS, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONTZPATH": tzpath},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_zones_never_come_from_the_system(tmp_path: Path) -> None:
    """Neither a system without zones nor one with wrong ones changes an answer."""
    zone, window = "America/Chicago", (utc("2024-03-11 00:00"), utc("2024-03-12 00:00"))
    hours = parse_hours(weekly((0, "09:00", "17:00")))
    expected = str(open_intervals(Calendar.weekly(hours, zone), *window))
    tokyo = resources.files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo").read_bytes()
    (tmp_path / "America").mkdir()
    (tmp_path / "America" / "Chicago").write_bytes(tokyo)
    assert expected == intervals_elsewhere("/nonexistent", zone, *window)
    assert expected == intervals_elsewhere(str(tmp_path), zone, *window)


CLOCKS = st.integers(0, DAY_S).map(
    lambda s: f"{s // 3600:02d}:{s % 3600 // 60:02d}:{s % 60:02d}"
)
ROWS = st.fixed_dictionaries(
    {
        "dayOfWeek": st.integers(0, 6),
        "start_time_local": CLOCKS,
        "end_time_local": CLOCKS,
    }
)


@given(rows=st.lists(ROWS, max_size=5))
def test_a_week_is_written_as_it_is_read(rows: list[dict[str, object]]) -> None:
    """With every weekday that it closes; an empty one stays 24x7."""
    week = parse_hours(rows)
    assert parse_hours(hours_rows(week)) == week
    assert {row["dayOfWeek"] for row in hours_rows(week)} == set(
        range(7) if week else ()
    )


def test_a_week_that_is_never_open_is_written_as_seven_closed_days() -> None:
    """And read as the same again."""
    assert hours_rows(ALWAYS_CLOSED) == [
        {"dayOfWeek": day, "closed": True} for day in range(7)
    ]
    assert parse_hours(hours_rows(ALWAYS_CLOSED)) == ALWAYS_CLOSED
