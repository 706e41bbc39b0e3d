"""What is borrowed from aiokafka, and from Faust's driver for it.

aiokafka makes an object of every record and hides the bytes they come from; it has
no way to ask whether a member still belongs to its group; and a batch of its producer
lives no longer than one request. All of that is reached through private names, in here
and nowhere else. Each name is looked for when a client starts.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from types import FunctionType, MethodType
from typing import Any

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import Fetcher, OffsetResetStrategy, PartitionRecords
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import CommitFailedError
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streamproc.transport.columns import Columns
from streamproc.transport.internals import require
from streamproc.transport.kafka import records

UNSTARTED = ("_fetch_max_wait_ms", "_isolation_level", "_max_poll_records")
STARTED = ("_client", "_coordinator", "_fetcher", "_group_id", "_subscription")
FETCHER = ("_proc_fetch_request", "_records")
COORDINATOR = (
    "_group_instance_id",
    "_send_req",
    "check_errors",
    "ensure_coordinator_known",
    "fetch_committed_offsets",
    "generation",
    "group_id",
    "member_id",
)
PARTITION_RECORDS = (
    "_consume_aborted_up_to",
    "_contains_abort_marker",
    "_unpack_records",
)
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


def check() -> None:
    """Look for all that our classes override or call; raise LibraryChangedError."""
    require(driver.AIOKafkaConsumerThread, *THREAD)
    require(driver.Consumer, *CONSUMER)
    require(driver.Producer, *PRODUCER)
    require(PartitionRecords, *PARTITION_RECORDS)


# -- fetching ---------------------------------------------------------------------

Heard = Callable[[TP, int, int, int], None]
"""Takes partition, position, and a batch's first offset and leader epoch."""


def _nobody(tp: TP, position: int, offset: int, epoch: int) -> None:
    """Listens to no batch."""


class _Reported(OffsetResetStrategy):
    """To a fetcher that begins at the earliest offset: do not reset, report."""

    NONE = OffsetResetStrategy.EARLIEST


class Fetched:
    """The bytes of a fetch, in place of aiokafka's records, which hide theirs."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.records = MemoryRecords(data)

    def has_next(self) -> bool:
        """Whether there is a whole batch."""
        return bool(self.records.has_next())

    def size_in_bytes(self) -> int:
        """How much was fetched."""
        return len(self.data)


class ColumnRecords(PartitionRecords):
    """What was fetched of a partition; iterating gives a run of records at a time.

    A run has at most ``max_records``. The other arguments are PartitionRecords'.
    """

    next_fetch_offset: int

    def __init__(
        self, max_records: int, heard: Heard, tp: Any, fetched: Fetched, *rest: Any
    ) -> None:
        super().__init__(tp, fetched, *rest)
        self._max_records = max_records
        self._heard = heard

    def _unpack_records(self) -> Iterator[Columns]:
        run = records.Run(self.next_fetch_offset, self._max_records)
        data = self._records.data
        try:
            for part in run.parts(data, self._is_aborted, self._hear):
                self.next_fetch_offset = int(part.offsets[-1]) + 1
                yield part
        except records.Damage as exc:
            exc.tp = TP(*self._tp)
            raise
        # Past those that were compacted away, taken back, or are only markers.
        self.next_fetch_offset = max(self.next_fetch_offset, run.end)

    def _hear(self, position: int, head: records.Head) -> None:
        self._heard(TP(*self._tp), position, head.base_offset, head.leader_epoch)

    def _is_aborted(self, head: records.Head, batch: bytes) -> bool:
        """Whether a batch's producer took it back, as aiokafka decides it."""
        if self._isolation_level != fetcher.READ_COMMITTED or head.producer_id < 0:
            return False
        self._consume_aborted_up_to(head.base_offset)
        if head.is_control and self._contains_abort_marker(
            MemoryRecords(batch).next_batch()
        ):
            self._aborted_producers.discard(head.producer_id)
        return head.is_transactional and head.producer_id in self._aborted_producers


def prepare(consumer: AIOKafkaConsumer, fetch_wait_ms: int, isolation: str) -> None:
    """Set what Faust does not let through, before the consumer is started."""
    require(consumer, *UNSTARTED)
    consumer._fetch_max_wait_ms = fetch_wait_ms
    consumer._isolation_level = isolation


