"""Kafka's record batches, format 2, read and written as columns.

The format: https://kafka.apache.org/documentation/#recordbatch. A batch is a head
of 61 bytes (``layout``) and its records, which may be compressed. A record is a row
of ``varints``, key and value; aiokafka makes an object of each, which costs several
times what ``reading`` and ``writing`` all of a batch at once do.
"""

from streamproc.transport.kafka.record_batch.layout import (
    LZ4,
    MAGIC,
    Head,
    batches,
    body,
    head,
    is_current,
    offsets_told,
    whole,
)
from streamproc.transport.kafka.record_batch.reading import read
from streamproc.transport.kafka.record_batch.writing import (
    RECORD_OVERHEAD,
    Built,
    written,
)

__all__ = [
    "LZ4",
    "MAGIC",
    "RECORD_OVERHEAD",
    "Built",
    "Head",
    "batches",
    "body",
    "head",
    "is_current",
    "offsets_told",
    "read",
    "whole",
    "written",
]
