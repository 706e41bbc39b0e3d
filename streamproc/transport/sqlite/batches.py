"""Stored batches: the rows of the table ``batch``, each sealed with a checksum.

The checksum is the CRC-32 of a row's numbers and its body. SQLite notices damage to
its own structure only: without it, a flipped bit would be read as another value.
"""

import sqlite3
import struct
import zlib
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from streamproc.errors import DamagedRecordsError
from streamproc.transport.batch import Batch
from streamproc.transport.columns import Columns
from streamproc.transport.sqlite import codec
from streamproc.transport.tp import TP

BATCH_RECORDS = 2_000
BATCH_BYTES = 1 << 20

_NUMBERS = struct.Struct("<5q")
_COLUMNS = "rowid, last_offset, base_offset, newest_ms, checksum, body"


class StoredBatch(NamedTuple):
    """A row; offsets of its first and last record, its newest timestamp."""

    rowid: int
    last_offset: int
    base_offset: int
    newest_ms: int
    checksum: int
    body: bytes


def checksum(
    topic_id: int,
    partition: int,
    last_offset: int,
    base_offset: int,
    newest_ms: int,
    body: bytes,
) -> int:
    """Checksum of a row."""
    numbers = _NUMBERS.pack(topic_id, partition, last_offset, base_offset, newest_ms)
    return zlib.crc32(body, zlib.crc32(numbers))


class Partition(NamedTuple):
    """Where batches are kept; ``path``: of the log, for errors."""

    path: Path
    topic: str
    topic_id: int
    number: int

    def rows(
        self, db: sqlite3.Connection, offset: int, upto: int | None = None
    ) -> Generator[StoredBatch]:
        """Batches from the one that holds ``offset`` or what comes after it on.

        With ``upto``, only those that end before it.
        """
        limit = "" if upto is None else f" AND last_offset < {upto:d}"
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM batch WHERE topic_id = ? AND partition = ?"
            f" AND last_offset >= ?{limit} ORDER BY last_offset",
            (self.topic_id, self.number, offset),
        )
        try:
            yield from map(StoredBatch._make, rows)
        finally:
            rows.close()

    def columns(self, row: StoredBatch) -> Columns:
        """Records of a batch; raises DamagedRecordsError when it is not as written."""
        found = checksum(self.topic_id, self.number, *row[1:4], row.body)
        if found != row.checksum:
            first, end = row.base_offset, row.last_offset + 1
            raise DamagedRecordsError(
                f"topic {self.topic}, partition {self.number}: the records from offset"
                f" {first} to {end - 1} cannot be read (a checksum in {self.path} does"
                " not fit); restore the log from a backup, or go past them: streamproc"
                f" skip {self.topic} {self.number} {first} {end} (docs/operations.md,"
                " Damaged records)",
                first,
                end,
            )
        return codec.decode(row.body, row.base_offset)

    def insert(self, db: sqlite3.Connection, columns: Columns) -> None:
        """Store one batch, inside a transaction."""
        numbers = (
            self.topic_id,
            self.number,
            int(columns.offsets[-1]),
            int(columns.offsets[0]),
            int(columns.timestamps_ms.max()),
        )
        body = codec.encode(columns)
        db.execute(
            "INSERT INTO batch (topic_id, partition, last_offset, base_offset,"
            " newest_ms, checksum, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*numbers, checksum(*numbers, body), body),
        )


def split(columns: Columns) -> Iterator[Columns]:
    """Cut columns into parts of at most a batch's records and bytes."""
    sizes = np.maximum(columns.keys.lengths, 0) + np.maximum(columns.values.lengths, 0)
    before = np.concatenate(([0], np.cumsum(sizes)))
    start = 0
    while start < len(columns):
        full = int(np.searchsorted(before, before[start] + BATCH_BYTES))
        stop = min(max(full, start + 1), start + BATCH_RECORDS, len(columns))
        yield columns[start:stop]
        start = stop


def join(
    tp: TP, parts: Sequence[Columns], offset: int, max_records: int
) -> Batch | None:
    """One batch of the parts, from ``offset`` on, at most ``max_records``."""
    if not parts:
        return None
    columns = Columns.join(parts)
    first = int(np.searchsorted(columns.offsets, offset))
    chosen = columns[first : first + max_records]
    return Batch(tp, chosen) if len(chosen) else None
