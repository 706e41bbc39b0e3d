"""What exclusions make of a store's figures: the worked examples of the accounting."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules import packing, timeline
from streamproc.rules.exclusions import Exclusion, parse_exclusion
from streamproc.rules.percent import percent
from streamproc.rules.schedule import parse_hours
from streamproc.rules.timeline import OpenTime
from streamproc.rules.uptime import Accounts, Rules, account
from streamproc.rules.windows import LONGEST_US, NAMES
from tables import exclusions as exclusions_table
from tables import hours as hours_table
from tables.calendars import StoreFacts, times_of
from tests.reference import DAY_US, HOUR_US, Poll, is_open, status_at, steps
from tests.rules.test_reference import utc, weekly
from tests.rules.test_uptime import THOROUGH, holds

MONDAY = "2026-11-23"
AS_OF_US = utc("2026-11-24 00:00")
POLLS = [
    (utc(f"{MONDAY} 09:00"), True),
    (utc(f"{MONDAY} 12:00"), False),
    (utc(f"{MONDAY} 13:00"), True),
]
HOURS = parse_hours(weekly((0, "09:00", "17:00")))


def excluded(kind: str, begin: str, end: str, number: int = 0) -> Exclusion:
    """An exclusion on that Monday; the later numbers were published later."""
    row = {
        "id": f"e{number}",
        "kind": kind,
        "from": f"{MONDAY}T{begin}Z",
        "to": f"{MONDAY}T{end}Z",
    }
    return parse_exclusion(row, number)


def facts_with(*exclusions: Exclusion) -> StoreFacts:
    """A store in UTC that is open on Mondays from 9 to 17."""
    stored = tuple(
        (each.exclusion_id.encode(), exclusions_table.encode(each))
        for each in exclusions
    )
    return StoreFacts(((b"", hours_table.encode(HOURS)),), b"UTC", (), stored)


def figures(
    facts: StoreFacts, polls: list[Poll], as_of_us: int, rules: Rules
) -> Accounts:
    """The store's figures."""
    packed = packing.canonical(packing.pack(polls))
    times = times_of([facts], as_of_us - LONGEST_US, as_of_us)
    return account(packed, np.array([len(packed)]), np.array([0]), times, rules)


def of_window(accounts: Accounts, window: str) -> tuple[int, int, int, int]:
    """Up, down, unknown and excluded of a window, in microseconds."""
    at = NAMES.index(window)
    up, down, opened, excluded = (
        int(each[at, 0])
        for each in (accounts.up, accounts.down, accounts.open, accounts.excluded)
    )
    return up, down, opened - excluded - up - down, excluded


@dataclass(frozen=True)
class Example:
    """Exclusions, and the (up, down, unknown, excluded) hours of the day."""

    exclusions: tuple[Exclusion, ...]
    hours: tuple[float, float, float, float]
    percent: str


EXAMPLES = {
    "nothing": Example((), (7, 1, 0, 0), "87.50"),
    "maintenance over the outage": Example(
        (excluded("maintenance", "12:00", "13:00"),), (7, 0, 0, 1), "100.00"
    ),
    "maintenance over half of it": Example(
        (excluded("maintenance", "11:30", "12:30"),), (6.5, 0.5, 0, 1), "92.86"
    ),
    "maintenance past closing": Example(
        (excluded("maintenance", "16:00", "19:00"),), (6, 1, 0, 1), "85.71"
    ),
    "two that overlap": Example(
        (
            excluded("maintenance", "12:00", "12:40", 1),
            excluded("maintenance", "12:20", "13:00", 2),
        ),
        (7, 0, 0, 1),
        "100.00",
    ),
    "a correction to unknown": Example(
        (excluded("correction-unknown", "12:00", "13:00"),), (7, 0, 1, 0), "100.00"
    ),
    "a correction inside maintenance changes nothing": Example(
        (
            excluded("correction-down", "10:00", "12:00", 1),
            excluded("maintenance", "09:30", "11:30", 2),
        ),
        (4.5, 1.5, 0, 2),
        "75.00",
    ),
}


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_every_worked_example_of_exclusions_comes_out(example: Example) -> None:
    """Monday 09-17, active 09:00, inactive 12:00, active 13:00; hold none."""
    facts = facts_with(*example.exclusions)
    day = of_window(figures(facts, POLLS, AS_OF_US, Rules(None)), "day")
    assert day == tuple(round(hours * HOUR_US) for hours in example.hours)
    assert percent(*day[:2]) == example.percent


