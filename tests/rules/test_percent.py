"""Uptime in percent: 100 only for what was never down, 0 only for what was never up."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules.percent import percent, percents

amounts = st.integers(0, 3_000_000_000_000)


@pytest.mark.parametrize(
    ("up", "down", "shown"),
    [
        (0, 0, None),
        (1, 0, "100.00"),
        (0, 1, "0.00"),
        (10**9, 1, "99.99"),
        (1, 10**9, "0.01"),
        (2, 1, "66.67"),
        (1, 7, "12.50"),
        (10**22, 1, "99.99"),
    ],
)
def test_100_percent_means_that_nothing_was_down(
    up: int, down: int, shown: str | None
) -> None:
    """Rounding never hides the one minute that was."""
    assert percent(up, down) == shown


@given(amounts, amounts, st.integers(0, 9))
def test_a_percentage_is_the_nearest_that_is_true(
    up: int, down: int, digits: int
) -> None:
    """Half up, at any number of digits, but 100 and 0 only for what is exactly that."""
    shown = percent(up, down, digits)
    if up + down == 0:
        assert shown is None
        return
    assert shown is not None
    value, step = Fraction(shown), Fraction(1, 10**digits)
    assert (value == 100) == (down == 0)
    assert (value == 0) == (up == 0)
    exact = Fraction(100 * up, up + down)
    clamped = value in (step, 100 - step)
    assert abs(value - exact) <= (step if clamped else step / 2)
    assert len(shown.partition(".")[2]) == digits


@given(st.lists(st.tuples(amounts, amounts)), st.integers(0, 9))
def test_many_are_shown_like_one(pairs: list[tuple[int, int]], digits: int) -> None:
    """The column of a file says what a page says; empty for nothing observed."""
    up, down = (np.array([pair[i] for pair in pairs], np.int64) for i in (0, 1))
    assert percents(up, down, digits) == [percent(u, d, digits) or "" for u, d in pairs]


def test_sums_of_a_large_fleet_do_not_overflow() -> None:
    """A month of fourteen thousand stores, as numpy sums it."""
    up, down = np.int64(3_600_000_000_000_000_000), np.int64(36_000_000_000_000_000)
    assert percent(up, down) == "99.01"  # type: ignore[arg-type]
