"""Which stores had no data together, of any time in the history."""

import random

import numpy as np
import pytest

from streamproc.rules import packing
from streamproc.rules.blackouts import blackouts, edges_of, without_data
from streamproc.rules.labels import Labels
from streamproc.rules.suspicion import FLEET
from streamproc.rules.units import DAY_US, HOUR_US, MINUTE_US
from tables.accounting import Stores
from tables.blackouts import BlackoutSearch, Steps
from tests.tables.fakes import PARTITION
from tests.tables.live_fleet import NOON_US, Fleet
from tests.tables.test_board import change, fleet

__all__ = ["fleet"]

P0 = ("poller", "p0")
BROKEN_US = NOON_US - 30 * DAY_US
LABELS = {
    b"s%d" % number: Labels(None, {"poller": f"p{number % 2}"}) for number in range(12)
}


async def _poll(fleet: Fleet, dice: random.Random, days: int) -> None:
    """Day by day, hourly; those of p0 not for six hours; some stores come later."""
    for day in range(-days, 0):
        polls = []
        for number in range(12):
            for hour in range(24):
                at_us = NOON_US + day * DAY_US + hour * HOUR_US
                at_us += dice.randrange(9) * MINUTE_US
                is_broken = BROKEN_US <= at_us < BROKEN_US + 6 * HOUR_US
                if (number % 2 or not is_broken) and day > number - days:
                    polls.append((b"s%d" % number, at_us, dice.random() < 0.9))
        if polls:
            await fleet.poll(polls)


def _found(fleet: Fleet, begin_us: int, end_us: int) -> dict[tuple[str, str], Steps]:
    edges = edges_of(begin_us, end_us)
    parts = fleet.histories, fleet.facts, PARTITION
    search = BlackoutSearch(*parts, LABELS, fleet.by.rules, edges)
    found: dict[tuple[str, str], Steps] = {}
    for _ in search.adding_to(found):
        pass
    return found


def _expected(fleet: Fleet, begin_us: int, end_us: int) -> Steps:
    """Of all stores, of all polls that were ever put in."""
    edges = edges_of(begin_us, end_us)
    stores, without = (np.zeros(len(edges) - 1, np.int64) for _ in range(2))
    of_all = fleet.facts.of_all(PARTITION)
    for store_id, polls in fleet.polls.items():
        packed = packing.canonical(packing.pack(polls))
        packed = packed[packing.time_of(packed) < end_us]
        own = fleet.facts.of(PARTITION, store_id).with_all(of_all)
        times = Stores.of([store_id], np.array([0]), packed[:0], [own])
        for _, opened, missing in without_data(
            *(packed, np.array([len(packed)]), np.zeros(1, np.int64)),
            *(times.times(begin_us - 2 * DAY_US, end_us), fleet.by.rules, edges),
        ):
            stores += opened.sum(axis=0)
            without += missing.sum(axis=0)
    return stores, without


@pytest.mark.parametrize("hold", ["60", "none"])
async def test_any_span_of_the_history_is_counted_as_if_all_polls_were_at_hand(
    fleet: Fleet, hold: str
) -> None:
    """Archived days, days at hand, both; hours and corrections of the stores."""
    dice = random.Random(7)
    if hold == "none":
        fleet.by = type(fleet.by)(type(fleet.by.rules)(None), fleet.by.bridge_us)
    await _poll(fleet, dice, 45)
    for number in range(20):
        await change(fleet, dice, NOON_US - number * 2 * DAY_US, number)
    assert fleet.histories.archive.holds_any(PARTITION)
    for begin, end in ((-45, -43), (-31, -29), (-12, -3), (-2, 0), (-38.3, -0.1)):
        span = NOON_US + round(begin * DAY_US), NOON_US + round(end * DAY_US)
        found, expected = _found(fleet, *span)[FLEET], _expected(fleet, *span)
        for got, wanted in zip(found, expected, strict=True):
            assert (got == wanted).all(), (begin, end)


async def test_a_poller_that_was_broken_a_month_ago_is_found(fleet: Fleet) -> None:
    """By its label, from the end of the last poll's hold to the next poll."""
    await _poll(fleet, random.Random(1), 45)
    span = BROKEN_US - DAY_US, BROKEN_US + DAY_US
    found = _found(fleet, *span)
    (one,) = blackouts(edges_of(*span), *found[P0])
    assert 0 <= one.begin_us - BROKEN_US <= 10 * MINUTE_US
    assert 0 <= one.end_us - BROKEN_US - 6 * HOUR_US <= 10 * MINUTE_US
    assert (one.stores, one.without) == (6, 6)
    assert blackouts(edges_of(*span), *found["poller", "p1"]) == []


async def test_who_was_silent_for_days_before_the_span_counts_from_its_beginning(
    fleet: Fleet,
) -> None:
    """The last poll before it is found, however old: the store was known by then."""
    for day in (*range(-45, -40), *range(-30, 0)):
        at_us = NOON_US + day * DAY_US
        await fleet.poll([(b"s%d" % number, at_us, True) for number in range(6)])
    span = NOON_US - 38 * DAY_US, NOON_US - 36 * DAY_US
    stores, without = _found(fleet, *span)[FLEET]
    assert set(stores.tolist()) == set(without.tolist()) == {6}