def test_as_polled_figures_are_those_without_any_exclusion() -> None:
    """Whatever was taken out or put right."""
    facts = facts_with(
        excluded("correction-unknown", "12:00", "13:00", 1),
        excluded("maintenance", "09:30", "11:30", 2),
    )
    day = of_window(figures(facts.as_polled, POLLS, AS_OF_US, Rules(None)), "day")
    assert day == (7 * HOUR_US, HOUR_US, 0, 0)


KINDS = ("maintenance", "correction-up", "correction-down", "correction-unknown")


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Poll], list[Exclusion], int, int | None]:
    """Polls and exclusions on one Monday, on a grid that makes them meet."""
    minutes = st.integers(8 * 60, 18 * 60).map(lambda m: m // 20 * 20)
    start_us = utc(f"{MONDAY} 00:00")
    polls = draw(st.lists(st.tuples(minutes, st.booleans()), max_size=10))
    exclusions = [
        Exclusion(
            f"e{number}",
            draw(st.sampled_from(KINDS)),
            start_us + min(ends) * 60_000_000,
            start_us + (max(ends) + 20) * 60_000_000,
            withdrawn=draw(st.booleans()) and draw(st.booleans()),
            at_ms=draw(st.integers(0, 2)),
        )
        for number, ends in enumerate(
            draw(st.lists(st.tuples(minutes, minutes), max_size=4))
        )
    ]
    as_of_us = start_us + draw(minutes) * 60_000_000 + draw(st.integers(0, 999))
    return (
        [(start_us + minute * 60_000_000, active) for minute, active in polls],
        exclusions,
        as_of_us,
        draw(holds),
    )


def walked(
    polls: list[Poll], exclusions: list[Exclusion], as_of_us: int, hold_us: int | None
) -> tuple[int, int, int, int]:
    """The day's up, down, unknown and excluded time, from breakpoint to breakpoint."""
    known = [poll for poll in polls if poll[0] < as_of_us]
    opened = [(utc(f"{MONDAY} 09:00"), utc(f"{MONDAY} 17:00"))]
    counted = [e for e in exclusions if not e.withdrawn]
    points = {as_of_us, as_of_us - DAY_US, *opened[0]}
    points |= {time + more for time, _ in known for more in (0, hold_us or 0)}
    points |= {edge for e in counted for edge in (e.begin, e.end)}
    tally: dict[Any, int] = {True: 0, False: 0, None: 0, "excluded": 0}
    for at_us, next_us in steps(points, as_of_us - DAY_US, as_of_us):
        if is_open(opened, at_us):
            here = [e for e in counted if e.begin <= at_us < e.end]
            said = [e for e in here if e.kind != "maintenance"]
            status: Any = status_at(known, at_us, hold_us, False)
            if said:
                last = max(said, key=lambda e: (e.at_ms, e.exclusion_id))
                word = last.kind.removeprefix("correction-")
                status = {"up": True, "down": False, "unknown": None}[word]
            if len(said) < len(here):
                status = "excluded"
            tally[status] += next_us - at_us
    return tally[True], tally[False], tally[None], tally["excluded"]


@THOROUGH
@given(case=cases())
def test_any_exclusions_are_counted_as_walked(
    case: tuple[list[Poll], list[Exclusion], int, int | None],
) -> None:
    """In the sums, and in the timeline, whose spans add up to them."""
    polls, exclusions, as_of_us, hold_us = case
    facts, rules = facts_with(*exclusions), Rules(hold_us)
    expected = walked(*case)
    assert of_window(figures(facts, polls, as_of_us, rules), "day") == expected
    begin_us = as_of_us - DAY_US
    time = OpenTime(
        facts.open_between(begin_us, as_of_us),
        facts.business_between(begin_us, as_of_us),
        facts.corrections,
    )
    packed = packing.canonical(packing.pack(polls))
    sums = timeline.totals(timeline.spans(packed, time, as_of_us, rules, DAY_US))
    names = (timeline.UP, timeline.DOWN, timeline.UNKNOWN, timeline.EXCLUDED)
    assert tuple(sums[name] for name in names) == expected
