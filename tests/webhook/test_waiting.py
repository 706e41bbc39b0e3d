"""When what waits is posted: together, at most once a second, later after failures."""

import pytest

from streamproc.webhook.waiting import (
    AT_ONCE,
    GATHER_AT_MOST_S,
    GATHER_S,
    QUIET_S,
    Record,
    Waiting,
)
from tests.webhook.events import down

HOUR_S = 3600.0


def records(count: int, first: int = 0, told_s: float = 0.0) -> list[Record]:
    """Events of one partition, from an offset on."""
    return [
        Record(down(f"s{number}"), 0, number, told_s)
        for number in range(first, first + count)
    ]


def waiting(count: int, now_s: float = 0.0) -> Waiting:
    """Some events that have come at once."""
    made = Waiting(HOUR_S)
    made.add(records(count), now_s)
    return made


def test_nothing_is_due_while_nothing_waits() -> None:
    """Not even a little later."""
    assert Waiting(HOUR_S).due_s() == float("inf")


def test_a_few_are_posted_soon() -> None:
    """What comes right behind goes with it, and does not put it off."""
    some = waiting(3)
    some.add(records(3, first=3), 0.4)
    assert some.due_s() == GATHER_S
    assert len(some.next_post(GATHER_S)) == 6


def test_many_are_posted_when_no_more_come() -> None:
    """So that 10,000 stores at once are one post; but not later than is promised."""
    many = waiting(100)
    assert many.due_s() == QUIET_S
    many.add(records(100, first=100), 1.0)
    assert many.due_s() == 1.0 + QUIET_S
    many.add(records(100, first=200), 2.4)
    assert many.due_s() == GATHER_AT_MOST_S


def test_at_most_one_call_a_second() -> None:
    """Measured from the beginning of the call before."""
    some = waiting(1)
    some.delivered(some.next_post(10.0), 10.1)
    some.add(records(1, first=1), 10.2)
    assert some.due_s() == 11.0


@pytest.mark.parametrize(
    ("failures", "pause_s"),
    [(1, 1.0), (2, 2.0), (3, 4.0), (6, 32.0), (7, 60.0), (90, 60.0)],
)
def test_pauses_grow_from_a_second_on(failures: int, pause_s: float) -> None:
    """Twice as long each time, up to a minute."""
    some = waiting(1)
    for _ in range(failures):
        some.next_post(50.0)
        some.failed(50.0)
    assert some.due_s() == 50.0 + pause_s


def test_a_receiver_may_ask_for_a_longer_pause() -> None:
    """Not for a longer one than anybody waits."""
    some = waiting(1)
    some.failed(0.0, wait_s=120.0)
    assert some.due_s() == 120.0
    some.failed(0.0, wait_s=9_999_999.0)
    assert some.due_s() == HOUR_S


def test_what_was_not_taken_goes_with_what_has_come_since() -> None:
    """In its order, so each store's events stay in theirs."""
    some = waiting(2)
    some.failed(0.0)
    some.add(records(2, first=2), 0.5)
    assert [one.offset for one in some.next_post(1.0)] == [0, 1, 2, 3]


def test_after_a_delivery_pauses_begin_anew() -> None:
    """And nothing of it is posted again."""
    some = waiting(1)
    some.failed(0.0)
    some.delivered(some.next_post(1.0), 1.1)
    assert len(some) == 0
    some.add(records(1, first=1), 5.0)
    some.failed(5.0)
    assert some.due_s() == 6.0


def test_what_is_too_large_is_posted_in_halves() -> None:
    """Down to one event; after a delivery, all at once again."""
    some = waiting(4)
    some.failed(0.0, too_large=True)
    assert len(some.next_post(1.0)) == 2
    some.failed(1.0, too_large=True)
    some.failed(2.0, too_large=True)
    half = some.next_post(3.0)
    assert len(half) == 1
    some.delivered(half, 3.1)
    assert len(some.next_post(4.0)) == 3


def test_a_post_is_not_larger_than_it_may_be() -> None:
    """The rest is due a second later, without waiting for more."""
    many = waiting(AT_ONCE + 1)
    some = many.next_post(10.0)
    assert len(some) == AT_ONCE
    many.delivered(some, 10.1)
    assert many.due_s() == 11.0


def test_what_is_older_than_patience_is_given_up() -> None:
    """And what came later is not."""
    some = waiting(2)
    some.add(records(1, first=2, told_s=100.0), 100.0)
    assert some.given_up(HOUR_S) == []
    assert [one.offset for one in some.given_up(HOUR_S + 1)] == [0, 1]
    assert some.first_offsets() == {0: 2}


def test_the_first_that_waits_says_how_far_it_is_delivered() -> None:
    """Of each partition: a restart begins there."""
    some = Waiting(HOUR_S)
    some.add([Record(down("a"), 1, 7, 0.0), Record(down("b"), 0, 9, 0.0)], 0.0)
    some.add([Record(down("c"), 1, 8, 0.0)], 0.0)
    assert some.first_offsets() == {1: 7, 0: 9}
    some.delivered(some.next_post(1.0)[:1], 1.0)
    assert some.first_offsets() == {1: 8, 0: 9}
