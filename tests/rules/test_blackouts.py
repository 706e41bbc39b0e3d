"""When most stores were without data together: which spans, of how many stores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules import blackouts as rules
from streamproc.rules import packing
from streamproc.rules.blackouts import (
    LEAST,
    MOST_STEPS,
    STEP_US,
    Blackout,
    blackouts,
    edges_of,
    not_within,
    without_data,
)
from streamproc.rules.business import BusinessTime, clipped
from streamproc.rules.units import DAY_US, HOUR_US, MINUTE_US
from streamproc.rules.uptime import Rules, Times
from tests.reference import Poll, Span
from tests.rules.test_incidents import ALWAYS, SHOP, at, down, up
from tests.rules.test_uptime import THOROUGH


def steps(
    polls: list[list[Poll]], business: list[Span], begin_us: int, end_us: int
) -> tuple[list[int], list[int]]:
    """Stores in business in each step, and those without data; hold 60."""
    packed = [packing.canonical(packing.pack(each)) for each in polls]
    span = begin_us - DAY_US, end_us
    time = BusinessTime([clipped(business, *span)], *span)
    edges = edges_of(begin_us, end_us)
    stores, without = np.zeros(len(edges) - 1, int), np.zeros(len(edges) - 1, int)
    for _, opened, missing in without_data(
        np.concatenate(packed),
        np.array([len(each) for each in packed]),
        np.zeros(len(polls), np.int64),
        Times.plain(time),
        Rules(HOUR_US),
        edges,
    ):
        stores += opened.sum(axis=0)
        without += missing.sum(axis=0)
    return stores.tolist(), without.tolist()


def test_a_store_is_without_data_when_no_status_covers_a_step() -> None:
    """Up or down is data; the last poll holds an hour; before the first is nothing."""
    stores, without = steps([[up(10), down(10, 30)]], ALWAYS, at(9, 50), at(11, 50))
    assert stores == [0] * 2 + [1] * 22
    assert without == [0] * 20 + [1] * 4


def test_a_status_that_covers_a_part_of_a_step_is_data() -> None:
    """Polls that come two minutes late each hour are no blackout."""
    polls = [up(8), up(9, 2), up(10, 4), up(11, 6)]
    assert sum(steps([polls], ALWAYS, at(8), at(12))[1]) == 0


def test_closed_time_is_not_without_data() -> None:
    """Nor counts who is closed among those in business."""
    stores, without = steps([[up(15), up(16, 30)], [up(16)]], SHOP, at(16), at(18))
    assert stores == [2] * 12 + [0] * 12
    assert without == [1] * 6 + [0] * 6 + [0] * 12


def test_many_stores_are_added_up_some_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each with its own polls."""
    polls = [[up(10)] if number % 3 else [up(8)] for number in range(300)]
    begin_us, end_us = at(10), at(10) + 31 * DAY_US
    monkeypatch.setattr(rules, "_CELLS_AT_ONCE", 70 * MOST_STEPS)
    stores, without = steps(polls, [(at(0), end_us)], begin_us, end_us)
    assert stores == [300] * MOST_STEPS
    assert without == [100] * 12 + [300] * (MOST_STEPS - 12)


def test_a_blackout_is_where_more_than_half_have_no_data() -> None:
    """Of at least five stores; neighbouring steps are one span."""
    edges = edges_of(at(10), at(10, 40))
    stores = np.array([10, 10, 10, 10, 8, 10, LEAST, LEAST - 1])
    without = np.array([5, 6, 9, 5, 8, 0, LEAST, LEAST - 1])
    assert blackouts(edges, stores, without) == [
        Blackout(at(10, 5), at(10, 15), 10, 9),
        Blackout(at(10, 20), at(10, 25), 8, 8),
        Blackout(at(10, 30), at(10, 35), LEAST, LEAST),
    ]


HOURS = 14
MINUTES = st.integers(0, HOURS * 60)
SOME_POLLS = st.dictionaries(MINUTES, st.booleans(), min_size=1, max_size=20)
OPENINGS = st.sampled_from([ALWAYS, [(at(8), at(9, 33)), (at(9, 36), at(13, 2))]])


@THOROUGH
@given(st.lists(SOME_POLLS, min_size=1, max_size=3), OPENINGS, st.integers(0, 9))
def test_every_step_is_as_a_walk_over_its_minutes_finds(
    stores: list[dict[int, bool]], business: list[Span], shift: int
) -> None:
    """In business for a minute at least, and none of them under the hold of a poll."""
    base_us, begin = at(4), 3 * 60 + shift
    polls = [
        [(base_us + minute * MINUTE_US, active) for minute, active in each.items()]
        for each in stores
    ]
    begin_us, end_us = base_us + begin * MINUTE_US, base_us + HOURS * HOUR_US
    found = steps(polls, business, begin_us, end_us)
    expected: tuple[list[int], list[int]] = ([], [])
    held = [{poll + n for poll in each for n in range(60)} for each in stores]
    for first in range(begin, HOURS * 60, 5):
        walked = range(first, min(first + 5, HOURS * 60))
        opened = [m for m in walked if _is_open(base_us + m * MINUTE_US, business)]
        known = [n for n, each in enumerate(stores) if min(each) < walked.stop]
        silent = [n for n in known if held[n].isdisjoint(opened)]
        expected[0].append(len(known) if opened else 0)
        expected[1].append(len(silent) if opened else 0)
    assert found == expected


def _is_open(time_us: int, business: list[Span]) -> bool:
    return any(begin <= time_us < end for begin, end in business)


@pytest.mark.parametrize("length_us", [1, STEP_US, HOUR_US + 1, DAY_US, 80 * DAY_US])
def test_steps_cover_the_span_and_are_not_too_many(length_us: int) -> None:
    """Whole minutes, five at least; the last one may be shorter."""
    edges = edges_of(at(10), at(10) + length_us)
    assert edges[0] == at(10)
    assert edges[-1] == at(10) + length_us
    assert len(edges) - 1 <= MOST_STEPS
    assert (np.diff(edges) > 0).all()
    assert (np.diff(edges)[:-1] % MINUTE_US == 0).all()


def test_what_another_span_covers_is_left_out() -> None:
    """When all stores had no data it is not the poller of some."""
    whole = Blackout(at(10), at(11), 9, 9)
    within, beside = (
        Blackout(at(10), at(10, 30), 5, 5),
        Blackout(at(9), at(10, 5), 5, 5),
    )
    assert not_within([within, beside], [whole]) == [beside]
