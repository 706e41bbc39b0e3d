"""What aiokafka has fetched, handed out as columns instead of record by record.

A consumer whose key deserializer is ``AsColumns`` gets, for each of its "records",
the ``Columns`` of a whole run of them. Everything else about fetching, from the
requests to the positions, is left to aiokafka.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.memory_records import MemoryRecords
from faust.types import TP

from streamproc.cells import Cells
from streamproc.transport.batch import Batch
from streamproc.transport.columns import Columns
from streamproc.transport.kafka import record_batch
from streamproc.transport.kafka.record_batch import Head


@dataclass(frozen=True, slots=True)
class AsColumns:
    """Marks a consumer that wants columns, of so many records at most."""

    max_records: int

    def __call__(self, key: bytes | None) -> bytes | None:
        """Leave a key as it is, if ever one is asked for."""
        return key


class _Fetched:
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


class _ColumnRecords(fetcher.PartitionRecords):
    """What was fetched of a partition, a run of records at a time."""

    next_fetch_offset: int

    def _unpack_records(self) -> Iterator[Columns]:
        limit = self._key_deserializer.max_records
        waiting = _Waiting()
        end = self.next_fetch_offset
        for batch in record_batch.batches(self._records.data):
            if record_batch.is_current(batch):
                head = record_batch.head(batch)
                end = head.next_offset
                if self._is_wanted(head, batch):
                    waiting.add(head, record_batch.body(batch, head))
                if waiting.count >= limit:
                    yield from self._parts(waiting.read(), limit)
            else:
                yield from self._parts(waiting.read(), limit)
                yield from self._parts(_of_old_format(batch), limit)
        yield from self._parts(waiting.read(), limit)
        # Past those that were compacted away, taken back, or are only markers.
        self.next_fetch_offset = max(self.next_fetch_offset, end)

    def _parts(self, columns: Columns | None, limit: int) -> Iterator[Columns]:
        """What was asked for, in parts that are not too long."""
        if columns is None:
            return
        first = int(np.searchsorted(columns.offsets, self.next_fetch_offset))
        for at in range(first, len(columns), limit):
            part = columns[at : at + limit]
            self.next_fetch_offset = int(part.offsets[-1]) + 1
            yield part

    def _is_wanted(self, head: Head, batch: bytes) -> bool:
        """Whether a batch holds records that count, as aiokafka decides it."""
        if self._isolation_level == fetcher.READ_COMMITTED and head.producer_id >= 0:
            self._consume_aborted_up_to(head.base_offset)
            if head.is_control and self._contains_abort_marker(_as_aiokafka(batch)):
                self._aborted_producers.discard(head.producer_id)
            if head.is_transactional and head.producer_id in self._aborted_producers:
                return False
        return not head.is_control and head.records > 0


class _Waiting:
    """Batches that are read together, since reading costs something each time."""

    def __init__(self) -> None:
        self.count = 0
        self._heads: list[Head] = []
        self._bodies: list[bytes] = []

    def add(self, head: Head, body: bytes) -> None:
        """Add a batch."""
        self.count += head.records
        self._heads.append(head)
        self._bodies.append(body)

    def read(self) -> Columns | None:
        """The records of them all; None when there are none."""
        heads, bodies = self._heads, self._bodies
        self.count, self._heads, self._bodies = 0, [], []
        return record_batch.read(heads, bodies) if heads else None


def _as_aiokafka(batch: bytes) -> Any:
    return MemoryRecords(batch).next_batch()


def _of_old_format(batch: bytes) -> Columns:
    """The records of a batch that was written before Kafka 0.11."""
    theirs = _as_aiokafka(batch)
    if theirs is None or not theirs.validate_crc():
        raise CorruptRecordException("wrong length or CRC of a batch")
    records: Sequence[Any] = list(theirs)
    return Columns(
        np.array([record.offset for record in records], np.int64),
        np.array([record.timestamp or 0 for record in records], np.int64),
        Cells.of([record.key for record in records]),
        Cells.of([record.value for record in records]),
    )


def batches(tp: TP, runs: Sequence[Columns]) -> list[Batch]:
    """What was fetched of a partition, as an agent takes it."""
    return [Batch(tp, run) for run in runs if len(run)]


def _install() -> None:
    """Have aiokafka make columns for those who want them."""
    theirs = fetcher.PartitionRecords

    def records(tp: TP, fetched: _Fetched, *rest: Any) -> Any:
        if any(isinstance(each, AsColumns) for each in rest):
            return _ColumnRecords(tp, fetched, *rest)
        return theirs(tp, fetched.records, *rest)

    fetcher.MemoryRecords = _Fetched
    fetcher.PartitionRecords = records


_install()
