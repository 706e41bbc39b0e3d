"""What is told of a partition: nothing is missed by looking at what changed only."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from streamproc.events import Event
from streamproc.rules.transitions import SILENT, Said
from streamproc.rules.units import DAY_US, HOUR_US, MINUTE_US
from tables import announced, chosen
from tables.board import View
from tables.board_source import Source
from tables.telling import News, in_order, news_of, rows_to_look_at
from tests.tables.fakes import PARTITION
from tests.tables.live_fleet import NOON_US, Fleet
from tests.tables.test_board import change, fleet, some_polls

__all__ = ["fleet"]


class Told:
    """Stands for the table of what was told: keeps values, as it does."""

    def __init__(self) -> None:
        self.kept: dict[bytes, bytes] = {}

    def read_many(
        self, partition: int, store_ids: Sequence[bytes]
    ) -> list[bytes | None]:
        """What was told of each store."""
        return [self.kept.get(store_id) for store_id in store_ids]

    def keep(self, news: Sequence[News]) -> None:
        """Write what has been told now."""
        for one in news:
            self.kept[one.store_id] = announced.encode(one.said)

    @property
    def open_ids(self) -> set[bytes]:
        """Stores of which something was told that has not ended."""
        return {
            key for key, value in self.kept.items() if announced.decode(value).is_open
        }


def _news(
    fleet: Fleet, told: Told, store_ids: Sequence[bytes], now_us: int
) -> list[News]:
    source = Source(fleet.histories, fleet.facts, PARTITION)
    table: announced.Announced = told  # type: ignore[assignment]
    return list(news_of(source, table, sorted(store_ids), fleet.by, now_us))


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 20, 45])
async def test_looking_at_what_has_changed_tells_all_there_is_to_tell(
    fleet: Fleet, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Late polls, corrections, other hours, restarts: as if all were looked at."""
    monkeypatch.setattr(chosen, "FEW", 3 if seed % 2 else 200)
    dice = random.Random(seed)
    some, whole = Told(), Told()
    before: View | None = None
    now_us = NOON_US - 2 * DAY_US
    number_told = 0
    for number in range(60):
        since_us = now_us
        step = dice.choice([0, 1, 1, 7, 7, 9, 30, 65, 200])
        now_us += step * MINUTE_US + dice.randrange(1, 3)
        if polls := some_polls(dice, since_us, now_us):
            await fleet.poll(polls)
        if dice.random() < 0.3:
            await change(fleet, dice, now_us, number)
        if dice.random() < 0.1:
            fleet.boards, before = fleet.fresh(), None  # a restart
        view = fleet.view(now_us - 1)
        rows = rows_to_look_at(view, before, some.open_ids, now_us).tolist()
        found = _news(fleet, some, [view.store_ids[row] for row in rows], now_us)
        expected = _news(fleet, whole, view.store_ids, now_us)
        assert found == expected, number
        some.keep(found)
        whole.keep(expected)
        before = view
        number_told += len(expected)
    assert number_told > 20


async def test_stores_that_are_up_as_ever_are_not_looked_at(fleet: Fleet) -> None:
    """Neither after a restart, nor when they are polled, nor at opening and closing."""
    hours = range(-30, 1)
    for hour in hours:
        await fleet.poll([(b"s1", NOON_US + hour * HOUR_US, True)])
    view = fleet.view(NOON_US + 1)
    assert rows_to_look_at(view, None, set(), NOON_US + 1).tolist() == []
    await fleet.poll([(b"s1", NOON_US + HOUR_US, True)])
    later = fleet.view(NOON_US + HOUR_US + 1)
    assert rows_to_look_at(later, view, set(), NOON_US + HOUR_US + 1).tolist() == []


async def test_a_store_that_is_down_is_looked_at_once(fleet: Fleet) -> None:
    """However often it is polled: ten thousand of them cost nothing."""
    await fleet.poll([(b"s1", NOON_US, False)])
    before: View | None = None
    looked = []
    for minute in range(1, 6):
        now_us = NOON_US + minute * MINUTE_US
        await fleet.poll([(b"s1", now_us - 1, False)])
        view = fleet.view(now_us)
        looked.append(len(rows_to_look_at(view, before, {b"s1"}, now_us)))
        before = view
    assert looked == [1, 0, 0, 0, 0]


async def test_a_store_that_is_silent_is_looked_at_once(fleet: Fleet) -> None:
    """And again when it is heard, since that is to be told."""
    await fleet.poll([(b"s1", NOON_US, True)])
    view = fleet.view(NOON_US + 1)
    silent_us = NOON_US + 70 * MINUTE_US + 1
    later = fleet.view(silent_us)
    rows = rows_to_look_at(later, view, set(), silent_us)
    assert rows.tolist() == [0]
    (news,) = _news(fleet, Told(), [b"s1"], silent_us)
    assert [one.kind for one in news.transitions] == [SILENT]
    again = fleet.view(silent_us + 1)
    assert len(rows_to_look_at(again, later, set(), silent_us + 1)) == 0
    assert len(rows_to_look_at(again, later, {b"s1"}, silent_us + 1)) == 0
    await fleet.poll([(b"s1", silent_us + 1, False)])
    heard = fleet.view(silent_us + 2)
    assert rows_to_look_at(heard, again, {b"s1"}, silent_us + 2).tolist() == [0]


def test_events_stand_in_the_order_in_which_it_happened_and_each_store_in_its_own() -> (
    None
):
    """A store's silence may begin before the end of the last one that was told."""

    def events(store_id: str, *minutes: int) -> list[Event]:
        return [Event(f"{store_id}{m}", store_id, SILENT, m, m) for m in minutes]

    told = in_order([events("a", 5, 9), events("b", 7, 3), events("c", 6)])
    assert [event.id for event in told] == ["a5", "c6", "b7", "b3", "a9"]


def test_what_was_told_is_kept_as_it_is() -> None:
    """Written and read: with and without something open."""
    for said in (Said(), Said(7, None, None, 2)):
        assert announced.decode(announced.encode(said)) == said
    assert announced.decode(None) == Said()


def test_the_stores_that_are_chosen_keep_their_polls() -> None:
    """Out of a scan: ids, counts and polls of the same ones."""
    from tables.board_source import Heard
    from tables.chosen import those

    heard = Heard(
        [b"a", b"b", b"c"],
        np.array([1, 2, 0]),
        np.array([10, 20, 21]),
        np.array([0, 1, 0]),
        [],
    )
    found = those(heard, [False, True, True])
    assert found.store_ids == [b"b", b"c"]
    assert found.counts.tolist() == [2, 0]
    assert found.packed.tolist() == [20, 21]
    assert found.number.tolist() == [1, 0]
