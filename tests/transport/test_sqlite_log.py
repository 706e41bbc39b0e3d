"""The embedded log on real SQLite files: durable, shared, and of bounded size."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from unittest import mock

import numpy as np
import pytest
from faust.types import TP
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamproc.cells import Cells
from streamproc.errors import (
    LogError,
    LogLockedError,
    LogVersionError,
    NotALogError,
    TopicMismatchError,
    UnknownTopicError,
)
from streamproc.transport.columns import Columns
from streamproc.transport.sqlite import batches as batches_module
from streamproc.transport.sqlite import cleaner as cleaner_module
from streamproc.transport.sqlite import codec
from streamproc.transport.sqlite import compaction as compaction_module
from streamproc.transport.sqlite.batches import Partition, StoredBatch
from streamproc.transport.sqlite.cleaner import Cleaned, Cleaner, at_leisure
from streamproc.transport.sqlite.compaction import TOMBSTONES_KEPT_MS
from streamproc.transport.sqlite.lock import WorkerLock
from streamproc.transport.sqlite.log import Append, Log
from streamproc.transport.sqlite.schema import PAGE_BYTES, SCHEMA_VERSION

ROOT = Path(__file__).parents[2]
TOPIC = "polls"
T0 = TP(TOPIC, 0)
NOW_MS = 1_746_532_800_000
DAY_MS = 86_400_000

QUICK = settings(
    deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow]
)

Pairs = Sequence[tuple[str, bytes]]
Open = Callable[..., Log]


class Rec(NamedTuple):
    """One record as it is read."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class New(NamedTuple):
    """One record as it is appended."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int = NOW_MS
    headers: tuple[tuple[str, bytes], ...] = ()

    def at(self, offset: int) -> Rec:
        """The record as it is to be read."""
        return Rec(offset, self.timestamp_ms, self.key, self.value, self.headers)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's log lies."""
    return tmp_path / "log.db"


@pytest.fixture
def open_log(path: Path) -> Iterator[Open]:
    """Opens the log, again and again, with a topic of 4 partitions."""
    opened: list[Log] = []

    def opener(at: Path = path, **topic: object) -> Log:
        log = Log(at, "normal")
        opened.append(log)
        log.create_topic(TOPIC, 4, **topic)  # type: ignore[arg-type]
        return log

    yield opener
    for log in opened:
        log.close()


@pytest.fixture
def log(open_log: Open) -> Log:
    """An empty log."""
    return open_log()


def put(log: Log, records: Sequence[New], partition: int = 0) -> int:
    """Append records to a partition."""
    headers = {row: r.headers for row, r in enumerate(records) if r.headers}
    columns = zip(*(r[:3] for r in records), strict=True)
    keys, values, times = (list(column) for column in columns)
    return log.append([Append(TOPIC, partition, keys, values, times, headers)])[0]


def values(count: int, prefix: str = "v") -> list[New]:
    """Records that can be told apart."""
    return [New(b"k%d" % n, f"{prefix}{n}".encode()) for n in range(count)]


def read(
    log: Log, offset: int = 0, limit: int = 1_000_000, partition: int = 0
) -> list[Rec]:
    """Records of one read, empty for None."""
    batch = log.read(TP(TOPIC, partition), offset, limit)
    if batch is None:
        return []
    assert (TOPIC, partition) == (batch.topic, batch.partition)
    assert batch.offset == batch.offsets[-1]
    heads = [tuple(batch.record_headers.get(row, ())) for row in range(len(batch))]
    assert set(batch.record_headers) <= set(range(len(batch)))
    columns = (batch.offsets, batch.timestamps_ms, batch.keys, batch.values, heads)
    return [Rec(*row) for row in zip(*columns, strict=True)]


def read_all(log: Log, partition: int = 0, offset: int = 0) -> list[Rec]:
    """Every record from an offset on, by as many reads as it takes."""
    found: list[Rec] = []
    while some := read(log, offset, partition=partition):
        found += some
        offset = some[-1].offset + 1
    return found


def in_process(script: str, *arguments: object) -> "subprocess.Popen[str]":
    """Start Python on a script, with the arguments in ``sys.argv``."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def output(process: "subprocess.Popen[str]") -> str:
    """What a process printed, once it has ended well."""
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return out


def file_bytes(path: Path) -> int:
    """Size of the log with the files SQLite keeps beside it."""
    return sum(file.stat().st_size for file in path.parent.glob(path.name + "*"))


cells = st.one_of(st.none(), st.just(b""), st.binary(max_size=12))
header_pairs = st.lists(
    st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.binary(max_size=9)),
    max_size=3,
).map(tuple)
records = st.builds(New, cells, cells, st.integers(0, 2**62), header_pairs)


# -- append and read -------------------------------------------------------------


@QUICK
@given(
    appends=st.lists(st.lists(records, min_size=1, max_size=6), max_size=8),
    limit=st.integers(1, 60),
)
def test_what_is_appended_is_read_from_any_offset(
    appends: list[list[New]], limit: int
) -> None:
    """Nulls, empty values, headers and times come back, up to the limit."""
    with TemporaryDirectory() as directory:
        log = Log(Path(directory) / "log.db", "normal")
        log.create_topic(TOPIC, 1)
        ends = [put(log, some) for some in appends]
        flat = [record for some in appends for record in some]
        expected = [record.at(offset) for offset, record in enumerate(flat)]
        assert expected == read_all(log)
        assert ends == [sum(map(len, appends[: n + 1])) - 1 for n in range(len(ends))]
        for offset in range(len(expected) + 1):
            some = read(log, offset, limit)
            assert expected[offset : offset + len(some)] == some
            assert bool(some) == (offset < len(expected))
            assert len(some) <= limit
        log.close()


def test_offsets_begin_at_0_and_have_no_gaps(log: Log) -> None:
    """Each partition counts for itself, over appends of any size."""
    sizes = [1, 5_000, 1, 2_000, 1_999, 2_001, 3]
    for partition in (0, 3):
        ends = [put(log, values(size), partition) for size in sizes]
        assert ends == [sum(sizes[: n + 1]) - 1 for n in range(len(sizes))]
        offsets = [record.offset for record in read_all(log, partition)]
        assert offsets == list(range(sum(sizes)))
        assert log.end_offset(TP(TOPIC, partition)) == sum(sizes)
    assert (log.begin_offset(TP(TOPIC, 1)), log.end_offset(TP(TOPIC, 1))) == (0, 0)


def test_one_append_may_go_to_many_partitions(log: Log) -> None:
    """The answer holds each one's last offset, and appends follow each other."""
    put(log, values(2), 1)
    appends = [Append(TOPIC, p, [None, b"k"], [b"a", b"b"]) for p in (0, 1, 0, 3)]
    assert log.append(appends) == [1, 3, 3, 1]
    assert [record.value for record in read_all(log)] == [b"a", b"b"] * 2


