"""What the consumer does about positions, on brokers that are dictionaries."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import OffsetOutOfRangeError
from faust.types import TP

from streamproc.errors import OffsetsLostError, TopicMismatchError
from streamproc.transport.batched import expect_partitions
from streamproc.transport.kafka.guarded import GuardedConsumer
from streamproc.transport.kafka.requests import _EpochEndsRequest, _MetadataRequest
from streamproc.transport.positions import Origin, on_forgotten
from streamproc.transport.topic import Topic
from tests.waiting import LIMIT_S

T0 = TP("polls", 0)
CHANGELOG = TP("app-table-changelog", 0)


@dataclass
class Brokers:
    """The logs as they are now, asked as aiokafka's client is asked."""

    ids: dict[str, str] = field(default_factory=lambda: {"polls": "a" * 32})
    begin: int = 0
    end: int = 100
    epoch_ends: dict[int, int] = field(default_factory=dict)
    partitions: int = 1

    def get_random_node(self) -> int:
        """Any node."""
        return 1

    async def send(self, node: int, request: Any) -> Any:
        """What a broker answers."""
        if isinstance(request, _MetadataRequest):
            return answer([self._described(name) for name in request._names])
        assert isinstance(request, _EpochEndsRequest)
        found = [
            {
                "name": tp.topic,
                "partitions": [
                    {
                        "partition": tp.partition,
                        "error_code": 0,
                        "end_offset": self.epoch_ends.get(epoch, -1),
                    }
                ],
            }
            for tp, epoch in request._epochs.items()
        ]
        return answer(found)

    def _described(self, name: str) -> dict[str, Any]:
        leaders = [
            {"partition": p, "leader": 1, "isr": [1], "replicas": [1]}
            for p in range(self.partitions)
        ]
        return {
            "name": name,
            "error_code": 0 if name in self.ids else 3,
            "topic_id": bytes.fromhex(self.ids.get(name, "00" * 16)),
            "partitions": leaders if name in self.ids else [],
        }


def answer(topics: list[dict[str, Any]]) -> Any:
    """A response."""
    return SimpleNamespace(to_object=lambda: {"topics": topics})


class Base:
    """What the mixin asks of the rest of a consumer."""

    def __init__(self, brokers: Brokers, committed: Mapping[TP, int | None]) -> None:
        self.brokers = brokers
        self.committed = dict(committed)
        self.notes: dict[TP, Origin] = {}
        self.sought: dict[TP, int] = {}
        self.refused = False
        self.flow_active, self.should_stop = True, False
        self._acked: dict[TP, list[int]] = {T0: []}
        self._acked_index: dict[TP, set[int]] = {T0: set()}
        self._committed_offset: dict[TP, int | None] = {}
        self._read_offset: dict[TP, int | None] = {}
        self._unacked_messages: list[Any] = []
        self._thread = SimpleNamespace(
            origins=self._origins,
            commit=self._commit,
            subscribed=self._subscribed,
            refresh_metadata=self._refresh,
        )
        producer = SimpleNamespace(
            _ensure_producer=lambda: SimpleNamespace(client=brokers)
        )
        self.app = SimpleNamespace(
            producer=producer, consumer_generation_id=1, crash=self._crash
        )
        self.crashed: BaseException | None = None

    async def _origins(self, tps: list[TP]) -> dict[TP, Origin]:
        return self.notes

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        if not self.refused:
            self.committed |= offsets
        return not self.refused

    async def _subscribed(self) -> set[str]:
        return {"polls"}

    async def _refresh(self, counts: Mapping[str, int]) -> None:
        self.seen = counts

    async def _crash(self, exc: BaseException) -> None:
        self.crashed = exc

    def _is_changelog_tp(self, tp: TP) -> bool:
        return bool(tp == CHANGELOG)

    def assignment(self) -> set[TP]:
        """What this worker reads."""
        return {T0}

    async def seek_to_committed(self) -> Mapping[TP, int | None]:
        """Faust's, which only tells here."""
        return self.committed

    async def seek_wait(self, positions: Mapping[TP, int]) -> None:
        """Go to positions."""
        self.sought |= positions

    async def earliest_offsets(self, *tps: TP) -> Mapping[TP, int]:
        """Begins."""
        return dict.fromkeys(tps, self.brokers.begin)

    async def highwaters(self, *tps: TP) -> Mapping[TP, int]:
        """Ends."""
        return dict.fromkeys(tps, self.brokers.end)


