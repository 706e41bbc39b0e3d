"""A consumer of aiokafka that hands out the columns of what it fetched."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import FunctionType, MethodType
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import Fetcher, OffsetResetStrategy, PartitionRecords
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from faust.types import TP

from streamproc.transport.columns import Columns
from streamproc.transport.internals import require
from streamproc.transport.kafka import records
from streamproc.transport.kafka.internals.membership import COORDINATOR

UNSTARTED = ("_fetch_max_wait_ms", "_isolation_level", "_max_poll_records")
STARTED = ("_client", "_coordinator", "_fetcher", "_group_id", "_subscription")
FETCHER = ("_proc_fetch_request", "_records")
PARTITION_RECORDS = (
    "_consume_aborted_up_to",
    "_contains_abort_marker",
    "_unpack_records",
)

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


def has_position(consumer: AIOKafkaConsumer, tp: TP) -> bool:
    """Whether it is known where a partition is read; after a rebalance not at once."""
    subscription = consumer._subscription.subscription
    assignment = subscription.assignment if subscription else None
    state = assignment.state_value(TopicPartition(*tp)) if assignment else None
    return state is not None and bool(state.has_valid_position)


def take_turns(consumer: AIOKafkaConsumer, found: Sequence[Any]) -> None:
    """Put the partitions just served behind the others that wait."""
    waiting = consumer._fetcher._records
    for tp in found:
        if tp in waiting:
            waiting.move_to_end(tp)
