"""What is borrowed from aiokafka and Faust is there, and is touched nowhere else."""

import ast
from pathlib import Path
from typing import Any

import aiokafka
import pytest
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.protocol.fetch import FetchResponse_v4
from aiokafka.record.memory_records import MemoryRecords
from faust.types import TP

from streamproc.errors import LibraryChangedError
from streamproc.settings import load
from streamproc.transport import internals as of_faust
from streamproc.transport.kafka import append, internals
from streamproc.worker.app import build
from tests.transport.test_record_batch import NOW_MS, Rec, batch_of

PACKAGE = Path(__file__).parents[2] / "streamproc"
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


def fetch_answer(data: bytes) -> Any:
    """A broker's answer to a fetch of partition 0 of ``polls`` from offset 0 on."""
    partition: tuple[Any, ...] = (0, 0, 1, 1, [], data)
    return FetchResponse_v4(0, [("polls", [partition])])


async def fetched(consumer: Started) -> Any:
    """What the consumer's fetcher hands out first."""
    tp = aiokafka.TopicPartition("polls", 0)
    subscriptions = consumer._fetcher._subscriptions
    subscriptions.assign_from_user([tp])
    assignment = subscriptions.subscription.assignment
    assignment.state_value(tp).seek(0)

    async def send(*_: object) -> Any:
        return fetch_answer(batch_of([Rec(0, NOW_MS, b"k", b"v")]))

    consumer._client.send = send
    request = type(
        "Request", (), {"API_VERSION": 4, "topics": [("polls", [(0, 0, 9)])]}
    )
    await consumer._fetcher._proc_fetch_request(assignment, 0, request)
    return consumer._fetcher._records[tp].getall(1)[0]


async def test_only_the_consumer_it_is_installed_on_hands_out_columns() -> None:
    """Another consumer of the process gets aiokafka's records as ever."""
    ours, other = Started(), Started()
    internals.install(ours, 10)
    assert type(await fetched(ours)).__name__ == "Columns"
    assert type(await fetched(other)).__name__ == "ConsumerRecord"
    assert fetcher.MemoryRecords is MemoryRecords
    await ours.close()
    await other.close()


async def test_every_borrowed_name_exists() -> None:
    """On the objects themselves, as they are when a worker starts."""
    internals.check()
    consumer = Started()
    of_faust.require(consumer, *internals.UNSTARTED, *internals.STARTED)
    of_faust.require(consumer._fetcher, *internals.FETCHER)
    subscriptions = SubscriptionState(consumer._loop)
    group = GroupCoordinator(consumer._client, subscriptions, group_id="g")
    of_faust.require(group, *internals.COORDINATOR)
    await group.close()
    await consumer.close()
    producer = aiokafka.AIOKafkaProducer(enable_idempotence=True)
    internals.be_patient(producer, append.DELIVERY_TIMEOUT_S)
    assert producer._message_accumulator._batch_ttl == append.DELIVERY_TIMEOUT_S
    producer._closed = True


async def test_what_the_constructor_of_faust_fixes_is_set(tmp_path: Path) -> None:
    """The wait of a fetch and the isolation level, before the consumer starts."""
    consumer = Started()
    internals.prepare(consumer, 7, "read_committed")
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
        internals.require_calls(renamed, "MemoryRecords")


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
    [p for p in (PACKAGE / "transport").rglob("*.py") if p.name != "internals.py"],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_private_names_are_borrowed_in_internals_only(module: Path) -> None:
    """One place to look at when a library is upgraded."""
    assert not private_reads(module)
