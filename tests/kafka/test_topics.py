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
from tests.kafka.records import create_topic, set_config
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
    assert await asyncio.to_thread(one.ended, 30) == 1
    assert f"topic {name} has 3 partitions, but 4 are needed" in one.said
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
