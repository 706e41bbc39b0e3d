"""Whether history is being loaded: many polls of the past at once, just now."""

import numpy as np
import pytest

from streamproc.bulk import MANY, OLD_US, QUIET_US, Bulk
from streamproc.cells import Ints
from streamproc.rules.packing import packed_of

NOW_US = 1_764_072_000_000_000


def polls(old: int, fresh: int) -> Ints:
    """Polls of the past, and polls of now."""
    times = [NOW_US - OLD_US - 1] * old + [NOW_US - OLD_US] * fresh
    return packed_of(np.array(times, np.int64), np.ones(len(times), np.int64))


@pytest.mark.parametrize(
    ("old", "fresh", "is_bulk"),
    [
        (MANY, 0, True),
        (MANY - 1, 0, False),
        (0, 10 * MANY, False),
        (MANY, MANY, False),
        (MANY, MANY - 1, True),
        (0, 0, False),
    ],
)
def test_many_polls_of_the_past_at_once_are_history(
    old: int, fresh: int, is_bulk: bool
) -> None:
    """More than half of a batch, and not only some of a producer that was away."""
    bulk = Bulk()
    bulk.note(1, polls(old, fresh), NOW_US)
    assert bulk.is_going_on(1, NOW_US) == is_bulk
    assert not bulk.is_going_on(0, NOW_US)


def test_it_is_over_a_little_after_the_last_of_them() -> None:
    """Fresh polls do not end it sooner; a clock that went back does not wait."""
    bulk = Bulk()
    bulk.note(1, polls(MANY, 0), NOW_US)
    bulk.note(1, polls(0, MANY), NOW_US)
    assert bulk.is_going_on(1, NOW_US + QUIET_US - 1)
    assert not bulk.is_going_on(1, NOW_US + QUIET_US)
    assert not bulk.is_going_on(1, NOW_US - QUIET_US)
