"""Bits that flip in the embedded log, its earlier version, and a full disk."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from faust.types import TP

from streamproc.errors import DamagedRecordsError, LogDamagedError, LogDiskError
from streamproc.transport.sqlite import schema
from streamproc.transport.sqlite.cleaner import Cleaner
from streamproc.transport.sqlite.log import Append, Log
from streamproc.transport.sqlite.schema import PAGE_BYTES
from tests.disks import small_disk

TOPIC = "changes"
T1 = TP(TOPIC, 1)
NOW_MS = 1_746_532_800_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log will be."""
    return tmp_path / "log.db"


def fill(path: Path, batches: int = 3, records: int = 5) -> None:
    """Write a compacted topic, a few records at a time, each of its own key."""
    log = Log(path, "normal")
    log.create_topic(TOPIC, 2, compacted=True)
    for number in range(batches):
        keys = [b"key-%d-%d" % (number, at) for at in range(records)]
        log.append([Append(TOPIC, 1, keys, [b"value"] * records)])
    log.close()


def change(path: Path, sql: str, *args: object) -> None:
    """Change the file behind the log's back."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(sql, args)


def flipped(body: bytes, at: int) -> bytes:
    """A body with one bit flipped."""
    return body[:at] + bytes([body[at] ^ 8]) + body[at + 1 :]


def body_of(path: Path, rowid: int) -> bytes:
    """Body of a stored batch."""
    with closing(sqlite3.connect(path)) as db:
        (body,) = db.execute(
            "SELECT body FROM batch WHERE rowid = ?", (rowid,)
        ).fetchone()
    return bytes(body)


def test_a_flipped_bit_anywhere_in_a_batch_is_never_read(path: Path) -> None:
    """Every byte of a body: the error names topic, offsets and the way out."""
    fill(path)
    body = body_of(path, 2)
    for at in range(len(body)):
        change(path, "UPDATE batch SET body = ? WHERE rowid = 2", flipped(body, at))
        log = Log(path)
        before = log.read(T1, 0, 100)
        assert before is not None
        assert before.offset == 4  # what comes before it is dealt with
        with pytest.raises(DamagedRecordsError) as error:
            log.read(T1, 5, 100)
        log.close()
    said = str(error.value)
    assert said.startswith("topic changes, partition 1: the records from offset 5 to 9")
    assert str(path) in said
    assert "restore the log from a backup" in said
    assert "streamproc skip changes 1 5 10 (docs/operations.md" in said
    assert error.value.first == 5
    assert "\n" not in said


@pytest.mark.parametrize("number", ["base_offset", "newest_ms", "checksum"])
def test_a_batch_whose_numbers_have_changed_is_noticed(path: Path, number: str) -> None:
    """They say where its records are, and when it may go."""
    fill(path)
    change(path, f"UPDATE batch SET {number} = {number} + 1 WHERE rowid = 2")
    log = Log(path)
    with pytest.raises(DamagedRecordsError, match="topic changes, partition 1"):
        log.read(T1, 5, 100)
    log.close()


def test_a_batch_of_another_partition_is_noticed(path: Path) -> None:
    """The checksum covers whose a batch is."""
    fill(path)
    change(path, "UPDATE batch SET partition = 0 WHERE rowid = 2")
    log = Log(path)
    with pytest.raises(DamagedRecordsError, match="partition 0: the records from"):
        log.read(TP(TOPIC, 0), 0, 100)
    log.close()


def test_the_cleaner_leaves_a_damaged_partition_as_it_is(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once; the worker goes on: what was made of the batch may be whole."""
    fill(path)
    body = flipped(body_of(path, 2), 100)
    change(path, "UPDATE batch SET body = ? WHERE rowid = 2", body)
    log = Log(path)
    cleaner = Cleaner(log, dirty_bytes=1)
    assert cleaner.run(NOW_MS).compacted_records == 0
    cleaner.run(NOW_MS)
    log.close()
    assert caplog.text.count("Not compacted") == 1
    assert body_of(path, 2) == body


def read_all(log: Log) -> None:
    """Read the partition to its end."""
    offset = 0
    while (batch := log.read(T1, offset, 1_000)) is not None:
        offset = batch.offset + 1


