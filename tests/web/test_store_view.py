"""A store's view by itself, without a server."""

import numpy as np
import pytest

from streamproc.rules import packing
from streamproc.rules.schedule import parse_hours
from streamproc.rules.units import HOUR_US
from streamproc.rules.uptime import Rules
from streamproc.web.store.data import StoreData
from streamproc.web.store.view import StoreView
from tables import hours as hours_table
from tables.calendars import StoreFacts
from tests.rules.test_timeline import us


def view(as_of: str, hours: str, zone: str, polls: list[tuple[str, bool]]) -> StoreView:
    """A store with the same hours every day."""
    start, end = hours.split("-")
    week = parse_hours(
        [
            {"dayOfWeek": day, "start_time_local": start, "end_time_local": end}
            for day in range(7)
        ]
    )
    packed = packing.pack([(us(time), active) for time, active in polls])
    data = StoreData(
        packed, StoreFacts(((b"", hours_table.encode(week)),), zone.encode())
    )
    return StoreView("s", data, us(as_of), Rules(None))


def test_the_day_the_clocks_change_has_23_hours_in_the_timeline() -> None:
    """And its opening, across the gap, is an hour shorter."""
    found = view(
        "2025-03-10T12:00",
        "00:00-06:00",
        "America/New_York",
        [("2025-03-01T00:00", True)],
    )
    lengths = {str(row.day.date): row.hours for row in found.days}
    assert lengths["2025-03-09"] == 23
    opened = {str(row.day.date): row.up_us / HOUR_US for row in found.days}
    assert (opened["2025-03-08"], opened["2025-03-09"]) == (6, 5)


def test_the_days_of_a_week_add_up_to_its_figures() -> None:
    """Nothing is lost at midnights or where the clocks change."""
    found = view(
        "2025-11-04T03:30",
        "20:00-02:30",
        "America/New_York",
        [("2025-10-30T00:00", True), ("2025-11-02T05:45", False)],
    )
    week = found.windows["week"]
    assert sum(row.up_us for row in found.days) == week.up_us
    assert sum(row.down_us for row in found.days) == week.down_us
    assert sum(row.unknown_us for row in found.days) == week.unknown_us


@pytest.mark.parametrize(
    ("as_of", "state"),
    [
        ("2025-05-06T08:59", "closed"),
        ("2025-05-06T09:00", "up"),
        ("2025-05-06T16:59", "up"),
        ("2025-05-06T17:00", "closed"),
    ],
)
def test_a_store_is_open_from_its_first_minute_to_before_its_last(
    as_of: str, state: str
) -> None:
    """Openings are half-open, also for what a store is now."""
    polls = [("2025-05-06T08:00", True), ("2025-05-06T16:00", True)]
    assert view(as_of, "09:00-17:00", "UTC", polls).state == state


@pytest.mark.parametrize("later", ["12:00", "12:30"])
def test_polls_from_as_of_on_are_not_seen(later: str) -> None:
    """Neither in the figures nor in the list; one of that very instant, either."""
    found = view(
        "2025-05-06T12:00",
        "00:00-00:00",
        "UTC",
        [("2025-05-06T11:00", True), (f"2025-05-06T{later}", False)],
    )
    assert found.state == "up"
    assert [poll.active for poll in found.polls(0, 10)] == [True]


def test_pages_of_polls_cover_all_of_them_once() -> None:
    """Newest first, each with its successor as its end."""
    polls = [(f"2025-05-06T{hour:02d}:00", hour % 2 == 0) for hour in range(12)]
    found = view("2025-05-06T12:00", "00:00-00:00", "UTC", polls)
    paged = [poll for page in range(4) for poll in found.polls(page * 5, 5)]
    assert [p.time_us for p in paged] == sorted(
        (p.time_us for p in paged), reverse=True
    )
    assert len(paged) == 12
    assert {p.until_us - p.time_us for p in paged} == {HOUR_US}
    assert np.all(np.diff([p.until_us for p in paged]) < 0)
