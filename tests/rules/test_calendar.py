"""Calendars: missing dates, special dates, weeks that change; any of them, walked."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules.calendar import Calendar, open_intervals
from streamproc.rules.schedule import parse_hours
from tests.reference import (
    DAY_US,
    HOUR_US,
    Span,
    dated_openings,
    is_open,
    open_spans,
    steps,
)
from tests.rules.test_reference import FRI, SAT, THU, utc, weekly
from tests.rules.test_uptime import THOROUGH, ZONES, moments
from tests.rules.test_uptime import weeks as week_rows

APIA = "Pacific/Apia"
Rows = list[dict[str, Any]]
WINDOW = utc("2011-12-25 10:00"), utc("2011-12-31 10:00")


def weekly_calendar(rows: Rows) -> Calendar:
    """A store in Apia with the same week always."""
    return Calendar.weekly(parse_hours(rows), APIA)


def at(text: str) -> int:
    """An instant around the date that Apia skipped, 2011-12-30."""
    return utc(f"2011-12-{text}")


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (((FRI, "09:00", "17:00"),), []),
        (
            ((FRI, "09:00", "12:00"), (SAT, "14:00", "17:00")),
            [(at("31 00:00"), at("31 03:00"))],
        ),
        (((THU, "22:00", "06:00"),), [(at("30 08:00"), at("30 16:00"))]),
        (((THU, "22:00", "22:00"),), [(at("30 08:00"), at("31 08:00"))]),
        (((FRI, "00:00", "00:00"),), []),
    ],
    ids=["on it", "on it and after it", "into it", "for 24 hours", "all of it"],
)
def test_a_date_that_does_not_exist_has_no_openings(
    hours: tuple[tuple[int, str, str], ...], expected: list[tuple[int, int]]
) -> None:
    """What began the day before goes on: to the same wall-clock time after the gap."""
    rows = weekly(*hours)
    assert expected == open_intervals(weekly_calendar(rows), *WINDOW)
    assert expected == open_spans(rows, APIA, *WINDOW)


def test_openings_are_sought_from_two_dates_back() -> None:
    """24 hours from Thursday evening on end on Saturday evening, Friday being none."""
    rows = weekly((THU, "22:00", "22:00"))
    evening = at("31 07:00"), at("31 09:00")
    found = open_intervals(weekly_calendar(rows), *evening)
    assert [(at("31 07:00"), at("31 08:00"))] == found
    assert found[0][1] - found[0][0] == HOUR_US


# -- special dates and weeks that change ----------------------------------------------

CHICAGO = "America/Chicago"
DAILY = weekly(*((day, "10:00", "22:00") for day in range(7)))
NIGHTLY = weekly(*((day, "22:00", "06:00") for day in range(7)))
OFFICE = weekly(*((day, "09:00", "17:00") for day in range(7)))


def day_of(text: str) -> int:
    """Days since 1970-01-01 of a date."""
    return utc(f"{text} 00:00") // DAY_US


def on_date(*times: tuple[str, str]) -> Rows:
    """Openings of one date; the weekday says nothing there."""
    return weekly(*((0, start, end) for start, end in times))


def calendar_of(
    zone: str, weeks: list[tuple[int | None, Rows]], special: dict[int, Rows]
) -> Calendar:
    """The product's calendar of what producers have written."""
    return Calendar(
        zone,
        tuple((since, parse_hours(rows)) for since, rows in weeks),
        tuple(
            (day, parse_hours(rows) if rows else ())
            for day, rows in sorted(special.items())
        ),
    )


def open_hours(
    zone: str,
    weeks: list[tuple[int | None, Rows]],
    special: dict[int, Rows],
    window: tuple[str, str],
) -> float:
    """Open hours within a window, as the product has them; held against the walk."""
    start_us, end_us = utc(window[0]), utc(window[1])
    found = open_intervals(calendar_of(zone, weeks, special), start_us, end_us)
    assert merged(weeks, special, zone, start_us, end_us) == found
    return sum(end - start for start, end in found) / HOUR_US


def merged(
    weeks: list[tuple[int | None, Rows]],
    special: dict[int, Rows],
    zone: str,
    start_us: int,
    end_us: int,
) -> list[Span]:
    """The open time of the walk: merged, clipped and sorted."""
    openings = list(dated_openings(weeks, special, zone, start_us, end_us))
    points = {start_us, end_us} | {end for opening in openings for end in opening}
    spans: list[Span] = []
    for at_us, next_us in steps(points, start_us, end_us):
        if is_open(openings, at_us):
            if spans and spans[-1][1] == at_us:
                spans[-1] = (spans[-1][0], next_us)
            else:
                spans.append((at_us, next_us))
    return spans


