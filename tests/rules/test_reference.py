"""The oracle itself, held to the worked examples and to days written out by hand."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.reference import (
    HOUR_US,
    SECOND_US,
    Figures,
    Poll,
    all_openings,
    is_open,
    open_spans,
    reference,
    status_at,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE_US = 60 * SECOND_US
Hours = list[dict[str, Any]]
MON, TUE, WED, THU, FRI, SAT, SUN = range(7)


def utc(text: str) -> int:
    """UTC microseconds of `YYYY-MM-DD HH:MM[:SS[.f]]`."""
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1)


def weekly(*entries: tuple[int, str, str]) -> Hours:
    """Business hours from (weekday, start, end)."""
    return [
        {"dayOfWeek": weekday, "start_time_local": start, "end_time_local": end}
        for weekday, start, end in entries
    ]


@dataclass(frozen=True, slots=True)
class Example:
    """Polls and rules, and the (up, down, unknown) minutes of each window."""

    polls: tuple[tuple[str, bool], ...]
    hour: tuple[float, float, float]
    day: tuple[float, float, float]
    week: tuple[float, float, float]
    as_of: str = "2025-05-06 12:00"
    hours: tuple[tuple[int, str, str], ...] = ()
    zone: str | None = "UTC"
    hold_us: int | None = HOUR_US
    backfill: bool = False

    @property
    def case(self) -> tuple[list[Poll], Hours, str | None, int, int | None, bool]:
        """What the oracle is asked."""
        polls = [(utc(time), active) for time, active in self.polls]
        hours, as_of_us = weekly(*self.hours), utc(self.as_of)
        return polls, hours, self.zone, as_of_us, self.hold_us, self.backfill

    @property
    def expected(self) -> dict[str, Figures]:
        """The minutes as figures."""
        windows = {"hour": self.hour, "day": self.day, "week": self.week}
        return {
            name: Figures(*(round(m * MINUTE_US) for m in (*minutes, sum(minutes))))
            for name, minutes in windows.items()
        }


UP, DOWN = True, False
MORNING = ((MON, "09:00", "12:00"),)
MORNING_POLLS = (("2025-05-05 10:14", UP), ("2025-05-05 11:15", DOWN))

EXAMPLES = {
    "half_an_hour_up_then_down": Example(
        polls=(("2025-05-06 11:00", UP), ("2025-05-06 11:30", DOWN)),
        hour=(30, 30, 0),
        day=(30, 30, 1380),
        week=(30, 30, 10020),
    ),
    "one_poll_leaves_the_time_before_it_unknown": Example(
        polls=(("2025-05-06 11:40", UP),),
        hour=(20, 0, 40),
        day=(20, 0, 1420),
        week=(20, 0, 10060),
    ),
    "without_limit_one_poll_speaks_for_the_whole_week": Example(
        polls=(("2025-05-05 12:00", UP),),
        hold_us=None,
        backfill=True,
        hour=(60, 0, 0),
        day=(1440, 0, 0),
        week=(10080, 0, 0),
    ),
    "only_business_hours_count": Example(
        polls=(("2025-05-05 12:00", UP),),
        hours=((MON, "09:00", "17:00"), (TUE, "09:00", "17:00")),
        zone="America/Chicago",
        hold_us=None,
        backfill=True,
        hour=(0, 0, 0),
        day=(480, 0, 0),
        week=(960, 0, 0),
    ),
    "no_zone_is_chicago": Example(
        polls=(("2025-05-05 12:00", UP),),
        hours=((MON, "09:00", "17:00"), (TUE, "09:00", "17:00")),
        zone=None,
        hold_us=None,
        backfill=True,
        hour=(0, 0, 0),
        day=(480, 0, 0),
        week=(960, 0, 0),
    ),
    "a_status_ends_at_closing": Example(
        polls=MORNING_POLLS,
        hours=MORNING,
        as_of="2025-05-05 20:00",
        hold_us=None,
        hour=(0, 0, 0),
        day=(61, 45, 74),
        week=(61, 45, 74),
    ),
    "backfill_covers_the_time_before_the_first_poll": Example(
        polls=MORNING_POLLS,
        hours=MORNING,
        as_of="2025-05-05 20:00",
        hold_us=None,
        backfill=True,
        hour=(0, 0, 0),
        day=(135, 45, 0),
        week=(135, 45, 0),
    ),
    "a_status_holds_for_an_hour_at_most": Example(
        polls=MORNING_POLLS,
        hours=MORNING,
        as_of="2025-05-05 20:00",
        hour=(0, 0, 0),
        day=(60, 45, 75),
        week=(60, 45, 75),
    ),
    "an_overnight_opening_belongs_to_the_day_it_starts_on": Example(
        polls=(("2025-05-03 02:30", UP), ("2025-05-03 03:15", DOWN)),
        hours=((FRI, "22:00", "06:00"),),
        zone="America/Chicago",
        as_of="2025-05-03 23:59",
        hour=(0, 0, 0),
        day=(15, 60, 405),
        week=(15, 60, 405),
    ),
    "a_store_nobody_polled_is_unknown": Example(
        polls=(), backfill=True, hour=(0, 0, 60), day=(0, 0, 1440), week=(0, 0, 10080)
    ),
    "a_poll_before_the_window_counts_into_it": Example(
        polls=(("2025-05-06 10:45", UP),),
        hour=(45, 0, 15),
        day=(60, 0, 1380),
        week=(60, 0, 10020),
    ),
    "a_poll_at_as_of_is_not_known_yet": Example(
        polls=(("2025-05-06 12:00", UP),),
        backfill=True,
        hour=(0, 0, 60),
        day=(0, 0, 1440),
        week=(0, 0, 10080),
    ),
    "of_two_polls_at_once_inactive_wins": Example(
        polls=(
            ("2025-05-06 11:30", DOWN),
            ("2025-05-06 11:30", UP),
            ("2025-05-06 11:30", DOWN),
        ),
        hour=(0, 30, 30),
        day=(0, 30, 1410),
        week=(0, 30, 10050),
    ),
    "backfill_reaches_back_further_than_hold": Example(
        polls=(("2025-05-06 09:00", DOWN), ("2025-05-06 11:30", UP)),
        backfill=True,
        hour=(30, 0, 30),
        day=(30, 1320, 90),
        week=(30, 9960, 90),
    ),
}

# (zone, hours, the UTC date a window starts on, its days, the open spans in UTC).
# A span's time is on that date, or so many days after it: "+1 07:30".
DaySpans = tuple[tuple[str, str], ...]
DAYS: list[tuple[str | None, tuple[tuple[int, str, str], ...], str, int, DaySpans]] = [
    # The rules of the clock, on ordinary days.
    ("UTC", (), "2025-05-05", 1, (("00:00", "+1 00:00"),)),
    ("UTC", ((MON, "09:00", "12:00"),), "2025-05-06", 6, ()),
    ("UTC", ((MON, "09:00:15", "12:00:45"),), "2025-05-05", 1,
     (("09:00:15", "12:00:45"),)),
    ("UTC", ((MON, "13:00", "17:00"), (MON, "09:00", "12:00")), "2025-05-05", 1,
     (("09:00", "12:00"), ("13:00", "17:00"))),
    ("UTC", ((MON, "09:00", "12:00"), (MON, "11:00", "17:00")), "2025-05-05", 1,
     (("09:00", "17:00"),)),
    ("UTC", ((MON, "09:00", "12:00"), (MON, "12:00", "17:00")), "2025-05-05", 1,
     (("09:00", "17:00"),)),
    ("UTC", ((MON, "22:00", "06:00"), (TUE, "05:00", "07:00")), "2025-05-05", 2,
     (("22:00", "+1 07:00"),)),
    ("UTC", ((MON, "10:00", "00:00"),), "2025-05-05", 2, (("10:00", "+1 00:00"),)),
    ("UTC", ((MON, "10:00", "23:58:59"),), "2025-05-05", 2, (("10:00", "23:58:59"),)),
    ("UTC", ((MON, "10:00", "23:59"),), "2025-05-05", 2, (("10:00", "+1 00:00"),)),
    ("UTC", ((MON, "10:00", "23:59:59"),), "2025-05-05", 2, (("10:00", "+1 00:00"),)),
    ("UTC", ((MON, "00:00", "00:00"),), "2025-05-05", 3, (("00:00", "+1 00:00"),)),
    ("UTC", ((MON, "10:00", "10:00"),), "2025-05-05", 3, (("10:00", "+1 10:00"),)),
    ("UTC", ((MON, "10:00", "10:00:00"),), "2025-05-05", 3, (("10:00", "+1 10:00"),)),
    ("UTC", ((MON, "23:59", "23:59"),), "2025-05-05", 3, (("23:59", "+1 23:59"),)),
    ("UTC", ((MON, "23:59:30", "23:59:10"),), "2025-05-05", 3,
     (("23:59:30", "+1 00:00"),)),
    ("UTC", ((MON, "00:00", "23:59"), (TUE, "00:00", "23:59")), "2025-05-05", 3,
     (("00:00", "+2 00:00"),)),
    ("America/Chicago", ((FRI, "22:00", "06:00"),), "2025-05-02", 2,
     (("+1 03:00", "+1 11:00"),)),
    # Days of 24 hours, off the hour too.
    ("America/New_York", ((SUN, "00:00", "23:59"),), "2024-06-02", 2,
     (("04:00", "+1 04:00"),)),
    ("America/Phoenix", ((SUN, "00:00", "00:00"),), "2024-03-10", 2,
     (("07:00", "+1 07:00"),)),
    ("Asia/Kolkata", ((SUN, "00:00", "23:59"),), "2024-03-09", 3,
     (("18:30", "+1 18:30"),)),
    ("Asia/Kathmandu", ((SUN, "00:00", "23:59"),), "2024-03-09", 3,
     (("18:15", "+1 18:15"),)),
    # Spring: a day of 23 hours; 02:00 to 03:00 does not exist and moves on an hour.
    ("America/New_York", ((SUN, "00:00", "23:59"),), "2024-03-10", 2,
     (("05:00", "+1 04:00"),)),
    ("America/New_York", ((SUN, "02:30", "05:00"),), "2024-03-10", 1,
     (("07:30", "09:00"),)),
    ("America/New_York", ((SUN, "01:00", "02:30"),), "2024-03-10", 1,
     (("06:00", "07:30"),)),
    ("America/New_York", ((SUN, "02:00", "03:00"),), "2024-03-10", 1, ()),
    ("America/New_York", ((SUN, "02:30", "03:15"),), "2024-03-10", 1, ()),
    ("America/New_York", ((SUN, "02:15", "02:45"),), "2024-03-10", 1,
     (("07:15", "07:45"),)),
    ("America/New_York", ((SAT, "22:00", "02:30"),), "2024-03-10", 1,
     (("03:00", "07:30"),)),
    ("America/New_York", ((SAT, "02:30", "02:30"),), "2024-03-09", 2,
     (("07:30", "+1 07:30"),)),
    ("America/New_York", ((SAT, "12:00", "12:00"),), "2024-03-09", 2,
     (("17:00", "+1 16:00"),)),
    (None, ((SUN, "00:00", "23:59"),), "2024-03-10", 2, (("06:00", "+1 05:00"),)),
    ("America/Los_Angeles", ((SUN, "02:30", "04:00"),), "2024-03-10", 1,
     (("10:30", "11:00"),)),
    ("Europe/London", ((SUN, "00:00", "23:59"),), "2024-03-31", 2,
     (("00:00", "23:00"),)),
    ("Europe/London", ((SUN, "01:30", "03:00"),), "2024-03-31", 1,
     (("01:30", "02:00"),)),
    ("America/St_Johns", ((SUN, "00:00", "23:59"),), "2024-03-10", 2,
     (("03:30", "+1 02:30"),)),
    ("America/St_Johns", ((SUN, "00:30", "05:00"),), "2011-03-13", 1,
     (("04:00", "07:30"),)),
    ("Asia/Beirut", ((SUN, "00:00", "23:59"),), "2024-03-30", 3,
     (("22:00", "+1 21:00"),)),
    ("Asia/Beirut", ((SUN, "00:30", "02:00"),), "2024-03-30", 2,
     (("22:30", "23:00"),)),
    ("Asia/Beirut", ((SAT, "20:00", "00:30"),), "2024-03-30", 2,
     (("18:00", "22:30"),)),
    ("Australia/Adelaide", ((SUN, "00:00", "23:59"),), "2024-10-05", 3,
     (("14:30", "+1 13:30"),)),
    ("Australia/Lord_Howe", ((SUN, "00:00", "23:59"),), "2024-10-05", 3,
     (("13:30", "+1 13:00"),)),
    ("Australia/Lord_Howe", ((SUN, "02:15", "04:00"),), "2024-10-05", 2,
     (("15:45", "17:00"),)),
    # Autumn: a day of 25 hours; of 01:00 to 02:00, shown twice, the first counts.
    ("America/New_York", ((SUN, "00:00", "23:59"),), "2024-11-03", 2,
     (("04:00", "+1 05:00"),)),
    ("America/New_York", ((SUN, "01:30", "03:00"),), "2024-11-03", 1,
     (("05:30", "08:00"),)),
    ("America/New_York", ((SUN, "00:00", "01:30"),), "2024-11-03", 1,
     (("04:00", "05:30"),)),
    ("America/New_York", ((SUN, "01:15", "01:45"),), "2024-11-03", 1,
     (("05:15", "05:45"),)),
    ("America/New_York", ((SUN, "01:30", "02:00"),), "2024-11-03", 1,
     (("05:30", "07:00"),)),
    ("America/New_York", ((SUN, "01:30", "01:30"),), "2024-11-03", 3,
     (("05:30", "+1 06:30"),)),
    ("America/Los_Angeles", ((SUN, "00:00", "23:59"),), "2024-11-03", 2,
     (("07:00", "+1 08:00"),)),
    ("Europe/London", ((SUN, "00:00", "23:59"),), "2024-10-26", 3,
     (("23:00", "+2 00:00"),)),
    ("Europe/London", ((SUN, "01:30", "02:00"),), "2024-10-27", 1,
     (("00:30", "02:00"),)),
    ("America/St_Johns", ((SUN, "00:00", "23:59"),), "2024-11-03", 2,
     (("02:30", "+1 03:30"),)),
    ("Asia/Beirut", ((SAT, "00:00", "23:59"),), "2024-10-25", 3,
     (("21:00", "+1 22:00"),)),
    ("Asia/Beirut", ((SAT, "20:00", "23:30"),), "2024-10-26", 2,
     (("17:00", "20:30"),)),
    ("Australia/Adelaide", ((SUN, "00:00", "23:59"),), "2024-04-06", 3,
     (("13:30", "+1 14:30"),)),
    ("Australia/Lord_Howe", ((SUN, "00:00", "23:59"),), "2024-04-06", 3,
     (("13:00", "+1 13:30"),)),
    ("Australia/Lord_Howe", ((SUN, "01:45", "03:00"),), "2024-04-06", 2,
     (("14:45", "16:30"),)),
    ("Pacific/Apia", ((SUN, "00:00", "23:59"),), "2012-03-31", 3,
     (("10:00", "+1 11:00"),)),
    # Apia had no Friday 2011-12-30: no openings on it, ends on it move on by 24 hours.
    ("Pacific/Apia", ((THU, "00:00", "23:59"),), "2011-12-29", 3,
     (("10:00", "+1 10:00"),)),
    ("Pacific/Apia", ((THU, "22:00", "06:00"),), "2011-12-29", 3,
     (("+1 08:00", "+1 16:00"),)),
    ("Pacific/Apia", ((FRI, "09:00", "17:00"),), "2011-12-29", 4, ()),
]  # fmt: skip


def spans_us(date: str, spans: DaySpans) -> list[tuple[int, int]]:
    """The spans of a row of `DAYS` in microseconds."""

    def at_us(text: str) -> int:
        days, _, time = text.rpartition(" ")
        return utc(f"{date} {time}") + int(days or 0) * 24 * HOUR_US

    return [(at_us(start), at_us(end)) for start, end in spans]


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_the_oracle_agrees_with_the_worked_examples(example: Example) -> None:
    """Every window of an example holds the minutes written beside it."""
    assert example.expected == reference(*example.case)


@pytest.mark.parametrize(("zone", "hours", "date", "days", "spans"), DAYS)
def test_the_oracle_opens_and_closes_by_the_table(
    zone: str | None,
    hours: tuple[tuple[int, str, str], ...],
    date: str,
    days: int,
    spans: DaySpans,
) -> None:
    """A day has 23, 24 or 25 hours, and its openings stand where written."""
    start_us = utc(f"{date} 00:00")
    end_us = start_us + days * 24 * HOUR_US
    assert spans_us(date, spans) == open_spans(weekly(*hours), zone, start_us, end_us)


def test_the_oracle_has_every_window_open_without_hours() -> None:
    """No hours at all, as None or as an empty list, is open 24x7."""
    as_of_us = utc("2024-03-10 12:00")
    nothing = reference([], None, "America/New_York", as_of_us, None, True)
    assert nothing == reference([], [], "America/New_York", as_of_us, None, True)
    assert nothing["week"] == Figures(0, 0, 168 * HOUR_US, 168 * HOUR_US)


def test_the_oracle_by_breakpoints_equals_the_oracle_by_seconds() -> None:
    """Asking at every second of the hour gives what the breakpoints give."""
    as_of_us = utc("2024-03-10 07:40")
    hours = weekly((SUN, "01:50", "02:10:07"), (SUN, "03:20:11", "05:00"))
    polls = [
        (utc("2024-03-10 06:30"), True),
        (utc("2024-03-10 06:55:03"), False),
        (utc("2024-03-10 07:21"), True),
        (utc("2024-03-10 07:21"), False),
        (utc("2024-03-10 07:33"), True),
    ]
    hold_us = 11 * MINUTE_US
    seconds = {True: 0, False: 0, None: 0}
    zone = "America/New_York"
    openings = list(all_openings(hours, zone, as_of_us - HOUR_US, as_of_us))
    for at_us in range(as_of_us - HOUR_US, as_of_us, SECOND_US):
        if is_open(openings, at_us):
            seconds[status_at(polls, at_us, hold_us, False)] += SECOND_US
    hour = reference(polls, hours, zone, as_of_us, hold_us, False)["hour"]
    assert seconds == {True: hour.up_us, False: hour.down_us, None: hour.unknown_us}
    assert min(seconds.values()) > 0
