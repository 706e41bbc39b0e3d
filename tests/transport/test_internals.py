"""What is borrowed from aiokafka and Faust is there, and is touched nowhere else."""

import ast
import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiokafka
import pytest
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import Fetcher, OffsetResetStrategy
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import (
    CommitFailedError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
)
from aiokafka.protocol.commit import OffsetFetchResponse_v1
from aiokafka.protocol.fetch import FetchResponse_v4
from aiokafka.protocol.group import HeartbeatResponse_v0
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streamproc.errors import LibraryChangedError
from streamproc.settings import load
from streamproc.transport import internals as of_faust
from streamproc.transport.kafka import append
from streamproc.transport.kafka.consumer_thread import ConsumerThread
from streamproc.transport.kafka.internals import clients, fetching, membership
from streamproc.transport.kafka.refusals import translated
from streamproc.transport.tp import TP as OUR_TP
from streamproc.worker.app import build
from tests.transport.test_record_batch import NOW_MS, Rec, batch_of

PACKAGE = Path(__file__).parents[2] / "streamproc"
BORROWED = PACKAGE / "transport" / "kafka" / "internals"
NAMED_TUPLE = {"_make", "_replace", "_asdict"}


class Started(aiokafka.AIOKafkaConsumer):
    """A consumer with what ``start`` gives it, but no broker."""

    def __init__(self) -> None:
        super().__init__()
        self._fetcher = Fetcher(self._client, SubscriptionState(self._loop))
        self._closed = True

    async def close(self) -> None:
        """End its task."""
        await self._fetcher.close()


def fetch_answer(data: bytes, error: int = 0) -> Any:
    """A broker's answer to a fetch of partition 0 of ``polls`` from offset 0 on."""
    partition: tuple[Any, ...] = (0, error, 1, 1, [], data)
    return FetchResponse_v4(0, [("polls", [partition])])


async def fetched(consumer: Started, error: int = 0) -> Any:
    """What the consumer's fetcher hands out first."""
    tp = aiokafka.TopicPartition("polls", 0)
    subscriptions = consumer._fetcher._subscriptions
    subscriptions.assign_from_user([tp])
    assignment = subscriptions.subscription.assignment
    assignment.state_value(tp).seek(0)

    async def send(*_: object) -> Any:
        return fetch_answer(batch_of([Rec(0, NOW_MS, b"k", b"v")]), error)

    consumer._client.send = send
    request = type(
        "Request", (), {"API_VERSION": 4, "topics": [("polls", [(0, 0, 9)])]}
    )
    await consumer._fetcher._proc_fetch_request(assignment, 0, request)
    if tp not in consumer._fetcher._records:
        return None
    found = await consumer._fetcher.fetched_records([tp])
    return found[tp][0]


async def test_only_the_consumer_it_is_installed_on_hands_out_columns() -> None:
    """Another consumer of the process gets aiokafka's records as ever."""
    ours, other = Started(), Started()
    fetching.install(ours, 10)
    assert type(await fetched(ours)).__name__ == "Columns"
    assert type(await fetched(other)).__name__ == "ConsumerRecord"
    assert fetcher.MemoryRecords is MemoryRecords
    await ours.close()
    await other.close()


async def test_every_borrowed_name_exists() -> None:
    """On the objects themselves, as they are when a worker starts."""
    clients.check()
    consumer = Started()
    of_faust.require(consumer, *fetching.UNSTARTED, *fetching.STARTED)
    of_faust.require(consumer._fetcher, *fetching.FETCHER)
    subscriptions = SubscriptionState(consumer._loop)
    group = GroupCoordinator(consumer._client, subscriptions, group_id="g")
    of_faust.require(group, *membership.COORDINATOR)
    await group.close()
    await consumer.close()
    producer = aiokafka.AIOKafkaProducer(enable_idempotence=True)
    clients.be_patient(producer, append.DELIVERY_TIMEOUT_S)
    assert producer._message_accumulator._batch_ttl == append.DELIVERY_TIMEOUT_S
    producer._closed = True


async def test_a_producer_that_finds_no_broker_rests_before_it_looks_again() -> None:
    """Where partitions have no leader aiokafka would look without a pause."""
    producer = aiokafka.AIOKafkaProducer()
    clients.be_patient(producer, append.DELIVERY_TIMEOUT_S)
    clock = asyncio.get_running_loop().time
    begun = clock()
    for _ in range(2):
        assert not await producer.client._metadata_update(producer.client.cluster, [])
    assert clock() - begun >= 2 * clients.REST_S * 0.99
    producer._closed = True


async def test_what_the_constructor_of_faust_fixes_is_set(tmp_path: Path) -> None:
    """The wait of a fetch and the isolation level, before the consumer starts."""
    consumer = Started()
    fetching.prepare(consumer, 7, "read_committed")
    assert consumer._fetch_max_wait_ms == 7
    assert consumer._isolation_level == "read_committed"
    await consumer.close()


