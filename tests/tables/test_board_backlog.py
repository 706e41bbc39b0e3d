"""The board beside a backlog that is worked off as fast as it goes."""

from collections.abc import Callable
from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc import pace
from streamproc.cells import Cells
from streamproc.rules.exclusions import MAINTENANCE, Exclusion
from streamproc.rules.units import DAY_US, HOUR_US, MINUTE_US
from streamproc.settings import Settings
from tables import board as board_module
from tables import board_noted, board_source, exclusions
from tables.board import Board
from tables.board_noted import Batch, in_parts
from tables.board_source import Heard, Source
from tables.facts import ALL_STORES, encode_key
from tests.tables.fakes import PARTITION
from tests.tables.live_fleet import NOON_US, Fleet, open_fleet
from tests.waiting import until

LONG_AGO_MS = 0
STORES = (b"a", b"b", b"c")


@pytest.fixture
async def fleet(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> Fleet:
    """Three stores, up at noon; six polls are many, and folded in at once."""
    monkeypatch.setattr(board_module, "FLOOD", 5)
    monkeypatch.setattr(board_module, "FLOOD_S", 0.0)
    monkeypatch.setattr(board_noted, "KEPT_POLLS", 9)
    monkeypatch.setattr(board_noted, "CALM_S", float("inf"))
    fleet = await open_fleet(make_settings())
    await fleet.poll([(store_id, NOON_US, True) for store_id in STORES])
    return fleet


async def wait_polls(fleet: Fleet, first: int, end: int) -> None:
    """Polls of every ten minutes that waited; all stores are down half of the time."""
    for number in range(first, end):
        at_us = NOON_US + number * 10 * MINUTE_US
        polls = [(store_id, at_us, number % 20 < 10) for store_id in STORES]
        await fleet.poll(polls, LONG_AGO_MS)


def board_of(fleet: Fleet) -> Board:
    """The board that is there."""
    board = fleet.boards._slots[PARTITION].board
    assert board is not None
    return board


def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The backlog is worked off."""
    monkeypatch.setattr(board_noted, "CALM_S", 0.0)


def rested(monkeypatch: pytest.MonkeyPatch, fleet: Fleet) -> None:
    """Stores may be looked up again."""
    monkeypatch.setattr(board_of(fleet), "_rests_until", 0.0)


async def test_no_board_is_made_anew_beside_a_backlog_that_somebody_looks_at(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it is: the polls are folded in, and pages are hardly behind."""
    monkeypatch.setattr(board_module, "BACKLOG_S", 0.05)
    epoch = fleet.view(NOON_US + 1).epoch
    for first in range(1, 60, 2):
        await wait_polls(fleet, first, first + 2)
        now_us = NOON_US + (first + 2) * 10 * MINUTE_US
        assert fleet.told(now_us) == fleet.walked(now_us)
        assert fleet.view(now_us).epoch == epoch


async def test_a_backlog_that_nobody_looks_at_costs_no_memory_and_is_looked_up_after(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The board at hand answers meanwhile, without the polls that were let go of."""
    before = fleet.told(NOON_US + 1)
    await wait_polls(fleet, 1, 18)
    noted = board_of(fleet)._noted
    assert (noted.polls, noted._batches) == (0, [])
    monkeypatch.setattr(board_module, "BACKLOG_S", 0.0)
    view = fleet.view(NOON_US + 2)
    assert view.is_behind
    assert fleet.told(NOON_US + 2) == before
    now_us = NOON_US + 180 * MINUTE_US
    calm(monkeypatch)
    assert fleet.told(now_us) == fleet.walked(now_us)
    assert fleet.view(now_us).epoch != view.epoch


async def test_beside_a_backlog_a_board_is_made_anew_aside_and_then_rests(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks does not wait for it; then it rests in proportion."""
    epoch = fleet.view(NOON_US + 1).epoch
    await wait_polls(fleet, 1, 5)
    monkeypatch.setattr(board_of(fleet), "_rests_until", float("inf"))
    assert fleet.view(NOON_US + 2).epoch == epoch
    rested(monkeypatch, fleet)
    now_us = NOON_US + 50 * MINUTE_US
    assert fleet.view(now_us).epoch == epoch
    until(lambda: fleet.view(now_us).epoch != epoch)
    assert fleet.told(now_us) == fleet.walked(now_us)
    assert board_of(fleet)._rests_until > 0


async def test_maintenance_of_all_stores_is_known_right_after_a_backlog(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside it in its turn; polls go on to be folded in until then."""
    fleet.view(NOON_US + 1)
    await wait_polls(fleet, 1, 3)
    monkeypatch.setattr(board_of(fleet), "_rests_until", float("inf"))
    one = Exclusion("x", MAINTENANCE, NOON_US, NOON_US + DAY_US, at_ms=1)
    key = encode_key(ALL_STORES, b"x")
    await fleet.know(fleet.facts.exclusions, key, exclusions.encode(one))
    now_us = NOON_US + 30 * MINUTE_US
    assert fleet.told(now_us)[b"a"][0] == "up"
    calm(monkeypatch)
    assert fleet.told(now_us) == fleet.walked(now_us)
    assert fleet.told(now_us)[b"a"][0] == "maintenance"


@pytest.mark.parametrize("are_many", [False, True])
async def test_late_polls_and_new_stores_beside_a_backlog_are_looked_up_in_their_turn(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, are_many: bool
) -> None:
    """Many of them by a board that is made aside; right after it all are right."""
    monkeypatch.setattr(board_module, "BACKLOG_S", 0.0)
    monkeypatch.setattr(board_module, "FEW", 1 if are_many else 20)
    epoch = fleet.view(NOON_US + 1).epoch
    monkeypatch.setattr(board_of(fleet), "_rests_until", float("inf"))
    now_us = NOON_US + 30 * MINUTE_US
    late = [(b"a", NOON_US - HOUR_US, False), (b"new", NOON_US + 1, True)]
    many = [(b"n%d" % number, NOON_US + 1, True) for number in range(5)]
    await fleet.poll([*late, *many], LONG_AGO_MS)
    assert b"new" not in fleet.told(now_us)
    assert fleet.view(now_us).is_behind
    rested(monkeypatch, fleet)
    until(lambda: fleet.told(now_us) == fleet.walked(now_us))
    assert (fleet.view(now_us).epoch != epoch) == are_many
    await fleet.poll([(b"newer", NOON_US + 1, True)], LONG_AGO_MS)
    monkeypatch.setattr(board_of(fleet), "_rests_until", float("inf"))
    assert b"newer" not in fleet.told(now_us)
    calm(monkeypatch)
    assert fleet.told(now_us) == fleet.walked(now_us)


async def test_why_a_board_could_not_be_made_aside_is_told_whoever_asks_next(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again then."""
    fleet.view(NOON_US + 1)
    await wait_polls(fleet, 1, 5)
    rested(monkeypatch, fleet)

    def broken(source: Source) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as while_gone:
        while_gone.setattr(Source, "all", broken)
        fleet.view(NOON_US + 2)
        aside = fleet.boards._slots[PARTITION].aside
        assert aside is not None
        until(aside.done)
        with pytest.raises(OSError, match="the disk is gone"):
            fleet.view(NOON_US + 2)
    now_us = NOON_US + 50 * MINUTE_US
    until(lambda: fleet.told(now_us) == fleet.walked(now_us))


@given(st.lists(st.integers(0, 9), max_size=30))
def test_what_waits_is_folded_in_by_parts_in_its_order(sizes: list[int]) -> None:
    """Each poll once; a part has as many as fit into it, or one batch."""
    batches: list[Batch] = [
        (Cells.of([]), np.full(size, number), np.arange(size))
        for number, size in enumerate(sizes)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(board_noted, "TOGETHER", 12)
        parts = list(in_parts(batches))
    assert list(map(id, chain.from_iterable(parts))) == list(map(id, batches))
    counts = [sum(len(packed) for _, _, packed in part) for part in parts]
    assert max(counts) <= 12
    assert all(a + b > 3 for a, b in pairwise(counts))


@given(st.lists(st.integers(0, 9), max_size=30))
def test_stores_are_worked_out_by_parts_in_their_order(counts: list[int]) -> None:
    """Each with its own polls; a part has as many as are quick at once, or a store."""
    ids = [b"%d" % number for number in range(len(counts))]
    packed = np.arange(sum(counts))
    heard = Heard(ids, np.array(counts, np.int64), packed, np.arange(len(ids)), [])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(board_source, "POLLS_AT_ONCE", 7)
        parts = list(heard.parts())
    assert [one for _, part in parts for one in part.store_ids] == ids
    assert [one for some, _ in parts for one in ids[some]] == ids
    for _, part in parts:
        assert int(part.counts.sum()) == len(part.packed)
        assert len(part.packed) <= 7 or len(part.store_ids) == 1
        assert len(part.number) == len(part.store_ids) == len(part.counts) > 0
    found = [packed for _, part in parts for packed in part.packed.tolist()]
    assert found == packed.tolist()


def test_what_takes_long_rests_so_that_it_takes_a_small_share_of_the_time() -> None:
    """Three hundredths of it, but it rests five minutes at most."""
    for took_s in (0.01, 1.0, 8.0):
        assert took_s / (took_s + pace.rest_s(took_s)) <= pace.SHARE
    assert pace.rest_s(1e6) == pace.LONGEST_S
