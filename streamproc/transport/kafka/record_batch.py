"""Kafka's record batches, format 2, read and written as columns.

The format: https://kafka.apache.org/documentation/#recordbatch. A batch is a head
of 61 bytes and its records, which may be compressed. A record is a row of varints,
key and value; aiokafka makes an object of each, which costs several times what
reading all of a batch at once does.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import NamedTuple

import numpy as np
from aiokafka import codec
from aiokafka.errors import CorruptRecordException
from aiokafka.record.util import calc_crc32c

from streamproc.cells import NULL, Bytes, Cells, Ints
from streamproc.transport.columns import Columns, Headers

_HEAD = struct.Struct(">qiibIhiqqqhii")
_LENGTH = struct.Struct(">qi")
_CRC_AT = 17
_ATTRIBUTES_AT = 21
_MAGIC_AT = 16
MAGIC = 2

_COMPRESSION = 0x07
_APPEND_TIME = 0x08
_TRANSACTIONAL = 0x10
_CONTROL = 0x20

LZ4 = 3
_LZ4_LEVEL = 1
_DECODE: dict[int, Callable[[bytes], bytes]] = {
    0: bytes,
    1: codec.gzip_decode,
    2: codec.snappy_decode,
    LZ4: codec.lz4_decode,
    4: codec.zstd_decode,
}

_LAST_SHIFT = 63
"""Of the tenth byte of a varint, which has room for no other."""

RECORD_OVERHEAD = 21
"""Most that a record takes beside key, value and headers."""


class Head(NamedTuple):
    """The fixed fields of a batch, in their order."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int

    @property
    def next_offset(self) -> int:
        """Offset after the batch, also when its last record was compacted away."""
        return self.base_offset + self.last_offset_delta + 1

    @property
    def is_control(self) -> bool:
        """Whether it holds a transaction's marker and no record."""
        return bool(self.attributes & _CONTROL)

    @property
    def is_transactional(self) -> bool:
        """Whether its producer may have taken it back."""
        return bool(self.attributes & _TRANSACTIONAL)


def batches(data: bytes) -> Iterator[bytes]:
    """The batches of a fetch, without one that is cut off at its end."""
    at = 0
    while len(data) - at >= _LENGTH.size:
        stop = at + _LENGTH.size + _LENGTH.unpack_from(data, at)[1]
        if stop > len(data):
            return
        yield data[at:stop]
        at = stop


def is_current(batch: bytes) -> bool:
    """Whether a batch is of format 2; older ones are for aiokafka."""
    return len(batch) >= _HEAD.size and batch[_MAGIC_AT] == MAGIC


def head(batch: bytes) -> Head:
    """The fixed fields of a batch; raises CorruptRecordException on a wrong CRC."""
    found = Head._make(_HEAD.unpack_from(batch))
    if calc_crc32c(batch[_ATTRIBUTES_AT:]) != found.crc:
        raise CorruptRecordException(f"wrong CRC at offset {found.base_offset}")
    return found


def body(batch: bytes, of: Head) -> bytes:
    """The records of a batch, uncompressed."""
    decode = _DECODE.get(of.attributes & _COMPRESSION)
    if decode is None:
        raise CorruptRecordException(f"unknown compression at offset {of.base_offset}")
    return decode(batch[_HEAD.size :])


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
    delta_ms, at = _varints(text, starts + 1)
    delta, at = _varints(text, at)
    key_lengths, key_starts = _varints(text, at)
    at = key_starts + np.maximum(key_lengths, 0)
    value_lengths, value_starts = _varints(text, at)
    headers_at = value_starts + np.maximum(value_lengths, 0)
    header_counts, stops = _varints(text, headers_at)
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
    appended = [bool(of.attributes & _APPEND_TIME) for of in heads]
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


def _varints(text: Bytes, at: Ints) -> tuple[Ints, Ints]:
    """The zigzag varints at some positions, and the positions after them."""
    byte = text[at]
    value = (byte & 0x7F).astype(np.uint64)
    after = at + 1
    going, shift = byte >= 0x80, 7
    while going.any():
        if shift > _LAST_SHIFT:
            raise ValueError("a number is too long")
        byte = np.where(going, text[after], 0)
        value |= (byte & 0x7F).astype(np.uint64) << np.uint64(shift)
        after = after + going
        going, shift = byte >= 0x80, shift + 7
    sign = -(value & np.uint64(1)).view(np.int64)
    return (value >> np.uint64(1)).view(np.int64) ^ sign, after


def _headers(text: bytes) -> Headers:
    """The headers of one record; a value that is null is empty."""
    found = []
    count, at = _varint_at(text, 0)
    for _ in range(count):
        name, at = _field(text, at)
        value, at = _field(text, at)
        if name is None:
            raise ValueError("a header has no name")
        found.append((name.decode(), value or b""))
    if count < 0 or at != len(text):
        raise ValueError("headers are not as they say")
    return found


