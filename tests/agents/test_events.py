"""The task that tells what has changed: when it looks, as of when, in which order."""

import asyncio
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from agents import events
from agents.events import Teller, _Watch
from streamproc.errors import TopicMissingError
from streamproc.events import Event, decode_event
from streamproc.rules.transitions import Mark, Said
from streamproc.rules.units import HOUR_US
from tables.announced import decode, decode_row
from tables.fencing import PartitionLostError
from tests.agents import fakes
from tests.waiting import LIMIT_S


async def test_a_look_that_takes_long_is_nothing_to_be_warned_of(
    start_program: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first one looks at all stores; the next begins when it has ended."""
    looks: list[str] = []
    three = asyncio.Event()

    async def tick(self: Teller) -> None:
        assert looks.count("begun") == looks.count("ended")
        looks.append("begun")
        await asyncio.sleep(0.05)
        looks.append("ended")
        if len(looks) == 6:
            three.set()

    monkeypatch.setattr(Teller, "tick", tick)
    monkeypatch.setattr(events, "TICK_S", 0.01)
    with caplog.at_level(logging.WARNING):
        async with start_program(), asyncio.timeout(LIMIT_S):
            await three.wait()
    assert "overlapping" not in caplog.text


async def test_a_look_that_fails_ends_the_worker(
    start_program: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nobody would be told any more, and nobody would know."""

    async def tick(self: Teller) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Teller, "tick", tick)
    async with start_program() as program, asyncio.timeout(LIMIT_S):
        while not program.app.crashed:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.01)
        assert isinstance(program.app.crash_reason, ZeroDivisionError)