def test_a_record_without_a_time_gets_the_time_of_its_append(log: Log) -> None:
    """In milliseconds, as Kafka has it."""
    log.append([Append(TOPIC, 0, [b"a"], [b"b"])])
    assert 1_700_000_000_000 < read(log)[0].timestamp_ms < 10_000_000_000_000


@pytest.mark.parametrize("offset", [0, 1, 1_999, 2_000, 2_001, 4_999, 7_000])
@pytest.mark.parametrize("limit", [1, 10, 2_000, 2_001, 100_000])
def test_a_read_may_begin_in_the_middle_of_a_batch(
    log: Log, offset: int, limit: int
) -> None:
    """It begins at the very offset, and never returns more than was asked for."""
    sent = values(7_001)
    put(log, sent)
    found = read(log, offset, limit)
    assert 0 < len(found) <= limit
    assert found == [sent[r.offset].at(offset + n) for n, r in enumerate(found)]


def test_a_read_takes_many_small_appends_at_once(log: Log) -> None:
    """However the records were appended, a read is as long as it may be."""
    for record in values(300):
        put(log, [record])
    assert len(read(log)) == 300
    assert len(read(log, 50, 100)) == 100


def test_a_read_stops_at_its_bytes(log: Log) -> None:
    """Large records come some at a time, but always at least one."""
    sent = [New(b"k", bytes([n]) * 300_000) for n in range(10)]
    put(log, sent)
    batch = log.read(T0, 0, 1_000, max_bytes=1)
    assert batch is not None
    assert 0 < len(batch) < 10
    assert read_all(log) == [record.at(n) for n, record in enumerate(sent)]


def test_at_the_end_there_is_nothing_to_read(log: Log) -> None:
    """None at the end and beyond it, and in a partition that is empty."""
    put(log, values(3))
    assert [log.read(T0, offset, 10) for offset in (3, 4, 1_000)] == [None] * 3
    assert log.read(TP(TOPIC, 1), 0, 10) is None


@pytest.mark.parametrize("size", [1 << 20, 5 << 20])
def test_a_record_may_be_large(log: Log, size: int) -> None:
    """Larger than a batch is meant to be, too."""
    sent = [New(b"a", b"x"), New(b"k" * 1_000, b"\0" * size), New(b"a", b"y")]
    put(log, sent)
    assert read_all(log) == [record.at(n) for n, record in enumerate(sent)]


@QUICK
@given(
    rows=st.lists(
        st.tuples(st.one_of(st.just(1), st.integers(1, 2**40)), records),
        min_size=1,
        max_size=9,
    ),
    base=st.integers(0, 2**50),
)
def test_a_stored_batch_is_read_back(rows: list[tuple[int, New]], base: int) -> None:
    """Offsets keep their gaps, however much was compacted away in between."""
    offsets = list(accumulate((gap for gap, _ in rows[1:]), initial=base))
    sent = [
        record.at(offset) for offset, (_, record) in zip(offsets, rows, strict=True)
    ]
    stored = Columns(
        np.array(offsets, np.int64),
        np.array([record.timestamp_ms for record in sent], np.int64),
        Cells.of([record.key for record in sent]),
        Cells.of([record.value for record in sent]),
        {row: record.headers for row, record in enumerate(sent) if record.headers},
    )
    for worth_bytes in (0, 1 << 30):
        with mock.patch.object(codec, "_WORTH_BYTES", worth_bytes):
            found = codec.decode(codec.encode(stored), base)
        heads = [tuple(found.headers.get(row, ())) for row in range(len(found))]
        columns = (found.offsets, found.timestamps_ms, found.keys, found.values, heads)
        assert sent == [Rec(*row) for row in zip(*columns, strict=True)]


# -- topics ----------------------------------------------------------------------


def test_a_topic_that_differs_names_both_numbers(open_log: Open) -> None:
    """The error says how many partitions there are and how many are wanted."""
    log = open_log(retention_ms=1_000)
    with pytest.raises(TopicMismatchError, match=r"has 4 partitions.* 7;") as caught:
        log.create_topic(TOPIC, 7, retention_ms=5)
    assert TOPIC in str(caught.value)
    assert (log.topic(TOPIC).partitions, log.topic(TOPIC).retention_ms) == (4, 1_000)
    put(log, values(1), 3)
    with pytest.raises(UnknownTopicError):
        put(log, values(1), 4)