def _field(text: bytes, at: int) -> tuple[bytes | None, int]:
    """The bytes whose length is told first; and the position after them."""
    length, at = _varint_at(text, at)
    if length < NULL or at + length > len(text):
        raise ValueError("a header is not as long as it says")
    stop = at + max(length, 0)
    return (None if length == NULL else text[at:stop]), stop


def _varint_at(text: bytes, at: int) -> tuple[int, int]:
    """The zigzag varint at a position, and the position after it."""
    value = shift = 0
    while shift <= _LAST_SHIFT:
        byte = text[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
    raise ValueError("a number is too long")


def _varint(value: int) -> bytes:
    """A number as a zigzag varint."""
    left = (value << 1) ^ (value >> 63)
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


_SMALL = [*map(_varint, range(1 << 15)), _varint(NULL)]
"""Varints of the numbers from 0 on; NULL is the last, where -1 leads to."""

_VARINT_LIMITS = [1 << 7 * size - 1 for size in range(1, 9)]
"""The smallest numbers that take 2, 3, … bytes."""


def _written_headers(pairs: Headers) -> bytes:
    out = [_varint(len(pairs))]
    for name, value in pairs:
        encoded = name.encode()
        out += (_varint(len(encoded)), encoded, _varint(len(value)), value)
    return b"".join(out)


Column = tuple[Sequence[bytes | None], Ints]
"""Keys or values, and their lengths as ``lengths`` tells them."""


def lengths(cells: Sequence[bytes | None]) -> Ints:
    """Length of each cell, NULL for None."""
    return np.array([NULL if cell is None else len(cell) for cell in cells], np.int64)


def written(keys: Column, values: Column, headers: Mapping[int, Headers]) -> bytes:
    """The records of a batch, uncompressed, all with the batch's timestamp."""
    numbers = np.arange(len(keys[0]))
    tails = [b"\0"] * len(numbers)
    for row, pairs in headers.items():
        tails[row] = _written_headers(pairs)
    sizes = 2 + np.maximum(keys[1], 0) + np.maximum(values[1], 0)
    sizes += np.fromiter(map(len, tails), np.int64, len(tails))
    for varints in (numbers, keys[1], values[1]):
        sizes += 1 + np.searchsorted(_VARINT_LIMITS, varints, side="right")
    pieces = zip(
        _varints_of(sizes),
        repeat(b"\0\0"),  # attributes, and the difference of timestamps
        _varints_of(numbers),
        _varints_of(keys[1]),
        _present(*keys),
        _varints_of(values[1]),
        _present(*values),
        tails,
        strict=False,
    )
    return b"".join(chain.from_iterable(pieces))


def _present(cells: Sequence[bytes | None], sizes: Ints) -> Iterable[bytes | None]:
    """The cells, with nothing in place of None."""
    if sizes.min(initial=0) >= 0:
        return cells
    return (cell or b"" for cell in cells)


def _varints_of(numbers: Ints) -> Iterator[bytes]:
    if numbers.max(initial=0) < len(_SMALL) - 1:
        return map(_SMALL.__getitem__, numbers.tolist())
    return map(_varint, numbers.tolist())


class Built:
    """A batch that is ready to be sent, in place of aiokafka's BatchBuilder.

    The producer tells it what it is numbered by, and takes its bytes.
    """

    def __init__(self, records: bytes, count: int, now_ms: int) -> None:
        self._body = codec.lz4_encode(records, level=_LZ4_LEVEL)
        self._count = count
        self._now_ms = now_ms
        self._producer = (-1, -1, -1)

    def record_count(self) -> int:
        """How many records it holds."""
        return self._count

    def size(self) -> int:
        """How many bytes it takes."""
        return _HEAD.size + len(self._body)

    def closed(self) -> bool:
        """Nothing can be added."""
        return True

    def close(self) -> None:
        """Do nothing: it is closed."""

    def append(self, **_: object) -> None:
        """Refuse, as a full batch does."""

    def _set_producer_state(self, *numbered: int) -> None:
        self._producer = (numbered[0], numbered[1], numbered[2])

    def _build(self) -> bytes:
        last = self._count - 1
        length = _HEAD.size - _LENGTH.size + len(self._body)
        times = (self._now_ms, self._now_ms)
        rest = (LZ4, last, *times, *self._producer, self._count)
        out = bytearray(_HEAD.pack(0, length, -1, MAGIC, 0, *rest) + self._body)
        struct.pack_into(">I", out, _CRC_AT, calc_crc32c(out[_ATTRIBUTES_AT:]))
        return bytes(out)
