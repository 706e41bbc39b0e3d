"""A store's facts from the tables: the rules' own intervals, worked out once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules.schedule import ALWAYS_CLOSED, Opening
from streamproc.rules.units import DAY_S, DAY_US, HOUR_US
from streamproc.rules.windows import LONGEST_US
from tables import hours, zones
from tables.calendars import NO_FACTS, FactNumbers, StoreFacts
from tests.rules.one_store import window_intervals

MARCH_US = 1_741_000_000_000_000
"""Some days before clocks change in Chicago."""

openings = st.builds(
    lambda day, start, length: Opening(day, start, start + length),
    st.integers(0, 6),
    st.integers(0, DAY_S - 1),
    st.integers(1, DAY_S),
)


@given(
    st.lists(openings, max_size=4, unique=True).map(sorted).map(tuple),
    st.sampled_from(["America/Chicago", "Asia/Kolkata", "Pacific/Apia"]),
    st.integers(MARCH_US, MARCH_US + 14 * 24 * HOUR_US),
)
def test_a_weeks_intervals_are_the_rules_own(
    week: tuple[Opening, ...], zone: str, as_of_us: int
) -> None:
    """To the microsecond, wherever in its hour the instant lies."""
    stored = StoreFacts(((b"", hours.encode(week)),), zones.encode(zone))
    wanted = window_intervals(week, zone, as_of_us)
    assert stored.open_between(as_of_us - LONGEST_US, as_of_us) == wanted
    after = window_intervals(week, zone, as_of_us + 1)
    assert stored.is_open(as_of_us) == bool(after and after[-1][1] == as_of_us + 1)


@pytest.mark.parametrize("as_of_us", [MARCH_US, MARCH_US + 1])
def test_a_store_without_hours_is_always_open(as_of_us: int) -> None:
    """No hours and no zone mean open 24x7."""
    assert NO_FACTS.is_open(as_of_us)
    [(start, end)] = NO_FACTS.open_between(as_of_us - LONGEST_US, as_of_us)
    assert (start, end) == (as_of_us - 168 * HOUR_US, as_of_us)


def test_the_time_of_facts_that_came_later_is_counted_as_well() -> None:
    """Numbers stay what they are while more facts are numbered."""
    numbers, begin_us, end_us = FactNumbers(), 20_000 * DAY_US, 20_007 * DAY_US
    closed = StoreFacts(((b"", hours.encode(ALWAYS_CLOSED)),))
    assert numbers.of([NO_FACTS, NO_FACTS]).tolist() == [0, 0]
    first = numbers.times(begin_us, end_us).opened
    assert first.before(np.array([0]), end_us).tolist() == [7 * DAY_US]
    assert numbers.of([closed, NO_FACTS]).tolist() == [1, 0]
    then = numbers.times(begin_us, end_us).opened
    assert then.before(np.array([0, 1]), end_us).tolist() == [7 * DAY_US, 0]
