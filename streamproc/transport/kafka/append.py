"""Appending runs of records to one partition, in batches the broker takes."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streamproc.cells import Ints, lengths_of
from streamproc.errors import RecordTooLargeError
from streamproc.transport.columns import Headers
from streamproc.transport.kafka.record_batch import (
    RECORD_OVERHEAD,
    Built,
    written,
)

BATCH_BYTES = 900_000
"""Records of a batch before compression; brokers take 1 MiB unless told."""

REQUEST_BYTES = 16 << 20
"""Most that one request may carry; a topic's ``max.message.bytes`` decides."""

COMPRESSION = "lz4"
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


def be_patient(producer: AIOKafkaProducer) -> None:
    """Let batches outlive an election, however short one request may take."""
    producer._message_accumulator._batch_ttl = DELIVERY_TIMEOUT_S


async def append(
    producer: AIOKafkaProducer,
    topic: str,
    partition: int,
    keys: Sequence[bytes | None],
    values: Sequence[bytes | None],
    headers: Mapping[int, Headers] | None = None,
) -> int:
    """Append records, wait until all replicas in sync have them.

    Returns the last offset. Raises RecordTooLargeError when one of them does
    not fit into any batch; some of the others may then have been appended.
    """
    pending = []
    try:
        for batch in _batches(keys, values, headers or {}):
            sent = await producer.send_batch(batch, topic, partition=partition)
            pending.append((batch.record_count(), sent))
    finally:
        # All are awaited even when one fails: nothing may arrive later.
        results = await asyncio.gather(*(f for _, f in pending), return_exceptions=True)
    last = -1
    for (count, _), result in zip(pending, results, strict=True):
        if isinstance(result, MessageSizeTooLargeError):
            longest = max(len(v or b"") for v in values)
            raise RecordTooLargeError(
                f"{topic}, partition {partition}: the broker refuses records of"
                f" {longest} bytes; raise the topic's max.message.bytes"
            ) from result
        if isinstance(result, BaseException):
            raise result
        if result.offset < 0:
            raise KafkaError(f"{topic}, partition {partition}: the offset is not known")
        last = result.offset + count - 1
    return last


def _batches(
    keys: Sequence[bytes | None],
    values: Sequence[bytes | None],
    headers: Mapping[int, Headers],
) -> Iterator[Built]:
    """Batch after batch; a record too large for any has one of its own."""
    now_ms = time.time_ns() // 1_000_000
    key_lengths, value_lengths = lengths_of(keys), lengths_of(values)
    sizes = RECORD_OVERHEAD + np.maximum(key_lengths, 0) + np.maximum(value_lengths, 0)
    for row, pairs in headers.items():
        sizes[row] += sum(RECORD_OVERHEAD + 4 * len(n) + len(v) for n, v in pairs)
    for start, stop in _cuts(sizes):
        mine = slice(start, stop)
        records = written(
            (keys[mine], key_lengths[mine]),
            (values[mine], value_lengths[mine]),
            {row - start: headers[row] for row in headers if start <= row < stop},
        )
        yield Built(records, stop - start, now_ms)


def _cuts(sizes: Ints) -> Iterator[tuple[int, int]]:
    """Where each batch begins and ends."""
    before = np.concatenate(([0], np.cumsum(sizes)))
    start = 0
    while start < len(sizes):
        full = np.searchsorted(before, before[start] + BATCH_BYTES, side="right") - 1
        stop = max(int(full), start + 1)
        yield start, stop
        start = stop