def test_a_library_without_a_borrowed_name_is_refused() -> None:
    """The error names the class, the name and what to install."""
    with pytest.raises(LibraryChangedError, match=r"Fetcher has no _gone") as exc:
        of_faust.require(Fetcher, "_records_were_here", "_gone")
    assert "this version of aiokafka is not supported" in str(exc.value)
    assert "constraints.txt" in str(exc.value)


def test_a_fetcher_that_makes_records_in_another_way_is_refused() -> None:
    """Else ours would be installed, and never used."""

    def renamed() -> Any:
        return fetched

    with pytest.raises(LibraryChangedError, match="has no MemoryRecords"):
        fetching.require_calls(renamed, "MemoryRecords")


@pytest.mark.parametrize("broker", ["", "kafka://127.0.0.1:1"])
async def test_a_consumer_of_faust_has_what_is_borrowed(
    tmp_path: Path, broker: str
) -> None:
    """On either broker; what was acked is told once."""
    program = build(load({"data_dir": tmp_path, "broker": broker, "web": "off"}, {}))
    consumer, tp = program.app.consumer, TP("polls", 0)
    of_faust.check(consumer)
    assert consumer.committed_offset(tp) is consumer.delivered_offset(tp) is None
    consumer._committed_offset[tp], consumer._read_offset[tp] = 3, 5
    assert (consumer.committed_offset(tp), consumer.delivered_offset(tp)) == (3, 5)
    consumer._acked[tp] += [4, 6, 5]
    consumer._acked_index[tp] |= {4, 6, 5}
    assert of_faust.take_acked(consumer, tp) == 6
    assert of_faust.take_acked(consumer, tp) is None
    assert not consumer._acked_index[tp]


def private_reads(path: Path) -> set[str]:
    """Private attributes that a module reads or sets of anything but itself."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            of = ast.unparse(node.value)
            if of not in ("self", "cls", "super()") and not node.attr.startswith("__"):
                found.add(node.attr)
    return found - NAMED_TUPLE


@pytest.mark.parametrize(
    "module",
    [
        path
        for path in (PACKAGE / "transport").rglob("*.py")
        if not path.is_relative_to(BORROWED) and path.name != "internals.py"
    ],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_private_names_are_borrowed_in_internals_only(module: Path) -> None:
    """One place to look at when a library is upgraded."""
    assert not private_reads(module)


async def test_a_fetch_out_of_range_is_reported_to_who_listens() -> None:
    """Going on elsewhere in silence would hide that records are missing."""
    ours, other = Started(), Started()
    for consumer in (ours, other):
        consumer._fetcher._default_reset_strategy = OffsetResetStrategy.EARLIEST
    fetching.install(ours, 10, lambda *_: None)
    with pytest.raises(OffsetOutOfRangeError):
        await fetched(ours, error=OffsetOutOfRangeError.errno)
    assert await fetched(other, error=OffsetOutOfRangeError.errno) is None
    await ours.close()
    await other.close()


async def test_who_listens_hears_of_every_batch() -> None:
    """With the position before it, its first offset and its leader's epoch, if any."""
    consumer, heard = Started(), list[Any]()
    fetching.install(consumer, 10, lambda *said: heard.append(said))
    await fetched(consumer)
    assert heard == [(TP("polls", 0), 0, 0, -1)]
    await consumer.close()


async def test_a_note_stands_beside_every_committed_offset() -> None:
    """And is read from there; of partitions without one there is none."""
    kept: dict[Any, Any] = {}

    async def commit(offsets: dict[Any, Any]) -> None:
        kept.update(offsets)

    async def fetch_committed_offsets(tps: list[Any]) -> dict[Any, Any]:
        return {tp: kept[tp] for tp in tps if tp in kept}

    group = SimpleNamespace(fetch_committed_offsets=fetch_committed_offsets)
    consumer = SimpleNamespace(commit=commit, _coordinator=group)
    membership.note_commits(consumer, lambda tp, offset: f"{tp.topic}@{offset}")
    tp = aiokafka.TopicPartition("polls", 0)
    await consumer.commit({tp: OffsetAndMetadata(7, "")})
    assert kept == {tp: OffsetAndMetadata(7, "polls@7")}
    with pytest.raises(CommitFailedError, match="already rebalanced"):
        await consumer.commit({})  # all of it was revoked
    asked = [TP("polls", 0), TP("polls", 1)]
    assert await membership.committed_notes(consumer, asked) == {asked[0]: "polls@7"}


