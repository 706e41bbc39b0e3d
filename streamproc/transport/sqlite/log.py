"""The log file: topics of numbered records in SQLite, in WAL mode.

Any number of processes may append and read at the same time. Records are kept
as batches (see ``codec``), so offsets are those of Kafka: per partition, from
0, never used twice, with gaps where records were compacted away.
"""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from yarl import URL

from streamproc.cells import Cells
from streamproc.errors import (
    DamagedRecordsError,
    LogError,
    NotALogError,
    TopicMismatchError,
    UnknownTopicError,
    shown,
)
from streamproc.transport.batch import Batch
from streamproc.transport.columns import Columns, Headers
from streamproc.transport.sqlite import schema
from streamproc.transport.sqlite.batches import Partition, join, split
from streamproc.transport.sqlite.disk import explained
from streamproc.transport.sqlite.schema import TopicInfo
from streamproc.transport.tp import TP

POLL_INTERVAL_S = 0.02
"""How often who waits looks for what other processes have appended."""


def log_path(url: str | URL) -> Path:
    """File of a ``sqlite:///absolute/path`` URL."""
    url = URL(url)
    if url.scheme != "sqlite" or url.host or len(url.path) < 2:
        raise NotALogError(f"{url}: expected sqlite:// and an absolute path")
    return Path(url.path)


@dataclass(slots=True)
class Append:
    """Records to append to one partition; timestamps default to now."""

    topic: str
    partition: int
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    timestamps_ms: Sequence[int] | None = None
    headers: Mapping[int, Headers] | None = None


