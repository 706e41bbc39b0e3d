"""What other programs may send: every partitioner, garbage, tombstones, poison."""

import asyncio
import random

import pytest
from confluent_kafka import Producer

from streamproc.topics import topics_for
from tests.hostile import BRACKETS
from tests.kafka import fleet
from tests.kafka.fleet import Fleet
from tests.kafka.records import produce, read_all, transact
from tests.kafka.run_worker import POISON
from tests.kafka.workers import STOP_S, Start


@pytest.mark.parametrize("keyed", [True, False], ids=["keyed", "keyless"])
async def test_polls_of_other_clients_are_counted_once(
    worker: Start, keyed: bool
) -> None:
    """librdkafka's default partitioner, or no key at all: sent on, once."""
    one, polls = worker(), Fleet(stores=100)
    topic = topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, [], [])
    producer = Producer({"bootstrap.servers": fleet.bootstrap(one.settings)})
    for key, value in zip(*polls.make(3_000), strict=True):
        producer.produce(topic.name, value, key if keyed else None)
    assert await asyncio.to_thread(producer.flush, 120) == 0
    one.start()
    await fleet.caught_up(one.settings)
    one.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))
    assert not fleet.differences(polls.expected(), fleet.on_disk(one.settings))


async def test_garbage_on_every_topic_is_rejected_with_its_reason(
    worker: Start,
) -> None:
    """No message stops the worker; what can be kept is kept with its reason."""
    one, polls = worker(), Fleet(stores=20)
    topics, servers = topics_for(one.settings), fleet.bootstrap(one.settings)
    await fleet.publish(one.settings, topics.polls, *polls.make(100))
    garbage = [
        (b"k", b"{"),
        (None, b"\xff\xfe"),
        (b"k", b"[1]"),
        (b"k", b"[" * 100_000),
        (b"k", BRACKETS),
        (b"\xff", b""),
        (None, b'{"store_id": 7}'),
        (b"t", None),
        (b"\xff", None),
    ]
    inputs = (*topics.inputs, topics.orders, topics.inbox)
    for topic in inputs:
        # Kafka itself refuses what has no key on a compacted topic.
        sent = [pair for pair in garbage if pair[0] or not topic.compacted]
        await produce(servers, topic.name, sent)
    one.start()
    await fleet.caught_up(one.settings)
    await fleet.publish(one.settings, topics.polls, *polls.make(100))
    await fleet.caught_up(one.settings)
    finished = await fleet.report(one.settings)
    assert finished.state == "Complete"
    assert one.stop() < STOP_S
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))
    rejected = await read_all(servers, topics.rejected.name)
    told = [dict(record.headers) for record in rejected]
    assert all(headers["reason"] and headers["message"] for headers in told)
    of_polls = [h for h in told if h["topic"] == topics.polls.name.encode()]
    assert len({(h["partition"], h["offset"]) for h in of_polls}) == len(garbage)


async def test_a_poll_as_large_as_the_broker_takes_is_rejected(worker: Start) -> None:
    """Its record in the rejected topic, with headers, must still fit."""
    one = worker()
    topics, servers = topics_for(one.settings), fleet.bootstrap(one.settings)
    await fleet.publish(one.settings, topics.polls, [], [])
    large = random.Random(1).randbytes(1_048_000)
    limit = {"max_request_size": 2_000_000}
    await produce(servers, topics.polls.name, [(b"k", large)], **limit)
    one.start()
    await fleet.caught_up(one.settings)
    one.stop()
    record = (await read_all(servers, topics.rejected.name))[0]
    assert large.startswith(record.value)
    assert dict(record.headers)["reason"] == b"bad-json"


async def test_an_agent_that_raises_loses_nothing(worker: Start) -> None:
    """Exit code 1, nothing acked; the next run does exactly the rest."""
    one, polls = worker(1, fault="raise"), Fleet(stores=50)
    topic, servers = topics_for(one.settings).polls, fleet.bootstrap(one.settings)
    await fleet.publish(one.settings, topic, *polls.make(1_000))
    await produce(servers, topic.name, [(b"k", POISON)], partition=2)
    await fleet.publish(one.settings, topic, *polls.make(1_000))
    one.start()
    assert await asyncio.to_thread(one.ended) == 1
    assert "made to raise" in one.said
    one.fault = ""
    one.start()
    await fleet.caught_up(one.settings)
    one.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))
    rejected = await read_all(servers, topics_for(one.settings).rejected.name)
    # A replay rejects again; the key tells that it is the same.
    assert {record.value for record in rejected} == {POISON}
    assert len({record.key for record in rejected}) == 1


@pytest.mark.parametrize("isolation", ["read_committed", "read_uncommitted"])
async def test_aborted_transactions_of_other_producers_are_not_counted(
    worker: Start, isolation: str
) -> None:
    """Unless told otherwise. Markers hold no record; a report still completes."""
    one, polls = worker(isolation_level=isolation), Fleet(stores=20)
    topic, servers = topics_for(one.settings).polls, fleet.bootstrap(one.settings)
    await fleet.publish(one.settings, topic, [], [])
    sent, aborted = polls, Fleet(2, stores=20)
    if isolation == "read_uncommitted":
        aborted = polls
    await transact(servers, topic.name, sent.make(200), commit=True)
    await transact(servers, topic.name, aborted.make(100), commit=False)
    one.start()
    await asyncio.to_thread(one.ready)
    finished = await fleet.report(one.settings)
    assert (finished.state, finished.rows) == ("Complete", 20)
    one.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))
