"""What stores are now: the worked examples, and any store against the oracle's walk."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules import packing
from streamproc.rules.business import NONE, BusinessTime
from streamproc.rules.exclusions import DOWN, UNKNOWN, UP, Correction
from streamproc.rules.now import STATES, now, phases
from streamproc.rules.standing import NowRules, Polls, Standings, advance
from streamproc.rules.units import MINUTE_US
from streamproc.rules.uptime import Rules, Times
from tests.reference import DAY_US, HOUR_US, Poll, Span
from tests.reference_now import Store, now_of
from tests.rules.test_incidents import ALWAYS, DAY0, SHOP, at, down, up
from tests.rules.test_uptime import QUICK

CLOCK = DAY0 - 10 * DAY_US, DAY0 + 13 * DAY_US
SAID = {True: UP, False: DOWN, None: UNKNOWN}


def times_of(stores: Sequence[Store]) -> Times:
    """The time that counts of each store, as the program has it."""
    opened, business = (
        BusinessTime(spans, *CLOCK)
        for spans in (
            [list(store.opened) for store in stores],
            [list(store.business) for store in stores],
        )
    )
    said = [
        [Correction(begin, end, SAID[what]) for begin, end, what in store.corrections]
        for store in stores
    ]
    return Times(opened, business, said)


def stand(stores: Sequence[Store], cuts: Sequence[int], confirm: int = 1) -> Standings:
    """How stores stand when their polls came in batches, cut at instants.

    Those of a batch come before its cut, the last of which is the instant asked for.
    """
    times, schedule = times_of(stores), np.arange(len(stores))
    by = NowRules(Rules(stores[0].hold_us), stores[0].bridge_us, confirm)
    standings, done = Standings.none(len(stores)), 0
    for cut in cuts:
        some = [
            packing.canonical(packing.pack([p for p in s.polls if done <= p[0] < cut]))
            for s in stores
        ]
        store = np.repeat(schedule, [len(packed) for packed in some])
        polls = Polls(np.concatenate(some), store, cut)
        standings, done = advance(standings, polls, schedule, times, by), cut
    return standings


def told(stores: Sequence[Store], cuts: Sequence[int]) -> list[tuple[str, int | None]]:
    """What the program says of each store at the last of the cuts."""
    standings, as_of_us = stand(stores, cuts), cuts[-1]
    phase = phases(times_of(stores), np.arange(len(stores)), as_of_us)
    found = now(standings, phase, as_of_us)
    return [
        (STATES[state], None if since == NONE else since)
        for state, since in zip(
            found.state.tolist(), found.since_us.tolist(), strict=True
        )
    ]


HOURLY = [up(hour) for hour in range(4, 13)]
NOON_BREAK = [(at(0), at(12)), (at(13), at(0, 0, 3))]


@dataclass(frozen=True)
class Example:
    """A store, when it is asked for, and what it is then."""

    polls: list[Poll]
    as_of_us: int
    expected: tuple[str, int | None]
    opened: Sequence[Span] = tuple(ALWAYS)
    business: Sequence[Span] | None = None
    hold_us: int | None = HOUR_US


EXAMPLES = {
    "a gap that is bridged does not begin it anew": Example(
        [down(8), down(9, 6)], at(9, 38), ("down", at(8))
    ),
    "up, last heard 62 minutes ago": Example(HOURLY, at(13, 2), ("up", at(4))),
    "to the last microsecond of the bridge": Example(HOURLY, at(13, 10), ("up", at(4))),
    "and then without data": Example(HOURLY, at(13, 10) + 1, ("no data", at(13))),
    "an hourly store is not silent after twice its interval": Example(
        HOURLY, at(14), ("no data", at(13))
    ),
    "but just after": Example(HOURLY, at(14) + 1, ("silent", at(12))),
    "none is silent when it has closed": Example(
        HOURLY, at(15), ("closed", at(12, 30)), [(at(0), at(12, 30))]
    ),
    "what has one poll only is silent after hold and bridge": Example(
        [up(12)], at(13, 10) + 1, ("silent", at(12))
    ),
    "without a hold, 60 minutes stand in": Example(
        [up(12)], at(13, 10) + 1, ("silent", at(12)), hold_us=None
    ),
    "what is down at closing is down at the opening": Example(
        [down(16, 30)], at(9, 5, 1), ("down", at(16, 30)), SHOP
    ),
    "down over night, heard again": Example(
        [down(16, 30), up(20), down(9, 5, 1)],
        at(9, 20, 1),
        ("down", at(9, 5, 1)),
        SHOP,
        hold_us=None,
    ),
    "a poll that speaks for no business time changes nothing": Example(
        [down(16, 30), up(20), down(9, 5, 1)], at(9, 20, 1), ("down", at(16, 30)), SHOP
    ),
    "a poll before the opening, cut short before it spoke": Example(
        [up(16, 30), down(8, 30, 1), up(8, 45, 1)],
        at(9, 10, 1),
        ("up", at(16, 30)),
        SHOP,
    ),
    "in maintenance": Example(
        [down(11)], at(12, 30), ("maintenance", at(12)), business=NOON_BREAK
    ),
    "down over a maintenance": Example(
        [down(11, 30), down(13, 5)],
        at(13, 20),
        ("down", at(11, 30)),
        business=NOON_BREAK,
    ),
    "never heard of": Example([], at(12), ("no data", None)),
    "never open": Example([up(11)], at(12), ("closed", None), ()),
}


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_every_worked_example_comes_out(example: Example) -> None:
    """As docs/accounting.md has it, as the oracle walks it, and poll by poll."""
    business = example.opened if example.business is None else example.business
    store = Store(example.polls, example.opened, business, (), example.hold_us)
    one_by_one = [time + 1 for time, _ in example.polls]
    assert now_of(store, example.as_of_us) == example.expected
    assert told([store], [example.as_of_us]) == [example.expected]
    assert told([store], [*one_by_one, example.as_of_us]) == [example.expected]


def test_a_store_up_for_longer_than_a_week_says_no_since() -> None:
    """What is down says its start all the same: it is the incident's."""
    polls = [(DAY0 + n * HOUR_US, True) for n in range(8 * 24)]
    open_ = [(DAY0, DAY0 + 9 * DAY_US)]
    store = Store(polls, open_, open_)
    assert told([store], [polls[-1][0] + 1]) == [("up", None)]
    failing = replace(store, polls=[(time, False) for time, _ in polls])
    assert told([failing], [polls[-1][0] + 1]) == [("down", DAY0)]


