"""The client that other processes use, and the batches it reads."""

import asyncio
import random

import pytest
from faust.types import TP

from streamproc.errors import RecordTooLargeError
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.batch import Batch
from streamproc.transport.client import Client
from streamproc.transport.connect import connect
from tests.kafka import fleet
from tests.kafka.records import read_all
from tests.kafka.workers import Start
from tests.waiting import until_awaited

KEYS = [b"store-%d" % number for number in range(50)]
VALUES = [None if number % 10 == 9 else b"v%d" % number for number in range(50)]
READ_S = 60.0
"""How long what is there may take to arrive, on a machine that has much else to do."""
HEADERS = {3: [("kind", b"x")], 7: [("a", b"1"), ("b", b"")]}


async def opened(settings: Settings) -> Client:
    """A client, and topics to use it on."""
    client = await connect(settings)
    await client.create_topics(topics_for(settings))
    return client


def columns(batch: Batch) -> list[tuple[object, ...]]:
    """The rows of a batch without their timestamps."""
    rows = zip(batch.offsets.tolist(), batch.keys, batch.values, strict=True)
    return [
        (*row, list(batch.record_headers.get(number, ())))
        for number, row in enumerate(rows)
    ]


async def test_what_is_published_is_read(worker: Start) -> None:
    """Keys, tombstones and headers, in order, as aiokafka reads them."""
    settings = worker().settings
    client, topic = await opened(settings), topics_for(settings).polls
    await client.publish(topic, KEYS, VALUES, HEADERS)
    ends = await client.end_offsets(topic)
    assert sum(ends.values()) == len(KEYS)
    positions = await client.begin_offsets(topic)
    read: dict[int, list[tuple[object, ...]]] = {}
    while positions != ends:
        for batch in await client.read(positions, READ_S):
            assert len(batch) == len(batch.timestamps_ms)
            assert batch.timestamp == batch.timestamps_ms[-1] > 0
            read.setdefault(batch.partition, []).extend(columns(batch))
            positions[TP(batch.topic, batch.partition)] = batch.offset + 1
    for partition, rows in read.items():
        assert rows == [
            (record.offset, record.key, record.value, list(record.headers))
            for record in await read_all(fleet.bootstrap(settings), topic.name)
            if record.partition == partition
        ]
    assert await client.read(positions, 0.2) == []
    await client.close()


async def test_reading_goes_on_where_it_is_told(worker: Start) -> None:
    """Positions may go back, and leave partitions out."""
    settings = worker().settings
    client, topic = await opened(settings), topics_for(settings).inbox
    await client.publish(topic, [b"k"] * 5, [b"0", b"1", b"2", b"3", b"4"])
    tp = TP(topic.name, 0)
    for start in (3, 0, 4):
        (batch,) = await client.read({tp: start}, READ_S)
        assert batch.offsets.tolist() == list(range(start, 5))
    await client.close()


async def test_large_batches_are_split_for_the_broker(worker: Start) -> None:
    """More than a message may hold arrives all the same."""
    settings = worker().settings
    client, topic = await opened(settings), topics_for(settings).inbox
    values = [random.Random(n).randbytes(300_000) for n in range(10)]
    await client.publish(topic, [b"k"] * 10, values)
    found = await read_all(fleet.bootstrap(settings), topic.name)
    assert [record.value for record in found] == values
    await client.close()


async def test_a_record_too_large_is_refused_clearly(worker: Start) -> None:
    """The error names the topic and the limit; the client goes on."""
    settings = worker().settings
    client, topic = await opened(settings), topics_for(settings).inbox
    large = random.Random(1).randbytes(2_000_000)
    with pytest.raises(RecordTooLargeError, match=r"2000000 bytes.*max\.message"):
        await client.publish(topic, [b"k"], [large])
    await client.publish(topic, [b"k"], [b"small"])
    assert await client.end_offsets(topic) == {TP(topic.name, 0): 1}
    await client.close()


async def test_a_client_knows_whether_a_worker_runs(worker: Start) -> None:
    """By the members of the workers' group."""
    one = worker()
    client = await opened(one.settings)
    assert not await client.has_worker()
    one.start()
    await asyncio.to_thread(one.ready)
    assert await client.has_worker() is True
    one.stop()
    await until_awaited(client.has_worker, lambda told: told is False)
    await client.close()
