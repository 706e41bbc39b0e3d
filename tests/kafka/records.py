"""What tests do with a broker: topics, records, offsets, each in one call.

Every function connects, does its work within a time limit, and disconnects.
``options`` are aiokafka's, such as those of ``security.Security.sasl``.
"""

import asyncio
from collections.abc import (
    AsyncIterator,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import (
    AIOKafkaAdminClient,
    NewPartitions,
    NewTopic,
    RecordsToDelete,
)
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    NodeNotReadyError,
    NotCoordinatorForGroupError,
    for_code,
)

from tests.waiting import until_awaited

LIMIT_S = 120.0
CLOSE_S = 30.0
RETRY_S = 0.1

Pair = tuple[bytes | None, bytes | None]
"""A record's key and value."""

_NO_COORDINATOR = (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    NotCoordinatorForGroupError,
)


async def create_topic(
    bootstrap: str,
    name: str,
    partitions: int = 1,
    replication: int = 1,
    config: Mapping[str, object] | None = None,
    **options: Any,
) -> None:
    """Create a topic and wait until every partition has a leader."""
    settings = {key: str(value) for key, value in (config or {}).items()}
    topic = NewTopic(name, partitions, replication, topic_configs=settings)
    async with _admin(bootstrap, options) as admin:
        answer = await admin.create_topics([topic])
        for _, code, message in answer.topic_errors:
            if code:
                raise for_code(code)(message)
        await until_awaited(lambda: _has_leaders(admin, name, partitions))


async def produce(
    bootstrap: str,
    topic: str,
    records: Iterable[Pair],
    *,
    partition: int | None = None,
    limit_s: float = LIMIT_S,
    **options: Any,
) -> list[tuple[int, int]]:
    """Return each record's partition and offset once all replicas have it."""
    settings = {"enable_idempotence": True, **options}
    async with asyncio.timeout(limit_s):
        async with _open(
            AIOKafkaProducer(bootstrap_servers=bootstrap, **settings)
        ) as producer:
            sent = [
                await producer.send(topic, value, key=key, partition=partition)
                for key, value in records
            ]
            done = await asyncio.gather(*sent)
    return [(record.partition, record.offset) for record in done]


async def transact(
    bootstrap: str,
    topic: str,
    records: tuple[Sequence[bytes], Sequence[bytes | None]],
    *,
    commit: bool,
    partition: int | None = None,
) -> None:
    """Write keys and values in a transaction, and commit or abort it."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, transactional_id=f"{topic}-{partition}"
    )
    async with asyncio.timeout(LIMIT_S), _open(producer):
        await producer.begin_transaction()
        for key, value in zip(*records, strict=True):
            await producer.send(topic, value, key, partition)
        await producer.flush()
        if commit:
            await producer.commit_transaction()
        else:
            await producer.abort_transaction()


async def read_all(
    bootstrap: str, topic: str, *, limit_s: float = LIMIT_S, **options: Any
) -> list[ConsumerRecord]:
    """Return the topic's records up to its end, by partition and offset."""
    records: list[ConsumerRecord] = []
    async with _consumer(bootstrap, topic, limit_s, options) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        for tp, end in ends.items():
            while await consumer.position(tp) < end:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    records += batch
    within = (r for r in records if r.offset < ends[_partition(r)])
    return sorted(within, key=lambda record: (record.partition, record.offset))


async def end_offsets(bootstrap: str, topic: str, **options: Any) -> dict[int, int]:
    """Return each partition's end: the offset its next record will have."""
    async with _consumer(bootstrap, topic, LIMIT_S, options) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
    return {tp.partition: end for tp, end in sorted(ends.items())}


async def committed(
    bootstrap: str, group: str, **options: Any
) -> dict[tuple[str, int], int]:
    """Return the group's committed offsets by topic and partition."""
    async with _admin(bootstrap, options) as admin:
        while True:
            try:
                offsets = await admin.list_consumer_group_offsets(group)
            except _NO_COORDINATOR:
                await asyncio.sleep(RETRY_S)
            else:
                break
    return {(tp.topic, tp.partition): at.offset for tp, at in sorted(offsets.items())}


