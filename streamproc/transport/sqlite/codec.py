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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

import numpy as np
import orjson

from streamproc.transport.batch import Headers

_HEAD = struct.Struct("<II")


@dataclass(slots=True)
class Columns:
    """Records as columns; ``offsets`` are absolute."""

    offsets: Sequence[int]
    timestamps_ms: Sequence[int]
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    headers: Mapping[int, Headers] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.offsets)

    def rows(self, chosen: Sequence[int]) -> "Columns":
        """Only the chosen rows, in the order given."""
        return Columns(
            [self.offsets[i] for i in chosen],
            [self.timestamps_ms[i] for i in chosen],
            [self.keys[i] for i in chosen],
            [self.values[i] for i in chosen],
            {to: self.headers[i] for to, i in enumerate(chosen) if i in self.headers},
        )


def encode(columns: Columns) -> bytes:
    """Body of a batch."""
    count, base = len(columns), columns.offsets[0]
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
            (np.asarray(columns.offsets, np.int64) - base).astype("<i8").tobytes(),
            np.asarray(columns.timestamps_ms, "<i8").tobytes(),
            _lengths(columns.keys),
            _lengths(columns.values),
            headers,
            *[key for key in columns.keys if key],
            *[value for value in columns.values if value],
        ]
    )


def _lengths(cells: Sequence[bytes | None]) -> bytes:
    return np.array([-1 if c is None else len(c) for c in cells], "<i4").tobytes()


def decode(body: bytes, base: int) -> Columns:
    """Columns of a batch that begins at offset ``base``."""
    count, header_bytes = _HEAD.unpack_from(body)
    at = _HEAD.size
    offsets = np.frombuffer(body, "<i8", count, at) + base
    at += 8 * count
    timestamps = np.frombuffer(body, "<i8", count, at)
    at += 8 * count
    key_lengths = np.frombuffer(body, "<i4", count, at)
    at += 4 * count
    value_lengths = np.frombuffer(body, "<i4", count, at)
    at += 4 * count
    headers = _headers(body[at : at + header_bytes]) if header_bytes else {}
    at += header_bytes
    keys = _cells(body, at, key_lengths.tolist())
    at += int(np.maximum(key_lengths, 0).sum())
    values = _cells(body, at, value_lengths.tolist())
    return Columns(offsets.tolist(), timestamps.tolist(), keys, values, headers)


def _cells(body: bytes, start: int, lengths: list[int]) -> Sequence[bytes | None]:
    """Cut the cells out of the body; a length of -1 is null."""
    if lengths and min(lengths) < 0:
        edges = accumulate((max(n, 0) for n in lengths), initial=start)
        return [
            None if n < 0 else body[a:b]
            for n, (a, b) in zip(lengths, pairwise(edges), strict=True)
        ]
    return [body[a:b] for a, b in pairwise(accumulate(lengths, initial=start))]


def _headers(text: bytes) -> dict[int, Headers]:
    return {
        int(row): [(name, bytes.fromhex(value)) for name, value in pairs]
        for row, pairs in orjson.loads(text).items()
    }
