"""How an agent consumes: prepared ahead, handled in order, acked when done."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from faust.types import TP

from agents.consume import BATCHES_UNDER_WAY, consume, consume_ahead
from streamproc.cells import Cells
from streamproc.transport.batch import Batch
from streamproc.transport.columns import Columns
from tables.fencing import PartitionLostError
from tables.rocks_errors import PartitionDamagedError
from tests.waiting import LIMIT_S

Handle = Callable[[Batch], Any]


def batch(partition: int, offset: int) -> Batch:
    """A batch of one record."""
    one = Cells.of([b"x"])
    return Batch(
        TP("polls", partition), Columns(np.array([offset]), np.array([0]), one, one)
    )


class Stream:
    """Stands for Faust's: hands out batches, and remembers what was acked."""

    def __init__(self, *batches: Batch, generation: int = 1) -> None:
        self._batches = batches
        self._generation = generation
        self.taken = 0
        self.acked: list[tuple[int, int]] = []

    def noack(self) -> "Stream":
        """Leave acking to the agent."""
        return self

    async def events(self) -> AsyncIterator[Any]:
        """Each batch as an event."""
        for one in self._batches:
            self.taken += 1
            tp = TP(one.topic, one.partition)
            message = SimpleNamespace(tp=tp, generation_id=self._generation)
            yield SimpleNamespace(value=one, message=message)

    async def ack(self, event: Any) -> None:
        """Note what is acked."""
        self.acked.append((event.value.partition, event.value.offset))


class App:
    """Stands for Faust's: remembers why it crashed."""

    consumer_generation_id = 1

    def __init__(self) -> None:
        self.crashed: list[BaseException] = []

    async def crash(self, reason: BaseException) -> None:
        """Note the reason."""
        self.crashed.append(reason)


def program() -> Any:
    """What the agents need of a program."""
    return SimpleNamespace(app=App(), consumed={}, consumed_ms={})


def number(one: Batch) -> tuple[int, int]:
    """Partition and offset of a batch."""
    return one.partition, one.offset


async def ahead(given: Any, stream: Stream, handle: Handle) -> None:
    """Consume ahead, with nothing to prepare; wait until all is done."""

    async def with_prepared(one: Batch, prepared: tuple[int, int]) -> None:
        assert prepared == number(one)
        await handle(one)

    await consume_ahead(given, stream, number, with_prepared)


async def plainly(given: Any, stream: Stream, handle: Handle) -> None:
    """Consume one batch after the other."""
    await consume(given, stream, handle)


BOTH = pytest.mark.parametrize("consumes", [plainly, ahead])


@BOTH
async def test_every_batch_is_handled_then_acked(consumes: Any) -> None:
    """Each once; what is acked is noted as consumed."""
    handled: list[tuple[int, int]] = []
    stream, given = (
        Stream(*(batch(p, n) for n in range(5) for p in range(3))),
        program(),
    )

    async def handle(one: Batch) -> None:
        assert number(one) not in stream.acked
        await asyncio.sleep(0)
        handled.append(number(one))

    await consumes(given, stream, handle)
    assert sorted(handled) == sorted(stream.acked)
    assert sorted(handled) == [(p, n) for p in range(3) for n in range(5)]
    assert given.consumed == {TP("polls", p): 4 for p in range(3)}


@BOTH
async def test_nothing_after_a_failure_is_acked(consumes: Any) -> None:
    """What the partition has behind it would be lost when it were committed."""
    stream, given = Stream(*(batch(0, n) for n in range(9))), program()

    async def handle(one: Batch) -> None:
        if one.offset == 2:
            await asyncio.sleep(0.01)
            raise RuntimeError("made to fail")

    with pytest.raises(RuntimeError, match="made to fail"):
        await consumes(given, stream, handle)
    assert stream.acked == [(0, 0), (0, 1)]
    assert [str(reason) for reason in given.app.crashed] == ["made to fail"]


async def test_what_cannot_be_prepared_ends_the_worker() -> None:
    """Like a batch that cannot be handled."""

    def prepare(one: Batch) -> None:
        raise ValueError("cannot be read")

    async def handle(one: Batch, prepared: None) -> None:
        raise AssertionError("never prepared")

    stream, given = Stream(batch(0, 0)), program()
    with pytest.raises(ValueError, match="cannot be read"):
        await consume_ahead(given, stream, prepare, handle)
    assert stream.acked == []
    assert len(given.app.crashed) == 1


@BOTH
async def test_a_batch_of_a_partition_that_is_gone_is_left(consumes: Any) -> None:
    """It is not acked, and no reason to stop."""
    stream, given = Stream(batch(0, 1), batch(1, 1)), program()

    async def handle(one: Batch) -> None:
        if one.partition == 0:
            raise PartitionLostError("gone")

    await consumes(given, stream, handle)
    assert stream.acked == [(1, 1)]
    assert given.app.crashed == []


