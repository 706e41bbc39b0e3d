"""The body of a stored batch: the columns of its records, one after another.

Layout, all integers little-endian::

    uint32  number of records n
    uint32  length of the headers' JSON
    int64   n offsets, less the batch's first
    int64   n timestamps, milliseconds
    int32   n key lengths, -1 for null
    int32   n value lengths, -1 for null
    bytes   the headers' JSON: {row: [[name, hex value], ...]}; "first-last" in
            place of a row where those that follow each other have the same
    bytes   all keys, then all values

A body of some length is compressed with Zstandard, if that makes it smaller. It then
begins with that format's magic number, which no batch has as its number of records.

Columns make writing and reading a matter of a few numpy calls per batch; a row
per record costs SQLite and Python several times as much.
"""

import struct
from collections.abc import Iterator, Mapping
from operator import itemgetter

import numpy as np
import orjson
from cramjam import zstd

from streamproc.cells import Cells
from streamproc.transport.columns import Columns, Headers

_HEAD = struct.Struct("<II")

_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_LEVEL = 1
_WORTH_BYTES = 1_024
"""Less than that is in one page of the log anyway."""


def encode(columns: Columns) -> bytes:
    """Body of a batch."""
    body = _columns(columns)
    if len(body) < _WORTH_BYTES:
        return body
    compressed = bytes(zstd.compress(body, level=_ZSTD_LEVEL))
    return min(compressed, body, key=len)


def _columns(columns: Columns) -> bytes:
    count = len(columns)
    headers = b""
    if columns.headers:
        headers = orjson.dumps(
            {
                f"{first}-{last}" if last > first else str(first): [
                    [name, value.hex()] for name, value in pairs
                ]
                for first, last, pairs in _runs(columns.headers)
            }
        )
    return b"".join(
        [
            _HEAD.pack(count, len(headers)),
            (columns.offsets - columns.offsets[0]).astype("<i8").tobytes(),
            columns.timestamps_ms.astype("<i8").tobytes(),
            columns.keys.lengths.astype("<i4").tobytes(),
            columns.values.lengths.astype("<i4").tobytes(),
            headers,
            columns.keys.contents(),
            columns.values.contents(),
        ]
    )


def decode(body: bytes, base: int) -> Columns:
    """Columns of a batch that begins at offset ``base``."""
    if body.startswith(_ZSTD):
        body = bytes(zstd.decompress(body))
    count, header_bytes = _HEAD.unpack_from(body)
    at = _HEAD.size
    offsets = np.frombuffer(body, "<i8", count, at) + base
    at += 8 * count
    timestamps = np.frombuffer(body, "<i8", count, at)
    at += 8 * count
    key_lengths = np.frombuffer(body, "<i4", count, at).astype(np.int64)
    at += 4 * count
    value_lengths = np.frombuffer(body, "<i4", count, at).astype(np.int64)
    at += 4 * count
    headers = _headers(body[at : at + header_bytes]) if header_bytes else {}
    at += header_bytes
    keys = Cells.adjacent(body, at, key_lengths)
    at += int(np.maximum(key_lengths, 0).sum())
    values = Cells.adjacent(body, at, value_lengths)
    return Columns(offsets, timestamps, keys, values, headers)


def _runs(headers: Mapping[int, Headers]) -> Iterator[tuple[int, int, Headers]]:
    """First and last row of those that follow each other with the same headers."""
    first, last, same = 0, -1, None
    for row, pairs in sorted(headers.items(), key=itemgetter(0)):
        if same is not None and row == last + 1 and (pairs is same or pairs == same):
            last = row
            continue
        if same is not None:
            yield first, last, same
        first, last, same = row, row, pairs
    if same is not None:
        yield first, last, same


def _headers(text: bytes) -> dict[int, Headers]:
    found: dict[int, Headers] = {}
    for rows, pairs in orjson.loads(text).items():
        first, _, last = rows.partition("-")
        told = tuple((name, bytes.fromhex(value)) for name, value in pairs)
        found |= dict.fromkeys(range(int(first), int(last or first) + 1), told)
    return found
