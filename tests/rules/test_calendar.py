"""Local dates that are missing, and openings that run into them."""

import pytest

from streamproc.rules.calendar import open_intervals
from streamproc.rules.schedule import parse_hours
from tests.reference import HOUR_US, open_spans
from tests.rules.test_reference import FRI, SAT, THU, utc, weekly

APIA = "Pacific/Apia"
WINDOW = utc("2011-12-25 10:00"), utc("2011-12-31 10:00")


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
    assert expected == open_intervals(parse_hours(rows), APIA, *WINDOW)
    assert expected == open_spans(rows, APIA, *WINDOW)


def test_openings_are_sought_from_two_dates_back() -> None:
    """24 hours from Thursday evening on end on Saturday evening, Friday being none."""
    rows = weekly((THU, "22:00", "22:00"))
    evening = at("31 07:00"), at("31 09:00")
    found = open_intervals(parse_hours(rows), APIA, *evening)
    assert [(at("31 07:00"), at("31 08:00"))] == found
    assert found[0][1] - found[0][0] == HOUR_US