CHRISTMAS_WEEK = "2026-12-21 06:00", "2026-12-28 06:00"


def test_a_date_without_openings_is_closed() -> None:
    """Daily 10-22, 25 December closed: 72 hours of the week, 84 without that."""
    closed = {day_of("2026-12-25"): on_date()}
    assert open_hours(CHICAGO, [(None, DAILY)], closed, CHRISTMAS_WEEK) == 72
    assert open_hours(CHICAGO, [(None, DAILY)], {}, CHRISTMAS_WEEK) == 84


def test_openings_of_a_special_date_replace_those_of_the_week() -> None:
    """24 December 10-15: five hours instead of twelve."""
    special = {day_of("2026-12-24"): on_date(("10:00", "15:00"))}
    date = "2026-12-24 06:00", "2026-12-25 06:00"
    assert open_hours(CHICAGO, [(None, DAILY)], special, date) == 5


def test_what_began_the_evening_before_a_closed_date_goes_on() -> None:
    """Nightly 22-06, Saturday closed: that date still has six hours, Friday's shift."""
    special = {day_of("2026-12-26"): on_date()}
    date = "2026-12-26 06:00", "2026-12-27 06:00"
    assert open_hours(CHICAGO, [(None, NIGHTLY)], special, date) == 6


def test_a_closed_date_of_25_hours_takes_25_hours_from_24x7() -> None:
    """Chicago, 2026-11-01: 143 of the 168 hours that hold it are left."""
    special = {day_of("2026-11-01"): on_date()}
    assert (
        open_hours(
            CHICAGO, [(None, [])], special, ("2026-10-30 00:00", "2026-11-06 00:00")
        )
        == 143
    )
    assert (
        open_hours(
            CHICAGO, [(None, [])], special, ("2026-10-26 05:00", "2026-11-02 06:00")
        )
        == 144
    )


def test_a_special_date_opens_a_store_that_is_always_closed_or_always_open() -> None:
    """2026-12-27 10-14: four hours on that date for both."""
    special = {day_of("2026-12-27"): on_date(("10:00", "14:00"))}
    date = "2026-12-27 06:00", "2026-12-28 06:00"
    assert open_hours(CHICAGO, [(None, [])], special, date) == 4
    only_monday = weekly((0, "09:00", "17:00"))
    assert open_hours(CHICAGO, [(None, only_monday)], special, date) == 4


def test_a_week_is_in_force_from_its_date_on() -> None:
    """09-17 daily, from Monday 2026-11-16 on 10-22: 5 x 8 and 2 x 12 hours."""
    weeks = [(None, OFFICE), (day_of("2026-11-16"), DAILY)]
    week = "2026-11-11 06:00", "2026-11-18 06:00"
    assert open_hours(CHICAGO, weeks, {}, week) == 64


def test_before_the_first_dated_week_the_undated_one_counts_or_else_the_first() -> None:
    """A store whose only week is dated had it before, too."""
    since = day_of("2026-11-16")
    week = "2026-11-02 06:00", "2026-11-09 06:00"
    assert open_hours(CHICAGO, [(None, OFFICE), (since, DAILY)], {}, week) == 56
    assert open_hours(CHICAGO, [(since, DAILY)], {}, week) == 84


@st.composite
def calendars(
    draw: st.DrawFn,
) -> tuple[str, list[tuple[int | None, Rows]], dict[int, Rows], Span]:
    """A zone, weeks and special dates, and a window around a clock change or not."""
    zone = draw(st.sampled_from([z for z in ZONES if z]))
    end_us = draw(moments(zone))
    near = st.integers(end_us // DAY_US - 12, end_us // DAY_US + 2)
    dates = sorted(draw(st.sets(near, max_size=2)))
    some: list[tuple[int | None, Rows]] = [(d, draw(week_rows)) for d in dates]
    if draw(st.booleans()):
        some = [(None, draw(week_rows)), *some]
    special = {d: draw(week_rows) for d in draw(st.sets(near, max_size=3))}
    length_us = draw(st.integers(1, 9 * DAY_US))
    return zone, some, special, (end_us - length_us, end_us)


@THOROUGH
@given(case=calendars())
def test_any_calendar_is_open_as_walked(
    case: tuple[str, list[tuple[int | None, Rows]], dict[int, Rows], Span],
) -> None:
    """Weeks that change and special dates, in weeks with clock changes and without."""
    zone, some, special, window = case
    found = open_intervals(calendar_of(zone, some, special), *window)
    assert merged(some, special, zone, *window) == found
