"""Batches: a fetched run of records of one partition as one Faust message.

Faust's cost is per message, so for a batched topic the transports hand over
each fetched run as one message. Its value is the ``Batch``, its offset the last
record's. A batched topic needs one agent with concurrency 1.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from faust import Schema
from faust.types import TP

Headers = Sequence[tuple[str, bytes]]

NO_HEADERS: Headers = ()


class Batch:
    """A run of records of one partition, as columns of equal length."""

    __slots__ = (
        "checksum",
        "headers",
        "keys",
        "offsets",
        "partition",
        "record_headers",
        "timestamps_ms",
        "topic",
        "values",
    )

    def __init__(
        self,
        tp: TP,
        offsets: Sequence[int],
        timestamps_ms: Sequence[int],
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        record_headers: Mapping[int, Headers],
    ) -> None:
        self.topic = tp.topic
        self.partition = tp.partition
        self.offsets = offsets
        self.timestamps_ms = timestamps_ms
        self.keys = keys
        self.values = values
        # Few records carry headers: a mapping from row to headers.
        self.record_headers = record_headers
        self.headers: Headers = NO_HEADERS
        self.checksum = None

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def offset(self) -> int:
        """The last record's: whoever acks the batch has dealt with all of it."""
        return self.offsets[-1]

    @property
    def timestamp(self) -> int:
        """The last record's, in milliseconds."""
        return self.timestamps_ms[-1]

    @property
    def timestamp_type(self) -> int:
        """Create time, as Kafka numbers it."""
        return 0


class BatchSchema(Schema):
    """Hands a batch through as it is: keys and values stay bytes."""

    def loads_key(self, app: Any, message: Any, **kwargs: Any) -> None:
        """A batch has no single key."""

    def loads_value(self, app: Any, message: Any, **kwargs: Any) -> Any:
        """Return the batch itself."""
        return message.value


def declare_batched(app: Any, topic: str) -> None:
    """Ask the app's transport to deliver ``topic`` in batches."""
    batched_topics(app).add(topic)


def batched_topics(app: Any) -> set[str]:
    """Names of the app's batched topics; empty for an app that has none."""
    names: set[str] = app.__dict__.setdefault("_batched_topics", set())
    return names


class BatchedOffsets:
    """Mixin for a Faust consumer: how batched topics are committed.

    Faust commits up to the first gap between acked offsets, and learns of gaps
    an interval late; with batches every offset jump would be one. A batched
    topic's single agent acks in order, so the last acked batch says it all.
    """

    app: Any
    _acked: dict[TP, list[int]]
    _acked_index: dict[TP, set[int]]

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic not in batched_topics(self.app):
            offset: int | None = super()._new_offset(tp)  # type: ignore[misc]
            return offset
        acked = self._acked[tp]
        if not acked:
            return None
        last = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return last + 1

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        if tp.topic not in batched_topics(self.app):
            await super()._add_gap(tp, offset_from, offset_to)  # type: ignore[misc]


def encoded(headers: Iterable[tuple[str, str]]) -> Headers:
    """Text headers as a transport takes them."""
    return [(name, value.encode()) for name, value in headers]
