"""The body of a stored batch: the columns of its records, one after another.

Layout, all integers little-endian::

    uint32  number of records n
    uint32  length of the headers' JSON
    int64   n offsets, less the batch's first
    int64   n timestamps, milliseconds
    int32   n key lengths, -1 for null
    int32   n value lengths, -1 for null
    bytes   the headers' JSON: {row: [[name, hex value], ...]}
    bytes   all keys, then all values

Columns make writing and reading a matter of a few numpy calls per batch; a row
per record costs SQLite and Python several times as much.
"""

import struct

import numpy as np
import orjson

from streamproc.cells import Cells
from streamproc.transport.columns import Columns, Headers

_HEAD = struct.Struct("<II")


def encode(columns: Columns) -> bytes:
    """Body of a batch."""
    count = len(columns)
    headers = b""
    if columns.headers:
        headers = orjson.dumps(
            {
                str(row): [[name, value.hex()] for name, value in pairs]
                for row, pairs in columns.headers.items()
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


def _headers(text: bytes) -> dict[int, Headers]:
    return {
        int(row): [(name, bytes.fromhex(value)) for name, value in pairs]
        for row, pairs in orjson.loads(text).items()
    }
