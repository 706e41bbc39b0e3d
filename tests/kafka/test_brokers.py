"""Brokers that are absent, vanish, or die one after the other."""

import asyncio
import time
from collections.abc import Callable

import pytest

from streamproc.topics import topics_for
from tests.kafka import fleet
from tests.kafka.broker import Cluster
from tests.kafka.fleet import Fleet
from tests.kafka.node import _reserve
from tests.kafka.workers import STOP_S, StartOn

Factory = Callable[..., Cluster]


async def test_an_absent_broker_is_waited_for_and_given_up(worker_on: StartOn) -> None:
    """A line every few seconds; after broker_timeout a non-zero exit."""
    reserved = _reserve()
    one = worker_on(f"127.0.0.1:{reserved.getsockname()[1]}", broker_timeout=15)
    started = time.monotonic()
    one.start()
    assert await asyncio.to_thread(one.ended) == 1
    assert time.monotonic() - started > 14
    assert one.said.count("Waiting for the broker") >= 2
    assert "gave up after 15 s: no broker lets us in: 127.0.0.1" in one.said
    assert "Traceback" not in one.said
    reserved.close()


@pytest.mark.slow
async def test_a_broker_may_vanish_for_half_a_minute(
    cluster: Factory, worker_on: StartOn
) -> None:
    """Frozen under load and back: the same worker goes on, and all is right."""
    broker = cluster()
    one, polls = worker_on(broker.bootstrap), Fleet(stores=300)
    topic = topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, *polls.make(20_000))
    one.start()
    await asyncio.to_thread(one.says, "Worker ready")
    publishing = asyncio.create_task(
        fleet.publish(one.settings, topic, *polls.make(200_000))
    )
    await asyncio.sleep(1.0)
    broker.pause()
    await asyncio.sleep(30)
    broker.resume()
    await publishing
    await fleet.caught_up(one.settings)
    assert one.running
    assert one.stop() < STOP_S
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))


@pytest.mark.slow
async def test_nothing_is_lost_when_each_broker_dies(
    cluster: Factory, worker_on: StartOn
) -> None:
    """Replication 3, min.insync.replicas 2: kill -9 of each, then of all."""
    three, polls = cluster(3), Fleet(stores=500)
    options = {"replication_factor": 3, "min_insync_replicas": 2}
    workers = [worker_on(three.bootstrap, number, **options) for number in (1, 2)]
    settings, topic = workers[0].settings, topics_for(workers[0].settings).polls
    await fleet.publish(settings, topic, *polls.make(20_000))
    for one in workers:
        one.start()
    for one in workers:
        await asyncio.to_thread(one.ready)
    for node in three.brokers:
        publishing = asyncio.create_task(
            fleet.publish(settings, topic, *polls.make(60_000))
        )
        await asyncio.sleep(0.5)
        three.kill(node)
        await publishing
        three.launch(node)
        await three.ready()
    three.kill()
    three.launch()
    await three.ready()
    await fleet.publish(settings, topic, *polls.make(20_000))
    await fleet.caught_up(settings)
    assert not fleet.differences(polls.expected(), await fleet.histories(settings))
    for one in workers:
        assert one.running
        one.stop()
