"""Batches: a fetched run of records of one partition as one Faust message.

Faust's cost is per message, so for a batched topic the transports hand over
each fetched run as one message (``batched`` has what Faust needs for that). Its value
is the ``Batch``, its offset the last record's.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from streamproc.cells import Cells, Ints
from streamproc.transport.columns import Columns, Headers
from streamproc.transport.tp import TP


class Batch:
    """A run of records of one partition, as columns of equal length."""

    __slots__ = ("columns", "partition", "topic")

    #: Of the batch as a message; a record's own are in ``record_headers``.
    headers: Headers = ()
    checksum = None
    timestamp_type = 0
    """Create time, as Kafka numbers it."""

    def __init__(self, tp: TP, columns: Columns) -> None:
        self.topic = tp.topic
        self.partition = tp.partition
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def offset(self) -> int:
        """The last record's: whoever acks the batch has dealt with all of it."""
        return int(self.columns.offsets[-1])

    @property
    def timestamp(self) -> int:
        """The last record's, in milliseconds."""
        return int(self.columns.timestamps_ms[-1])

    @property
    def offsets(self) -> Ints:
        """Offset of each record."""
        return self.columns.offsets

    @property
    def timestamps_ms(self) -> Ints:
        """Timestamp of each record."""
        return self.columns.timestamps_ms

    @property
    def keys(self) -> Cells:
        """Key of each record."""
        return self.columns.keys

    @property
    def values(self) -> Cells:
        """Value of each record."""
        return self.columns.values

    @property
    def record_headers(self) -> Mapping[int, Headers]:
        """Headers of the records that have some, by row."""
        return self.columns.headers


class Record(NamedTuple):
    """One record, for a topic that is not batched."""

    offset: int
    timestamp: int
    headers: Headers
    key: bytes | None
    value: bytes | None


def singles(batch: Batch) -> Iterator[Record]:
    """The records of a batch, one by one."""
    rows = zip(
        batch.offsets.tolist(),
        batch.timestamps_ms.tolist(),
        batch.keys,
        batch.values,
        strict=True,
    )
    for row, (offset, timestamp, key, value) in enumerate(rows):
        yield Record(offset, timestamp, batch.record_headers.get(row, ()), key, value)


def encoded(headers: Iterable[tuple[str, str]]) -> Headers:
    """Text headers as a transport takes them."""
    return [(name, value.encode()) for name, value in headers]