async def test_a_topic_whose_committed_offsets_are_denied_is_named() -> None:
    """By what asks for them; aiokafka's own error has no topic in it."""
    consumer = Started()
    subscriptions = SubscriptionState(consumer._loop)
    group = GroupCoordinator(consumer._client, subscriptions, group_id="g")
    code = TopicAuthorizationFailedError.errno
    told = [("hours", [(0, 7, "", 0)]), ("polls", [(0, -1, "", code)])]
    answers = [OffsetFetchResponse_v1(told), HeartbeatResponse_v0(0)]

    async def send_req(_: Any) -> Any:
        return answers.pop(0)

    group._send_req = send_req
    membership.name_what_is_denied(SimpleNamespace(_coordinator=group))
    with pytest.raises(TopicAuthorizationFailedError) as exc:
        await group._do_fetch_commit_offsets([aiokafka.TopicPartition("polls", 0)])
    assert "topic polls: the broker does not let" in str(translated(exc.value))
    assert (await group._send_req(None)).error_code == 0
    await group.close()
    await consumer.close()


async def test_a_worker_has_denied_topics_named_from_its_start_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever asks for committed offsets: the guard, Faust or aiokafka itself."""
    consumer, sent = Started(), list[Any]()
    code = TopicAuthorizationFailedError.errno

    async def send_req(request: Any) -> Any:
        sent.append(request)
        return OffsetFetchResponse_v1([("polls", [(0, -1, "", code)])])

    async def connected(_: Any) -> None:
        consumer._coordinator = SimpleNamespace(_send_req=send_req)

    monkeypatch.setattr(driver.AIOKafkaConsumerThread, "on_start", connected)
    monkeypatch.setattr(clients, "ensure_consumer", lambda _: consumer)
    thread: Any = ConsumerThread.__new__(ConsumerThread)
    thread.app = SimpleNamespace(conf=SimpleNamespace(broker_max_poll_records=10))
    thread.consumer = SimpleNamespace(guard=SimpleNamespace(note=lambda *_: None))
    await thread.on_start()
    with pytest.raises(TopicAuthorizationFailedError):
        await consumer._coordinator._send_req("what is committed?")
    assert sent == ["what is committed?"]
    await consumer.close()


async def test_a_partition_is_looked_at_once_it_is_known_where_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Just after a rebalance it is not: Faust's look would end the worker."""
    consumer, looked = Started(), list[TP]()
    tp, at = TP("polls", 0), aiokafka.TopicPartition("polls", 0)
    thread: Any = ConsumerThread.__new__(ConsumerThread)
    monkeypatch.setattr(clients, "ensure_consumer", lambda _: consumer)
    of_faust_itself = driver.AIOKafkaConsumerThread
    look = lambda _, now, tp: looked.append(tp)  # noqa: E731
    monkeypatch.setattr(of_faust_itself, "verify_event_path", look)
    thread.verify_event_path(0.0, tp)  # nothing is assigned
    subscriptions = consumer._subscription
    subscriptions.assign_from_user([at])
    thread.verify_event_path(0.0, tp)
    thread.verify_event_path(0.0, TP("polls", 1))  # it is somebody else's by now
    assert looked == []
    subscriptions.subscription.assignment.state_value(at).seek(7)
    thread.verify_event_path(0.0, tp)
    assert looked == [tp]
    await consumer.close()


def recovering(applied: int, delivered: int | None, in_recovery: bool = True) -> Any:
    """A consumer whose app recovers a changelog that ends at offset 10."""
    recovery = SimpleNamespace(
        in_recovery=in_recovery,
        active_highwaters={LOG: 9},
        active_offsets={LOG: applied},
    )
    app = SimpleNamespace(tables=SimpleNamespace(recovery=recovery))
    return SimpleNamespace(app=app, _read_offset={LOG: delivered})


LOG = TP("app-table-changelog", 0)


@pytest.mark.parametrize(
    ("applied", "delivered", "found"),
    [(8, 8, [LOG]), (8, None, [LOG]), (8, 5, [LOG]), (7, 8, []), (9, 9, [])],
)
def test_a_changelog_is_unrecovered_until_what_came_of_it_is_applied(
    applied: int, delivered: int | None, found: list[TP]
) -> None:
    """Only then does its position tell whether there is more."""
    assert of_faust.unrecovered(recovering(applied, delivered)) == found
    assert of_faust.unrecovered(recovering(applied, delivered, False)) == []


@pytest.mark.parametrize(("position", "ends_at"), [(9, 8), (10, 9), (11, 9)])
def test_a_changelog_read_to_its_end_is_recovered(position: int, ends_at: int) -> None:
    """Though its last offset holds no record."""
    consumer = recovering(8, 8)
    of_faust.count_as_recovered(consumer, LOG, position)
    assert consumer.app.tables.recovery.active_offsets == {LOG: ends_at}


def test_a_partition_is_named_as_faust_names_it() -> None:
    """Whoever looks one up by the other finds it, and both have the same fields."""
    ours, theirs = OUR_TP("topic", 7), TP("topic", 7)
    assert OUR_TP._fields == TP._fields
    assert {ours: 1}[theirs] == {theirs: 1}[ours] == 1
    assert (ours.topic, ours.partition) == (theirs.topic, theirs.partition)
