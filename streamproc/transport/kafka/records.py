"""What a fetch has brought, cut into runs of records as columns.

Everything else about fetching, from the requests to the positions, is left to aiokafka
(see ``internals``).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from aiokafka.errors import CorruptRecordException
from aiokafka.record.memory_records import MemoryRecords
from faust.types import TP

from streamproc.cells import Cells
from streamproc.transport.batch import Batch
from streamproc.transport.columns import Columns
from streamproc.transport.kafka import record_batch
from streamproc.transport.kafka.record_batch import Head

__all__ = ["Damage", "Head", "Run", "batches"]


class Damage(CorruptRecordException):
    """Raised for records that cannot be read: offsets from ``first`` to before ``end``.

    ``tp``: their partition, once it is known.
    """

    def __init__(self, first: int, end: int, why: str) -> None:
        super().__init__(why)
        self.first, self.end, self.why = first, end, why
        self.tp: TP | None = None


class Run:
    """Cuts the records of a fetch, from an offset on, into parts of limited length.

    ``end``: the offset after all that was looked at so far, whether or not it held a
    record.
    """

    def __init__(self, first: int, max_records: int) -> None:
        self.end = first
        self._next = first
        self._limit = max_records

    def parts(
        self,
        data: bytes,
        is_aborted: Callable[[Head, bytes], bool],
        heard: Callable[[int, Head], None],
    ) -> Iterator[Columns]:
        """The records of a fetch; of those batches that were not taken back.

        ``heard``: called with the position reached and the head of each batch. Raises
        Damage at a batch that cannot be read, after all that comes before it.
        """
        waiting = _Waiting()
        try:
            for batch in record_batch.batches(data):
                if record_batch.is_current(batch):
                    head = record_batch.head(batch)
                    heard(self.end, head)
                    aborted = is_aborted(head, batch)  # asked of each, it keeps count
                    if head.records and not head.is_control and not aborted:
                        waiting.add(head, record_batch.body(batch, head))
                    self.end = head.next_offset
                    if waiting.count >= self._limit:
                        yield from self._cut(waiting.read())
                else:
                    yield from self._cut(waiting.read())
                    yield from self._cut([_of_old_format(batch)])
        except Damage:
            raise
        except CorruptRecordException as exc:
            yield from self._cut(waiting.read())
            first = max(self.end, self._next)
            raise Damage(first, _end_of_damage(data, first), str(exc)) from exc
        yield from self._cut(waiting.read())

    def _cut(self, several: Iterable[Columns]) -> Iterator[Columns]:
        """What was asked for, in parts that are not too long."""
        for columns in several:
            yield from self._parts_of(columns)

    def _parts_of(self, columns: Columns) -> Iterator[Columns]:
        first = int(np.searchsorted(columns.offsets, self._next))
        for at in range(first, len(columns), self._limit):
            part = columns[at : at + self._limit]
            self._next = int(part.offsets[-1]) + 1
            yield part


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

    def read(self) -> Iterator[Columns]:
        """The records of them all; raises Damage after those before a damaged batch."""
        heads, bodies = self._heads, self._bodies
        self.count, self._heads, self._bodies = 0, [], []
        if not heads:
            return
        try:
            yield record_batch.read(heads, bodies)
        except CorruptRecordException:
            yield from _one_by_one(heads, bodies)


def _one_by_one(heads: Sequence[Head], bodies: Sequence[bytes]) -> Iterator[Columns]:
    """The records of each batch, up to the first that cannot be read."""
    for head, body in zip(heads, bodies, strict=True):
        try:
            yield record_batch.read([head], [body])
        except CorruptRecordException as exc:
            raise Damage(head.base_offset, head.next_offset, str(exc)) from exc


def _end_of_damage(data: bytes, first: int) -> int:
    """Where a damaged batch ends: where the next one begins, else where it says itself.

    Its own word counts only when nothing follows it, since it is damaged, too.
    """
    offsets = [record_batch.offsets_told(batch) for batch in record_batch.whole(data)]
    after = [base for base, _ in offsets if base > first]
    told = [next_offset for base, next_offset in offsets if base <= first]
    return min(after, default=max([first + 1, *told[-1:]]))


def _of_old_format(batch: bytes) -> Columns:
    """The records of a batch that was written before Kafka 0.11."""
    theirs = MemoryRecords(batch).next_batch()
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
