"""What is borrowed from aiokafka, and from Faust's driver for it.

aiokafka makes an object of every record and hides the bytes they come from; it has
no way to ask whether a member still belongs to its group; and a batch of its producer
lives no longer than one request. All of that is reached through private names, in here
and nowhere else. Each name is looked for when a client starts.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from types import FunctionType, MethodType
from typing import Any

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import Fetcher, PartitionRecords
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.record.memory_records import MemoryRecords
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streamproc.transport.columns import Columns
from streamproc.transport.internals import require
from streamproc.transport.kafka import records

UNSTARTED = ("_fetch_max_wait_ms", "_isolation_level", "_max_poll_records")
STARTED = ("_coordinator", "_fetcher", "_group_id", "_subscription")
FETCHER = ("_proc_fetch_request", "_records")
COORDINATOR = (
    "_send_req",
    "check_errors",
    "ensure_coordinator_known",
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

    def __init__(self, max_records: int, tp: Any, fetched: Fetched, *rest: Any) -> None:
        super().__init__(tp, fetched, *rest)
        self._max_records = max_records

    def _unpack_records(self) -> Iterator[Columns]:
        run = records.Run(self.next_fetch_offset, self._max_records)
        try:
            for part in run.parts(self._records.data, self._is_aborted):
                self.next_fetch_offset = int(part.offsets[-1]) + 1
                yield part
        except records.Damage as exc:
            exc.tp = TP(*self._tp)
            raise
        # Past those that were compacted away, taken back, or are only markers.
        self.next_fetch_offset = max(self.next_fetch_offset, run.end)

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


def install(consumer: AIOKafkaConsumer, max_records: int) -> None:
    """Have a started consumer hand out ``Columns``, of so many records at most.

    Its fetcher gets a ``_proc_fetch_request`` of its own, with the same code, in which
    two names mean our classes. No other consumer of the process is touched.
    """
    require(consumer, *UNSTARTED, *STARTED)
    require(consumer._subscription, "fetch_context")
    require(consumer._fetcher, *FETCHER)
    theirs = Fetcher._proc_fetch_request
    ours = {
        "MemoryRecords": Fetched,
        "PartitionRecords": partial(ColumnRecords, max_records),
    }
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


def has_unacked(consumer: driver.Consumer, tp: Any) -> bool:
    """Whether messages of a partition were delivered and are not acked yet."""
    return any(message.tp == tp for message in list(consumer._unacked_messages))


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


def ensure_consumer(thread: driver.AIOKafkaConsumerThread) -> AIOKafkaConsumer:
    """The consumer of Faust's thread; raises ConsumerNotStarted before it has one."""
    return thread._ensure_consumer()


def reader(thread: driver.AIOKafkaConsumerThread) -> AIOKafkaConsumer:
    """A consumer without a group, connected as the thread's is."""
    return thread._create_client_consumer(thread.transport)


def offset_fetcher(producer: driver.Producer) -> Fetcher:
    """Asks for offsets over a producer's connections.

    A broker answers a connection's requests in turn: on a consumer's, each question
    would wait for the fetch that waits for new records.
    """
    client = ensure_producer(producer).client
    require(client, "_loop")
    return Fetcher(client, SubscriptionState(client._loop))


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
