"""What the broker refuses: said at once, in one line that says what to do."""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from streamproc.errors import AccessDeniedError
from streamproc.settings import Settings
from streamproc.topics import changelog, topics_for
from streamproc.transport.client import Client
from streamproc.transport.connect import connect
from streamproc.transport.topic import Topic
from tests.kafka import acl, fleet
from tests.kafka.broker import Cluster
from tests.kafka.fleet import Fleet
from tests.kafka.workers import SESSION_S, Start, Worker
from tests.waiting import until_in_loop

StartDenied = Callable[..., Worker]

STAYS_MS = 300_000
"""Longer than any test: whoever is busy for a while is still in the group."""


@pytest.fixture
def guest(secured: Cluster, tmp_path: Path) -> Iterator[StartDenied]:
    """Make a worker that logs in on the secured broker."""
    made: list[Worker] = []
    security, unique = secured.security, uuid.uuid4().hex[:8]
    assert security is not None

    def make(**options: Any) -> Worker:
        settings = {
            "broker": f"kafka://{secured.bootstrap}",
            "app_id": f"test-{unique}",
            "topic_prefix": f"test-{unique}-",
            "sasl_mechanism": "PLAIN",
            "sasl_username": security.user,
            "sasl_password": security.password,
            "tls_ca": security.ca_path,
            "hourly": "off",
            "monthly": "off",
            "web": "off",
            "session_timeout": SESSION_S,
            "commit_interval": 0.5,
            **options,
        }
        made.append(Worker(tmp_path / "worker", settings))
        return made[-1]

    yield make
    for one in made:
        one.kill()


def resource(settings: Settings, kind: str) -> str:
    """Name of what is denied."""
    topics = topics_for(settings)
    names = {
        "polls": topics.polls.name,
        "changelog": changelog(settings, "histories"),
        "group": settings.app_id,
    }
    return names[kind]


async def ends_with_a_line(one: Worker, *told: str) -> None:
    """The worker exits with 1, at once, and its last line tells it all."""
    assert await asyncio.to_thread(one.ended) == 1  # a stall would take 300 s
    last = one.said.splitlines()[-1]
    for each in told:
        assert each in last, one.said
    assert "Traceback" not in one.said, one.said


MISSING = [
    ("topic", "polls", "read"),
    ("topic", "changelog", "write"),
    ("group", "group", "read"),
]
CHECKED = [
    ("topic", "polls", "describe"),
    ("topic", "polls", "read"),
    ("topic", "changelog", "read"),
    ("group", "group", "describe"),
]
REVOKED = [
    ("topic", "polls", "read"),
    ("topic", "polls", "describe"),
    ("topic", "changelog", "write"),
    ("group", "group", "read"),
]


@pytest.mark.parametrize(("kind", "what", "operation"), MISSING)
async def test_a_permission_that_is_missing_is_named(
    secured: Cluster, guest: StartDenied, kind: str, what: str, operation: str
) -> None:
    """Topic or group and the remedy, when a worker starts."""
    one, polls = guest(), Fleet(stores=20)
    await fleet.publish(one.settings, topics_for(one.settings).polls, *polls.make(100))
    name, servers = resource(one.settings, what), secured.addresses("PLAINTEXT")
    with acl.denied(servers, kind, name, operation):
        one.start()
        await ends_with_a_line(one, name, "kafka-acls")


@pytest.mark.parametrize(("kind", "what", "operation"), CHECKED)
async def test_a_permission_is_checked_before_a_worker_joins(
    secured: Cluster, guest: StartDenied, kind: str, what: str, operation: str
) -> None:
    """Also on a changelog that is still empty: nothing would be read of it yet."""
    settings = guest().settings
    name, servers = resource(settings, what), secured.addresses("PLAINTEXT")
    table = Topic(changelog(settings, "histories"), 4, compacted=True)
    topics = [*topics_for(settings), table]
    client = await connect(settings)
    try:
        await checked(client, topics)
        with (
            acl.denied(servers, kind, name, operation),
            pytest.raises(AccessDeniedError, match=name),
        ):
            await checked(client, topics)
    finally:
        await client.close()


async def checked(client: Client, topics: list[Topic]) -> None:
    """What a worker does before it joins."""
    await client.create_topics(topics)
    await client.check_access(topics)


@pytest.mark.parametrize(("kind", "what", "operation"), REVOKED)
async def test_a_permission_that_is_revoked_is_named(
    secured: Cluster, guest: StartDenied, kind: str, what: str, operation: str
) -> None:
    """The same of a worker that runs, when it needs the permission next."""
    one, polls = guest(), Fleet(stores=20)
    topic = topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, *polls.make(100))
    one.start()
    await asyncio.to_thread(one.ready)
    name, servers = resource(one.settings, what), secured.addresses("PLAINTEXT")
    plain = {**one.options, "sasl_mechanism": "", "sasl_username": "", "tls_ca": ""}
    writer = Worker(
        one.folder, {**plain, "sasl_password": "", "broker": f"kafka://{servers}"}
    )
    with acl.denied(servers, kind, name, operation):
        await fleet.publish(writer.settings, topic, *polls.make(100))
        await ends_with_a_line(one, name, "kafka-acls")


async def test_a_clock_that_is_ahead_is_told(worker: Start) -> None:
    """Kafka takes nothing from two hours ahead; the line says what is wrong."""
    one, polls = worker(fault="clock-ahead"), Fleet(stores=20)
    await fleet.publish(one.settings, topics_for(one.settings).polls, *polls.make(100))
    one.start()
    name = changelog(one.settings, "histories")
    await ends_with_a_line(one, name, "this machine's clock")


async def test_a_foreign_consumer_in_the_group_is_told(worker: Start) -> None:
    """Another program under the same app_id: said at once, not waited for."""
    one = worker()
    topic = topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, [], [])
    foreign = AIOKafkaConsumer(
        topic.name,
        bootstrap_servers=fleet.bootstrap(one.settings),
        group_id=one.settings.app_id,
        session_timeout_ms=STAYS_MS,
    )
    await foreign.start()
    try:
        await until_in_loop(foreign.assignment)
        one.start()
        await ends_with_a_line(one, one.settings.app_id, "app_id")
    finally:
        await foreign.stop()