def install(
    consumer: AIOKafkaConsumer, max_records: int, heard: Heard | None = None
) -> None:
    """Have a started consumer hand out ``Columns``, of so many records at most.

    With ``heard``, which is told of every batch read, a fetch from an offset that the
    log does not have raises OffsetOutOfRangeError, instead of going on elsewhere.

    Its fetcher gets a ``_proc_fetch_request`` of its own, with the same code, in which
    two names mean our classes. No other consumer of the process is touched.
    """
    require(consumer, *UNSTARTED, *STARTED)
    require(consumer._subscription, "fetch_context")
    require(consumer._fetcher, *FETCHER)
    theirs = Fetcher._proc_fetch_request
    ours: dict[str, Any] = {
        "MemoryRecords": Fetched,
        "PartitionRecords": partial(ColumnRecords, max_records, heard or _nobody),
    }
    if heard is not None:
        ours["OffsetResetStrategy"] = _Reported
    require_calls(theirs, *ours)
    if consumer._group_id is not None:
        require(consumer._coordinator, *COORDINATOR)
    made = FunctionType(theirs.__code__, {**vars(fetcher), **ours})
    consumer._fetcher._proc_fetch_request = MethodType(made, consumer._fetcher)
    consumer._max_poll_records = 1  # run of records


def require_calls(function: Any, *names: str) -> None:
    """Raise LibraryChangedError when a function does not use some global names."""
    used = type(function.__qualname__, (), dict.fromkeys(function.__code__.co_names))
    used.__module__ = function.__module__
    require(used, *names)


def take_turns(consumer: AIOKafkaConsumer, found: Sequence[Any]) -> None:
    """Put the partitions just served behind the others that wait."""
    waiting = consumer._fetcher._records
    for tp in found:
        if tp in waiting:
            waiting.move_to_end(tp)


# -- groups and offsets -------------------------------------------------------------


async def heartbeat(consumer: AIOKafkaConsumer) -> int:
    """The group coordinator's answer to a sign of life: 0, or a Kafka error code."""
    coordinator = consumer._coordinator
    await coordinator.ensure_coordinator_known()
    beat = HeartbeatRequest(
        coordinator.group_id, coordinator.generation, coordinator.member_id
    )
    answer = await coordinator._send_req(beat)
    code: int = answer.error_code
    return code


def check_errors(consumer: AIOKafkaConsumer) -> None:
    """Raise what the group's coordinator has answered that ends the membership.

    Faust fetches around the place where aiokafka looks for it.
    """
    consumer._coordinator.check_errors()


def count_as_alive(consumer: AIOKafkaConsumer) -> None:
    """Have aiokafka believe that something was fetched just now."""
    with consumer._subscription.fetch_context():
        pass


def note_commits(consumer: AIOKafkaConsumer, note: Callable[[TP, int], str]) -> None:
    """Write something beside each offset that a consumer commits."""
    commit = consumer.commit

    async def commit_noted(offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        if not offsets:  # Faust has left out what was revoked meanwhile
            raise CommitFailedError("already rebalanced")  # the text it looks for
        await commit(
            {
                tp: OffsetAndMetadata(at.offset, note(TP(*tp), at.offset))
                for tp, at in offsets.items()
            }
        )

    consumer.commit = commit_noted


async def committed_notes(
    consumer: AIOKafkaConsumer, tps: Collection[TP]
) -> dict[TP, str]:
    """What stands beside the committed offset of each partition that has one."""
    theirs = [TopicPartition(*tp) for tp in tps]
    found = await consumer._coordinator.fetch_committed_offsets(theirs)
    return {TP(*tp): at.metadata for tp, at in found.items()}


async def refresh_metadata(
    consumer: AIOKafkaConsumer, counts: Mapping[str, int]
) -> None:
    """Have a group member look at its topics when they have other partition counts.

    aiokafka does so every few minutes. Where they differ the group is joined anew.
    """
    cluster = consumer._client.cluster
    if any(
        count != len(cluster.partitions_for_topic(topic) or ())
        for topic, count in counts.items()
    ):
        await consumer._client.force_metadata_update()


def leave_when_stopped(consumer: AIOKafkaConsumer) -> None:
    """Have a static member leave its group when it stops, as others do.

    aiokafka lets its place go with the session only: no use when it does not come back.
    """
    consumer._coordinator._group_instance_id = None


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


# -- producing ----------------------------------------------------------------------


def ensure_producer(producer: driver.Producer) -> AIOKafkaProducer:
    """The producer that Faust's own is made of; raises when it is not started."""
    return producer._ensure_producer()


def be_patient(producer: aiokafka.AIOKafkaProducer, seconds: float) -> None:
    """Let batches outlive an election, however short one request may take."""
    require(producer, "_message_accumulator", "_txn_manager")
    if producer._txn_manager is not None:
        require(producer._txn_manager, "increment_sequence_number")
    require(producer._message_accumulator, "_batch_ttl")
    producer._message_accumulator._batch_ttl = seconds


def renumber(producer: aiokafka.AIOKafkaProducer, tp: Any, by: int) -> None:
    """Move the number that an idempotent producer's next record of a partition has."""
    producer._txn_manager.increment_sequence_number(tp, by)
