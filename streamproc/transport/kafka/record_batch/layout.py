"""What surrounds the records of a batch: its head, its compression."""

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from aiokafka import codec
from aiokafka.errors import CorruptRecordException
from aiokafka.record.util import calc_crc32c

HEAD = struct.Struct(">qiibIhiqqqhii")
LENGTH = struct.Struct(">qi")
"""The first two fields; the length is of all that follows them."""

CRC_AT = 17
ATTRIBUTES_AT = 21
"""The CRC is of all from here on."""

_LEAST_LENGTH = 14
"""Of the oldest format: CRC, magic, attributes, the lengths of key and value."""

_MAGIC_AT = 16
MAGIC = 2

APPEND_TIME = 0x08
_COMPRESSION = 0x07
_TRANSACTIONAL = 0x10
_CONTROL = 0x20

LZ4 = 3
_DECODE: dict[int, Callable[[bytes], bytes]] = {
    0: bytes,
    1: codec.gzip_decode,
    2: codec.snappy_decode,
    LZ4: codec.lz4_decode,
    4: codec.zstd_decode,
}


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
    """The batches of a fetch, without one that is cut off at its end.

    Raises CorruptRecordException at one that is shorter than any can be.
    """
    at = 0
    while len(data) - at >= LENGTH.size:
        offset, length = LENGTH.unpack_from(data, at)
        stop = at + LENGTH.size + length
        if length < _LEAST_LENGTH:
            raise CorruptRecordException(f"impossible length at offset {offset}")
        if stop > len(data):
            return
        yield data[at:stop]
        at = stop


def whole(data: bytes) -> Iterator[bytes]:
    """Each whole batch, as ``batches``, up to where that raises."""
    try:
        yield from batches(data)
    except CorruptRecordException:
        return


def offsets_told(batch: bytes) -> tuple[int, int]:
    """First offset of a batch and the one after it, as it says itself, unchecked."""
    base = int(LENGTH.unpack_from(batch)[0])
    if not is_current(batch):
        return base, base + 1
    return base, Head._make(HEAD.unpack_from(batch)).next_offset


def is_current(batch: bytes) -> bool:
    """Whether a batch is of format 2; older ones are for aiokafka."""
    return len(batch) >= HEAD.size and batch[_MAGIC_AT] == MAGIC


def head(batch: bytes) -> Head:
    """The fixed fields of a batch; raises CorruptRecordException on a wrong CRC."""
    found = Head._make(HEAD.unpack_from(batch))
    if calc_crc32c(batch[ATTRIBUTES_AT:]) != found.crc:
        raise CorruptRecordException(f"wrong CRC at offset {found.base_offset}")
    return found


def body(batch: bytes, of: Head) -> bytes:
    """The records of a batch, uncompressed; raises CorruptRecordException."""
    decode = _DECODE.get(of.attributes & _COMPRESSION)
    if decode is None:
        raise CorruptRecordException(f"unknown compression at offset {of.base_offset}")
    try:
        return decode(batch[HEAD.size :])
    except Exception as exc:  # each codec has its own
        raise CorruptRecordException(
            f"records from offset {of.base_offset} cannot be decompressed: {exc}"
        ) from exc