@pytest.mark.parametrize(
    ("polls", "confirm", "streak", "confirmed"),
    [
        ([down(12)], 2, 1, NONE),
        ([down(12), down(12, 5)], 2, 2, at(12, 5)),
        ([down(12), up(12, 5)], 2, 1, NONE),
        ([down(12), down(12, 5), down(12, 9)], 2, 3, at(12, 5)),
        ([down(12), down(12, 5), up(13)], 1, 1, at(13)),
        ([up(11), down(12), down(12, 5), down(12, 6)], 3, 3, at(12, 6)),
    ],
)
def test_polls_of_a_status_in_a_row_confirm_it(
    polls: list[Poll], confirm: int, streak: int, confirmed: int
) -> None:
    """The one that makes them enough is the confirming one, in whatever batches."""
    store = Store(polls, ALWAYS, ALWAYS)
    for cuts in ([at(20)], [*(time + 1 for time, _ in polls), at(20)]):
        standings = stand([store], cuts, confirm)
        assert standings.streak.tolist() == [streak]
        assert standings.confirmed_us.tolist() == [confirmed]


def test_a_gap_from_which_polls_were_thinned_out_is_none() -> None:
    """Else a store polled every minute would be taken for one of every five."""
    polls = packing.pack([(at(9, 5 * n), True) for n in range(10)])
    polls[3:] |= packing.THINNED
    times = times_of([Store([], ALWAYS, ALWAYS)])
    first = Standings.none(1)
    some = Polls(polls, np.zeros(len(polls), np.int64), at(12))
    by = NowRules(Rules(HOUR_US), 0)
    told = advance(first, some, np.zeros(1, np.int64), times, by)
    assert np.count_nonzero(told.gaps_ms) == 3
    assert told.usual_us.tolist() == [5 * MINUTE_US]
    assert told.streak.tolist() == [17]


