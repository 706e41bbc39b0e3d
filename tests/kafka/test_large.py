"""Brokers that take small messages only, and records that are too large for any."""

import random
from collections.abc import Callable

import pytest
from faust.types import TP

from streamproc.errors import RecordTooLargeError
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.client import Client
from streamproc.transport.connect import connect
from streamproc.transport.topic import Topic
from tests.kafka import fleet
from tests.kafka.broker import STEADY, Cluster
from tests.kafka.fleet import Fleet
from tests.kafka.records import produce, read_all, set_config
from tests.kafka.workers import Start, StartOn

LIMIT = 10_000


async def limited(settings: Settings, topic: Topic) -> Client:
    """A client, and a topic that takes messages of LIMIT bytes."""
    client = await connect(settings)
    await client.create_topics(topics_for(settings))
    config = {"cleanup.policy": "delete", "max.message.bytes": str(LIMIT)}
    await set_config(fleet.bootstrap(settings), topic.name, config)
    return client


async def test_batches_are_split_down_to_the_record(worker: Start) -> None:
    """In their order, as often as it takes, and the same client goes on."""
    settings, rng = worker().settings, random.Random(1)
    topic = topics_for(settings).inbox
    client = await limited(settings, topic)
    values = [rng.randbytes(rng.choice([10, 300, 6_000])) for _ in range(400)]
    await client.publish(topic, [b"k"] * 200, values[:200])
    await client.publish(topic, [b"k"] * 200, values[200:])
    found = await read_all(fleet.bootstrap(settings), topic.name)
    assert [record.value for record in found] == values
    await client.close()


async def test_a_single_record_too_large_is_told_with_all_it_takes(
    worker: Start,
) -> None:
    """Topic, key, size, limit, remedy; what came before it is there, and it goes on."""
    settings, rng = worker().settings, random.Random(1)
    topic = topics_for(settings).inbox
    client = await limited(settings, topic)
    values = [b"a", rng.randbytes(11_000), b"c"]
    with pytest.raises(RecordTooLargeError) as exc:
        await client.publish(topic, [b"a", b"store-7", b"c"], values)
    for told in (topic.name, "'store-7'", "11000 bytes", str(LIMIT), "kafka-configs"):
        assert told in str(exc.value)
    await client.publish(topic, [b"d"], [b"d"])
    await client.publish(topic, [b"e"], [b"e"])
    found = await read_all(fleet.bootstrap(settings), topic.name)
    assert [record.value for record in found] == [b"a", b"d", b"e"]
    assert await client.end_offsets(topic) == {TP(topic.name, 0): 3}
    await client.close()


async def test_a_broker_of_small_messages_does_the_main_job(
    cluster: Callable[..., Cluster], worker_on: StartOn
) -> None:
    """Tables, a report, and a poll refused that only just fitted: all are split."""
    broker = cluster(config={**STEADY, "message.max.bytes": LIMIT})
    one, polls = worker_on(broker.bootstrap), Fleet(stores=300)
    topics = topics_for(one.settings)
    await fleet.publish(one.settings, topics.polls, *polls.make(20_000))
    garbage = random.Random(1).randbytes(LIMIT - 100)
    await produce(broker.bootstrap, topics.polls.name, [(b"k", garbage)])
    one.start()
    await fleet.caught_up(one.settings)
    finished = await fleet.report(one.settings)
    assert (finished.state, finished.rows) == ("Complete", 300)
    one.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))
    (rejected,) = await read_all(broker.bootstrap, topics.rejected.name)
    assert garbage.startswith(rejected.value)
    assert dict(rejected.headers)["bytes"] == b"%d" % len(garbage)
