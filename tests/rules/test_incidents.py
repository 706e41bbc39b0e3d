"""Incidents: the worked examples, and any store against the walk of the oracle."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules import packing
from streamproc.rules.business import BusinessTime
from streamproc.rules.incidents import NONE, Incidents, incidents
from streamproc.rules.units import MINUTE_US
from streamproc.rules.uptime import Rules, Times
from tests.reference import DAY_US, HOUR_US, Outage, Poll, Span, outages
from tests.rules.test_uptime import THOROUGH

DAY0 = 20_000 * DAY_US
BRIDGE_US = 10 * MINUTE_US


def at(hour: int, minute: int = 0, day: int = 0) -> int:
    """An instant of the first days."""
    return DAY0 + day * DAY_US + hour * HOUR_US + minute * MINUTE_US


def up(hour: int, minute: int = 0, day: int = 0) -> Poll:
    """An active poll."""
    return at(hour, minute, day), True


def down(hour: int, minute: int = 0, day: int = 0) -> Poll:
    """An inactive poll."""
    return at(hour, minute, day), False


def minutes(amount: float) -> int:
    """Microseconds."""
    return round(amount * MINUTE_US)


ALWAYS = [(at(0), at(0, 0, 3))]
SHOP = [(at(9, 0, day), at(17, 0, day)) for day in range(3)]
LATE_SHOP = [(at(9, 0, day), at(17, 6, day)) for day in range(2)]


@dataclass(frozen=True)
class Example:
    """A store's polls and business time, and its incidents."""

    polls: list[Poll]
    business: list[Span]
    as_of_us: int
    expected: list[Outage]
    hold_us: int | None = HOUR_US


EXAMPLES = {
    "one minute unknown is bridged": Example(
        [up(10), down(11), down(12, 1), up(13)],
        ALWAYS,
        at(20),
        [Outage(at(11), at(13), at(10), minutes(119), minutes(1), minutes(120), "up")],
    ),
    "the night is in wall_s, not in down_s": Example(
        [down(16, 30), down(9, 5, 1), up(10, 5, 1)],
        SHOP,
        at(16, 0, 1),
        [
            Outage(
                at(16, 30),
                at(10, 5, 1),
                None,
                minutes(90),
                minutes(5),
                minutes(17 * 60 + 35),
                "up",
            )
        ],
    ),
    "45 minutes unknown make two": Example(
        [down(10), down(11, 45), up(12)],
        ALWAYS,
        at(20),
        [
            Outage(at(10), at(11), None, minutes(60), 0, minutes(60), "no-data"),
            Outage(at(11, 45), at(12), None, minutes(15), 0, minutes(15), "up"),
        ],
    ),
    "unknown before and after the night is one piece": Example(
        [down(16), down(9, 6, 1)],
        LATE_SHOP,
        at(9, 30, 1),
        [
            Outage(at(16), at(17), None, minutes(60), 0, minutes(60), "no-data"),
            Outage(at(9, 6, 1), None, None, minutes(24), 0, minutes(24), None),
        ],
    ),
    "up while closed ends it at the opening": Example(
        [down(16, 30), up(18)],
        SHOP,
        at(12, 0, 1),
        [
            Outage(
                at(16, 30),
                at(9, 0, 1),
                None,
                minutes(30),
                0,
                minutes(16 * 60 + 30),
                "up",
            )
        ],
        None,
    ),
    "what begins in excluded time begins after it": Example(
        [down(12, 30), up(13, 20)],
        [(at(0), at(12)), (at(13), at(0, 0, 1))],
        at(20),
        [Outage(at(13), at(13, 20), None, minutes(20), 0, minutes(20), "up")],
    ),
    "what is unknown so far is bridged": Example(
        [up(9), down(10)],
        ALWAYS,
        at(11, 5),
        [Outage(at(10), None, at(9), minutes(60), minutes(5), minutes(65), None)],
    ),
}


