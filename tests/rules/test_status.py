"""What a store is now, and until when a poll speaks: one rule for one and for many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules import history, status
from streamproc.rules.timeline import CLOSED, DOWN, UNKNOWN, UP, OpenTime, spans
from streamproc.rules.units import HOUR_US, MINUTE_US
from streamproc.rules.uptime import Rules

NOW_US = 1_674_648_000_000_000

rules = st.builds(
    Rules, st.none() | st.integers(5 * MINUTE_US, 3 * HOUR_US), st.booleans()
)
ages = st.integers(1, 4 * HOUR_US)


@pytest.mark.parametrize(
    ("hold_us", "until"), [(None, 90), (60, 70), (80, 90), (200, 90)]
)
def test_a_poll_speaks_until_the_next_or_as_long_as_it_holds(
    hold_us: int | None, until: int
) -> None:
    """A poll at 10, the next at 90."""
    of_ten = Rules(hold_us)
    assert of_ten.until(10, 90) == until
    assert of_ten.until(np.array([10, 10]), np.array([90, 90])).tolist() == [until] * 2


@given(rules, ages, st.booleans(), st.booleans())
def test_a_store_is_what_its_last_poll_says_while_that_speaks(
    by: Rules, age_us: int, active: bool, is_open: bool
) -> None:
    """Closed when it is closed; unknown as soon as the poll has spoken its time."""
    last = history.packed_of(NOW_US - age_us, int(active))
    silent = by.hold_us is not None and age_us >= by.hold_us
    expected = UNKNOWN if silent else UP if active else DOWN
    assert status.state(last, is_open, NOW_US, by) == (expected if is_open else CLOSED)


@given(rules, ages, st.booleans())
def test_the_state_now_goes_on_with_the_timeline(
    by: Rules, age_us: int, active: bool
) -> None:
    """The microsecond that follows has the state of now, on the page's bar, too."""
    last = history.packed_of(NOW_US - age_us, int(active))
    opened = OpenTime.plain([(NOW_US - HOUR_US, NOW_US + 1)])
    bar = spans(np.array([last]), opened, NOW_US + 1, by, HOUR_US)
    assert bar[-1].state == status.state(last, True, NOW_US, by)


@given(rules, st.lists(st.tuples(ages, st.sampled_from([0, 1, None]), st.booleans())))
def test_many_stores_are_told_like_one(
    by: Rules, fleet: list[tuple[int, int | None, bool]]
) -> None:
    """A column of a page says what a store's own page says."""
    last = [
        status.NEVER if active is None else history.packed_of(NOW_US - age_us, active)
        for age_us, active, _ in fleet
    ]
    is_open = [opened for *_, opened in fleet]
    found = status.states(np.array(last, np.int64), np.array(is_open, bool), NOW_US, by)
    assert [status.STATES[at] for at in found.tolist()] == [
        status.state(*one, NOW_US, by) for one in zip(last, is_open, strict=True)
    ]


def test_a_store_never_polled_is_unknown_while_open() -> None:
    """With any hold."""
    for by in (Rules(), Rules(None)):
        assert status.state(status.NEVER, True, NOW_US, by) == UNKNOWN
        assert status.state(status.NEVER, False, NOW_US, by) == CLOSED
