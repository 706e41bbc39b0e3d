"""Bars of days: one scale for all, and red is what the target does not allow."""

import re

import pytest

from streamproc.rules.periods import parse_period
from streamproc.rules.units import HOUR_US
from streamproc.web.bars import Bar, bars
from streamproc.web.chart import chart
from streamproc.web.periods.choice import Chosen, chosen_of

DAY = parse_period("day:2026-11-24").period
assert DAY is not None


def bar(up: float, down: float, unknown: float = 0, **more: object) -> Bar:
    """A day of so many hours."""
    hours = (up, down, unknown, 0, up + down + unknown)
    amounts = [round(each * HOUR_US) for each in hours]
    return Bar("Tue 24 Nov 2026", *amounts, **more)  # type: ignore[arg-type]


def heights(picture: str) -> dict[str, float]:
    """Heights of a bar's parts."""
    found = re.findall(r'<rect class="(\w+)"[^>]*? height="([\d.]+)"/>', picture)
    return {name: float(height) for name, height in found}


@pytest.mark.parametrize(
    ("up", "down", "expected"),
    [
        (10, 0, {"up": 100}),
        (9.9, 0.1, {"up": 90, "lost": 10}),
        (9.8, 0.2, {"up": 80, "lost": 15, "down": 5}),
        (5, 5, {"lost": 15, "down": 85}),
    ],
)
def test_a_bar_is_green_then_pale_down_to_the_target_then_full(
    up: float, down: float, expected: dict[str, float]
) -> None:
    """The full height is 90 to 100 percent; below 90 there is no green."""
    assert heights(bars([bar(up, down)], 98.5, "s", 100)) == expected


def test_without_a_target_all_that_was_down_is_full() -> None:
    """And no line is drawn."""
    picture = bars([bar(9.5, 0.5)], None, "s", 100)
    assert heights(picture) == {"up": 50, "down": 50}
    assert "goal" not in picture


def test_what_is_not_100_percent_is_seen() -> None:
    """A second of down time is a pixel."""
    assert heights(bars([bar(10, 0.0003)], 98.5, "s", 22)) == {"up": 21, "lost": 1}


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (bar(0, 0), "closed"),
        (bar(1, 0, 9), "unknown"),
        (bar(5, 0, 5), "percent"),
        (bar(5, 0, is_told=False), "none"),
        (Bar("d", 0, 0, 0, HOUR_US, HOUR_US), "excluded"),
    ],
)
def test_a_day_without_a_percentage_is_a_word(day: Bar, state: str) -> None:
    """Closed is no fault; less than half observed is no data."""
    assert day.state == state
    has_figure = "%" in day.text().split("coverage")[0]
    assert has_figure == (day.is_told and day.up_us > 0)


def test_a_picture_is_said_in_a_sentence_and_its_days_are_for_the_pointer() -> None:
    """Names are escaped; links cannot be tabbed to one by one."""
    days = [bar(9, 1, goal="/stores/1?period=day%3A2026-11-24&a=b"), bar(10, 0)]
    for picture in (bars(days, 98.5, "A<b>"), chart(days, 98.5, "A<b>")):
        assert "A&lt;b&gt;, 2 days: 1 below the target of 98.5" in picture
        assert "worst Tue 24 Nov 2026 with 90.00" in picture
        assert (
            'href="/stores/1?period=day%3A2026-11-24&amp;a=b" tabindex="-1"' in picture
        )


def test_few_days_are_drawn_as_high_and_said_as_large_as_many() -> None:
    """Nothing of a chart is scaled: only places across are in percent."""
    few, many = (chart([bar(9, 1)] * count, 98.5, "s") for count in (10, 90))
    for picture in (few, many):
        assert "viewBox" not in picture
        assert 'height="196"' in picture
        assert picture.count('class="tick"') == 3


def test_months_are_named_below_a_chart() -> None:
    """Where the first of one stands, unless there is no room for its name."""
    days = [bar(9, 1, tick=text) for text in ("", "1 Nov", "", "1 Dec")]
    picture = chart(days, None, "s")
    assert ">1 Nov</text>" in picture
    assert "1 Dec" not in picture


# -- the period of a page -----


def chosen(text: str, today: str = "2026-11-25") -> Chosen:
    """A period as of a date."""
    asked = parse_period(text)
    day = parse_period(f"day:{today}").period
    assert day is not None
    as_of_us = (day.first_day * 24 + 12) * HOUR_US
    period = asked.resolve(as_of_us, ["UTC"])
    return chosen_of(text, period, day.first_day, as_of_us, "yesterday")


@pytest.mark.parametrize(
    ("text", "heading", "dates"),
    [
        ("yesterday", "Yesterday", "Tue 24 Nov 2026"),
        ("today", "Today", "Wed 25 Nov 2026 so far"),
        ("last-week", "Last week", "Mon 16 Nov – Sun 22 Nov 2026"),
        ("this-month", "This month", "1 – 25 Nov 2026 so far"),
        ("month:2026-10", "Month", "1 – 31 Oct 2026"),
        ("2025-12-20..2026-01-10", "Dates", "20 Dec 2025 – 10 Jan 2026"),
        ("day:2026-11-01", "Day", "Sun 1 Nov 2026"),
    ],
)
def test_a_heading_says_the_dates_with_weekday_and_year(
    text: str, heading: str, dates: str
) -> None:
    """Of one that goes on, up to today."""
    assert (chosen(text).heading, chosen(text).dates) == (heading, dates)


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("yesterday", "day:2026-11-23", "day:2026-11-25"),
        ("today", "day:2026-11-24", None),
        ("last-week", "week:2026-W46", "week:2026-W48"),
        ("this-month", "month:2026-10", None),
        ("2026-11-01..2026-11-10", "2026-10-22..2026-10-31", "2026-11-11..2026-11-20"),
    ],
)
def test_a_step_goes_by_the_periods_own_length(
    text: str, before: str, after: str | None
) -> None:
    """None beyond today."""
    earlier, later = chosen(text).stepped(-1), chosen(text).stepped(1)
    assert earlier is not None
    assert earlier.text == before
    assert (later and later.text) == after