async def commit(
    bootstrap: str, group: str, offsets: Mapping[tuple[str, int], int], **options: Any
) -> None:
    """Commit offsets for a group that has no members, by topic and partition."""
    async with asyncio.timeout(LIMIT_S):
        async with _open(
            AIOKafkaConsumer(
                bootstrap_servers=bootstrap,
                group_id=group,
                enable_auto_commit=False,
                **options,
            )
        ) as consumer:
            chosen = {TopicPartition(*tp): offset for tp, offset in offsets.items()}
            consumer.assign(list(chosen))
            await consumer.commit(chosen)


async def delete_records(
    bootstrap: str, topic: str, partition: int, before_offset: int, **options: Any
) -> None:
    """Delete a partition's records below an offset, as retention would."""
    async with _admin(bootstrap, options) as admin:
        tp = TopicPartition(topic, partition)
        await admin.delete_records({tp: RecordsToDelete(before_offset)})


async def add_partitions(
    bootstrap: str, name: str, partitions: int, **options: Any
) -> None:
    """Give a topic more partitions, so many in all, and wait for their leaders."""
    async with _admin(bootstrap, options) as admin:
        await admin.create_partitions({name: NewPartitions(partitions)})
        await until_awaited(lambda: _has_leaders(admin, name, partitions))


async def delete_topic(bootstrap: str, name: str, **options: Any) -> None:
    """Delete a topic and wait until it is gone."""
    async with _admin(bootstrap, options) as admin:
        await admin.delete_topics([name])

        async def gone() -> bool:
            return name not in await admin.list_topics()

        await until_awaited(gone)


async def set_config(
    bootstrap: str, name: str, config: dict[str, str], **options: Any
) -> None:
    """Change a topic's settings, and wait until they hold.

    Settings that are not named fall back to the default.
    """
    resource = ConfigResource(ConfigResourceType.TOPIC, name, configs=config)
    async with _admin(bootstrap, options) as admin:
        await admin.alter_configs([resource])

        async def holds() -> bool:
            (answer,) = await admin.describe_configs([resource])
            found = {entry[0]: entry[1] for entry in answer.resources[0][4]}
            return config.items() <= found.items()

        await until_awaited(holds)


async def _has_leaders(admin: Any, name: str, partitions: int) -> bool:
    found: int = sum(
        partition["error_code"] == 0 and partition["leader"] >= 0
        for topic in await admin.describe_topics([name])
        for partition in topic["partitions"]
    )
    return found == partitions


def _partition(record: Any) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)


async def _has_brokers(admin: Any) -> bool:
    """Whether a broker is there; one that stood still is shut out for a moment."""
    try:
        return bool((await admin.describe_cluster())["brokers"])
    except NodeNotReadyError:
        return False  # it knows of no node, and asks again for them by itself


@asynccontextmanager
async def _admin(bootstrap: str, options: Mapping[str, Any]) -> AsyncIterator[Any]:
    async with asyncio.timeout(LIMIT_S):
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **options)
        try:
            await admin.start()
            await until_awaited(lambda: _has_brokers(admin))
            yield admin
        finally:
            async with asyncio.timeout(CLOSE_S):
                await admin.close()


@asynccontextmanager
async def _consumer(
    bootstrap: str, topic: str, limit_s: float, options: Mapping[str, Any]
) -> AsyncIterator[Any]:
    """Open a consumer without a group: it is given all partitions at once."""
    settings = {"auto_offset_reset": "earliest", **options}
    async with asyncio.timeout(limit_s):
        async with _open(
            AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, **settings)
        ) as consumer:
            yield consumer


@asynccontextmanager
async def _open(client: Any) -> AsyncIterator[Any]:
    """Start the client, and stop it even where starting failed."""
    try:
        await client.start()
        yield client
    finally:
        async with asyncio.timeout(CLOSE_S):
            await client.stop()
