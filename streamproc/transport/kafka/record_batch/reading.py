"""Records as they are read: columns, of some batches at once."""

from collections.abc import Sequence

import numpy as np
from aiokafka.errors import CorruptRecordException

from streamproc.cells import NULL, Cells, Ints
from streamproc.transport.columns import Columns, Headers
from streamproc.transport.kafka.record_batch.layout import APPEND_TIME, Head
from streamproc.transport.kafka.record_batch.varints import varint_at, varints


def read(heads: Sequence[Head], bodies: Sequence[bytes]) -> Columns:
    """The records of some batches that follow each other; at least one.

    All at once, since producers that do not wait send a batch per record.
    Raises CorruptRecordException when a record is not as it says.
    """
    try:
        return _read(heads, bodies)
    except (IndexError, ValueError) as exc:
        first, end = heads[0].base_offset, heads[-1].next_offset
        raise CorruptRecordException(
            f"records from offset {first} to {end} cannot be read: {exc}"
        ) from exc


def _read(heads: Sequence[Head], bodies: Sequence[bytes]) -> Columns:
    starts, ends = _bounds(heads, bodies)
    joined = bodies[0] if len(bodies) == 1 else b"".join(bodies)
    # Varints of a damaged record may lead past its end, and past everybody's.
    text = np.frombuffer(joined + bytes(16), np.uint8)
    delta_ms, at = varints(text, starts + 1)
    delta, at = varints(text, at)
    key_lengths, key_starts = varints(text, at)
    at = key_starts + np.maximum(key_lengths, 0)
    value_lengths, value_starts = varints(text, at)
    headers_at = value_starts + np.maximum(value_lengths, 0)
    header_counts, stops = varints(text, headers_at)
    plain = header_counts == 0
    wrong = (key_lengths < NULL) | (value_lengths < NULL)
    wrong |= (at > ends) | (stops > ends) | (stops < at) | plain & (stops != ends)
    if wrong.any():
        raise ValueError("a record is not as long as it says")
    counts = [of.records for of in heads]
    return Columns(
        delta + np.repeat([of.base_offset for of in heads], counts),
        _timestamps(heads, counts, delta_ms),
        Cells(joined, key_starts, key_lengths),
        Cells(joined, value_starts, value_lengths),
        {
            row: _headers(joined[headers_at[row] : ends[row]])
            for row in np.flatnonzero(~plain).tolist()
        },
    )


def _timestamps(heads: Sequence[Head], counts: Sequence[int], delta_ms: Ints) -> Ints:
    """Milliseconds of each record; the broker's own where the topic wants that."""
    created: Ints = delta_ms + np.repeat([of.first_timestamp for of in heads], counts)
    appended = [bool(of.attributes & APPEND_TIME) for of in heads]
    if not any(appended):
        return created
    times = np.repeat([of.max_timestamp for of in heads], counts)
    return np.where(np.repeat(appended, counts), times, created)


def _bounds(heads: Sequence[Head], bodies: Sequence[bytes]) -> tuple[Ints, Ints]:
    """Where each record begins, after its length, and where it ends; all joined."""
    starts: list[int] = []
    ends: list[int] = []
    before = signs = 0
    for of, records in zip(heads, bodies, strict=True):
        at = 0
        for _ in range(of.records):
            size = records[at]
            at += 1
            shift = 7
            while size >> shift:  # the highest bit so far says that it goes on
                size += (records[at] - 1) << shift
                at += 1
                shift += 7
            signs |= size
            starts.append(before + at)
            at += size >> 1
            ends.append(before + at)
        if at != len(records):
            raise ValueError(f"{len(records)} bytes where its records take {at}")
        before += at
    if signs & 1:
        raise ValueError("a record is shorter than nothing")
    return np.array(starts, np.int64), np.array(ends, np.int64)


def _headers(text: bytes) -> Headers:
    """The headers of one record; a value that is null is empty.

    A name is text by the protocol, but nobody checks it: what is not UTF-8 is
    replaced, so that one producer's header does not stop the partition.
    """
    found = []
    count, at = varint_at(text, 0)
    for _ in range(count):
        name, at = _field(text, at)
        value, at = _field(text, at)
        if name is None:
            raise ValueError("a header has no name")
        found.append((name.decode(errors="replace"), value or b""))
    if count < 0 or at != len(text):
        raise ValueError("headers are not as they say")
    return found


def _field(text: bytes, at: int) -> tuple[bytes | None, int]:
    """The bytes whose length is told first; and the position after them."""
    length, at = varint_at(text, at)
    if length < NULL or at + length > len(text):
        raise ValueError("a header is not as long as it says")
    stop = at + max(length, 0)
    return (None if length == NULL else text[at:stop]), stop