async def test_what_nobody_says_is_told_later(
    start_program: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A topic is missing or no broker answers: the worker goes on, and looks again."""
    asked, again, as_of = 0, asyncio.Event(), Teller._as_of

    async def answer(self: Teller, partition: int, watch: Any) -> int | None:
        nonlocal asked
        asked += 1
        if asked < 10:
            raise TopicMissingError("topic store-hours is missing")
        again.set()
        return await as_of(self, partition, watch)

    monkeypatch.setattr(Teller, "_as_of", answer)
    monkeypatch.setattr(events, "TICK_S", 0.01)
    async with start_program() as program, asyncio.timeout(LIMIT_S):
        await again.wait()
        assert not program.app.crashed


# -- as of when ------------------------------------------------------------------------

NOW_US = 1_793_534_400_000_000
PARTITION = 0


class Input:
    """Stands for the input: how many records of each topic wait, what came last."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.program = fakes.program(now_us=lambda: NOW_US)
        self.program.app.consumer = self
        self.left: dict[str, int] = {}
        self.watch = _Watch()
        monkeypatch.setattr(self.program, "waiting", self._waiting)

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        """Ends that nobody looks at here."""
        return dict.fromkeys(tps, 0)

    async def _waiting(self, tp: TP, end: int) -> int:
        return self.left.get(tp.topic, 0)

    def accepted(self, at_us: int) -> None:
        """When the last poll that was dealt with was accepted."""
        polls = TP(self.program.topics.polls.name, PARTITION)
        self.program.consumed_ms[polls] = at_us // 1_000

    async def as_of(self, **left: int) -> int | None:
        """As of when it is told, with so many records left."""
        topics = self.program.topics
        self.left = {getattr(topics, name).name: n for name, n in left.items()}
        return await Teller(self.program)._as_of(PARTITION, self.watch)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Input:
    """An input of which nothing waits and nothing came yet."""
    return Input(monkeypatch)


@pytest.mark.parametrize("topic", ["polls", "hours", "labels", "exclusions"])
async def test_nothing_is_told_before_what_waited_at_the_start_is_in_the_tables(
    source: Input, topic: str
) -> None:
    """Whatever has been dealt with so far: hours that are missing look like silence."""
    source.accepted(NOW_US - HOUR_US)
    assert await source.as_of(**{topic: 1}) is None
    assert await source.as_of() == NOW_US


async def test_while_polls_wait_it_is_told_as_of_when_the_last_one_came(
    source: Input,
) -> None:
    """Not as of now: those that wait may say that the store was heard."""
    await source.as_of()
    source.accepted(NOW_US - HOUR_US)
    assert await source.as_of(polls=1) == NOW_US - HOUR_US
    assert await source.as_of(hours=1) == NOW_US


async def test_a_broker_whose_clock_is_ahead_makes_nothing_happen_early(
    source: Input,
) -> None:
    """What is accepted in the future is told as of now."""
    await source.as_of()
    source.accepted(NOW_US + HOUR_US)
    assert await source.as_of(polls=1) == NOW_US


async def test_while_nothing_came_yet_nobody_knows_as_of_when(source: Input) -> None:
    """After a rebalance, polls wait and none was dealt with."""
    await source.as_of()
    assert await source.as_of(polls=1) is None


async def test_while_history_is_loaded_nothing_is_told(source: Input) -> None:
    """Nor for a while after it."""
    source.program.bulk.is_going_on = lambda *_: True  # type: ignore[method-assign]
    assert await source.as_of() is None


# -- what is meant, what was told ------------------------------------------------------


class Told:
    """The tables and the topic, as notes of what happened in which order."""

    def __init__(self) -> None:
        self.program = fakes.program()
        self.happened: fakes.Happened = self.program.__dict__["happened"]
        self.table = fakes.Table("announced", self.happened)
        self.program.announced = self.table  # type: ignore[assignment]
        self.teller = Teller(self.program)
        self.teller._generation = self.program.app.consumer_generation_id

    async def write(self, *events: Event) -> None:
        """Tell of stores that are down since their events."""
        said = {one.key: Said(one.at_us, Mark(one.at_us, one.at_us)) for one in events}
        meant = {one.key: [one] for one in events}
        await self.teller._write(PARTITION, said, meant)


def _down(store_id: str, at_us: int) -> Event:
    return Event(f"{store_id}@{at_us}/down", store_id, "down", at_us, at_us)


async def test_what_is_meant_is_written_then_told_then_that_it_was() -> None:
    """A crash anywhere in between leaves nobody with what the table does not know."""
    told = Told()
    late, early = _down("a", 2 * HOUR_US), _down("b", HOUR_US)
    await told.write(late, early)
    meant, *sent, written = told.happened.events
    assert {k: decode_row(v)[1] for k, v in meant[3].items()} == {
        b"a": [late],
        b"b": [early],
    }
    assert [decode_event(one.value) for one in sent] == [early, late]
    assert {one.topic for one in sent} == {told.program.topics.events.name}
    assert not any(decode_row(value)[1] for value in written[3].values())
    assert {decode(value) for value in written[3].values()} == {
        decode(value) for value in meant[3].values()
    }


async def test_a_partition_that_has_moved_meanwhile_is_told_of_by_its_new_owner() -> (
    None
):
    """Nothing is written, nothing sent: it would come after what that one tells."""
    told = Told()
    told.program.app.consumer_generation_id += 1
    with pytest.raises(PartitionLostError):
        await told.write(_down("a", HOUR_US))
    assert told.happened.events == []


async def test_a_partition_that_was_lost_in_between_is_begun_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was meant is in the table: it is found there, and told, if it is ours."""
    told, looked = Told(), []

    async def lost(self: Teller, partition: int) -> None:
        looked.append(self._watches.setdefault(partition, _Watch(open_ids=set())))
        raise PartitionLostError("taken over")

    monkeypatch.setattr(Teller, "_look_at", lost)
    for _ in range(2):
        await told.teller._try_to_look(PARTITION)
    assert looked[0] is not looked[1]


async def test_stores_that_a_board_is_ahead_of_are_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While polls wait a board may show what is not to be told yet."""
    told, ahead_us = Told(), [1, 1, 0]
    asked: list[set[bytes]] = []

    async def as_of(*_: object) -> int:
        return NOW_US

    def news(self: Teller, partition: int, watch: _Watch, as_of_us: int) -> Any:
        asked.append(set(watch.again))
        watch.again.add(b"s%d" % len(asked))
        return SimpleNamespace(as_of_us=as_of_us + ahead_us.pop(0)), []

    monkeypatch.setattr(Teller, "_as_of", as_of)
    monkeypatch.setattr(Teller, "_news", news)
    told.teller._watches[PARTITION] = watch = _Watch(open_ids=set())
    for _ in range(3):
        await told.teller._look_at(PARTITION)
    assert asked == [set(), {b"s1"}, {b"s1", b"s2"}]
    assert watch.again == set()
