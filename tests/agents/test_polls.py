"""Agent ``polls``: every poll in its place, durable before the ack."""

from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from agents import polls
from streamproc.cells import Cells
from streamproc.program import Program
from streamproc.rules import packing
from streamproc.rules.history import Segments
from streamproc.rules.poll import Poll, encode_poll
from streamproc.transport.batch import Batch
from streamproc.transport.partitioner import partition_for
from tables.histories import Added
from tests.agents import fakes
from tests.agents.fakes import NOW_US, Happened, Sent

HERE, ALSO = [s for s in "abcdefgh" if partition_for(s.encode(), 2) == 0][:2]
AWAY = next(s for s in "abcdefgh" if partition_for(s.encode(), 2) == 1)
MINUTE_US = 60_000_000
BAD = b'{"store_id":"a"}'


class Histories:
    """Stands for the table of histories: notes what is added, or raises."""

    def __init__(self, happened: Happened) -> None:
        self._happened = happened
        self.error: Exception | None = None
        self.added = Added()
        self.polls: dict[str, set[int]] = {}
        self.newest: list[int] = []

    async def add(
        self, partition: int, store_ids: Cells, segments: Segments, newest_us: int
    ) -> Added:
        """Note and keep them."""
        if self.error is not None:
            raise self.error
        self._happened.events.append(("added", partition))
        self.newest.append(newest_us)
        for store, value in zip(segments.stores, segments.values, strict=True):
            name = (store_ids[store] or b"").decode()
            packed = np.frombuffer(value, np.int64).tolist()
            self.polls.setdefault(name, set()).update(packed)
        return self.added


@pytest.fixture
def program() -> Program:
    """A program of two partitions, with a table that notes what is added."""
    made = fakes.program()
    histories: Any = Histories(made.__dict__["happened"])
    made.histories = histories
    return made


def poll(store_id: str, minutes_ago: int = 60, active: bool = True) -> bytes:
    """A poll as producers write it."""
    return encode_poll(Poll(store_id, NOW_US - minutes_ago * MINUTE_US, active))


def packed(minutes_ago: int, active: bool = True) -> int:
    """The same as the histories keep it."""
    (one,) = packing.pack([(NOW_US - minutes_ago * MINUTE_US, active)]).tolist()
    return int(one)


def batch(*values: bytes | None) -> Batch:
    """Polls on partition 0, all with the key ``42``."""
    return fakes.batch(list(values), topic="store-polls")


async def run(program: Program, *batches: Batch) -> list[Any]:
    """What was made durable, in its order."""
    await fakes.run_agent(program, polls.register, "polls", *batches)
    events: list[Any] = program.__dict__["happened"].events
    return events


def counted(program: Program, outcome: str) -> float:
    """How many polls had an outcome."""
    registry: CollectorRegistry = program.metrics.registry
    return (
        registry.get_sample_value("streamproc_polls_total", {"outcome": outcome}) or 0
    )


async def test_every_poll_of_a_batch_becomes_part_of_its_history(
    program: Program,
) -> None:
    """By store, with time and status; the newest time is told besides."""
    values = (poll(HERE, 60), poll(ALSO, 30, active=False), poll(HERE, 90))
    await run(program, batch(*values))
    histories: Any = program.histories
    assert histories.polls == {
        HERE: {packed(60), packed(90)},
        ALSO: {packed(30, active=False)},
    }
    assert histories.newest == [NOW_US - 30 * MINUTE_US]
    assert counted(program, "accepted") == 3


async def test_a_batch_without_any_poll_tells_no_newest_time(program: Program) -> None:
    """A batch of garbage must not move what ``latest`` means."""
    await run(program, batch(BAD, None))
    histories: Any = program.histories
    assert histories.newest[0] < 0
    assert counted(program, "rejected") == 2
    assert counted(program, "accepted") == 0


async def test_a_poll_of_another_partition_does_not_move_the_newest_time(
    program: Program,
) -> None:
    """It is not in this table."""
    await run(program, batch(poll(HERE, 60), poll(AWAY, 1)))
    histories: Any = program.histories
    assert histories.newest == [NOW_US - 60 * MINUTE_US]


