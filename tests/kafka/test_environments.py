"""Other brokers, addresses and neighbours: the main job is the same on each."""

import socket
from collections.abc import Callable

import pytest

from streamproc.topics import topics_for
from tests.kafka import fleet
from tests.kafka.broker import STEADY, Cluster
from tests.kafka.fleet import Fleet
from tests.kafka.node import _reserve
from tests.kafka.workers import StartOn, Worker

Factory = Callable[..., Cluster]

OLDER = "3.9.1"


async def does_the_main_job(one: Worker) -> None:
    """Polls in, tables and a report out, then a restart and more polls."""
    polls = Fleet(stores=50)
    topic = topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, *polls.make(2_000))
    one.start()
    await fleet.caught_up(one.settings)
    finished = await fleet.report(one.settings)
    assert (finished.state, finished.rows) == ("Complete", 50)
    one.stop()
    await fleet.publish(one.settings, topic, *polls.make(2_000))
    one.start()
    await fleet.caught_up(one.settings)
    one.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))
    assert "Traceback" not in one.log.read_text()


async def test_an_older_kafka_does_as_well(
    cluster: Factory, worker_on: StartOn
) -> None:
    """Kafka 3.9, the last version before 4."""
    broker = cluster(kafka=OLDER, config=STEADY)
    await does_the_main_job(worker_on(broker.bootstrap))


async def test_a_broker_on_ipv6_and_a_dead_host_in_the_list(
    cluster: Factory, worker_on: StartOn
) -> None:
    """The first address of the list answers nothing, the second is ``[::1]``."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with _reserve() as dead:
        broker = cluster(host="::1", config=STEADY)
        addresses = f"127.0.0.1:{dead.getsockname()[1]},{broker.bootstrap}"
        await does_the_main_job(worker_on(addresses))
