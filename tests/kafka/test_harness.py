"""The rules the broker harness itself keeps, so that other tests can lean on it."""

import asyncio
import ssl
from collections.abc import Callable

import pytest
from aiokafka.errors import KafkaError

from tests.kafka.broker import BrokerError, Cluster
from tests.kafka.records import (
    Pair,
    committed,
    create_topic,
    delete_records,
    end_offsets,
    produce,
    read_all,
)
from tests.kafka.security import MECHANISMS, Security

Name = Callable[[str], str]
Factory = Callable[..., Cluster]

pytestmark = pytest.mark.asyncio


def pairs(count: int, prefix: str = "r") -> list[Pair]:
    """Return records whose key and value tell them apart."""
    return [(f"k{n}".encode(), f"{prefix}{n}".encode()) for n in range(count)]


async def values(bootstrap: str, topic: str) -> list[bytes | None]:
    """Return all values of a topic, sorted."""
    return sorted(record.value for record in await read_all(bootstrap, topic))


async def test_a_broker_returns_the_records_it_took(kafka: Cluster, name: Name) -> None:
    """Every record comes back once, at the offset that was acknowledged."""
    topic = name("polls")
    await create_topic(kafka.bootstrap, topic, partitions=3)
    sent = await produce(kafka.bootstrap, topic, pairs(100))
    got = await read_all(kafka.bootstrap, topic)
    assert sorted(sent) == [(r.partition, r.offset) for r in got]
    assert sorted(v for _, v in pairs(100) if v) == sorted(r.value for r in got)
    ends = await end_offsets(kafka.bootstrap, topic)
    assert sum(ends.values()) == 100


async def test_a_partition_can_be_named(kafka: Cluster, name: Name) -> None:
    """Records go to the partition asked for, in order."""
    topic = name("polls")
    await create_topic(kafka.bootstrap, topic, partitions=2)
    sent = await produce(kafka.bootstrap, topic, pairs(3), partition=1)
    assert sent == [(1, 0), (1, 1), (1, 2)]
    assert await end_offsets(kafka.bootstrap, topic) == {0: 0, 1: 3}


async def test_deleted_records_are_gone_and_offsets_stay(
    kafka: Cluster, name: Name
) -> None:
    """What retention removes is not read, and the rest keeps its offsets."""
    topic = name("polls")
    await create_topic(kafka.bootstrap, topic)
    await produce(kafka.bootstrap, topic, pairs(10))
    await delete_records(kafka.bootstrap, topic, 0, 7)
    assert [r.offset for r in await read_all(kafka.bootstrap, topic)] == [7, 8, 9]


async def test_an_unknown_group_has_committed_nothing(
    kafka: Cluster, name: Name
) -> None:
    """A group nobody used is not an error."""
    assert await committed(kafka.bootstrap, name("group")) == {}


async def test_a_topic_is_created_once(kafka: Cluster, name: Name) -> None:
    """A second creation fails with Kafka's own error."""
    topic = name("polls")
    await create_topic(kafka.bootstrap, topic)
    with pytest.raises(KafkaError, match="TopicAlreadyExists"):
        await create_topic(kafka.bootstrap, topic)


async def test_a_killed_broker_comes_back_with_its_records(
    cluster: Factory, name: Name
) -> None:
    """After kill -9 the same ports hold the same records."""
    broker, topic = cluster(), name("polls")
    await create_topic(broker.bootstrap, topic)
    await produce(broker.bootstrap, topic, pairs(10))
    broker.kill()
    assert broker.running == set()
    with pytest.raises(KafkaError):
        await end_offsets(broker.bootstrap, topic)
    broker.start()
    assert await values(broker.bootstrap, topic) == sorted(v for _, v in pairs(10) if v)


async def test_a_stopped_broker_comes_back(cluster: Factory, name: Name) -> None:
    """An orderly stop and a start without blocking the loop keep the records."""
    broker, topic = cluster(), name("polls")
    await create_topic(broker.bootstrap, topic)
    await produce(broker.bootstrap, topic, pairs(1))
    broker.stop()
    broker.launch()
    await broker.ready()
    assert await values(broker.bootstrap, topic) == [b"r0"]