def test_a_topic_may_be_created_again(log: Log) -> None:
    """Nothing is lost, and its retention is the newest one."""
    put(log, values(3))
    info = log.create_topic(TOPIC, 4, retention_ms=1_000)
    assert (info.partitions, info.retention_ms, info.compacted) == (4, 1_000, False)
    assert len(read_all(log)) == 3
    assert log.topics() == [TOPIC]


def test_the_newest_settings_of_a_topic_hold_for_everybody(open_log: Open) -> None:
    """A topic created anew with another retention has it in every process."""
    worker, other = open_log(), open_log()
    assert worker.topic(TOPIC).retention_ms is None
    put(worker, [New(b"a", b"b", NOW_MS - DAY_MS)])
    other.create_topic(TOPIC, 4, retention_ms=1_000)
    assert Cleaner(worker).run(NOW_MS).expired_batches == 1


def test_an_unknown_topic_is_named(log: Log) -> None:
    """Nobody reads, writes or commits a topic that was never created."""
    nowhere = TP("nowhere", 0)
    assert log.find_topic("nowhere") is None
    for use in (
        lambda: log.topic("nowhere"),
        lambda: log.append([Append("nowhere", 0, [None], [b"a"])]),
        lambda: log.read(nowhere, 0, 1),
        lambda: log.end_offset(nowhere),
        lambda: log.begin_offset(nowhere),
        lambda: log.commit("group", {nowhere: 1}),
        lambda: log.committed("group", nowhere),
    ):
        with pytest.raises(UnknownTopicError, match="nowhere"):
            use()


# -- failures leave nothing ------------------------------------------------------


def broken_appends(good: Append, bad: Append) -> Iterator[Append]:
    """A good append, then one that cannot be."""
    yield good
    yield bad


@pytest.mark.parametrize(
    "bad",
    [
        Append("nowhere", 0, [None], [b"a"]),
        Append(TOPIC, 4, [None], [b"a"]),
        Append(TOPIC, 0, [b"a", b"b"], [b"a"]),
        Append(TOPIC, 0, [b"a"], [b"a", b"b"]),
        Append(TOPIC, 0, [b"a", b"b"], [b"a", b"b"], [NOW_MS]),
        Append(TOPIC, 0, [b"a"], [b"a"], [NOW_MS, NOW_MS]),
        Append(TOPIC, 0, [b"a"], ["text"]),  # type: ignore[list-item]
        Append(TOPIC, 0, [b"a"], [7]),  # type: ignore[list-item]
    ],
    ids=["topic", "partition", "keys", "values", "time", "times", "text", "number"],
)
def test_an_append_that_fails_leaves_nothing(log: Log, bad: Append) -> None:
    """All of it or none: what came before in the same append is not there."""
    put(log, values(2))
    good = Append(TOPIC, 0, [b"a"] * 5_000, [b"b"] * 5_000)
    with pytest.raises((LogError, ValueError, TypeError)):
        log.append(broken_appends(good, bad))
    assert log.end_offset(T0) == 2
    put(log, values(1))
    assert [record.offset for record in read_all(log)] == [0, 1, 2]


def test_an_append_of_nothing_changes_nothing(log: Log) -> None:
    """No records, no batch."""
    put(log, values(2))
    assert log.append([]) == []
    log.append([Append(TOPIC, 0, [], [])])
    assert len(read_all(log)) == 2
    assert log.end_offset(T0) == 2


# -- files that are no log -------------------------------------------------------


def foreign_database(path: Path, *statements: str) -> None:
    """A SQLite file of another program."""
    db = sqlite3.connect(path)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def newer_log(path: Path, *statements: str) -> None:
    """A log by a version of this program that is yet to come."""
    log = Log(path, "normal")
    log.create_topic(TOPIC, 1)
    log.close()
    foreign_database(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}", *statements)


FOREIGN: dict[str, Callable[[Path], object]] = {
    "database": lambda path: foreign_database(path, "CREATE TABLE notes (text)"),
    "database_with_our_names": lambda path: foreign_database(
        path, "CREATE TABLE topic (id)", "CREATE TABLE batch (id)"
    ),
    "database_with_an_id": lambda path: foreign_database(
        path, "PRAGMA application_id = 7", "PRAGMA user_version = 1"
    ),
    "text": lambda path: path.write_text("store_id,status\n" * 1_000),
    "short_text": lambda path: path.write_text("hello"),
    "zeros": lambda path: path.write_bytes(bytes(8_192)),
}


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_file_that_is_no_log_is_refused_and_left_as_it_is(
    path: Path, make: Callable[[Path], object]
) -> None:
    """The error names the file; not a byte of it changes."""
    make(path)
    before = path.read_bytes()
    with pytest.raises(NotALogError, match=path.name):
        Log(path)
    assert before == path.read_bytes()
    assert [path] == list(path.parent.iterdir())


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_a_log_by_a_newer_version_is_refused_and_left_as_it_is(
    path: Path, journal: str
) -> None:
    """The error names both versions; not a byte of the file changes."""
    newer_log(path, f"PRAGMA journal_mode = {journal}")
    before = path.read_bytes()
    with pytest.raises(
        LogVersionError, match=f"{SCHEMA_VERSION + 1}.*{SCHEMA_VERSION}"
    ):
        Log(path)
    assert before == path.read_bytes()


def test_a_directory_is_no_log(tmp_path: Path) -> None:
    """The error is the same as for a file."""
    with pytest.raises(NotALogError, match=tmp_path.name):
        Log(tmp_path)


