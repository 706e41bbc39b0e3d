"""Transitions: the worked examples, and what may not depend on who looked when."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules.exclusions import UP as CORRECTED_UP
from streamproc.rules.exclusions import Correction
from streamproc.rules.transitions import (
    DOWN,
    HEARD,
    NOTHING_SAID,
    RETRACTED,
    SILENT,
    UP,
    Said,
    Transition,
)
from streamproc.rules.units import HOUR_US
from tests.reference import Poll, Span
from tests.rules.one_event import told
from tests.rules.test_incidents import ALWAYS, SHOP, at, down, up
from tests.rules.test_uptime import THOROUGH

CLOSES_EARLY = [(at(0), at(12, 30))]
MAINTENANCE_AT_NOON = [(at(9), at(12)), (at(13), at(17))]


@dataclass(frozen=True)
class Example:
    """A store's polls and business time, and what is told of it, with its time."""

    polls: list[Poll]
    expected: list[tuple[str, int, int]]
    as_of_us: int
    business: list[Span] = field(default_factory=lambda: ALWAYS)
    confirm: int = 1
    hold_us: int | None = HOUR_US


EXAMPLES = {
    "confirm 2: one inactive poll is nothing": Example(
        [down(12), up(12, 5)], [], at(12, 20), confirm=2
    ),
    "confirm 2: the second one makes it down since the first": Example(
        [down(12), down(12, 5)], [(DOWN, at(12, 5), at(12))], at(12, 20), confirm=2
    ),
    "one active poll makes it up": Example(
        [down(12), down(12, 5), up(13)],
        [(DOWN, at(12, 5), at(12)), (UP, at(13), at(13))],
        at(13, 1),
        confirm=2,
    ),
    "silent is due after twice its interval, and said just after": Example(
        [up(hour) for hour in range(4, 13)],
        [(SILENT, at(14), at(12))],
        at(14) + 1,
    ),
    "at the end of the limit nobody is silent yet": Example(
        [up(hour) for hour in range(4, 13)], [], at(14)
    ),
    "not silent when it closes before": Example(
        [up(hour) for hour in range(4, 13)], [], at(20), CLOSES_EARLY
    ),
    "an outage goes on through a short piece without data": Example(
        [down(8), down(9, 6)], [(DOWN, at(8), at(8))], at(9, 38)
    ),
    "of a single poll the limit is hold and bridge": Example(
        [up(12)], [(SILENT, at(13, 10), at(12))], at(13, 10) + 1
    ),
    "60 minutes stand in for no hold": Example(
        [up(12)], [(SILENT, at(13, 10), at(12))], at(13, 10) + 1, hold_us=None
    ),
    "what begins while it is closed begins when it opens": Example(
        [down(8, 30)], [(DOWN, at(9), at(9))], at(9, 1), SHOP
    ),
    "what is over when it opens is not told": Example(
        [down(8, 30), up(8, 45)], [], at(9, 20), SHOP
    ),
    "what no longer speaks when it opens is not told": Example(
        [down(7, 30)], [], at(9, 20), SHOP
    ),
    "what begins in maintenance begins when that is over": Example(
        [down(12, 30)], [(DOWN, at(13), at(13))], at(13, 1), MAINTENANCE_AT_NOON
    ),
    "what is confirmed in maintenance is told when that is over": Example(
        [down(11, 50), down(12, 30)],
        [(DOWN, at(13), at(11, 50))],
        at(13, 1),
        MAINTENANCE_AT_NOON,
        confirm=2,
    ),
    "up while it is closed is told when it opens": Example(
        [down(16, 30), up(8, 30, 1)],
        [(DOWN, at(16, 30), at(16, 30)), (UP, at(9, 0, 1), at(9, 0, 1))],
        at(9, 1, 1),
        SHOP,
    ),
    "a silent store is heard, and then up": Example(
        [down(10), up(12)],
        [
            (DOWN, at(10), at(10)),
            (SILENT, at(11, 10), at(10)),
            (HEARD, at(12), at(12)),
            (UP, at(12), at(12)),
        ],
        at(12, 1),
    ),
    "a store down again after no data is still down": Example(
        [down(10), down(12)],
        [
            (DOWN, at(10), at(10)),
            (SILENT, at(11, 10), at(10)),
            (HEARD, at(12), at(12)),
        ],
        at(12, 1),
    ),
    "the last 48 gaps make the usual interval": Example(
        [
            *(up(0, 2 * number) for number in range(100)),
            *(up(4, 40 * number) for number in range(50)),
        ],
        [(SILENT, at(14, 0, 1), at(12, 40, 1))],
        at(14, 0, 1) + 1,
    ),
    "closed time does not make silent": Example(
        [up(16, 30), up(9, 30, 1)], [], at(9, 40, 1), SHOP
    ),
    "gaps with closed time in them do not count for the interval": Example(
        [up(16, 50), up(9, 10, 1)],
        [(SILENT, at(10, 20, 1), at(9, 10, 1))],
        at(10, 21, 1),
        SHOP,
    ),
    "old history is not told": Example(
        [down(10), up(11), up(12), up(13)], [], at(13, 1, 2), [(at(0), at(13, 30))]
    ),
    "an outage of long ago is not told while it goes on": Example(
        [down(hour, 0, day) for day in range(2) for hour in range(24)],
        [],
        at(23, 30, 1),
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_is_told_as_the_docs_say(name: str) -> None:
    """Kind, instant and since when, of all that is told."""
    example = EXAMPLES[name]
    found, _ = told(
        example.polls,
        example.business,
        example.as_of_us,
        confirm=example.confirm,
        hold_us=example.hold_us,
    )
    assert [(one.kind, one.at_us, one.since_us) for one in found] == example.expected


def test_down_and_its_up_are_of_one_incident_and_tell_how_long() -> None:
    """An hour down: 3600 s, under the name of its first down instant."""
    polls = [down(12), down(12, 5), up(13)]
    (begun, ended), said = told(polls, ALWAYS, at(13, 1), confirm=2)
    assert begun.incident_us == ended.incident_us == at(12)
    assert (begun.down_us, ended.down_us) == (None, HOUR_US)
    assert said == Said(until_us=at(13))


def test_what_was_told_is_not_told_again() -> None:
    """Until something else happens."""
    polls = [down(12)]
    first, said = told(polls, ALWAYS, at(12, 1))
    assert [one.kind for one in first] == [DOWN]
    assert told(polls, ALWAYS, at(12, 2), said) == ([], said)
    then, said = told([*polls, up(12, 30)], ALWAYS, at(12, 31), said)
    assert [one.kind for one in then] == [UP]
    assert told([*polls, up(12, 30)], ALWAYS, at(12, 50), said) == ([], said)


def test_up_follows_a_down_however_late() -> None:
    """The worker was away for two days, in which the store came up."""
    _, said = told([down(12)], ALWAYS, at(12, 1))
    polls = [down(12), *(up(13 + hour) for hour in range(11))]
    found, _ = told(polls, [(at(0), at(23, 30))], at(23, 0, 2), said)
    assert [(one.kind, one.at_us) for one in found] == [(UP, at(13))]


def test_a_late_poll_that_undoes_a_down_takes_it_back() -> None:
    """An active poll between the two that confirmed it; then two more confirm again."""
    polls = [down(12), down(12, 5)]
    (begun,), said = told(polls, ALWAYS, at(12, 6), confirm=2)
    polls.append(up(12, 3))
    (back,), said = told(polls, ALWAYS, at(12, 7), said, confirm=2)
    assert (back.kind, back.at_us, back.of_us) == (RETRACTED, at(12, 7), at(12, 5))
    assert back.incident_us == begun.incident_us
    assert said.down is None
    polls.append(down(12, 10))
    (again,), _ = told(polls, ALWAYS, at(12, 11), said, confirm=2)
    assert (again.kind, again.at_us, again.since_us) == (DOWN, at(12, 10), at(12, 5))


def test_no_up_follows_what_was_taken_back() -> None:
    """The receiver has nothing open any more."""
    _, said = told([down(12)], ALWAYS, at(12, 1))
    corrected = [Correction(at(11), at(12, 30), CORRECTED_UP)]
    found, said = told([down(12)], ALWAYS, at(12, 2), said, corrections=corrected)
    assert [one.kind for one in found] == [RETRACTED]
    polls = [down(12), up(12, 3)]
    assert told(polls, ALWAYS, at(12, 4), said, corrections=corrected)[0] == []


def test_what_is_told_again_after_that_has_another_name() -> None:
    """The correction is withdrawn: whoever knows the first one must not drop it."""
    (first,), said = told([down(12)], ALWAYS, at(12, 1))
    corrected = [Correction(at(11), at(12, 30), CORRECTED_UP)]
    _, said = told([down(12)], ALWAYS, at(12, 2), said, corrections=corrected)
    (again,), _ = told([down(12)], ALWAYS, at(12, 3), said)
    assert (again.kind, again.at_us) == (first.kind, first.at_us)
    assert again.again != first.again


def test_a_late_poll_that_lengthens_an_outage_changes_nothing_that_was_told() -> None:
    """Nothing is told; the up has the name under which the down is known."""
    _, said = told([down(12)], ALWAYS, at(12, 1))
    polls = [down(11, 30), down(12)]
    assert told(polls, ALWAYS, at(12, 2), said) == ([], said)
    polls.append(up(12, 30))
    (ended,), _ = told(polls, ALWAYS, at(12, 31), said)
    assert (ended.incident_us, ended.down_us) == (at(12), HOUR_US)


def test_a_down_of_before_what_is_at_hand_stands_until_it_is_up() -> None:
    """Ten days down: not taken back, not told anew, and how long is not known."""
    _, said = told([down(0)], ALWAYS, at(0, 1))
    opened = [(at(0), at(0, 0, 20))]
    hours = [down(hour, 0, day) for day in range(12) for hour in range(24)]
    found, said = told(hours, opened, at(23, 1, 11), said)
    assert found == []
    (ended,), _ = told([*hours, up(23, 30, 11)], opened, at(23, 31, 11), said)
    assert (ended.kind, ended.at_us, ended.down_us) == (UP, at(23, 30, 11), None)


def test_a_late_poll_makes_a_silent_store_heard() -> None:
    """Not before it was called silent."""
    _, said = told([up(12)], ALWAYS, at(13, 11))
    found, said = told([up(12), up(13)], ALWAYS, at(13, 12), said)
    assert [(one.kind, one.at_us, one.since_us) for one in found] == [
        (HEARD, at(13, 10), at(13))
    ]
    assert said.silent is None


def test_what_ends_is_told_before_what_begins_anew() -> None:
    """Whoever keeps the last word of a store is not left with the wrong one.

    A store that was polled each hour, and silent from 14:00 on; late polls of each
    minute make its usual interval, and so the limit, a shorter one.
    """
    hourly = [up(hour) for hour in range(6, 13)]
    (silent,), said = told(hourly, ALWAYS, at(14, 1))
    assert (silent.kind, silent.at_us) == (SILENT, at(14))
    late = [up(12, minute) for minute in range(1, 11)]
    found, said = told([*hourly, *late], ALWAYS, at(14, 2), said)
    assert [(one.kind, one.at_us) for one in found] == [
        (HEARD, at(14)),
        (SILENT, at(13, 20)),
    ]
    assert said.silent is not None


def test_what_is_taken_back_is_told_before_another_down() -> None:
    """It is noticed later than the other one has begun."""
    _, said = told([down(12)], ALWAYS, at(12, 1))
    corrected = [Correction(at(11), at(12, 10), CORRECTED_UP)]
    polls = [down(12), down(12, 20)]
    found, said = told(polls, ALWAYS, at(12, 30), said, corrections=corrected)
    assert [(one.kind, one.at_us) for one in found] == [
        (RETRACTED, at(12, 30)),
        (DOWN, at(12, 10)),
    ]
    assert said.down is not None


def test_microseconds_are_kept() -> None:
    """In what it is told of, and since when."""
    polls = [(at(12) + 1, False), (at(12, 5) + 7, False)]
    ((_, at_us, since_us, *_),), _ = told(polls, ALWAYS, at(12, 6), confirm=2)
    assert (at_us, since_us) == (at(12, 5) + 7, at(12) + 1)


# -- whoever looks when ----------------------------------------------------------------

TWO_SHIFTS = [(at(2), at(9)), (at(11, 30), at(20)), (at(21), at(23))]

minutes = st.integers(31, 24 * 60)
some_polls = st.lists(st.tuples(minutes, st.booleans()), min_size=1, max_size=30)
openings = st.sampled_from([ALWAYS, SHOP, TWO_SHIFTS])


def _instants(polls: list[Poll], looked: set[int]) -> list[int]:
    """When it is looked: after some of the polls, and between them; at the end."""
    times = sorted({time for time, _ in polls})
    chosen = [time + 1 for number, time in enumerate(times) if number in looked]
    between = [
        (before + after) // 2
        for number, (before, after) in enumerate(pairwise(times))
        if number + 100 in looked
    ]
    return [*sorted([*chosen, *between]), at(0, 30, 1)]


def _replayed(
    polls: list[Poll],
    business: list[Span],
    instants: list[int],
    confirm: int,
    crashes: set[int],
) -> list[Transition]:
    """All that is told, once each, when it is looked at these instants.

    ``crashes``: after which of them what was told is not kept.
    """
    said = NOTHING_SAID
    found: list[Transition] = []
    for number, as_of_us in enumerate(instants):
        known = [poll for poll in polls if poll[0] < as_of_us]
        some, after = told(known, business, as_of_us, said, confirm)
        found += [one for one in some if one not in found]
        if number not in crashes:
            said = after
    return sorted(found)


@THOROUGH
@given(
    some_polls,
    openings,
    st.integers(1, 3),
    st.sets(st.one_of(st.integers(0, 30), st.integers(100, 130))),
    st.sets(st.integers(0, 60)),
)
def test_any_split_into_batches_and_any_crash_give_the_same_list(
    polls: list[tuple[int, bool]],
    business: list[Span],
    confirm: int,
    looked: set[int],
    crashes: set[int],
) -> None:
    """Of polls in their order: looked at every poll or once a day, crashed or not."""
    placed = dict(sorted((at(0, minute), active) for minute, active in polls))
    listed = list(placed.items())
    everywhere = _instants(listed, set(range(200)))
    whole = _replayed(listed, business, everywhere, confirm, set())
    instants = _instants(listed, looked)
    last = {len(instants) - 1}
    some = _replayed(listed, business, instants, confirm, crashes - last)
    assert some == whole
