"""When the poller is suspected, and of which stores."""

from collections.abc import Mapping

import pytest

from streamproc.rules.suspicion import (
    FLEET,
    Suspicion,
    Turned,
    grown,
    still_holds,
    suspicion,
)

P3 = ("poller", "p3")
WEST = ("region", "West")


def turned(
    count: int,
    labels: Mapping[str, str] | None = None,
    is_silent: bool = True,
    first: int = 0,
) -> list[Turned]:
    """Stores that have turned, one after the other."""
    return [
        Turned(f"s{number}", is_silent, 1_000 + number, labels or {})
        for number in range(first, first + count)
    ]


def test_twenty_stores_that_are_a_fifth_are_suspicious() -> None:
    """Of the whole fleet, where they have no label in common."""
    found = suspicion(turned(20), {FLEET: 100})
    assert found == Suspicion(FLEET, 1_000, silent=20, down=0, expected=100)


@pytest.mark.parametrize(("count", "expected"), [(19, 19), (20, 101), (0, 0)])
def test_fewer_are_not(count: int, expected: int) -> None:
    """Neither 19 of 19, nor 20 of 101."""
    assert suspicion(turned(count), {FLEET: expected}) is None


def test_silent_and_down_count_together() -> None:
    """A poller may be broken either way; it is told how many of each."""
    some = [*turned(12), *turned(8, is_silent=False, first=12)]
    found = suspicion(some, {FLEET: 50})
    assert found is not None
    assert (found.silent, found.down, found.stores) == (12, 8, 20)


def test_the_label_that_explains_it_best_is_told() -> None:
    """All of p3's, rather than a third of the West, or a part of the fleet."""
    labels = {"poller": "p3", "region": "West"}
    some = turned(45, labels)
    found = suspicion(some, {FLEET: 200, P3: 46, WEST: 135})
    assert found is not None
    assert found.group == P3


def test_a_small_part_of_what_is_broken_does_not_explain_it() -> None:
    """Twenty of one city, all of them, are less than the sixty of the poller."""
    city = {"poller": "p3", "city": "Austin"}
    some = [*turned(20, city), *turned(38, {"poller": "p3"}, first=20)]
    expected = {FLEET: 200, P3: 60, ("city", "Austin"): 20}
    found = suspicion(some, expected)
    assert found is not None
    assert found.group == P3


def test_when_all_stores_turn_it_is_the_fleet() -> None:
    """Not one of the pollers."""
    some = [
        *turned(60, {"poller": "p1"}),
        *turned(60, {"poller": "p2"}, first=60),
    ]
    expected = {FLEET: 120, ("poller", "p1"): 60, ("poller", "p2"): 60}
    found = suspicion(some, expected)
    assert found is not None
    assert found.group == FLEET


def test_a_suspicion_holds_while_half_of_the_stores_are_what_they_turned_to() -> None:
    """Others of the group that turned before do not count."""
    told = Suspicion(P3, 1_000, silent=40, down=0, expected=60)
    labels = {"poller": "p3"}
    assert still_holds(told, 1_050, turned(20, labels))
    assert not still_holds(told, 1_050, turned(19, labels))
    before = [Turned("old", True, 999, labels)] * 30
    assert not still_holds(told, 1_050, [*turned(19, labels), *before])
    assert not still_holds(told, 1_050, turned(40, {"poller": "p1"}))


def test_a_suspicion_is_over_when_all_that_it_was_told_of_have_been_put_right() -> None:
    """By a correction up to an instant since which all of them are down once more."""
    told = Suspicion(P3, 1_000, silent=0, down=40, expected=60)
    again = turned(40, {"poller": "p3"}, is_silent=False, first=100)
    assert not still_holds(told, 1_050, again)
    first = turned(1, {"poller": "p3"}, is_silent=False)
    assert still_holds(told, 1_050, [*first, *again])


def test_a_suspicion_grows_with_the_stores_that_turn_later() -> None:
    """And does not shrink: half of the most that have turned is what it is over by."""
    told = Suspicion(P3, 1_000, silent=20, down=0, expected=60)
    labels = {"poller": "p3"}
    more = [*turned(50, labels), *turned(30, labels, is_silent=False, first=50)]
    assert grown(told, more) == Suspicion(P3, 1_000, 50, 30, expected=80)
    assert grown(told, turned(20, labels)) is told
    assert grown(told, turned(90, {"poller": "p1"})) is told
