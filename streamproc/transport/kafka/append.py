"""Appending runs of records to one partition, in batches the broker takes."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from streamproc.cells import lengths_of
from streamproc.errors import RecordTooLargeError
from streamproc.transport.columns import Headers
from streamproc.transport.kafka.admin import message_limit
from streamproc.transport.kafka.delays import awaited
from streamproc.transport.kafka.internals import clients
from streamproc.transport.kafka.record_batch import (
    RECORD_OVERHEAD,
    Built,
    written,
)
from streamproc.transport.kafka.refusals import translated

BATCH_BYTES = 900_000
"""Records of a batch before compression; brokers take 1 MiB unless told."""

REQUEST_BYTES = 16 << 20
"""Most that one request may carry; a topic's ``max.message.bytes`` decides."""

COMPRESSION = "lz4"
KEY_SHOWN = 100
"""Bytes of a key that an error shows."""

DELIVERY_TIMEOUT_S = 120.0
"""How long a batch waits for a partition that has no leader."""


def settings(request_timeout_s: float) -> dict[str, Any]:
    """How every producer of this program writes; aiokafka's names."""
    return {
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": COMPRESSION,
        "max_batch_size": BATCH_BYTES,
        "max_request_size": REQUEST_BYTES,
        "linger_ms": 0,
        "request_timeout_ms": int(request_timeout_s * 1000),
    }


async def append(
    producer: AIOKafkaProducer,
    topic: str,
    partition: int,
    keys: Sequence[bytes | None],
    values: Sequence[bytes | None],
    headers: Mapping[int, Headers] | None = None,
) -> int:
    """Append records in their order, wait until all replicas in sync have them.

    Returns the last offset. Raises RecordTooLargeError when the broker takes one of
    them in no batch; those before it have then been appended.
    """
    records = Records(keys, values, headers or {})
    run = _Run(producer, TopicPartition(topic, partition), records)
    start, last = 0, -1
    while start < len(records):
        stop = records.cut(start, run.batch_bytes)
        last = await run.append(start, stop)
        start = stop
    return last


class _Run:
    """The records of one call, on their way to one partition, a batch at a time."""

    def __init__(
        self, producer: AIOKafkaProducer, tp: TopicPartition, records: "Records"
    ) -> None:
        self._producer = producer
        self._tp = tp
        self._records = records
        self._learned = _LEARNED.setdefault(producer, {})

    @property
    def batch_bytes(self) -> int:
        """Most that the topic takes in a batch, as far as this producer has learned."""
        return self._learned.get(self._tp.topic, BATCH_BYTES)

    async def append(self, start: int, stop: int) -> int:
        """Append some rows, in halves if they are too much; return the last offset."""
        batch = self._records.built(start, stop)
        try:
            return await self._sent(batch)
        except (MessageSizeTooLargeError, RecordListTooLargeError) as exc:
            if stop - start == 1:
                raise await self._too_large(start, batch.size()) from exc
        except _REFUSED as exc:
            raise translated(exc, topic=self._tp.topic) from exc
        self._learned[self._tp.topic] = self._records.bytes_of(start, stop) // 2
        middle = self._records.middle(start, stop)
        await self.append(start, middle)
        return await self.append(middle, stop)

    async def _sent(self, batch: Built) -> int:
        count, (topic, partition) = batch.record_count(), self._tp
        sent = await self._producer.send_batch(batch, topic, partition=partition)
        sent.add_done_callback(partial(_renumber, self._producer, self._tp, count))
        result = await awaited(sent, self._producer.client, self._tp)
        if result.offset < 0:
            raise KafkaError(f"{topic}, partition {partition}: the offset is not known")
        return int(result.offset) + count - 1

    async def _too_large(self, row: int, needed: int) -> RecordTooLargeError:
        topic, (key, value) = self._tp.topic, self._records[row]
        limit = await message_limit(self._producer.client, topic)
        return RecordTooLargeError(
            f"topic {topic}, partition {self._tp.partition}: the record with key"
            f" {_shown(key)} has {len(value or b'')} bytes and needs a message of"
            f" {needed}, the broker takes {limit or 'less'}: raise the topic's"
            f" max.message.bytes to {needed} or more with kafka-configs.sh"
        )


_LEARNED: WeakKeyDictionary[AIOKafkaProducer, dict[str, int]] = WeakKeyDictionary()
"""Batch sizes that a topic takes where the usual one was refused, by producer."""

_REFUSED = (
    InvalidTimestampError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)
"""Answers of a broker that has looked at a batch and written nothing of it."""


def _renumber(
    producer: AIOKafkaProducer, tp: TopicPartition, count: int, sent: Any
) -> None:
    """Give the numbers of a refused batch to the next one.

    The broker expects them: else it would refuse all that follows as out of order.
    Only one batch of a partition is under way, so no other has been numbered yet.
    """
    if not sent.cancelled() and isinstance(sent.exception(), _REFUSED):
        clients.renumber(producer, tp, -count)


def _shown(key: bytes | None) -> str:
    return "(none)" if key is None else repr(key[:KEY_SHOWN].decode(errors="replace"))


class Records:
    """The records of one call, with the room each takes at most."""

    def __init__(
        self,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        headers: Mapping[int, Headers],
    ) -> None:
        self._keys, self._key_lengths = keys, lengths_of(keys)
        self._values, self._value_lengths = values, lengths_of(values)
        self._headers = headers
        self._now_ms = time.time_ns() // 1_000_000
        sizes = RECORD_OVERHEAD + np.maximum(self._key_lengths, 0)
        sizes += np.maximum(self._value_lengths, 0)
        for row, pairs in headers.items():
            sizes[row] += sum(RECORD_OVERHEAD + 4 * len(n) + len(v) for n, v in pairs)
        self._before = np.concatenate(([0], np.cumsum(sizes)))

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, row: int) -> tuple[bytes | None, bytes | None]:
        return self._keys[row], self._values[row]

    def bytes_of(self, start: int, stop: int) -> int:
        """Room that some rows take, uncompressed."""
        return int(self._before[stop] - self._before[start])

    def cut(self, start: int, room: int) -> int:
        """Row before which a batch from ``start`` on ends; it has at least one."""
        full = np.searchsorted(self._before, self._before[start] + room, side="right")
        return max(int(full) - 1, start + 1)

    def middle(self, start: int, stop: int) -> int:
        """Row that halves some rows, two at least, by the room they take."""
        return self.cut(start, self.bytes_of(start, stop) // 2)

    def built(self, start: int, stop: int) -> Built:
        """Some rows as a batch that is ready to be sent."""
        mine = slice(start, stop)
        records = written(
            (self._keys[mine], self._key_lengths[mine]),
            (self._values[mine], self._value_lengths[mine]),
            {
                row - start: pairs
                for row, pairs in self._headers.items()
                if start <= row < stop
            },
        )
        return Built(records, stop - start, self._now_ms)
