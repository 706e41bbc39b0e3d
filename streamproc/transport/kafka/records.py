"""Batches made of the records aiokafka has fetched.

aiokafka wraps each record it has decoded in a ConsumerRecord, which costs as
much as all of the rest. A consumer marked with ``LIGHT`` gets the decoded
records themselves; they have the same offset, timestamp, key, value and
headers. Where aiokafka has no such place to hook into, its own records do.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.consumer import fetcher
from faust.types import TP

from streamproc.transport.batch import NO_HEADERS, Batch, Headers


class RecordBatch(Batch):
    """A batch whose columns are made when they are asked for."""

    __slots__ = ("_headers", "_keys", "_offsets", "_records", "_timestamps", "_values")

    def __init__(self, tp: TP, records: Sequence[Any]) -> None:
        self.topic = tp.topic
        self.partition = tp.partition
        self.headers = NO_HEADERS
        self.checksum = None
        self._records = records
        self._offsets: list[int] | None = None
        self._timestamps: list[int] | None = None
        self._keys: list[bytes | None] | None = None
        self._values: list[bytes | None] | None = None
        self._headers: dict[int, Headers] | None = None

    def __len__(self) -> int:
        return len(self._records)

    @property
    def offset(self) -> int:
        """The last record's."""
        last: int = self._records[-1].offset
        return last

    @property
    def timestamp(self) -> int:
        """The last record's, in milliseconds."""
        last: int = self._records[-1].timestamp
        return last

    @property
    def offsets(self) -> Sequence[int]:  # type: ignore[override]
        """Offset of each record."""
        if self._offsets is None:
            self._offsets = [record.offset for record in self._records]
        return self._offsets

    @property
    def timestamps_ms(self) -> Sequence[int]:  # type: ignore[override]
        """Timestamp of each record."""
        if self._timestamps is None:
            self._timestamps = [record.timestamp for record in self._records]
        return self._timestamps

    @property
    def keys(self) -> Sequence[bytes | None]:  # type: ignore[override]
        """Key of each record."""
        if self._keys is None:
            self._keys = [record.key for record in self._records]
        return self._keys

    @property
    def values(self) -> Sequence[bytes | None]:  # type: ignore[override]
        """Value of each record."""
        if self._values is None:
            self._values = [record.value for record in self._records]
        return self._values

    @property
    def record_headers(self) -> Mapping[int, Headers]:  # type: ignore[override]
        """Headers of the records that have some."""
        if self._headers is None:
            self._headers = {
                row: record.headers
                for row, record in enumerate(self._records)
                if record.headers
            }
        return self._headers


def LIGHT(key: bytes | None) -> bytes | None:
    """Mark a consumer that wants light records, as its key deserializer."""
    return key


def _install() -> bool:
    """Teach aiokafka about ``LIGHT``; False where it does not look as expected."""
    wrap = getattr(fetcher.PartitionRecords, "_consumer_record", None)
    if wrap is None:
        return False

    def light(self: Any, tp: TP, record: Any) -> Any:
        if self._key_deserializer is LIGHT:
            return record
        return wrap(self, tp, record)

    fetcher.PartitionRecords._consumer_record = light
    return True


INSTALLED = _install()