class Log:
    """One log file. Safe to use from several threads and processes.

    ``sync``: "full" makes an append durable against power loss before it
    returns, "normal" only against the death of the process.
    """

    def __init__(self, path: Path, sync: str = "full") -> None:
        if sync not in ("full", "normal"):
            raise LogError(f"sync is {shown(sync)}, expected full or normal")
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise LogError(f"{path.parent}: no directory: {exc.strerror}") from exc
        # Two connections: SQLite lets one read while the other writes.
        with explained(path, opening=True):
            self._writer = schema.connect(path, sync)
            schema.prepare(self._writer, path)
            self._reader = schema.connect(path, sync)
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._topics: dict[str, TopicInfo] = {}

    def close(self) -> None:
        """Close both connections; the log must not be used afterwards.

        What is under way in another thread ends before: SQLite's memory would be
        gone beneath it, and the process with it.
        """
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()

    @contextmanager
    def writer(self) -> Iterator[sqlite3.Connection]:
        """The writing connection, outside of a transaction."""
        with self._write_lock, explained(self.path):
            yield self._writer

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The reading connection, which all readers of this log share."""
        with self._read_lock, explained(self.path):
            yield self._reader

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: all of it happens, or nothing."""
        with self.writer() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _read(self, sql: str, *args: object) -> list[tuple[int, ...]]:
        with self.reading() as db:
            return db.execute(sql, args).fetchall()

    def data_version(self) -> int:
        """A number that changes when any connection has committed something."""
        return self._read("PRAGMA data_version")[0][0]

    # -- topics ---------------------------------------------------------------

    def create_topic(
        self,
        name: str,
        partitions: int,
        *,
        compacted: bool = False,
        retention_ms: int | None = None,
    ) -> TopicInfo:
        """Create a topic, or check the one that exists.

        A different number of partitions raises TopicMismatchError; retention
        and compaction follow the newest call.
        """
        with self.transaction() as db:
            db.execute(
                "INSERT INTO topic (name, partitions, compacted, retention_ms)"
                " VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
                " compacted = excluded.compacted, retention_ms = excluded.retention_ms",
                (name, partitions, compacted, retention_ms),
            )
            info = schema.load_topic(db, name)
            assert info is not None  # written just above
            if info.partitions != partitions:
                raise TopicMismatchError(
                    f"{self.path}: topic {name} has {info.partitions} partitions, the"
                    f" settings say {partitions}; set partitions to"
                    f" {info.partitions}, or start with a new log"
                )
            db.executemany(
                "INSERT OR IGNORE INTO head (topic_id, partition, next_offset)"
                " VALUES (?, ?, 0)",
                [(info.id, partition) for partition in range(partitions)],
            )
        self._topics[name] = info
        return info

    def find_topic(self, name: str) -> TopicInfo | None:
        """The topic, or None when it was never created."""
        if name not in self._topics:
            with self.reading() as db:
                info = schema.load_topic(db, name)
            if info is None:
                return None
            self._topics[name] = info
        return self._topics[name]

    def topic(self, name: str) -> TopicInfo:
        """The topic; raises UnknownTopicError when it was never created."""
        info = self.find_topic(name)
        if info is None:
            raise UnknownTopicError(f"{self.path}: there is no topic {name}")
        return info

    def forget_topics(self) -> None:
        """Read topics anew: another process may have changed their settings."""
        self._topics.clear()

    def topics(self) -> list[str]:
        """Names of all topics."""
        with self.reading() as db:
            rows = db.execute("SELECT name FROM topic ORDER BY name")
            return [name for (name,) in rows]

    # -- append and read --------------------------------------------------------

    def append(self, appends: Iterable[Append]) -> list[int]:
        """Append all, in one transaction; return the last offset of each."""
        now_ms = int(time.time() * 1000)
        with self.transaction() as db:
            return [self._append(db, one, now_ms) for one in appends]

    def _append(self, db: sqlite3.Connection, one: Append, now_ms: int) -> int:
        info = self.topic(one.topic)
        key = (info.id, one.partition)
        row = db.execute(
            "SELECT next_offset FROM head WHERE topic_id = ? AND partition = ?", key
        ).fetchone()
        if row is None:
            raise UnknownTopicError(
                f"{self.path}: topic {one.topic} has no partition {one.partition}"
            )
        base, count = row[0], len(one.values)
        times = [now_ms] * count if one.timestamps_ms is None else one.timestamps_ms
        if not len(one.keys) == len(times) == count:
            raise ValueError(
                f"{len(one.keys)} keys, {count} values, {len(times)} timestamps"
            )
        columns = Columns(
            np.arange(base, base + count),
            np.array(times, np.int64),
            Cells.of(one.keys),
            Cells.of(one.values),
            one.headers or {},
        )
        place = Partition(self.path, info.name, info.id, one.partition)
        for part in split(columns):
            place.insert(db, part)
        db.execute(
            "UPDATE head SET next_offset = ? WHERE topic_id = ? AND partition = ?",
            (base + count, *key),
        )
        return int(base + count - 1)

    def read(
        self, tp: TP, offset: int, max_records: int, max_bytes: int = 8 << 20
    ) -> Batch | None:
        """Records from ``offset`` on, or None when there are none yet."""
        place = self.partition(tp)
        parts: list[Columns] = []
        count = size = 0
        with self.reading() as db, closing(place.rows(db, offset)) as rows:
            for row in rows:
                try:
                    parts.append(place.columns(row))
                except DamagedRecordsError:
                    if not parts:
                        raise
                    break  # what comes before it can be dealt with
                count += len(parts[-1])
                size += len(row.body)
                if count >= max_records or size >= max_bytes:
                    break
        return join(tp, parts, offset, max_records)

    def partition(self, tp: TP) -> Partition:
        """Where the batches of a partition are kept."""
        return Partition(self.path, tp.topic, self.topic(tp.topic).id, tp.partition)

    def end_offset(self, tp: TP) -> int:
        """The offset the next record will get."""
        rows = self._read(
            "SELECT next_offset FROM head WHERE topic_id = ? AND partition = ?",
            self.topic(tp.topic).id,
            tp.partition,
        )
        return rows[0][0] if rows else 0

    def begin_offset(self, tp: TP) -> int:
        """The oldest offset still there, or the end when there is none."""
        rows = self._read(
            "SELECT base_offset FROM batch WHERE topic_id = ? AND partition = ?"
            " ORDER BY last_offset LIMIT 1",
            self.topic(tp.topic).id,
            tp.partition,
        )
        return rows[0][0] if rows else self.end_offset(tp)

    # -- consumer groups --------------------------------------------------------

    def commit(self, group: str, offsets: Mapping[TP, int]) -> None:
        """Remember, for a group, the next offset it wants of each partition."""
        rows = [
            (group, self.topic(tp.topic).id, tp.partition, offset)
            for tp, offset in offsets.items()
        ]
        with self.transaction() as db:
            db.executemany("INSERT OR REPLACE INTO committed VALUES (?, ?, ?, ?)", rows)

    def committed(self, group: str, tp: TP) -> int | None:
        """The group's next offset, or None when it never committed."""
        rows = self._read(
            "SELECT next_offset FROM committed"
            " WHERE consumer_group = ? AND topic_id = ? AND partition = ?",
            group,
            self.topic(tp.topic).id,
            tp.partition,
        )
        return rows[0][0] if rows else None