class Consumer(GuardedConsumer, Base):
    """The mixin on its base; ``forgotten`` has what listeners were told."""

    def __init__(self, brokers: Brokers, committed: int | None) -> None:
        super().__init__(brokers, {T0: committed, CHANGELOG: None})
        self.forgotten: list[TP] = []
        on_forgotten(self.app, self.forgotten.append)


async def begun(brokers: Brokers, committed: int | None, note: str = "") -> Consumer:
    """A consumer that has sought where it begins."""
    consumer = Consumer(brokers, committed)
    consumer.notes = {T0: Origin.decode(note)}
    await consumer.seek_to_committed()
    return consumer


async def test_a_good_position_is_where_reading_begins() -> None:
    """Nothing is forgotten, and the changelog is left to Faust."""
    consumer = await begun(Brokers(epoch_ends={4: 70}), 70, f"{'a' * 32}/4")
    assert consumer.sought == {T0: 70}
    assert consumer.forgotten == []
    assert consumer.guard.origin(T0, 70) == Origin("a" * 32, 4)


@pytest.mark.parametrize(
    ("committed", "note", "brokers"),
    [
        (101, "", Brokers()),
        (70, f"{'b' * 32}/4", Brokers()),
        (70, f"{'a' * 32}/4", Brokers(epoch_ends={4: 69})),
    ],
    ids=["beyond", "another topic", "replaced"],
)
async def test_a_position_that_means_nothing_is_forgotten(
    committed: int, note: str, brokers: Brokers, caplog: pytest.LogCaptureFixture
) -> None:
    """Read anew, said, and the forgetting is durable before it is told."""
    consumer = await begun(brokers, committed, note)
    assert consumer.sought == {T0: 0}
    assert consumer.committed[T0] == 0
    assert consumer.forgotten == [T0]
    assert f"offsets went back: it was read up to offset {committed}" in caplog.text


