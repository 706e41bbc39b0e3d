"""Compaction of a partition by key: of what was written again only the newest stays.

In short steps. Reading, and finding out what stays, holds up nobody; what is rewritten
is written in one short transaction. In between only appends come: just one worker runs
on a log, and nobody but its cleaner deletes.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from streamproc.transport.columns import Columns
from streamproc.transport.sqlite.batches import Partition, StoredBatch, split
from streamproc.transport.sqlite.log import Log
from streamproc.transport.tp import TP

TOMBSTONES_KEPT_MS = 24 * 3600 * 1000
"""So that a reader a day behind still learns of a deletion."""

_DIRTY_RATIO = 0.5
_KEYS_PER_PASS = 500_000
_BATCHES_AT_ONCE = 32
_BYTES_AT_ONCE = 8 << 20

Newest = dict[bytes | None, int]
"""Newest offset of each key."""


@dataclass(frozen=True, slots=True)
class Compaction:
    """A pass over one partition, if that is due."""

    log: Log
    place: Partition
    dirty_bytes: int
    now_ms: int

    def steps(self) -> Iterator[int]:
        """Drop records whose key was written again later; how many, step by step."""
        cleaned_to = self._cleaned_offset()
        if not self._is_dirty(cleaned_to):
            return
        newest, upto = yield from self._newest_offsets(cleaned_to)
        keep_from = self._end - 1
        offset = 0
        while rows := self._some(offset, upto):
            yield self._rewrite(rows, newest, keep_from)
            offset = rows[-1].last_offset + 1
        self._note_cleaned(upto)

    @property
    def _end(self) -> int:
        return self.log.end_offset(TP(self.place.topic, self.place.number))

    def _cleaned_offset(self) -> int:
        with self.log.reading() as db:
            row = db.execute(
                "SELECT cleaned_offset FROM head WHERE topic_id = ? AND partition = ?",
                (self.place.topic_id, self.place.number),
            ).fetchone()
        return int(row[0])

    def _note_cleaned(self, upto: int) -> None:
        with self.log.transaction() as db:
            db.execute(
                "UPDATE head SET cleaned_offset = ? WHERE topic_id = ?"
                " AND partition = ?",
                (upto, self.place.topic_id, self.place.number),
            )

    def _is_dirty(self, cleaned_to: int) -> bool:
        """Whether enough was written since the last pass to be worth one."""
        with self.log.reading() as db:
            total, dirty = db.execute(
                "SELECT coalesce(sum(length(body)), 0), coalesce(sum(CASE WHEN"
                " last_offset >= ? THEN length(body) END), 0) FROM batch"
                " WHERE topic_id = ? AND partition = ?",
                (cleaned_to, self.place.topic_id, self.place.number),
            ).fetchone()
        return bool(dirty >= self.dirty_bytes and dirty >= total * _DIRTY_RATIO)

    def _newest_offsets(
        self, cleaned_to: int
    ) -> Generator[int, None, tuple[Newest, int]]:
        """Newest offset of each key since the last pass, and how far that goes.

        Whole batches only: a pass rewrites all of a batch or nothing.
        """
        offset, end = cleaned_to, self._end
        newest: Newest = {}
        while rows := self._some(offset, end):
            for row in rows:
                columns = self.place.columns(row)
                newest.update(zip(columns.keys, columns.offsets.tolist(), strict=True))
                offset = row.last_offset + 1
                if len(newest) >= _KEYS_PER_PASS:
                    return newest, offset
            yield 0
        return newest, offset

    def _some(self, offset: int, upto: int) -> list[StoredBatch]:
        """As many batches as are dealt with in one step; none behind ``upto``."""
        with (
            self.log.reading() as db,
            closing(self.place.rows(db, offset, upto)) as rows,
        ):
            return list(_first(rows))

    def _rewrite(self, rows: list[StoredBatch], newest: Newest, keep_from: int) -> int:
        """Replace some batches by what is left of them; return records removed."""
        before = 0
        parts: list[Columns] = []
        for row in rows:
            columns = self.place.columns(row)
            before += len(columns)
            stay = self._stay(columns, newest, keep_from)
            if stay.any():
                parts.append(columns.rows(np.flatnonzero(stay)))
        removed = before - sum(map(len, parts))
        merged = list(split(Columns.join(parts))) if parts else []
        if removed or len(merged) < len(rows):
            self._replace(rows, merged)
        return removed

    def _stay(
        self, columns: Columns, newest: Newest, keep_from: int
    ) -> npt.NDArray[np.bool_]:
        """Which records stay: each key's newest; the partition's last always does."""
        offsets = columns.offsets
        last = zip(map(newest.get, columns.keys), offsets.tolist(), strict=True)
        is_newest = np.array([at is None or at <= offset for at, offset in last], bool)
        is_value = columns.values.lengths >= 0
        is_young = columns.timestamps_ms > self.now_ms - TOMBSTONES_KEPT_MS
        return (offsets >= keep_from) | is_newest & (is_value | is_young)

    def _replace(self, rows: list[StoredBatch], parts: list[Columns]) -> None:
        with self.log.transaction() as db:
            db.executemany(
                "DELETE FROM batch WHERE rowid = ?", [(row.rowid,) for row in rows]
            )
            for part in parts:
                self.place.insert(db, part)


def _first(rows: Iterable[StoredBatch]) -> Iterator[StoredBatch]:
    """Those that are dealt with in one step."""
    size = 0
    for row in islice(rows, _BATCHES_AT_ONCE):
        yield row
        size += len(row.body)
        if size >= _BYTES_AT_ONCE:
            return
