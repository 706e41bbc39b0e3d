"""Error budgets: how much down time a target leaves, and how fast it is used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules.targets import ErrorBudget
from streamproc.rules.units import HOUR_US

TARGETS = st.decimals(min_value="0.01", max_value=100, places=2).map(float)


def test_a_target_of_99_leaves_a_hundredth_of_the_open_time() -> None:
    """3.60 h of 360; with half of it used after half the time the burn is 1."""
    budget = ErrorBudget(99.0, 360 * HOUR_US, 180 * HOUR_US, 18 * HOUR_US // 10)
    assert budget.budget_us == 36 * HOUR_US // 10
    assert budget.left_us == 18 * HOUR_US // 10
    assert budget.burn == 1.0


def test_excluded_time_leaves_no_budget() -> None:
    """Ten of the 360 hours excluded: 3.50 h."""
    assert ErrorBudget(99.0, 350 * HOUR_US, 0, 0).budget_us == 35 * HOUR_US // 10


@pytest.mark.parametrize(
    ("target", "open_h", "gone_h"), [(100.0, 360, 180), (99.0, 0, 0), (99.0, 360, 0)]
)
def test_without_a_budget_or_before_the_month_there_is_no_burn(
    target: float, open_h: int, gone_h: int
) -> None:
    """Not zero: it cannot be told."""
    assert ErrorBudget(target, open_h * HOUR_US, gone_h * HOUR_US, 0).burn is None


def test_more_down_than_allowed_leaves_less_than_nothing() -> None:
    """And burns fast."""
    budget = ErrorBudget(99.0, 100 * HOUR_US, 50 * HOUR_US, 2 * HOUR_US)
    assert budget.left_us == -HOUR_US
    assert budget.burn == 4.0


@given(TARGETS, st.integers(HOUR_US, 744 * HOUR_US), st.floats(0, 1))
def test_a_budget_is_used_up_just_when_the_target_is_missed(
    target: float, business_us: int, share: float
) -> None:
    """Of a month that is over; to the microsecond."""
    down_us = round(share * business_us)
    budget = ErrorBudget(target, business_us, business_us, down_us)
    up_percent = 100 * (business_us - down_us) / business_us
    if abs(up_percent - target) > 1e-6:
        assert (budget.left_us < 0) == (up_percent < target)