@BOTH
async def test_a_batch_from_before_a_rebalance_is_left(consumes: Any) -> None:
    """It is read again, by whoever has the partition now."""
    stream, given = Stream(batch(0, 1), generation=0), program()

    async def handle(one: Batch) -> None:
        raise AssertionError("its table may not be recovered yet")

    await consumes(given, stream, handle)
    assert stream.acked == []
    assert given.consumed == {}


@BOTH
async def test_a_batch_that_a_rebalance_overtakes_is_not_acked(consumes: Any) -> None:
    """Its offsets may be another worker's by now."""
    stream, given = Stream(batch(0, 1), batch(0, 2)), program()
    handled = []

    async def handle(one: Batch) -> None:
        given.app.consumer_generation_id += 1
        handled.append(number(one))

    await consumes(given, stream, handle)
    assert handled == [(0, 1)]
    assert stream.acked == []
    assert given.consumed == {}


async def test_a_partition_keeps_its_order_and_others_overtake() -> None:
    """A slow batch holds up its own partition only."""
    slow = asyncio.Event()
    handled: list[tuple[int, int]] = []
    stream = Stream(batch(0, 0), batch(1, 0), batch(0, 1), batch(1, 1))

    async def handle(one: Batch) -> None:
        if number(one) == (0, 0):
            await slow.wait()
        handled.append(number(one))
        if number(one) == (1, 0):
            slow.set()

    async with asyncio.timeout(LIMIT_S):
        await ahead(program(), stream, handle)
    assert handled.index((1, 0)) < handled.index((0, 0)) < handled.index((0, 1))
    assert handled.index((1, 0)) < handled.index((1, 1))


async def test_only_so_many_batches_are_in_hand() -> None:
    """The others wait where they take less memory."""
    stream, gate = Stream(*(batch(n % 4, n) for n in range(20))), asyncio.Event()
    begun: asyncio.Queue[Batch] = asyncio.Queue()

    async def handle(one: Batch) -> None:
        begun.put_nowait(one)
        await gate.wait()

    consuming = asyncio.create_task(ahead(program(), stream, handle))
    for _ in range(BATCHES_UNDER_WAY):
        await begun.get()
    assert begun.empty()
    assert stream.taken == BATCHES_UNDER_WAY + 1
    gate.set()
    async with asyncio.timeout(LIMIT_S):
        await consuming
    assert len(stream.acked) == 20


async def test_an_agent_that_is_cancelled_leaves_nothing_running() -> None:
    """What was in hand is cancelled with it, and not acked."""
    stream, ended = Stream(batch(0, 0), batch(1, 0)), []
    begun: asyncio.Queue[Batch] = asyncio.Queue()

    async def handle(one: Batch) -> None:
        begun.put_nowait(one)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number(one))

    consuming = asyncio.create_task(ahead(program(), stream, handle))
    for _ in range(2):
        await begun.get()
    consuming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consuming
    assert sorted(ended) == [(0, 0), (1, 0)]
    assert stream.acked == []


class Damaged(PartitionDamagedError):
    """A table that is whole again once it has been waited for."""

    def __init__(self) -> None:
        Exception.__init__(self, "damaged")
        self.is_whole = False

    async def repaired(self) -> None:
        """Build it anew."""
        await asyncio.sleep(0)
        self.is_whole = True


@BOTH
async def test_a_batch_is_handled_again_when_its_table_was_built_anew(
    consumes: Any,
) -> None:
    """Acked is only what the table that is kept has taken in."""
    stream, given, damage = Stream(batch(0, 0), batch(0, 1)), program(), Damaged()
    handled: list[tuple[tuple[int, int], bool]] = []

    async def handle(one: Batch) -> None:
        assert number(one) not in stream.acked
        handled.append((number(one), damage.is_whole))
        if not damage.is_whole:
            raise damage

    await consumes(given, stream, handle)
    assert handled == [((0, 0), False), ((0, 0), True), ((0, 1), True)]
    assert stream.acked == [(0, 0), (0, 1)]
    assert given.app.crashed == []


@BOTH
async def test_what_is_dealt_with_is_told_by_the_last_record_of_the_batch(
    consumes: Any,
) -> None:
    """A report waits until all before it is in the tables; lag is told by its time."""
    cells = Cells.of([b"x"] * 3)
    columns = Columns(np.array([4, 7, 9]), np.array([50, 70, 60]), cells, cells)
    stream, given = Stream(Batch(TP("polls", 2), columns)), program()

    async def handle(one: Batch) -> None:
        assert given.consumed == {}

    await consumes(given, stream, handle)
    assert given.consumed == {TP("polls", 2): 9}
    assert given.consumed_ms == {TP("polls", 2): 60}
