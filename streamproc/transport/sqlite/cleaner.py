"""Keeps a log from growing: retention by time and compaction by key.

What Kafka's brokers do in the background. Work is cut into short write
transactions, so appends are never held up for long.
"""

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import numpy as np
from faust.types import TP

from streamproc.errors import DamagedRecordsError
from streamproc.transport.columns import Columns
from streamproc.transport.sqlite.batches import Partition, StoredBatch, split
from streamproc.transport.sqlite.log import Log
from streamproc.transport.sqlite.schema import TopicInfo

log = logging.getLogger(__name__)

TOMBSTONES_KEPT_MS = 24 * 3600 * 1000
"""So that a reader a day behind still learns of a deletion."""

_DIRTY_RATIO = 0.5
_DIRTY_BYTES = 1 << 20
_KEYS_PER_PASS = 500_000
_BATCHES_PER_TRANSACTION = 32
_VACUUM_PAGES = 500


@dataclass(slots=True)
class Cleaned:
    """What one run has removed."""

    expired_batches: int = 0
    compacted_records: int = 0


class Cleaner:
    """Cleans one log; ``run`` may be called again and again, from any thread."""

    def __init__(self, log: Log, dirty_bytes: int = _DIRTY_BYTES) -> None:
        self._log = log
        self._dirty_bytes = dirty_bytes
        self._told: set[str] = set()

    def run(self, now_ms: int | None = None) -> Cleaned:
        """Expire and compact whatever is due."""
        now_ms = int(time.time() * 1000) if now_ms is None else now_ms
        cleaned = Cleaned()
        self._log.forget_topics()
        for name in self._log.topics():
            info = self._log.topic(name)
            for partition in range(info.partitions):
                cleaned.expired_batches += self._expire(info, partition, now_ms)
                if info.compacted:
                    removed = self._compact_if_whole(info, partition, now_ms)
                    cleaned.compacted_records += removed
        if cleaned.expired_batches or cleaned.compacted_records:
            self._give_back_pages()
        return cleaned

    def _give_back_pages(self) -> None:
        """Return free pages to the file system, some at a time."""
        free = 1
        while free:
            with self._log.writer() as db:
                # Not execute: that steps once, and frees a single page.
                db.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
                (free,) = db.execute("PRAGMA freelist_count").fetchone()
        with self._log.writer() as db:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    # -- retention ------------------------------------------------------------

    def _expire(self, info: TopicInfo, partition: int, now_ms: int) -> int:
        """Delete old batches, but never what a consumer group has yet to read."""
        if info.retention_ms is None:
            return 0
        with self._log.transaction() as db:
            done = db.execute(
                "SELECT min(next_offset) FROM committed"
                " WHERE topic_id = ? AND partition = ?",
                (info.id, partition),
            ).fetchone()[0]
            limit = "" if done is None else f" AND last_offset < {int(done)}"
            return db.execute(
                "DELETE FROM batch WHERE topic_id = ? AND partition = ?"
                f" AND newest_ms < ?{limit}",
                (info.id, partition, now_ms - info.retention_ms),
            ).rowcount

    # -- compaction -----------------------------------------------------------

    def _compact_if_whole(self, info: TopicInfo, partition: int, now_ms: int) -> int:
        """Leave a damaged partition as it is: the tables made of it may be whole."""
        try:
            return self._compact(info, partition, now_ms)
        except DamagedRecordsError as exc:
            if str(exc) not in self._told:
                self._told.add(str(exc))
                log.error("Not compacted: %s", exc)
            return 0

    def _compact(self, info: TopicInfo, partition: int, now_ms: int) -> int:
        """Drop records whose key was written again later."""
        place = self._log.partition(TP(info.name, partition))
        cleaned_to = self._cleaned_offset(info, partition)
        if not self._is_dirty(info, partition, cleaned_to):
            return 0
        newest, upto = self._newest_offsets(place, cleaned_to)
        keep_from = self._log.end_offset(TP(info.name, partition)) - 1
        removed, offset = 0, 0
        while offset < upto:
            with self._log.transaction() as db:
                rows = _some(place, db, offset, upto)
                if not rows:
                    break
                offset = rows[-1].last_offset + 1
                removed += _rewrite(db, place, rows, newest, keep_from, now_ms)
        with self._log.transaction() as db:
            db.execute(
                "UPDATE head SET cleaned_offset = ? WHERE topic_id = ?"
                " AND partition = ?",
                (upto, info.id, partition),
            )
        return removed

    def _cleaned_offset(self, info: TopicInfo, partition: int) -> int:
        with self._log.transaction() as db:
            row = db.execute(
                "SELECT cleaned_offset FROM head WHERE topic_id = ? AND partition = ?",
                (info.id, partition),
            ).fetchone()
        return int(row[0])

    def _is_dirty(self, info: TopicInfo, partition: int, cleaned_to: int) -> bool:
        """Whether enough was written since the last pass to be worth one."""
        with self._log.transaction() as db:
            total, dirty = db.execute(
                "SELECT coalesce(sum(length(body)), 0), coalesce(sum(CASE WHEN"
                " last_offset >= ? THEN length(body) END), 0) FROM batch"
                " WHERE topic_id = ? AND partition = ?",
                (cleaned_to, info.id, partition),
            ).fetchone()
        return bool(dirty >= self._dirty_bytes and dirty >= total * _DIRTY_RATIO)

    def _newest_offsets(
        self, place: Partition, cleaned_to: int
    ) -> tuple[dict[bytes | None, int], int]:
        """Newest offset of each key since the last pass, and how far that goes.

        Whole batches only: a pass rewrites all of a batch or nothing.
        """
        offset = cleaned_to
        end = self._log.end_offset(TP(place.topic, place.number))
        newest: dict[bytes | None, int] = {}
        while len(newest) < _KEYS_PER_PASS:
            with self._log.transaction() as db:
                rows = _some(place, db, offset, end)
            if not rows:
                break
            for row in rows:
                columns = place.columns(row)
                newest.update(zip(columns.keys, columns.offsets.tolist(), strict=True))
                offset = row.last_offset + 1
                if len(newest) >= _KEYS_PER_PASS:
                    break
        return newest, offset