def test_an_empty_file_becomes_a_log(path: Path) -> None:
    """What mktemp leaves is as good as no file."""
    path.touch()
    log = Log(path)
    log.create_topic(TOPIC, 1)
    put(log, values(1))
    log.close()


def test_missing_directories_are_made(tmp_path: Path) -> None:
    """The data directory need not exist."""
    log = Log(tmp_path / "a" / "b" / "log.db")
    log.close()
    assert (tmp_path / "a" / "b" / "log.db").is_file()


@pytest.mark.parametrize("sync", ["", "off", "FULL", "full; DROP TABLE batch"])
def test_sync_is_full_or_normal(path: Path, sync: str) -> None:
    """Nothing else reaches SQLite."""
    with pytest.raises(LogError, match="full or normal"):
        Log(path, sync)


def test_a_new_log_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    """Whoever comes first makes the schema, and the others wait for it."""
    for number in range(40):
        path, together = tmp_path / f"{number}.db", threading.Barrier(6)
        assert run_threads(6, partial(use_new_log, path, together)) == []


def use_new_log(path: Path, together: threading.Barrier, _: int) -> None:
    """Open a log the moment others do."""
    together.wait()
    log = Log(path, "normal")
    log.create_topic(TOPIC, 1)
    put(log, values(1))
    log.close()


def run_threads(count: int, target: Callable[[int], object]) -> list[Exception]:
    """Run a function in threads, to the end; return what they raised."""
    failures: list[Exception] = []

    def run(number: int) -> None:
        try:
            target(number)
        except Exception as exc:
            failures.append(exc)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


# -- several connections, threads and processes ----------------------------------

APPEND_SOME = """
import sys
from pathlib import Path
from streamproc.transport.sqlite.log import Append, Log
path, name, count, size = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
log = Log(Path(path), "normal")
log.create_topic("polls", 4)
for n in range(count):
    cells = [f"{name}-{n}-{row}".encode() for row in range(size)]
    print(log.append([Append("polls", 0, cells, cells)])[0], flush=True)
log.close()
"""
READ_ALL = """
import sys
from pathlib import Path
from faust.types import TP
from streamproc.transport.sqlite.log import Log
log = Log(Path(sys.argv[1]), "normal")
batch = log.read(TP("polls", 0), 0, 1_000)
print(b" ".join(batch.values).decode(), log.committed("group", TP("polls", 0)))
"""
APPEND_FOR_EVER = """
import sys
from pathlib import Path
from streamproc.transport.sqlite.log import Append, Log
log = Log(Path(sys.argv[1]), "full")
log.create_topic("polls", 4)
for n in range(int(sys.argv[2]), sys.maxsize):
    cells = [f"{n}-{row}".encode() for row in range(2_500)]
    log.append([Append("polls", p, cells, cells) for p in (0, 1)])
    print(n, flush=True)
"""
LOCK = """
import os, sys, time
from pathlib import Path
from streamproc.transport.sqlite.lock import WorkerLock
WorkerLock(Path(sys.argv[1])).acquire()
print(os.getpid(), flush=True)
time.sleep(60)
"""


def test_two_connections_see_each_others_appends(open_log: Open) -> None:
    """What one has appended the other reads, commits and counts on from."""
    one, other = open_log(), open_log()
    put(one, values(3))
    assert len(read_all(other)) == 3
    assert put(other, values(2)) == 4
    assert read_all(one) == read_all(other)
    other.commit("group", {T0: 2})
    assert one.committed("group", T0) == 2


def test_a_topic_made_by_another_connection_is_found(path: Path, log: Log) -> None:
    """Even when it was looked for in vain before."""
    assert log.find_topic("new") is None
    other = Log(path, "normal")
    other.create_topic("new", 2)
    other.close()
    assert log.topic("new").partitions == 2
    assert set(log.topics()) == {"new", TOPIC}


def test_the_data_version_tells_of_commits(open_log: Open) -> None:
    """It changes with an append by this or another connection, and only then."""
    one, other = open_log(), open_log()
    for writer in (one, other):
        before = one.data_version()
        assert before == one.data_version()
        put(writer, values(1))
        assert before != one.data_version()


def test_another_process_sees_what_was_appended(path: Path, log: Log) -> None:
    """And this process sees what that one appends."""
    put(log, [New(None, b"a"), New(None, b"b")])
    log.commit("group", {T0: 1})
    assert output(in_process(READ_ALL, path)) == "a b 1\n"
    assert output(in_process(APPEND_SOME, path, "x", 1, 2)) == "3\n"
    assert [record.value for record in read_all(log, offset=2)] == [b"x-0-0", b"x-0-1"]


def test_concurrent_appends_lose_nothing(path: Path, log: Log) -> None:
    """Threads and processes get offsets of their own, each append in one piece."""
    ends: list[tuple[str, int, int]] = []
    processes = [in_process(APPEND_SOME, path, f"p{n}", 20, 30) for n in range(2)]

    def append(number: int) -> None:
        for n in range(20):
            sent = [New(None, b"t%d-%d-%d" % (number, n, row)) for row in range(30)]
            ends.append((f"t{number}", n, put(log, sent)))

    assert run_threads(4, append) == []
    for number, process in enumerate(processes):
        lines = output(process).split()
        ends += [(f"p{number}", n, int(line)) for n, line in enumerate(lines)]
    found = read_all(log)
    assert list(range(6 * 20 * 30)) == [record.offset for record in found]
    for name, n, end in ends:
        expected = [f"{name}-{n}-{row}".encode() for row in range(30)]
        assert expected == [r.value for r in found[end - 29 : end + 1]]
    assert len(ends) == 6 * 20