def found(
    stores: list[tuple[list[Poll], list[Span]]],
    begin_us: int,
    as_of_us: int,
    rules: Rules,
    bridge_us: int,
) -> list[list[Outage]]:
    """The product's incidents of each store, all computed at once."""
    known = [[poll for poll in polls if poll[0] < as_of_us] for polls, _ in stores]
    packed = [packing.canonical(packing.pack(polls)) for polls in known]
    spans = [
        [(max(a, begin_us), min(b, as_of_us)) for a, b in open_ if a < as_of_us]
        for _, open_ in stores
    ]
    columns = incidents(
        np.concatenate([np.zeros(0, np.int64), *packed]),
        np.array(list(map(len, packed)), np.int64),
        np.arange(len(stores)),
        Times.plain(BusinessTime(spans, begin_us, as_of_us)),
        rules,
        bridge_us,
    )
    rows = as_outages(columns)
    return [
        [outage for store, outage in rows if store == number]
        for number in range(len(stores))
    ]


def as_outages(columns: Incidents) -> list[tuple[int, Outage]]:
    """The rows of the columns, each with its store's number."""
    return [
        (
            int(columns.store[row]),
            Outage(
                int(columns.start_us[row]),
                None if columns.end_us[row] == NONE else int(columns.end_us[row]),
                None
                if columns.started_after_us[row] == NONE
                else int(columns.started_after_us[row]),
                int(columns.down_us[row]),
                int(columns.unknown_us[row]),
                int(columns.wall_us[row]),
                None
                if columns.end_us[row] == NONE
                else ("up" if columns.by_up[row] else "no-data"),
            ),
        )
        for row in range(len(columns))
    ]


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_every_worked_example_comes_out(example: Example) -> None:
    """As the table of docs/accounting.md has it, and as the oracle walks it."""
    begin_us, as_of_us, rules = at(0), example.as_of_us, Rules(example.hold_us)
    store = example.polls, example.business
    assert [example.expected] == found([store], begin_us, as_of_us, rules, BRIDGE_US)
    assert example.expected == outages(
        *store, begin_us, as_of_us, example.hold_us, False, BRIDGE_US
    )


def test_no_polls_make_no_incident() -> None:
    """Neither for one store nor for none."""
    assert found([], at(0), at(1), Rules(), BRIDGE_US) == []
    assert found([([], ALWAYS), ([], [])], at(0), at(1), Rules(), 0) == [[], []]


@st.composite
def stores(draw: st.DrawFn) -> tuple[list[Poll], list[Span]]:
    """Polls and business time within two days, on a grid that makes them meet."""
    grain = draw(st.sampled_from([1, MINUTE_US, 5 * MINUTE_US, HOUR_US]))
    instants = st.integers(0, 2 * DAY_US // grain).map(lambda n: DAY0 + n * grain)
    cuts = sorted(set(draw(st.lists(instants, max_size=8))))
    business = list(zip(cuts[::2], cuts[1::2], strict=False))
    polls = draw(st.lists(st.tuples(instants, st.booleans()), max_size=14))
    return polls, business


@THOROUGH
@given(
    some=st.lists(stores(), max_size=4),
    as_of_us=st.integers(1, 2 * DAY_US).map(lambda n: DAY0 + n),
    hold_us=st.sampled_from([None, 5 * MINUTE_US, HOUR_US, 90 * MINUTE_US]),
    backfill=st.booleans(),
    bridge_us=st.sampled_from([0, BRIDGE_US, 45 * MINUTE_US]),
)
def test_the_incidents_of_any_stores_equal_the_walk(
    some: list[tuple[list[Poll], list[Span]]],
    as_of_us: int,
    hold_us: int | None,
    backfill: bool,
    bridge_us: int,
) -> None:
    """All at once, to the microsecond."""
    walked = [
        outages(polls, business, DAY0, as_of_us, hold_us, backfill, bridge_us)
        for polls, business in some
    ]
    assert walked == found(some, DAY0, as_of_us, Rules(hold_us, backfill), bridge_us)