@st.composite
def spans(draw: st.DrawFn, grain: int) -> list[Span]:
    """Times in order that do not overlap."""
    instants = st.integers(0, 3 * DAY_US // grain).map(lambda n: DAY0 + n * grain)
    cuts = sorted(set(draw(st.lists(instants, max_size=8))))
    return list(zip(cuts[::2], cuts[1::2], strict=False))


@st.composite
def stores(
    draw: st.DrawFn, hold_us: int | None, bridge_us: int, corrected: bool
) -> Store:
    """A store of three days, on a grid that makes its edges meet."""
    grain = draw(st.sampled_from([1, MINUTE_US, 5 * MINUTE_US, HOUR_US]))
    instants = st.integers(0, 3 * DAY_US // grain).map(lambda n: DAY0 + n * grain)
    opened = draw(st.one_of(st.just(list(ALWAYS)), spans(grain)))
    out = draw(spans(grain))
    business = [
        (max(a, c), min(b, d))
        for a, b in opened
        for c, d in without(out)
        if max(a, c) < min(b, d)
    ]
    polls = draw(st.lists(st.tuples(instants, st.booleans()), max_size=14))
    said = draw(spans(grain)) if corrected else []
    what = st.sampled_from([True, False, None])
    corrections = [(begin, end, draw(what)) for begin, end in said]
    return Store(polls, opened, business, corrections, hold_us, bridge_us)


def without(out: Sequence[Span]) -> list[Span]:
    """All of the time but some of it."""
    ends = [CLOCK[0], *(edge for span in out for edge in span), CLOCK[1]]
    return list(zip(ends[::2], ends[1::2], strict=True))


@st.composite
def fleets(draw: st.DrawFn, corrected: bool) -> list[Store]:
    """Some stores that are counted by the same rules."""
    hold_us = draw(st.sampled_from([None, 5 * MINUTE_US, HOUR_US, 90 * MINUTE_US]))
    bridge_us = draw(st.sampled_from([0, 10 * MINUTE_US, 45 * MINUTE_US]))
    one = stores(hold_us, bridge_us, corrected)
    return draw(st.lists(one, min_size=1, max_size=4))


INSTANTS = st.integers(1, 3 * DAY_US).map(lambda n: DAY0 + n)


@QUICK
@given(
    fleet=fleets(corrected=False),
    cuts=st.lists(
        st.one_of(INSTANTS, INSTANTS.map(lambda t: t // HOUR_US * HOUR_US)), max_size=4
    ),
    as_of_us=st.one_of(INSTANTS, INSTANTS.map(lambda t: t // MINUTE_US * MINUTE_US)),
)
def test_any_stores_are_what_the_walk_says_in_any_batches(
    fleet: list[Store], cuts: list[int], as_of_us: int
) -> None:
    """State and since, to the microsecond."""
    walked = [now_of(store, as_of_us) for store in fleet]
    before = sorted(cut for cut in cuts if cut < as_of_us)
    assert told(fleet, [*before, as_of_us]) == walked


@QUICK
@given(fleet=fleets(corrected=True), as_of_us=INSTANTS, later=st.integers(0, DAY_US))
def test_corrected_stores_are_what_the_walk_says(
    fleet: list[Store], as_of_us: int, later: int
) -> None:
    """Also some time later, while no correction begins or ends and no poll comes."""
    standings, times = stand(fleet, [as_of_us]), times_of(fleet)
    for instant in (as_of_us, as_of_us + later):
        phase = phases(times, np.arange(len(fleet)), instant)
        found = now(standings, phase, instant)
        for row, store in enumerate(fleet):
            known = replace(store, polls=[p for p in store.polls if p[0] < as_of_us])
            if instant <= standings.good_until_us[row]:
                since = int(found.since_us[row])
                assert now_of(known, instant) == (
                    STATES[found.state[row]],
                    None if since == NONE else since,
                )