async def test_everything_is_durable_before_the_ack(program: Program) -> None:
    """The histories, what is sent on, and what is refused."""
    events = await run(program, batch(poll(HERE), poll(AWAY), BAD))
    sent = [event.topic for event in events if isinstance(event, Sent)]
    assert sorted(sent) == ["store-polls", "store-polls-rejected"]
    assert ("added", 0) in events
    assert events[-1] == ("acked", 0)
    assert len(events) == 4


@pytest.mark.parametrize("value", [poll(AWAY), BAD])
async def test_nothing_is_acked_that_could_not_be_sent_on_or_kept(
    value: bytes, program: Program
) -> None:
    """A misplaced or refused poll would be lost: the worker ends instead."""
    producer: Any = program.app.producer
    producer.error = ConnectionError("gone")
    with pytest.raises(ConnectionError):
        await run(program, batch(value), batch(poll(HERE)))
    app: Any = program.app
    assert app.crashed == [producer.error]
    assert ("acked", 0) not in program.__dict__["happened"].events


async def test_nothing_is_acked_that_could_not_be_added(program: Program) -> None:
    """Nor any batch behind it."""
    histories: Any = program.histories
    histories.error = OSError("no space left")
    with pytest.raises(OSError, match="no space"):
        await run(program, batch(poll(HERE)), batch(poll(HERE)), batch(poll(HERE)))
    assert program.__dict__["happened"].events == []


async def test_a_misplaced_poll_is_sent_on_once(program: Program) -> None:
    """As it was written, under its store's id; where it arrives it is in place."""
    value = poll(AWAY)
    events = await run(program, batch(value, poll(HERE)))
    (sent,) = [event for event in events if isinstance(event, Sent)]
    assert (sent.topic, sent.partition) == ("store-polls", 1)
    assert (sent.key, sent.value) == (AWAY.encode(), value)
    assert dict(sent.headers) == {"rerouted-from": b"0"}
    histories: Any = program.histories
    assert set(histories.polls) == {HERE}
    assert (counted(program, "rerouted"), counted(program, "accepted")) == (1, 1)
    arrived = fakes.batch([sent.value], {0: sent.headers}, 1, "store-polls")
    events = await run(program, arrived)
    assert set(histories.polls) == {HERE, AWAY}
    assert len([event for event in events if isinstance(event, Sent)]) == 1
    assert (counted(program, "rerouted"), counted(program, "accepted")) == (1, 2)


async def test_a_late_poll_is_refused_each_time_it_stands_in_the_batch(
    program: Program,
) -> None:
    """It is not accepted, and found again by each of its offsets."""
    histories: Any = program.histories
    first, second = sorted([HERE, ALSO])
    values = (poll(second, 60), poll(first, 60), poll(second, 60), poll(second, 30))
    histories.added = Added(late=[(1, packed(60))], expired=1)
    await run(program, batch(*values))
    refused = program.__dict__["happened"].sent("store-polls-rejected")
    told = [(dict(r.headers)["reason"], dict(r.headers)["offset"]) for r in refused]
    assert told == [(b"late", b"0"), (b"late", b"2")]
    assert [one.value for one in refused] == [values[0], values[2]]
    outcomes = ("accepted", "late", "expired", "rejected")
    assert [counted(program, outcome) for outcome in outcomes] == [1, 2, 1, 0]


async def test_a_refused_poll_is_kept_with_its_place(program: Program) -> None:
    """Reason, topic, partition and offset, and the bytes that were sent."""
    await run(program, batch(poll(HERE), BAD, b"{"))
    refused = program.__dict__["happened"].sent("store-polls-rejected")
    assert [one.value for one in refused] == [BAD, b"{"]
    assert [one.key for one in refused] == [b"store-polls/0/1", b"store-polls/0/2"]
    assert [dict(one.headers)["reason"] for one in refused] == [
        b"unknown-status",
        b"bad-json",
    ]
    assert {dict(one.headers)["key"] for one in refused} == {b"42"}
