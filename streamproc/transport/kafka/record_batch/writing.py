"""Records as they are written: columns in, the bytes of a batch out."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat

import numpy as np
from aiokafka import codec
from aiokafka.record.util import calc_crc32c

from streamproc.cells import Ints
from streamproc.transport.columns import Headers
from streamproc.transport.kafka.record_batch.layout import (
    ATTRIBUTES_AT,
    CRC_AT,
    HEAD,
    LENGTH,
    LZ4,
    MAGIC,
)
from streamproc.transport.kafka.record_batch.varints import (
    sizes_of,
    varint,
    varints_of,
)

RECORD_OVERHEAD = 21
"""Most that a record takes beside key, value and headers."""

_LZ4_LEVEL = 1


def _written_headers(pairs: Headers) -> bytes:
    out = [varint(len(pairs))]
    for name, value in pairs:
        encoded = name.encode()
        out += (varint(len(encoded)), encoded, varint(len(value)), value)
    return b"".join(out)


Column = tuple[Sequence[bytes | None], Ints]
"""Keys or values, and their lengths as ``cells.lengths_of`` tells them."""


def written(keys: Column, values: Column, headers: Mapping[int, Headers]) -> bytes:
    """The records of a batch, uncompressed, all with the batch's timestamp."""
    numbers = np.arange(len(keys[0]))
    tails = [b"\0"] * len(numbers)
    for row, pairs in headers.items():
        tails[row] = _written_headers(pairs)
    sizes = 2 + np.maximum(keys[1], 0) + np.maximum(values[1], 0)
    sizes += np.fromiter(map(len, tails), np.int64, len(tails))
    sizes += sizes_of(numbers) + sizes_of(keys[1]) + sizes_of(values[1])
    pieces = zip(
        varints_of(sizes),
        repeat(b"\0\0"),  # attributes, and the difference of timestamps
        varints_of(numbers),
        varints_of(keys[1]),
        _present(*keys),
        varints_of(values[1]),
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
        return HEAD.size + len(self._body)

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
        length = HEAD.size - LENGTH.size + len(self._body)
        times = (self._now_ms, self._now_ms)
        rest = (LZ4, last, *times, *self._producer, self._count)
        out = bytearray(HEAD.pack(0, length, -1, MAGIC, 0, *rest) + self._body)
        struct.pack_into(">I", out, CRC_AT, calc_crc32c(out[ATTRIBUTES_AT:]))
        return bytes(out)