def test_a_damaged_file_is_said_in_one_line(path: Path) -> None:
    """SQLite finds it itself where its own structure is hit."""
    fill(path, batches=60, records=200)
    with path.open("r+b") as stream:
        for page in range(2, path.stat().st_size // PAGE_BYTES):
            stream.seek(page * PAGE_BYTES)
            stream.write(b"\xff" * 64)
    log = Log(path)
    with pytest.raises(LogDamagedError, match=r"malformed.*restore the log"):
        read_all(log)
    log.close()


def pages_of(path: Path) -> int:
    """Bytes of a page of the file."""
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA page_size").fetchone()[0])


def test_a_log_of_small_pages_goes_on_as_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made before new logs had larger ones; nothing of it is lost."""
    with monkeypatch.context() as before:
        before.setattr(schema, "PAGE_BYTES", 4096)
        fill(path)
    log = Log(path)
    end = log.end_offset(T1)
    log.append([Append(T1.topic, T1.partition, [b"k"], [b"v"])])
    read_all(log)
    assert log.end_offset(T1) == end + 1
    log.close()
    assert pages_of(path) == 4096
    fill(path.with_name("new.db"))
    assert pages_of(path.with_name("new.db")) == PAGE_BYTES == 16_384


def as_version_1(path: Path) -> None:
    """Turn a log into one that the version before checksums has written."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("ALTER TABLE batch DROP COLUMN checksum")
        db.execute("PRAGMA user_version = 1")


def test_a_log_of_the_version_before_is_sealed_when_it_is_opened(path: Path) -> None:
    """Nothing of it changes but that it is protected from now on."""
    fill(path)
    log = Log(path)
    before = log.read(T1, 0, 100)
    log.commit("group", {T1: 7})
    log.close()
    as_version_1(path)
    log = Log(path)
    after = log.read(T1, 0, 100)
    assert before is not None
    assert after is not None
    assert (after.offsets == before.offsets).all()
    assert list(after.keys) == list(before.keys)
    assert list(after.values) == list(before.values)
    assert log.committed("group", T1) == 7
    log.append([Append(TOPIC, 1, [b"new"], [b"value"])])
    assert log.end_offset(T1) == 16
    log.close()
    body = flipped(body_of(path, 2), 20)
    change(path, "UPDATE batch SET body = ? WHERE rowid = 2", body)
    log = Log(path)
    with pytest.raises(DamagedRecordsError):
        log.read(T1, 5, 100)
    log.close()


def test_sealing_happens_as_a_whole_or_not_at_all(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies in the middle leaves the earlier version."""
    fill(path)
    as_version_1(path)

    def fail(*args: object) -> int:
        raise ValueError

    with monkeypatch.context() as patch:
        patch.setattr(schema, "checksum", fail)
        with pytest.raises(Exception, match="user-defined function raised"):
            Log(path)
    log = Log(path)
    read = log.read(T1, 0, 100)
    assert read is not None
    assert len(read) == 15
    log.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    with small_disk(tmp_path / "small", 2) as path:
        yield path


def append_without_end(log: Log, acknowledged: list[int]) -> None:
    """Append, and note the offsets."""
    while True:
        acknowledged += log.append([Append(TOPIC, 1, [None], [bytes(50_000)])])


def test_a_full_disk_is_said_and_loses_nothing_that_was_acknowledged(
    disk: Path,
) -> None:
    """The append that does not fit raises; all before it are there."""
    log = Log(disk / "log.db")
    log.create_topic(TOPIC, 2)
    acknowledged: list[int] = []
    with pytest.raises(LogDiskError, match="make room") as error:
        append_without_end(log, acknowledged)
    assert acknowledged
    assert "\n" not in str(error.value)
    log.close()
    log = Log(disk / "log.db")
    assert log.end_offset(T1) == acknowledged[-1] + 1
    log.close()


def test_an_old_batch_is_as_old_as_its_newest_record(path: Path) -> None:
    """The newest record's time decides when a batch may go, wherever it stands."""
    log = Log(path)
    log.create_topic(TOPIC, 2, retention_ms=1_000)
    times = [NOW_MS - 5_000, NOW_MS, NOW_MS - 5_000]
    log.append([Append(TOPIC, 1, [None] * 3, [b"v"] * 3, times)])
    assert Cleaner(log).run(NOW_MS + 500).expired_batches == 0
    assert Cleaner(log).run(NOW_MS + 1_500).expired_batches == 1
    log.close()


@pytest.mark.parametrize("compacted", [True, False])
def test_whether_a_topic_is_compacted_follows_the_newest_settings(
    path: Path, compacted: bool
) -> None:
    """A topic that was made with other settings takes the new ones."""
    log = Log(path)
    log.create_topic(TOPIC, 2, compacted=not compacted)
    log.create_topic(TOPIC, 2, compacted=compacted)
    for _ in range(2):
        log.append([Append(TOPIC, 1, [b"key"] * 4, [b"value"] * 4)])
    removed = Cleaner(log, dirty_bytes=1).run(NOW_MS).compacted_records
    assert (removed > 0) is compacted
    assert log.topic(TOPIC).compacted is compacted
    log.close()
