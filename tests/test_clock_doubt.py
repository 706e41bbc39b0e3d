"""Many polls from the future: "is this machine's clock wrong?", once a minute."""

import pytest

from streamproc.clock_doubt import MANY, ClockDoubt

NOW_US = 1_674_648_000_000_000  # 2023-01-25 12:00 UTC
QUESTION = "is this machine's clock wrong? It says 2023-01-25 12:00:00 UTC"


class Clock:
    """Stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def test_the_clock_is_doubted_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """However the polls come, one by one or in a batch."""
    clock = Clock()
    doubt = ClockDoubt(clock)
    for second in range(180):
        clock.now = float(second)
        doubt.note(["in-the-future"] * MANY, NOW_US)
    assert [QUESTION in text for text in caplog.messages] == [True] * 3


def test_a_few_such_polls_are_a_producers_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And other reasons say nothing about the clock."""
    clock = Clock()
    doubt = ClockDoubt(clock)
    for minute in range(20):
        clock.now = 61.0 * minute
        doubt.note(["in-the-future"] * (MANY - 1) + ["bad-json"] * MANY, NOW_US)
    assert not caplog.messages
