"""Topics: made as the program needs them, or refused."""

import asyncio
from dataclasses import replace

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streamproc.errors import BrokerUnavailableError, TopicMismatchError
from streamproc.settings import Settings
from streamproc.topics import changelog, topics_for
from streamproc.transport.connect import connect
from streamproc.transport.kafka.client import KafkaClient
from tests.kafka import fleet
from tests.kafka.fleet import Fleet, remake
from tests.kafka.records import add_partitions, create_topic, set_config
from tests.kafka.workers import Start


async def create(settings: Settings) -> None:
    """Create the program's topics, or check them."""
    client = await connect(settings)
    try:
        await client.create_topics(topics_for(settings))
    finally:
        await client.close()


async def test_topics_get_their_retention_and_policy(worker: Start) -> None:
    """Polls are deleted by age, hours and zones compacted."""
    settings = worker(polls_retention=9).settings
    await create(settings)
    client = await KafkaClient.connect(settings)
    admin, topics = await client.admin_client(), topics_for(settings)
    names = (topics.polls.name, topics.hours.name)
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found = {
        entry[0]: entry[1]
        for answer in await admin.describe_configs(resources[:1])
        for entry in answer.resources[0][4]
    }
    assert found["cleanup.policy"] == "delete"
    assert found["retention.ms"] == str(9 * 86_400_000)
    assert found["message.timestamp.type"] == "LogAppendTime"
    (answer,) = await admin.describe_configs(resources[1:])
    compacted = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    assert compacted["cleanup.policy"] == "compact"
    await client.close()


async def test_another_partition_count_is_refused(worker: Start) -> None:
    """The error names both counts and what to do."""
    settings = worker().settings
    await create(settings)
    with pytest.raises(TopicMismatchError, match="has 4 partitions, but 8") as exc:
        await create(replace(settings, partitions=8))
    assert "set partitions to 4" in str(exc.value)


async def test_another_partition_count_of_a_changelog_is_refused(worker: Start) -> None:
    """A worker exits with the error before it touches anything."""
    one = worker()
    name = changelog(one.settings, "histories")
    servers = fleet.bootstrap(one.settings)
    await create_topic(servers, name, 3, 1, {"cleanup.policy": "compact"})
    one.start()
    assert await asyncio.to_thread(one.ended) == 1
    assert f"topic {name} has 3 partitions, but 4 are needed" in one.said
    assert "Traceback" not in one.said


async def test_nothing_is_created_beside_a_topic_that_does_not_fit(
    worker: Start,
) -> None:
    """Else the next advice would be the contrary of the first."""
    settings = worker().settings
    servers, topics = fleet.bootstrap(settings), topics_for(settings)
    await create_topic(servers, topics.hours.name, 1, 1, {"cleanup.policy": "compact"})
    with pytest.raises(TopicMismatchError, match="has 1 partitions, but 4"):
        await create(settings)
    with pytest.raises(TopicMismatchError, match="has 1 partitions, but 4"):
        await create(settings)
    one = replace(settings, partitions=1)
    await create(one)


async def test_topics_that_no_number_of_partitions_fits_are_named(
    worker: Start,
) -> None:
    """No setting helps, and none is advised."""
    settings = worker().settings
    await create(settings)
    servers, topics = fleet.bootstrap(settings), topics_for(settings)
    await remake(servers, topics.hours.name, 3)
    with pytest.raises(TopicMismatchError, match="no setting fits all") as exc:
        await create(settings)
    assert f"topic {topics.hours.name} has 3 partitions" in str(exc.value)
    assert topics.polls.name not in str(exc.value)


async def test_a_topic_that_keeps_the_producers_times_is_a_warning(
    worker: Start,
) -> None:
    """Its retention may delete what came late, unread; the worker runs all the same."""
    one, polls = worker(), Fleet(stores=5)
    servers, topic = fleet.bootstrap(one.settings), topics_for(one.settings).polls
    await create_topic(servers, topic.name, 4, 1, {"cleanup.policy": "delete"})
    await fleet.publish(one.settings, topic, *polls.make(50))
    one.start()
    await fleet.caught_up(one.settings)
    assert f"Topic {topic.name} has message.timestamp.type=CreateTime" in one.said
    one.stop()


async def test_partitions_added_while_running_stop_the_worker(worker: Start) -> None:
    """Their polls would be of nobody; the reason says what to do."""
    one, polls = worker(), Fleet(stores=50)
    servers, topic = fleet.bootstrap(one.settings), topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, *polls.make(200))
    one.start()
    await fleet.caught_up(one.settings)
    await add_partitions(servers, topic.name, 6)
    assert await asyncio.to_thread(one.ended) == 1
    assert f"topic {topic.name} has 6 partitions, but 4 are needed" in one.said
    assert "no setting fits all" in one.said
    assert "Another number of partitions" in one.said
    assert "Traceback" not in one.said


async def test_a_changelog_that_forgets_is_refused(worker: Start) -> None:
    """cleanup.policy=delete on a compacted topic would lose stores."""
    settings = worker().settings
    await create(settings)
    hours, servers = topics_for(settings).hours.name, fleet.bootstrap(settings)
    await set_config(servers, hours, {"cleanup.policy": "delete"})
    with pytest.raises(TopicMismatchError, match="compact is needed"):
        await create(settings)


async def test_replication_beyond_the_cluster_is_refused(worker: Start) -> None:
    """The broker's own words are in the error."""
    settings = worker(replication_factor=3).settings
    with pytest.raises(BrokerUnavailableError, match="cannot be created"):
        await create(settings)


async def test_workers_that_start_together_create_topics_once(worker: Start) -> None:
    """Whoever is slower finds them, and checks them."""
    settings = worker().settings
    await asyncio.gather(*(create(settings) for _ in range(4)))