def _some(
    place: Partition, db: sqlite3.Connection, offset: int, upto: int
) -> list[StoredBatch]:
    """As many batches as are dealt with in one transaction."""
    with closing(place.rows(db, offset, upto)) as rows:
        return list(islice(rows, _BATCHES_PER_TRANSACTION))


def _rewrite(
    db: sqlite3.Connection,
    place: Partition,
    rows: list[StoredBatch],
    newest: dict[bytes | None, int],
    keep_from: int,
    now_ms: int,
) -> int:
    """Replace some batches by what is left of them; return records removed."""
    before = kept = 0
    parts: list[Columns] = []
    for row in rows:
        columns = place.columns(row)
        chosen = np.array(
            list(_surviving(columns, newest, keep_from, now_ms)), np.int64
        )
        before += len(columns)
        kept += len(chosen)
        if len(chosen):
            parts.append(columns.rows(chosen))
    merged = list(split(Columns.join(parts))) if parts else []
    if kept == before and len(parts) == len(merged):
        return 0
    db.executemany("DELETE FROM batch WHERE rowid = ?", [(r.rowid,) for r in rows])
    for part in merged:
        place.insert(db, part)
    return before - kept


def _surviving(
    columns: Columns, newest: dict[bytes | None, int], keep_from: int, now_ms: int
) -> Iterator[int]:
    """Rows that stay: the newest of their key; the partition's last always does."""
    for row, (offset, key, value) in enumerate(
        zip(columns.offsets.tolist(), columns.keys, columns.values, strict=True)
    ):
        if offset >= keep_from:
            yield row
        elif newest.get(key, offset) > offset:
            continue
        elif value is not None or (
            columns.timestamps_ms[row] > now_ms - TOMBSTONES_KEPT_MS
        ):
            yield row
