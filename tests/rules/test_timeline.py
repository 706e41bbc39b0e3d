"""The timeline says the same as the accounting, span by span."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.rules import packing, timeline
from streamproc.rules.schedule import parse_hours
from streamproc.rules.timeline import (
    CLOSED,
    DOWN,
    UNKNOWN,
    UP,
    OpenTime,
    Span,
    clipped,
    spans,
    totals,
)
from streamproc.rules.units import HOUR_US, MINUTE_US
from streamproc.rules.uptime import Rules
from streamproc.rules.windows import LONGEST_US, WINDOWS
from tests.rules.one_store import account_one, window_intervals

SECOND_US = 1_000_000


def us(text: str) -> int:
    """UTC microseconds of an ISO time."""
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return int(moment.timestamp()) * SECOND_US


# Around the clocks' change in New York, so that days of 23 and 25 hours occur.
AS_OF = st.sampled_from([us("2025-03-10T12:00"), us("2025-11-03T17:30:15")])
CLOCK = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))
HOURS = st.lists(
    st.fixed_dictionaries(
        {
            "dayOfWeek": st.integers(0, 6),
            "start_time_local": CLOCK,
            "end_time_local": CLOCK,
        }
    ),
    max_size=6,
)
ZONES = st.sampled_from(
    ["America/New_York", "Australia/Lord_Howe", "UTC", "Pacific/Apia"]
)
RULES = st.builds(
    Rules,
    st.sampled_from([None, 5 * MINUTE_US, HOUR_US, 30 * HOUR_US]),
    st.booleans(),
)
POLLS = st.lists(
    st.tuples(st.integers(-9 * 24 * 3600, 3600), st.booleans()), max_size=40
)


@settings(max_examples=300, deadline=None)
@given(AS_OF, HOURS, ZONES, RULES, POLLS)
def test_spans_add_up_to_the_figures_of_every_window(
    as_of_us: int, hours: list[dict[str, Any]], zone: str, rules: Rules, polls: Any
) -> None:
    """Up, down and open of each window equal the accounting's, to the microsecond."""
    openings = parse_hours(hours)
    timed = [(as_of_us + second * SECOND_US, active) for second, active in polls]
    packed = packing.canonical(packing.pack(timed))
    intervals = window_intervals(openings, zone, as_of_us)
    found = spans(packed, OpenTime.plain(intervals), as_of_us, rules)
    expected = account_one(timed, openings, zone, as_of_us, rules)
    for window in WINDOWS:
        sums = totals(clipped(found, as_of_us - window.length_us, as_of_us))
        figures = expected[window.name]
        assert sums[UP] == figures.up_us
        assert sums[DOWN] == figures.down_us
        assert sums[UNKNOWN] == figures.unknown_us
        assert sums[CLOSED] == window.length_us - figures.open_us


@settings(max_examples=200, deadline=None)
@given(AS_OF, HOURS, ZONES, RULES, POLLS)
def test_spans_fill_the_week_without_gap_and_neighbours_differ(
    as_of_us: int, hours: list[dict[str, Any]], zone: str, rules: Rules, polls: Any
) -> None:
    """Each span begins where the one before ended, and says something else."""
    timed = [(as_of_us + second * SECOND_US, active) for second, active in polls]
    packed = packing.canonical(packing.pack(timed))
    intervals = window_intervals(parse_hours(hours), zone, as_of_us)
    found = spans(packed, OpenTime.plain(intervals), as_of_us, rules)
    assert found[0].start_us == as_of_us - LONGEST_US
    assert found[-1].end_us == as_of_us
    for before, after in pairwise(found):
        assert before.end_us == after.start_us
        assert before.state != after.state


def test_the_worked_example_reads_up_then_down() -> None:
    """Active at 11:00, inactive at 11:30: half an hour each, nothing known before."""
    noon = us("2025-05-06T12:00")
    polls = [(noon - HOUR_US, True), (noon - HOUR_US // 2, False)]
    packed = packing.pack(polls)
    found = spans(packed, OpenTime.plain([(noon - LONGEST_US, noon)]), noon, Rules())
    assert found[-2:] == [
        Span(noon - HOUR_US, noon - HOUR_US // 2, UP),
        Span(noon - HOUR_US // 2, noon, DOWN),
    ]
    assert found[0] == Span(noon - LONGEST_US, noon - HOUR_US, UNKNOWN)


def test_without_polls_open_time_is_unknown_and_the_rest_closed() -> None:
    """No poll is neither up nor down, and closed time is not unknown."""
    noon = us("2025-05-06T12:00")
    nothing = np.zeros(0, np.int64)
    found = spans(
        nothing,
        OpenTime.plain([(noon - 3 * HOUR_US, noon - HOUR_US)]),
        noon,
        Rules(),
    )
    assert [span.state for span in found] == [CLOSED, UNKNOWN, CLOSED]


@pytest.mark.parametrize(
    ("zone", "begin", "lengths"),
    [
        ("America/New_York", "2025-03-08T12:00", [24, 23, 24]),
        ("America/New_York", "2025-11-01T12:00", [24, 25, 24]),
        ("Australia/Lord_Howe", "2025-04-05T00:00", [24, 24.5, 24]),
        ("UTC", "2025-03-08T12:00", [24, 24, 24]),
        # Midnight itself was skipped: the day began at one o'clock.
        ("America/Sao_Paulo", "2018-11-03T12:00", [24, 23, 24]),
    ],
)
def test_a_local_day_is_as_long_as_its_clocks_make_it(
    zone: str, begin: str, lengths: list[float]
) -> None:
    """Days around a change of the clocks have 23, 25 or 24.5 hours."""
    start_us = us(begin)
    days = timeline.local_days(zone, start_us, start_us + 48 * HOUR_US)
    assert [(d.end_us - d.start_us) / HOUR_US for d in days][:3] == lengths
    for before, after in pairwise(days):
        assert before.end_us == after.start_us


def test_local_days_cover_exactly_what_is_asked() -> None:
    """A window that ends at midnight does not touch the day that begins there."""
    midnight = us("2025-05-06T00:00")
    days = timeline.local_days("UTC", midnight - 24 * HOUR_US, midnight)
    assert [str(day.date) for day in days] == ["2025-05-05"]