async def test_a_paused_broker_resumes(cluster: Factory, name: Name) -> None:
    """While frozen it takes nothing; afterwards it goes on."""
    broker, topic = cluster(), name("polls")
    await create_topic(broker.bootstrap, topic)
    broker.pause()
    with pytest.raises((TimeoutError, KafkaError)):
        await produce(broker.bootstrap, topic, pairs(1), limit_s=1)
    broker.resume()
    await broker.ready()
    await produce(broker.bootstrap, topic, pairs(1, "after"))
    assert b"after0" in await values(broker.bootstrap, topic)


async def test_three_nodes_keep_records_over_the_kill_of_each(
    cluster: Factory, name: Name
) -> None:
    """Records of acks=all outlive kill -9 of every node in turn."""
    three, topic = cluster(3), name("polls")
    await create_topic(three.bootstrap, topic, 3, 3, {"min.insync.replicas": 2})
    sent: list[Pair] = []
    for node in three.brokers:
        writing = asyncio.create_task(
            produce(three.bootstrap, topic, pairs(30, f"before{node}-"))
        )
        await asyncio.sleep(0.05)
        three.kill(node)
        await writing
        await produce(three.bootstrap, topic, pairs(30, f"without{node}-"))
        sent += pairs(30, f"before{node}-") + pairs(30, f"without{node}-")
        three.launch(node)
        await three.ready()
    assert await values(three.bootstrap, topic) == sorted(v for _, v in sent if v)


async def test_the_right_password_is_accepted(secured: Cluster, name: Name) -> None:
    """Each mechanism lets the user in; a wrong password, or none, does not."""
    broker, topic = secured, name("polls")
    security: Security = broker.security or pytest.fail("not secured")
    await create_topic(broker.bootstrap, topic, **security.sasl())
    for mechanism in MECHANISMS:
        right = security.sasl(mechanism)
        await produce(broker.bootstrap, topic, pairs(1), **right)
        wrong = security.sasl(mechanism, password="wrong")
        with pytest.raises(KafkaError):
            await produce(broker.bootstrap, topic, pairs(1), **wrong)
    ends = await end_offsets(broker.bootstrap, topic, **security.sasl())
    assert ends == {0: len(MECHANISMS)}
    assert ends == await end_offsets(broker.addresses("PLAINTEXT"), topic)


async def test_a_client_certificate_is_accepted(secured: Cluster, name: Name) -> None:
    """The SSL listener takes the CA's client, and nobody without a certificate."""
    broker, topic = secured, name("polls")
    security: Security = broker.security or pytest.fail("not secured")
    address = broker.addresses("SSL")
    await create_topic(address, topic, **security.mutual_tls())
    await produce(address, topic, pairs(1), **security.mutual_tls())
    for context in (security.ssl_context(), ssl.create_default_context()):
        stranger = {**security.mutual_tls(), "ssl_context": context}
        with pytest.raises(KafkaError):
            await produce(address, topic, pairs(1), **stranger)
    assert await end_offsets(address, topic, **security.mutual_tls()) == {0: 1}


async def test_a_password_alone_does_not_do_where_both_are_required(
    secure_broker: Factory, name: Name
) -> None:
    """With client_auth=required the password needs the certificate beside it."""
    broker, topic = secure_broker(client_auth="required"), name("polls")
    security: Security = broker.security or pytest.fail("not secured")
    await create_topic(broker.bootstrap, topic, **security.sasl("SCRAM-SHA-512"))
    bare = {**security.sasl(), "ssl_context": security.ssl_context()}
    with pytest.raises(KafkaError):
        await end_offsets(broker.bootstrap, topic, **bare)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("broker.session.timeout.ms", "never"), ("authorizer.class.name", "no.Such")],
    ids=["format", "start"],
)
async def test_a_broker_that_cannot_start_says_why(
    cluster: Factory, setting: str, value: str
) -> None:
    """The error holds the end of the broker's log, at once."""
    with pytest.raises(BrokerError, match=value):
        cluster(config={setting: value})