def test_what_was_acknowledged_survives_a_kill(path: Path) -> None:
    """After kill -9 every acknowledged append is whole, and no other is half."""
    acknowledged: list[int] = []
    start = 0
    for patience in (3, 8, 5):
        process = in_process(APPEND_FOR_EVER, path, start)
        assert process.stdout is not None
        acknowledged += [int(process.stdout.readline()) for _ in range(patience)]
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate(timeout=120)
        acknowledged += [int(line) for line in rest.split()]
        start = acknowledged[-1] + 100
    log = Log(path, "normal")
    parts = [read_all(log, partition) for partition in (0, 1)]
    log.close()
    for found in parts:
        assert list(range(len(found))) == [record.offset for record in found]
        assert len(found) % 2_500 == 0
        whole = [int((r.value or b"").split(b"-")[0]) for r in found[::2_500]]
        cells = [f"{n}-{row}".encode() for n in whole for row in range(2_500)]
        assert cells == [record.value for record in found]
        assert set(acknowledged) <= set(whole)
    assert [r.value for r in parts[0]] == [r.value for r in parts[1]]


# -- consumer groups -------------------------------------------------------------


def test_a_group_that_never_committed_has_no_offset(log: Log) -> None:
    """Neither has a partition it did not commit."""
    log.commit("group", {T0: 0})
    assert log.committed("group", T0) == 0
    assert log.committed("group", TP(TOPIC, 1)) is None
    assert log.committed("other", T0) is None


def test_every_group_has_its_own_offsets(open_log: Open) -> None:
    """The newest commit counts, and it is there for the next who opens the log."""
    log = open_log()
    log.commit("a", {T0: 5, TP(TOPIC, 1): 7})
    log.commit("b", {T0: 1})
    log.commit("a", {T0: 4})
    again = open_log()
    assert (
        again.committed("a", T0),
        again.committed("a", TP(TOPIC, 1)),
        again.committed("b", T0),
    ) == (4, 7, 1)


# -- retention -------------------------------------------------------------------


def aged(log: Log, ages_ms: Sequence[int]) -> None:
    """Append batches of two records of the given ages."""
    for age_ms in ages_ms:
        put(log, [New(b"k", b"v", NOW_MS - age_ms), New(b"k", b"v", NOW_MS - age_ms)])


def test_old_batches_are_deleted(open_log: Open) -> None:
    """A batch goes when all of it is older than the topic's retention."""
    log = open_log(retention_ms=1_000)
    aged(log, [3_000, 2_000, 1_001])
    put(log, [New(b"k", b"v", NOW_MS - 5_000), New(b"k", b"v", NOW_MS - 1_000)])
    aged(log, [0])
    assert Cleaner(log).run(NOW_MS) == Cleaned(expired_batches=3)
    assert [record.offset for record in read_all(log)] == [6, 7, 8, 9]
    assert [read(log, offset)[0].offset for offset in (0, 3)] == [6, 6]
    assert (log.begin_offset(T0), log.end_offset(T0)) == (6, 10)
    assert Cleaner(log).run(NOW_MS) == Cleaned()


