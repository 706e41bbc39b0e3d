"""The board against a walk over the whole history, however polls and facts came."""

import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from streamproc.cells import Cells
from streamproc.rules import packing
from streamproc.rules.exclusions import CORRECTIONS, MAINTENANCE, Exclusion
from streamproc.rules.now import STATES
from streamproc.rules.schedule import parse_hours
from streamproc.rules.special_hours import SpecialHours
from streamproc.rules.units import DAY_US, HOUR_US, MINUTE_US
from streamproc.settings import Settings
from tables import board as board_module
from tables import board_noted, board_source, exclusions, special_hours, zones
from tables import hours as hours_table
from tables.facts import ALL_STORES, encode_day, encode_key
from tests.tables.fakes import PARTITION, put
from tests.tables.live_fleet import NOON_US, Fleet, open_fleet

MakeSettings = Callable[..., Settings]

ZONES = ("America/Chicago", "Asia/Tokyo", "UTC")
WEEKS: tuple[list[dict[str, Any]], ...] = (
    [],
    [
        {"dayOfWeek": d, "start_time_local": "09:00", "end_time_local": "17:30"}
        for d in range(6)
    ],
    [
        {"dayOfWeek": d, "start_time_local": "22:00", "end_time_local": "06:00"}
        for d in (0, 2, 4, 5, 6)
    ],
)


@pytest.fixture
async def fleet(make_settings: MakeSettings) -> Fleet:
    """Empty tables, and boards on them."""
    return await open_fleet(make_settings())


async def change(fleet: Fleet, dice: random.Random, now_us: int, number: int) -> None:
    """Tell something else of a store, or of all of them."""
    store_id = dice.choice([*(b"s%d" % n for n in range(12)), ALL_STORES])
    begin = now_us + dice.randrange(-30, 30) * 10 * MINUTE_US
    end = begin + dice.randrange(1, 30) * 10 * MINUTE_US
    kind = dice.choice([MAINTENANCE, *CORRECTIONS])
    what = dice.randrange(4 if store_id != ALL_STORES else 2)
    if what == 0:
        name = f"x-{number}"
        one = Exclusion(name, kind, begin, end, at_ms=number)
        key = encode_key(store_id, name.encode())
        await fleet.know(fleet.facts.exclusions, key, exclusions.encode(one))
    elif what == 1:
        day = now_us // DAY_US + dice.randrange(-1, 2)
        openings = parse_hours(dice.choice(WEEKS))[:1]
        one_day = SpecialHours(day, openings)
        key = encode_key(store_id, encode_day(day))
        value = special_hours.encode(one_day)
        await fleet.know(fleet.facts.special_hours, key, value)
    elif what == 2:
        value = hours_table.encode(parse_hours(dice.choice(WEEKS)))
        await fleet.know(fleet.facts.hours, store_id, value)
    else:
        value = zones.encode(dice.choice(ZONES))
        await fleet.know(fleet.facts.zones, store_id, value)


