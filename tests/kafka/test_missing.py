"""Topics and brokers that go away while a worker runs."""

import asyncio
import signal
import time
from collections.abc import Callable

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from streamproc.errors import ReportFailedError
from streamproc.topics import topics_for
from tests.kafka import fleet
from tests.kafka.broker import STEADY, Cluster
from tests.kafka.fleet import Fleet
from tests.kafka.records import create_topic, delete_topic
from tests.kafka.workers import Start, StartOn
from tests.waiting import until_awaited

FEW = 60
"""Lines that a worker may say of a trouble, and one more for each second of it."""


async def test_a_topic_that_goes_missing_is_said_and_fails_reports(
    worker: Start,
) -> None:
    """Within seconds; the worker goes on, and when the topic is back so do reports."""
    one, polls = worker(), Fleet(stores=20)
    topics, servers = topics_for(one.settings), fleet.bootstrap(one.settings)
    await fleet.publish(one.settings, topics.polls, *polls.make(500))
    one.start()
    await fleet.caught_up(one.settings)
    await delete_topic(servers, topics.zones.name)
    said = f"topic {topics.zones.name} is missing"
    await asyncio.to_thread(one.says, said)
    with pytest.raises(ReportFailedError, match=said):
        await fleet.report(one.settings)
    await create_topic(servers, topics.zones.name, 4, 1, {"cleanup.policy": "compact"})
    await asyncio.to_thread(one.says, f"topic {topics.zones.name} is back")
    await fleet.publish(one.settings, topics.polls, *polls.make(500))
    finished = await fleet.report(one.settings)
    assert (finished.state, finished.rows) == ("Complete", 20)
    assert one.said.count(said) < 5
    one.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))


@pytest.mark.slow
async def test_an_append_that_waits_for_replicas_says_so_and_how_long(
    cluster: Callable[..., Cluster], worker_on: StartOn
) -> None:
    """min.insync.replicas out of reach: a line a minute, and one when it is over."""
    three, polls = cluster(3), Fleet(stores=20)
    options = {"replication_factor": 2, "min_insync_replicas": 2, "hold": "none"}
    one = worker_on(three.bootstrap, session_timeout=60, **options)
    topic = topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, *polls.make(500))
    one.start()
    await fleet.caught_up(one.settings)
    before = len(one.said.splitlines())
    one.signal(signal.SIGSTOP)  # so that it has polls to append when one is away
    await fleet.publish(one.settings, topic, *polls.make(500))
    three.kill(3)
    killed = time.monotonic()
    one.signal(signal.SIGCONT)
    waits = r"partition \d: an append has been waiting for \d+ s: 1 of its 2 replicas"
    await asyncio.to_thread(one.says, waits)
    await asyncio.sleep(3)
    said = len(one.said.splitlines()) - before
    assert said < FEW + (time.monotonic() - killed), one.said
    three.launch(3)
    await three.ready()
    ended = r"partition \d: the append ended after \d+ s"
    await asyncio.to_thread(one.says, ended)
    await fleet.caught_up(one.settings)
    one.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))


async def test_another_cluster_at_the_address_ends_the_worker(
    cluster: Callable[..., Cluster], worker_on: StartOn
) -> None:
    """A broker that is away, then a new one: few lines, one that says what it is."""
    broker, polls = cluster(config=STEADY), Fleet(stores=20)
    one = worker_on(broker.bootstrap, session_timeout=60)
    topic = topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, *polls.make(500))
    one.start()
    await fleet.caught_up(one.settings)
    before = len(one.said.splitlines())
    assert " ERROR " not in one.said, one.said  # a first start on a new cluster
    killed = time.monotonic()
    await asyncio.to_thread(broker.replace)
    assert await asyncio.to_thread(one.ended) == 1
    assert "all topics are missing" in one.said.splitlines()[-1]
    said = len(one.said.splitlines()) - before
    assert said < FEW + (time.monotonic() - killed), one.said
    assert "Traceback" not in one.said, one.said
    again = Fleet(stores=20)
    one.start()
    await fleet.publish(one.settings, topic, *again.make(500))
    await fleet.caught_up(one.settings)
    one.stop()


async def test_an_address_that_brokers_tell_and_nobody_reaches_is_named(
    worker_on: StartOn,
) -> None:
    """A wrong advertised listener: the host is in the line, and what to correct."""
    told = "no-such-host.invalid:9092"
    broker = Cluster(config={"advertised.listeners": f"PLAINTEXT://{told}"})
    try:
        broker.launch()
        await until_awaited(lambda: _tells(broker, told))
        one = worker_on(broker.bootstrap, broker_timeout=12)
        one.start()
        assert await asyncio.to_thread(one.ended) == 1
    finally:
        broker.close()
    last = one.said.splitlines()[-1]
    assert f"say that they are reached at {told}, and they are not" in last
    assert "advertised.listeners" in last


async def _tells(broker: Cluster, address: str) -> bool:
    """Whether a broker answers, with this address as its own."""
    client = AIOKafkaClient(bootstrap_servers=broker.bootstrap)
    try:
        await client.bootstrap()
        told = {f"{one.host}:{one.port}" for one in client.cluster.brokers()}
    except KafkaError:
        return False
    finally:
        await client.close()
    return address in told