def test_without_retention_nothing_is_deleted(open_log: Open) -> None:
    """A topic without one keeps its records for ever."""
    log = open_log()
    aged(log, [NOW_MS, NOW_MS // 2, 0])
    assert Cleaner(log).run(NOW_MS + 10**12) == Cleaned()
    assert len(read_all(log)) == 6


@pytest.mark.parametrize(
    ("commits", "left_from"),
    [
        ({}, 8),
        ({"a": 0}, 0),
        ({"a": 1}, 0),
        ({"a": 2}, 2),
        ({"a": 5}, 4),
        ({"a": 8}, 8),
        ({"a": 8, "b": 3}, 2),
        ({"a": 0, "b": 8}, 0),
    ],
)
def test_what_a_group_has_not_read_is_never_deleted(
    open_log: Open, commits: dict[str, int], left_from: int
) -> None:
    """However old it is; the slowest group counts."""
    log = open_log(retention_ms=1_000)
    aged(log, [9_000] * 4)
    for group, offset in commits.items():
        log.commit(group, {T0: offset})
    Cleaner(log).run(NOW_MS)
    assert list(range(left_from, 8)) == [record.offset for record in read_all(log)]


def test_a_group_elsewhere_does_not_hold_a_partition(open_log: Open) -> None:
    """Commits of another partition or topic do not count."""
    log = open_log(retention_ms=1_000)
    log.create_topic("other", 1, retention_ms=1_000)
    aged(log, [9_000])
    log.commit("group", {TP(TOPIC, 1): 0, TP("other", 0): 0})
    assert Cleaner(log).run(NOW_MS).expired_batches == 1


def test_offsets_are_never_used_again(open_log: Open) -> None:
    """A partition that retention emptied goes on where it was, for the next too."""
    log = open_log(retention_ms=1_000)
    aged(log, [9_000] * 3)
    Cleaner(log).run(NOW_MS)
    assert (read(log), log.begin_offset(T0), log.end_offset(T0)) == ([], 6, 6)
    assert put(open_log(retention_ms=1_000), values(1)) == 6
    assert [record.offset for record in read_all(log)] == [6]


# -- compaction ------------------------------------------------------------------


class Step(NamedTuple):
    """Some records, appended one by one or together; then perhaps a cleaning."""

    new: list[New]
    together: bool
    clean_at_ms: int | None


ages = st.sampled_from((0, 1, TOMBSTONES_KEPT_MS - 1, TOMBSTONES_KEPT_MS, 3 * DAY_MS))
few_keys = st.sampled_from((b"a", b"b", b"c", b"d", b"e", b"", None))
rewrites = st.builds(
    New,
    few_keys,
    st.one_of(st.none(), st.none(), st.just(b""), st.binary(max_size=5)),
    ages.map(lambda age_ms: NOW_MS - age_ms),
    st.one_of(st.just(()), header_pairs),
)
moments = st.sampled_from((NOW_MS, NOW_MS + DAY_MS, NOW_MS + 9 * DAY_MS))
steps = st.lists(
    st.builds(
        Step,
        st.lists(rewrites, min_size=1, max_size=8),
        st.booleans(),
        st.one_of(st.none(), moments),
    ),
    min_size=1,
    max_size=6,
)


@contextmanager
def small_limits(keys_per_pass: int) -> Iterator[None]:
    """Make batches and passes so small that a short history needs many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches_module, "BATCH_RECORDS", 3)
        patch.setattr(compaction_module, "_KEYS_PER_PASS", keys_per_pass)
        patch.setattr(compaction_module, "_BATCHES_AT_ONCE", 2)
        yield


def table(found: Sequence[Rec]) -> dict[bytes | None, bytes]:
    """What a table holds that was built from the records."""
    rows: dict[bytes | None, bytes] = {}
    for record in found:
        if record.value is None:
            rows.pop(record.key, None)
        else:
            rows[record.key] = record.value
    return rows


def apply(log: Log, step: Step) -> None:
    """Append a step's records."""
    for some in [step.new] if step.together else [[record] for record in step.new]:
        put(log, some)


def check_compacted(log: Log, sent: Sequence[Rec], oldest_ms: int) -> None:
    """What is left is some of what was sent, and makes the same table."""
    left = read_all(log)
    assert left == [record for record in sent if record in set(left)]
    assert left[-1] == sent[-1]
    assert table(left) == table(sent)
    newest = {record.key: record for record in sent}
    for record in newest.values():
        if record.value is not None or record.timestamp_ms > oldest_ms:
            assert record in left
    for offset in range(len(sent)):
        following = [record for record in left if record.offset >= offset]
        some = read(log, offset, 2)
        assert some == following[: len(some)]
        assert some
    assert log.end_offset(T0) == len(sent)


@QUICK
@given(history=steps)
def test_compaction_keeps_the_newest_value_of_each_key(history: list[Step]) -> None:
    """Order, times and headers stay; only what was written again later goes."""
    with TemporaryDirectory() as directory:
        log = Log(Path(directory) / "log.db", "normal")
        log.create_topic(TOPIC, 1, compacted=True)
        sent: list[Rec] = []
        latest_ms = NOW_MS
        for step in history:
            apply(log, step)
            sent += [record.at(len(sent) + n) for n, record in enumerate(step.new)]
            if step.clean_at_ms is not None:
                latest_ms = max(latest_ms, step.clean_at_ms)
                Cleaner(log, dirty_bytes=0).run(step.clean_at_ms)
            check_compacted(log, sent, latest_ms - TOMBSTONES_KEPT_MS)
        log.close()


@QUICK
@given(history=steps, keys_per_pass=st.integers(1, 5))
def test_compaction_may_take_many_passes(
    history: list[Step], keys_per_pass: int
) -> None:
    """However little one pass takes on, the table stays the same."""
    with TemporaryDirectory() as directory, small_limits(keys_per_pass):
        log = Log(Path(directory) / "log.db", "normal")
        log.create_topic(TOPIC, 1, compacted=True)
        sent: list[Rec] = []
        for step in history:
            apply(log, step)
            sent += [record.at(len(sent) + n) for n, record in enumerate(step.new)]
            if step.clean_at_ms is not None:
                Cleaner(log, dirty_bytes=0).run(NOW_MS + 9 * DAY_MS)
            check_compacted(log, sent, NOW_MS + 8 * DAY_MS)
        log.close()


def test_a_pass_that_ends_within_a_batch_brings_nothing_back(open_log: Open) -> None:
    """A value stays deleted though its deletion was not yet seen by a whole pass."""
    old_ms = NOW_MS - 3 * DAY_MS
    with small_limits(keys_per_pass=2):
        log = open_log(compacted=True)
        put(log, [New(b"a", b"1")])
        put(log, [New(b"k", b"1", old_ms), New(b"k", None, old_ms), New(b"b", b"1")])
        for _ in range(3):
            Cleaner(log, dirty_bytes=0).run(NOW_MS)
            assert b"k" not in table(read_all(log))
            put(log, [New(b"c", b"1")])


@QUICK
@given(history=steps)
def test_one_pass_leaves_one_record_per_key(history: list[Step]) -> None:
    """All that is left is each key's newest, and the partition's last record."""
    with TemporaryDirectory() as directory:
        log = Log(Path(directory) / "log.db", "normal")
        log.create_topic(TOPIC, 1, compacted=True)
        for step in history:
            apply(log, step)
        sent = read_all(log)
        removed = Cleaner(log, dirty_bytes=0).run(NOW_MS).compacted_records
        newest = {record.key: record for record in sent}.values()
        kept = {
            record
            for record in newest
            if record.value is not None
            or record.timestamp_ms > NOW_MS - TOMBSTONES_KEPT_MS
        }
        assert sorted(kept | {sent[-1]}) == (left := read_all(log))
        assert removed == len(sent) - len(left)
        assert Cleaner(log, dirty_bytes=0).run(NOW_MS).compacted_records == 0
        assert left == read_all(log)
        log.close()


@pytest.mark.parametrize(
    ("age_ms", "kept"),
    [(0, True), (TOMBSTONES_KEPT_MS - 1, True), (TOMBSTONES_KEPT_MS, False)],
)
def test_a_deletion_is_known_for_a_day(open_log: Open, age_ms: int, kept: bool) -> None:
    """A reader a day behind still learns of it; the value is gone at once."""
    log = open_log(compacted=True)
    put(log, [New(b"k", b"v"), New(b"k", None, NOW_MS - age_ms), New(b"x", b"y")])
    Cleaner(log, dirty_bytes=0).run(NOW_MS)
    left = [(record.key, record.value) for record in read_all(log)]
    assert left == [(b"k", None)] * kept + [(b"x", b"y")]


def test_a_topic_that_is_not_compacted_keeps_every_value(open_log: Open) -> None:
    """Rewrites of one key are history there."""
    log = open_log()
    put(log, [New(b"k", b"%d" % n) for n in range(100)])
    assert Cleaner(log, dirty_bytes=0).run(NOW_MS) == Cleaned()
    assert len(read_all(log)) == 100


def test_little_dirt_is_left_alone(open_log: Open) -> None:
    """A pass that would win next to nothing is put off."""
    log = open_log(compacted=True)
    put(log, [New(b"k", b"%d" % n) for n in range(100)])
    assert Cleaner(log).run(NOW_MS) == Cleaned()


def test_small_batches_are_merged(path: Path, open_log: Open) -> None:
    """Many small appends become few large batches, with nothing lost."""
    log = open_log(compacted=True)
    sent = [New(b"%d" % n, b"v") for n in range(600)]
    for record in sent:
        put(log, [record])
    for _ in range(3):
        put(log, sent)
        Cleaner(log, dirty_bytes=0).run(NOW_MS)
    left = read_all(log)
    assert [record.key for record in sent] == [record.key for record in left]
    with sqlite3.connect(path) as db:
        (batches,) = db.execute("SELECT count(*) FROM batch").fetchone()
    db.close()
    assert batches < 25


def test_old_survivors_and_new_records_share_a_batch(
    path: Path, open_log: Open
) -> None:
    """A key nobody wrote for years keeps its offset, far from its neighbour's."""
    log = open_log(compacted=True)
    put(log, [New(b"old", b"1"), New(b"k", b"2")])
    far = 2**32 + 5
    with sqlite3.connect(path) as db:
        db.execute("UPDATE head SET next_offset = ? WHERE partition = 0", (far,))
    db.close()
    put(log, [New(b"k", b"3"), New(b"new", b"4")])
    Cleaner(log, dirty_bytes=0).run(NOW_MS)
    expected = [(0, b"1"), (far, b"3"), (far + 1, b"4")]
    assert expected == [(r.offset, r.value) for r in read_all(log)]
    assert [far, far + 1] == [record.offset for record in read_all(log, offset=1)]


def test_appends_go_on_while_the_log_is_cleaned(open_log: Open) -> None:
    """A table read while batches are rewritten is complete, and nothing is lost."""
    log, other = open_log(compacted=True), open_log(compacted=True)
    done = threading.Event()

    def clean() -> None:
        while not done.is_set():
            Cleaner(other, dirty_bytes=0).run(NOW_MS)

    def write(_: int) -> None:
        for n in range(60):
            put(log, [New(b"%d" % key, b"%d" % n) for key in range(50)])
            left = table(read_all(log))
            assert left == {b"%d" % key: b"%d" % n for key in range(50)}

    cleaning = threading.Thread(target=clean)
    cleaning.start()
    failures = run_threads(1, write)
    done.set()
    cleaning.join()
    assert failures == []
    assert log.end_offset(T0) == 60 * 50


def test_appends_are_never_held_up_by_what_the_cleaner_reads(
    path: Path, open_log: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it looks into batches, another process may write: it holds no lock."""
    log = open_log(compacted=True)
    for _ in range(3):
        put(log, values(50))
    looked, columns = 0, Partition.columns
    other = sqlite3.connect(path, timeout=0, isolation_level=None)

    def watched(place: Partition, row: StoredBatch) -> Columns:
        nonlocal looked
        other.execute("BEGIN IMMEDIATE")  # raises when the log is being written
        other.execute("ROLLBACK")
        looked += 1
        return columns(place, row)

    monkeypatch.setattr(Partition, "columns", watched)
    assert Cleaner(log, dirty_bytes=0).run(NOW_MS).compacted_records == 100
    other.close()
    assert looked == 6


@QUICK
@given(history=steps, taken=st.lists(st.integers(0, 12), min_size=6, max_size=6))
def test_a_cleaning_may_be_left_off_after_any_step(
    history: list[Step], taken: list[int]
) -> None:
    """And what is appended between two steps is there afterwards, like the rest."""
    with TemporaryDirectory() as directory, small_limits(3):
        log = Log(Path(directory) / "log.db", "normal")
        log.create_topic(TOPIC, 1, compacted=True)
        sent: list[Rec] = []
        for step, count in zip(history, taken, strict=False):
            cleaning = Cleaner(log, dirty_bytes=0).steps(NOW_MS + 9 * DAY_MS)
            for record in [*step.new, *[None] * count]:
                next(cleaning, None)
                if record is not None:
                    put(log, [record])
                    sent.append(record.at(len(sent)))
            check_compacted(log, sent, NOW_MS + 8 * DAY_MS)
        log.close()


def test_a_step_deletes_so_many_old_batches_at_most(
    open_log: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much of a log is too old at once, appends get their turn."""
    monkeypatch.setattr(cleaner_module, "_EXPIRED_AT_ONCE", 3)
    log = open_log(retention_ms=1_000)
    aged(log, [9_000] * 8 + [0])
    deleted = [step.expired_batches for step in Cleaner(log).steps(NOW_MS)]
    assert [count for count in deleted if count] == [3, 3, 2]
    assert [record.offset for record in read_all(log)] == [16, 17]


def test_a_step_rewrites_so_many_bytes_at_most(
    open_log: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large batches are dealt with one by one, small ones many at a time."""
    log = open_log(compacted=True)
    for _ in range(9):
        put(log, [New(b"k", random.Random(7).randbytes(1_000))])
    monkeypatch.setattr(compaction_module, "_BYTES_AT_ONCE", 3_000)
    removed = [step.compacted_records for step in Cleaner(log, 0).steps(NOW_MS)]
    assert [count for count in removed if count] == [3, 3, 2]


def pages(path: Path) -> tuple[int, int]:
    """Pages of the log's file, and how many of them hold nothing."""
    with closing(sqlite3.connect(path)) as db:
        (count,) = db.execute("PRAGMA page_count").fetchone()
        (free,) = db.execute("PRAGMA freelist_count").fetchone()
    return int(count), int(free)


def test_pages_that_are_needed_again_soon_are_not_given_back(
    path: Path, open_log: Open
) -> None:
    """As many as were taken since the run before stay; without appends none do."""
    log = open_log(compacted=True)
    sent = [New(b"%d" % n, os.urandom(1_000)) for n in range(999)]
    cleaner = Cleaner(log)
    for _ in range(5):
        put(log, sent)
    cleaner.run(NOW_MS)
    full, free = pages(path)
    assert free > 3 * 999_000 // PAGE_BYTES
    for _ in range(3):
        put(log, sent)
    assert pages(path)[0] == full
    cleaner.run(NOW_MS)
    cleaner.run(NOW_MS)
    assert pages(path)[1] == 0


async def test_the_cleaner_rests_three_times_as_long_as_it_works() -> None:
    """So it has the log a quarter of the time at most; at the end it stops at once."""
    now_s, rests = 0.0, list[float]()

    def working() -> Iterator[Cleaned]:
        nonlocal now_s
        for took_s in (0.5, 2.0, 1.0, 1.0):
            now_s += took_s
            yield Cleaned(1, 2)

    async def sleep(seconds: float) -> None:
        rests.append(seconds)

    cleaned = await at_leisure(working(), sleep, lambda: len(rests) == 3, lambda: now_s)
    assert rests == [1.5, 6.0, 3.0]
    assert cleaned == Cleaned(3, 6)


def test_the_file_stops_growing(path: Path, open_log: Open) -> None:
    """An endless rewrite of the same keys needs a bounded file."""
    log = open_log(compacted=True)
    cleaner = Cleaner(log)
    sizes = []
    for n in range(40):
        put(log, [New(b"%d" % key, os.urandom(1_000)) for key in range(1_000)])
        cleaner.run(NOW_MS + n)
        sizes.append(file_bytes(path))
    assert len(read_all(log)) < 5_000
    assert max(sizes[20:]) <= max(sizes[:20])


def test_retention_gives_the_space_back(path: Path, open_log: Open) -> None:
    """A log that grew once shrinks when its records have expired."""
    log = open_log(retention_ms=1_000)
    for _ in range(10):
        put(log, [New(b"k", os.urandom(1_000)) for _ in range(1_000)])
    full = file_bytes(path)
    for n in range(20):
        put(log, [New(b"k", b"v", NOW_MS + 10_000)])
        put(log, [New(b"k", b"v", NOW_MS)])
        Cleaner(log).run(NOW_MS + 2_000 + n)
    log.close()
    assert file_bytes(path) < full / 3


# -- the worker's lock -----------------------------------------------------------


def test_a_second_worker_is_told_of_the_first(path: Path) -> None:
    """The error names the first one's process; after a kill -9 the lock is free."""
    first = in_process(LOCK, path)
    assert first.stdout is not None
    pid = int(first.stdout.readline())
    lock = WorkerLock(path)
    with pytest.raises(LogLockedError, match=rf"process {pid}\b") as caught:
        lock.acquire()
    assert str(path) in str(caught.value)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=120)
    lock.acquire()
    with pytest.raises(LogLockedError, match=rf"process {os.getpid()}\b"):
        WorkerLock(path).acquire()
    lock.release()


def test_a_lock_may_be_taken_again_when_it_was_given_back(path: Path) -> None:
    """Taking it twice or giving it back twice does no harm."""
    one, other = WorkerLock(path), WorkerLock(path)
    for lock in (one, other, one):
        lock.acquire()
        lock.acquire()
        lock.release()
        lock.release()


def test_a_lock_does_not_keep_others_from_appending(path: Path, log: Log) -> None:
    """Only workers exclude each other; any process may append."""
    lock = WorkerLock(path)
    lock.acquire()
    assert output(in_process(APPEND_SOME, path, "x", 1, 1)) == "0\n"
    lock.release()
    assert len(read_all(log)) == 1


@pytest.mark.parametrize("lock", ["_write_lock", "_read_lock"])
def test_closing_waits_for_what_other_threads_do(tmp_path: Path, lock: str) -> None:
    """Closed beneath an append, SQLite ends the process with a segmentation fault."""
    log = Log(tmp_path / "log.db")
    with getattr(log, lock):
        closing = threading.Thread(target=log.close)
        closing.start()
        closing.join(0.05)
        assert closing.is_alive()
    closing.join()
