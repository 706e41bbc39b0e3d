"""The connections and the producer of Faust's driver for aiokafka."""

import asyncio
from typing import Any

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher, PartitionRecords
from aiokafka.consumer.subscription_state import SubscriptionState
from faust.transport.drivers import aiokafka as driver

from streamproc.transport.internals import require
from streamproc.transport.kafka.internals.fetching import PARTITION_RECORDS

THREAD = (
    "_create_client_consumer",
    "_create_worker_consumer",
    "_ensure_consumer",
    "_fetch_records",
    "on_start",
)
CONSUMER = (
    "_get_active_partitions",
    "_getmany",
    "_is_changelog_tp",
    "_new_consumer_thread",
    "commit",
    "perform_seek",
)
PRODUCER = ("_ensure_producer", "_settings_extra")

REST_S = 0.1
"""As long as aiokafka waits elsewhere before it tries again."""


def check() -> None:
    """Look for all that our classes override or call; raise LibraryChangedError."""
    require(driver.AIOKafkaConsumerThread, *THREAD)
    require(driver.Consumer, *CONSUMER)
    require(driver.Producer, *PRODUCER)
    require(PartitionRecords, *PARTITION_RECORDS)


def ensure_consumer(thread: driver.AIOKafkaConsumerThread) -> AIOKafkaConsumer:
    """The consumer of Faust's thread; raises ConsumerNotStarted before it has one."""
    return thread._ensure_consumer()


def reader(thread: driver.AIOKafkaConsumerThread) -> AIOKafkaConsumer:
    """A consumer without a group, connected as the thread's is."""
    return thread._create_client_consumer(thread.transport)


def client_of(producer: driver.Producer) -> AIOKafkaClient:
    """The connections of a worker's producer."""
    return ensure_producer(producer).client


def offset_fetcher(producer: driver.Producer, isolation: str) -> Fetcher:
    """Asks for offsets over a producer's connections; ends are as ``isolation`` says.

    A broker answers a connection's requests in turn: on a consumer's, each question
    would wait for the fetch that waits for new records.
    """
    client = client_of(producer)
    require(client, "_loop")
    subscriptions = SubscriptionState(client._loop)
    return Fetcher(client, subscriptions, isolation_level=isolation)


def told_addresses(admin: AIOKafkaAdminClient | None) -> set[str]:
    """``host:port`` of each broker as the brokers told it."""
    if admin is None:
        return set()
    require(admin, "_client")
    brokers = admin._client.cluster.brokers()
    return {f"{broker.host}:{broker.port}" for broker in brokers}


def ensure_producer(producer: driver.Producer) -> AIOKafkaProducer:
    """The producer that Faust's own is made of; raises when it is not started."""
    return producer._ensure_producer()


def be_patient(producer: aiokafka.AIOKafkaProducer, seconds: float) -> None:
    """Let batches outlive an election, however short one request may take."""
    _look_unhurriedly(producer.client)
    require(producer, "_message_accumulator", "_txn_manager")
    if producer._txn_manager is not None:
        require(producer._txn_manager, "increment_sequence_number")
    require(producer._message_accumulator, "_batch_ttl")
    producer._message_accumulator._batch_ttl = seconds


def _look_unhurriedly(client: AIOKafkaClient) -> None:
    """Have a client rest after it has found no broker that tells of the topics.

    A producer whose partitions have no leader looks again at once, thousands of times
    a second while no broker answers.
    """
    require(client, "_metadata_update")
    update = client._metadata_update

    async def update_unhurriedly(*args: Any) -> bool:
        is_updated: bool = await update(*args)
        if not is_updated:
            await asyncio.sleep(REST_S)
        return is_updated

    client._metadata_update = update_unhurriedly


def renumber(producer: aiokafka.AIOKafkaProducer, tp: Any, by: int) -> None:
    """Move the number that an idempotent producer's next record of a partition has."""
    producer._txn_manager.increment_sequence_number(tp, by)
