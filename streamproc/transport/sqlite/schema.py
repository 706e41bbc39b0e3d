"""The log file's schema: how it is created, recognised and refused."""

import logging
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from streamproc.errors import LogVersionError, NotALogError
from streamproc.transport.sqlite.batches import checksum

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """A topic as it was created; ``retention_ms`` None keeps records for ever."""

    id: int
    name: str
    partitions: int
    compacted: bool
    retention_ms: int | None


APPLICATION_ID = 0x5350_4C47  # "SPLG", so that a foreign database is recognised
SCHEMA_VERSION = 3
PAGE_BYTES = 16 << 10
"""Of a new log: a batch's bytes are a chain of pages, so few large ones cost less."""
BUSY_TIMEOUT_S = 30.0
_BUSY_RETRY_S = 0.01

_SCHEMA = """
CREATE TABLE topic (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    partitions INTEGER NOT NULL,
    compacted INTEGER NOT NULL,
    retention_ms INTEGER
);
CREATE TABLE head (
    topic_id INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    cleaned_offset INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (topic_id, partition)
) WITHOUT ROWID;
CREATE TABLE batch (
    topic_id INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    last_offset INTEGER NOT NULL,
    base_offset INTEGER NOT NULL,
    newest_ms INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (topic_id, partition, last_offset)
);
CREATE TABLE committed (
    consumer_group TEXT NOT NULL,
    topic_id INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, topic_id, partition)
) WITHOUT ROWID;
"""


def connect(path: Path, sync: str) -> sqlite3.Connection:
    """Open the file with the durability asked for."""
    db = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    db.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")
    db.execute(f"PRAGMA synchronous = {sync.upper()}")
    return db


def prepare(db: sqlite3.Connection, path: Path) -> None:
    """Create the schema in a new file; refuse a foreign or newer one.

    SQLite does not wait for others while it turns a file to WAL: it says busy at
    once, so many that open a new log together have to try again.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            _prepare(db, path)
        except sqlite3.OperationalError as exc:
            if db.in_transaction:
                db.execute("ROLLBACK")
            busy = exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(_BUSY_RETRY_S)
        else:
            return


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    db.execute("BEGIN")  # so that another's creation is seen whole or not at all
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (application_id,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    db.execute("COMMIT")
    if application_id != APPLICATION_ID and (application_id or tables):
        raise NotALogError(f"{path}: a SQLite database, but not a log of this program")
    if version > SCHEMA_VERSION:
        raise LogVersionError(
            f"{path}: written by a newer version (schema {version}, this"
            f" program knows {SCHEMA_VERSION}); upgrade, or use another log"
        )
    if not tables:
        db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    # Another process may have created it in the meantime.
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == 0:
        for statement in _SCHEMA.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    elif version == 1:
        _seal(db, path)
    # Of version 2, whose bodies were not compressed: they are read as they are.
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    db.execute("COMMIT")


def _seal(db: sqlite3.Connection, path: Path) -> None:
    """Give every batch of a log of version 1 its checksum, all of them or none."""
    log.warning("%s: giving every batch a checksum, once", path)
    db.create_function("checksum", 6, checksum, deterministic=True)
    old, new = "batch", "batch_sealed"
    table = next(text for text in _SCHEMA.split(";") if f"TABLE {old} " in text)
    db.execute(table.replace(f"TABLE {old} ", f"TABLE {new} "))
    numbers = "topic_id, partition, last_offset, base_offset, newest_ms"
    db.execute(
        f"INSERT INTO {new} ({numbers}, checksum, body)"
        f" SELECT {numbers}, checksum({numbers}, body), body FROM {old} ORDER BY rowid"
    )
    db.execute(f"DROP TABLE {old}")
    db.execute(f"ALTER TABLE {new} RENAME TO {old}")


def load_topic(db: sqlite3.Connection, name: str) -> TopicInfo | None:
    """The topic as it is stored; None when it was never created."""
    row = db.execute(
        "SELECT id, name, partitions, compacted, retention_ms FROM topic"
        " WHERE name = ?",
        (name,),
    ).fetchone()
    return TopicInfo(row[0], row[1], row[2], bool(row[3]), row[4]) if row else None