def some_polls(
    dice: random.Random, since_us: int, now_us: int
) -> list[tuple[bytes, int, bool]]:
    """Polls of some stores up to now, some of them late, some a little ahead."""
    polls = []
    for number in range(12):
        if dice.random() < 0.6:
            first = now_us if dice.random() < 0.05 else since_us
            if dice.random() < 0.05:
                first -= dice.randrange(1, 48) * HOUR_US
            for _ in range(dice.randrange(1, 4)):
                at_us = first + dice.randrange(0, max(now_us - since_us, MINUTE_US))
                active = dice.random() < 0.6
                polls.append((b"s%d" % number, at_us // MINUTE_US * MINUTE_US, active))
    return polls


@pytest.mark.parametrize("seed", range(6))
async def test_the_board_equals_a_walk_over_the_whole_history(
    fleet: Fleet, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any batch: over closing times, changed clocks, late polls, corrections."""
    monkeypatch.setattr(board_module, "FEW", 2 if seed % 2 else 20)
    monkeypatch.setattr(board_noted, "KEPT_POLLS", 20 if seed % 3 else 2_000_000)
    monkeypatch.setattr(board_noted, "TOGETHER", 3 if seed % 2 else 131_072)
    monkeypatch.setattr(board_source, "POLLS_AT_ONCE", 5 if seed % 2 else 65_536)
    dice = random.Random(seed)
    now_us = NOON_US - 2 * DAY_US
    for number in range(40):
        since_us = now_us
        now_us += dice.choice([1, 7, 30, 65, 200]) * MINUTE_US + dice.randrange(3)
        if polls := some_polls(dice, since_us, now_us):
            await fleet.poll(polls)
        if dice.random() < 0.3:
            await change(fleet, dice, now_us, number)
        if dice.random() < 0.7:
            assert fleet.told(now_us) == fleet.walked(now_us), number
    kept, fleet.boards = fleet.told(now_us), fleet.fresh()
    assert fleet.told(now_us) == kept == fleet.walked(now_us)


async def test_a_store_down_for_long_says_since_when_although_that_is_archived(
    fleet: Fleet,
) -> None:
    """The start is that of the incident, months back; remembered until it changes."""
    began_us = NOON_US - 100 * DAY_US
    await fleet.poll([(b"a", began_us - HOUR_US, True), (b"b", NOON_US, True)])
    for day in range(0, 100, 5):
        hours = range(began_us + day * DAY_US, began_us + (day + 5) * DAY_US, HOUR_US)
        await fleet.poll([(b"a", at_us, False) for at_us in hours])
    view = fleet.view(NOON_US)
    row = view.store_ids.index(b"a")
    assert STATES[view.state[row]] == "down"
    long_ago = fleet.boards.long_ago(PARTITION)
    rows = np.arange(len(view))
    assert int(view.since_us[row]) > began_us
    assert long_ago.starts(view, rows) == {row: began_us}
    await fleet.poll([(b"a", NOON_US - 20 * DAY_US + 1, True)])
    view = fleet.view(NOON_US)
    assert long_ago.starts(view, rows) == {row: NOON_US - 20 * DAY_US + HOUR_US}


async def test_corrections_begin_and_end_by_themselves(fleet: Fleet) -> None:
    """One of the future is heeded when its time comes, although no poll does."""
    minutes = [NOON_US + n * MINUTE_US for n in (1, 11, 21)]
    await fleet.poll([(b"a", NOON_US, True), (b"b", NOON_US, True)])
    said = Exclusion("x", "correction-down", minutes[0] + 1, minutes[1] + 1)
    key = encode_key(b"a", b"x")
    await fleet.know(fleet.facts.exclusions, key, exclusions.encode(said))
    told = [fleet.told(at_us)[b"a"] for at_us in minutes]
    begin = NOON_US
    assert told == [("up", begin), ("down", said.begin), ("up", said.end)]


async def test_a_store_closed_for_months_is_silent_from_its_opening_on(
    fleet: Fleet,
) -> None:
    """Its business time is looked at as far as it takes."""
    closed_us = NOON_US - 60 * DAY_US
    await fleet.poll([(b"a", closed_us - HOUR_US, True), (b"b", NOON_US, True)])
    await fleet.know(fleet.facts.zones, b"a", zones.encode("UTC"))
    opened = {"dayOfWeek": 0, "start_time_local": "00:00", "end_time_local": "12:00"}
    last_day = closed_us // DAY_US
    for day in range(last_day, NOON_US // DAY_US):
        openings = parse_hours([opened]) if day == last_day else ()
        key = encode_key(b"a", encode_day(day))
        value = special_hours.encode(SpecialHours(day, openings))
        await put(fleet.facts.special_hours, {key: value})
    today = NOON_US // DAY_US * DAY_US
    assert fleet.told(today - 1)[b"a"] == ("closed", None)
    assert fleet.told(today + 10 * MINUTE_US)[b"a"][0] == "up"
    assert fleet.told(today + 10 * MINUTE_US + 1)[b"a"][0] == "silent"


async def test_a_flood_is_folded_in_when_it_is_over(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backlog too: polls that were sent long ago wait until no more are coming."""
    monkeypatch.setattr(board_noted, "CALM_S", float("inf"))
    await fleet.poll([(b"a", NOON_US - HOUR_US, True)])
    assert not fleet.view(NOON_US).is_behind
    board = fleet.boards._slots[PARTITION].board
    assert board is not None
    late = Cells.of([b"a"]), np.zeros(1, np.int64), packing.pack([(NOON_US, False)])
    board.add(*late, sent_ms=0)
    assert fleet.view(NOON_US + 1).is_behind
    assert fleet.told(NOON_US + 1)[b"a"][0] == "up"
    monkeypatch.setattr(board_noted, "CALM_S", 0.0)
    assert fleet.told(NOON_US + 1)[b"a"][0] == "down"
    monkeypatch.setattr(board_module, "FLOOD", 0)
    monkeypatch.setattr(board_module, "FLOOD_S", float("inf"))
    later = packing.pack([(NOON_US + 1, True)])
    board.add(*late[:2], later, round(time.time() * 1000))
    assert fleet.view(NOON_US + 2).is_behind
    monkeypatch.setattr(board_module, "FLOOD_S", 0.0)
    assert fleet.told(NOON_US + 2)[b"a"] == ("up", NOON_US + 1)