@pytest.mark.parametrize("where", ["_commit", "seek_wait"])
async def test_offsets_that_went_back_are_said_although_a_rebalance_comes_between(
    where: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The begin is committed by then: whoever looks next finds nothing wrong."""
    consumer = Consumer(Brokers(), 101)
    step = getattr(consumer, where)

    async def cut_short(offsets: Mapping[TP, int]) -> None:
        await step(offsets)
        raise asyncio.CancelledError

    of = consumer._thread if where == "_commit" else consumer
    setattr(of, where.removeprefix("_"), cut_short)
    with pytest.raises(asyncio.CancelledError):
        await consumer.seek_to_committed()
    assert consumer.committed[T0] == 0
    assert "offsets went back: it was read up to offset 101" in caplog.text


async def test_nothing_is_forgotten_while_the_partitions_go_elsewhere() -> None:
    """The commit would be refused; whoever has them next finds the same."""
    brokers = Brokers()
    consumer = await begun(brokers, 70)
    consumer.refused = True
    brokers.ids["polls"] = "b" * 32
    await consumer._look()
    await consumer.forget_suspects()
    assert consumer.forgotten == []
    assert consumer.committed[T0] == 70
    assert consumer.guard.origin(T0, 0) == Origin("a" * 32)


@pytest.mark.parametrize(("committed", "missed"), [(None, 30), (0, 30), (10, 20)])
async def test_what_was_deleted_unread_is_counted(
    committed: int | None, missed: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Also before anything was committed."""
    consumer = await begun(Brokers(begin=30), committed)
    assert consumer.sought == {T0: 30}
    assert f"partition 0: {missed} records were deleted before" in caplog.text
    assert "went back" not in caplog.text


async def test_a_topic_made_again_without_a_committed_offset_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The broker forgets the offsets of a topic that is deleted; this worker not."""
    brokers = Brokers()
    consumer = await begun(brokers, 70)
    brokers.ids["polls"], brokers.end = "b" * 32, 5
    consumer.committed[T0], consumer.notes = None, {}
    await consumer.seek_to_committed()
    assert "the topic was deleted and made again" in caplog.text
    assert consumer.sought == {T0: 0}


async def test_a_topic_made_again_is_noticed_while_it_is_read() -> None:
    """By its id: the offsets may be as good as before."""
    brokers = Brokers()
    consumer = await begun(brokers, 70)
    await consumer._look()
    assert not consumer.guard.suspects
    brokers.ids["polls"] = "b" * 32
    await consumer._look()
    await consumer.forget_suspects()
    assert consumer.sought == {T0: 0}
    assert consumer.guard.origin(T0, 0) == Origin("b" * 32)
    await consumer._look()
    assert not consumer.guard.suspects


async def test_a_log_written_anew_is_noticed_while_it_is_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A new leader's records begin before what was read of the old one's."""
    brokers = Brokers(epoch_ends={1: 90})
    consumer = await begun(brokers, 70, f"{'a' * 32}/1")
    consumer.guard.note(T0, 90, 90, 2)
    await consumer._look()
    assert not consumer.guard.suspects
    brokers.epoch_ends = {2: 85}
    consumer.guard.note(T0, 95, 85, 3)
    await consumer._look()
    await consumer.forget_suspects()
    assert "up to offset 95, but all from offset 85 on was lost" in caplog.text


async def test_nothing_is_forgotten_under_a_batch_that_is_dealt_with() -> None:
    """Its ack would come after, and count as one of the new log."""
    consumer = await begun(Brokers(), 70)
    batch = SimpleNamespace(tp=T0, generation_id=1, acked=False)
    consumer._unacked_messages.append(batch)
    consumer._acked[T0].append(99)
    consumer.guard.suspects[T0] = "it was so"
    forgetting = asyncio.create_task(consumer.forget_suspects())
    await asyncio.sleep(0.1)
    assert consumer.forgotten == []
    batch.acked = True
    await forgetting
    assert consumer.forgotten == [T0]
    assert consumer._acked[T0] == []


@pytest.mark.parametrize("of", ["another generation", "another partition"])
async def test_batches_that_will_not_be_acked_are_not_waited_for(of: str) -> None:
    """Those from before a rebalance, and those of other partitions."""
    consumer = await begun(Brokers(), 70)
    old = of == "another generation"
    tp = T0 if old else TP("polls", 1)
    other = SimpleNamespace(tp=tp, generation_id=1 - old, acked=False)
    consumer._unacked_messages.append(other)
    await asyncio.wait_for(consumer.settled(T0), LIMIT_S)


async def test_a_fetch_below_the_log_goes_on_after_what_was_deleted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Said with the count; nothing is read twice for it."""
    consumer = await begun(Brokers(begin=50), 70)
    consumer.brokers.begin = 80
    await consumer.out_of_range(OffsetOutOfRangeError({T0: 70}))
    assert consumer.sought == {T0: 80}
    assert "10 records were deleted before they were consumed" in caplog.text
    assert not consumer.guard.suspects


async def test_a_fetch_beyond_the_log_is_read_anew() -> None:
    """The log has lost what was read last."""
    consumer = await begun(Brokers(), 70)
    consumer.brokers.end = 60
    await consumer.out_of_range(OffsetOutOfRangeError({T0: 70}))
    await consumer.forget_suspects()
    assert consumer.sought == {T0: 0}


async def test_a_changelog_that_loses_what_is_read_stops_the_worker() -> None:
    """The table is rebuilt at the next start; going on would leave it with holes."""
    consumer = await begun(Brokers(), 70)
    with pytest.raises(OffsetsLostError, match="offset 200 was to be read"):
        await consumer.out_of_range(OffsetOutOfRangeError({CHANGELOG: 200}))


async def test_partitions_added_stop_the_worker() -> None:
    """No table has them; the reason names topic and counts."""
    consumer = await begun(Brokers(), 70)
    expect_partitions(consumer.app, Topic("polls", 1))
    expect_partitions(consumer.app, Topic("gone", 1))
    await consumer._look()
    assert consumer.crashed is None
    assert consumer.seen == {"polls": 1}
    consumer.brokers.partitions = 2
    await consumer._look()
    assert isinstance(consumer.crashed, TopicMismatchError)
    assert "topic polls has 2 partitions, but 1 are needed" in str(consumer.crashed)


async def test_a_topic_that_is_not_there_is_no_reason_to_forget() -> None:
    """It may be back in a moment, as it was."""
    consumer = await begun(Brokers(), 70)
    consumer.brokers.ids.clear()
    await consumer._look()
    assert consumer.seen == {}
    assert not consumer.guard.suspects
