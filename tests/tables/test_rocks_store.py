"""A table's database on a real disk: locked, damaged, swapped, full."""

import os
import random
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streamproc.errors import TableDiskError, TableLockedError
from streamproc.settings import Settings
from tables import rocks_files
from tables.fencing import PartitionLostError
from tables.rocks_errors import PartitionDamagedError, Trouble, trouble_of
from tests.disks import fill, flip, small_disk
from tests.tables.fakes import PARTITION, Changelog, directory, make, open_table, put

MakeSettings = Callable[..., Settings]

BATCHES, KEYS = 60, 2_000


# -- errors ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        (
            "Corruption: block checksum mismatch: stored(context removed) = 1, computed"
            " = 2, type = 4  in /var/lock/tables/zones-0.db/000021.sst offset 0 size 9",
            Trouble.DAMAGED,
        ),
        ("Corruption: CURRENT file does not end with newline", Trouble.DAMAGED),
        (
            "IO error: No such file or directory: While opening a file for sequentially"
            " reading: /lock/MANIFEST-000007: No such file or directory",
            Trouble.DAMAGED,
        ),
        (
            "IO error: lock hold by current process, acquire time 1795614110 acquiring"
            " thread 140128861969280: /t/LOCK: No locks available",
            Trouble.LOCKED,
        ),
        (
            "IO error: While lock file: /t/LOCK: Resource temporarily unavailable",
            Trouble.LOCKED,
        ),
        (
            "IO error: No space left on device: While appending to file:"
            " /var/lock/000034.log: No space left on device",
            Trouble.DISK,
        ),
        ("No space left on device (os error 28)", Trouble.DISK),
        ("this batch is already consumed", None),
    ],
)
def test_an_error_is_known_by_its_whole_text(
    text: str, trouble: Trouble | None
) -> None:
    """Not by a word in it: "lock" is also in "block", and in many a path."""
    assert trouble_of(Exception(text)) is trouble
    assert trouble_of(ValueError(text)) is None


async def test_a_database_that_another_process_has_open_is_waited_for(
    make_settings: MakeSettings,
) -> None:
    """It is locked, not damaged; when it stays so, the worker says who is meant."""
    table = await open_table(make_settings(), Changelog())
    path = directory(table)
    table.data._close(PARTITION)
    with _hold_open(path) as holder:
        with pytest.raises(TableLockedError, match="another process has it open"):
            await table.data._try_open_db_for_partition(PARTITION, 2, 0.01, 1)
        assert not list(path.parent.glob("*.damaged-*"))
        holder.kill()
    assert await table.data._try_open_db_for_partition(PARTITION, 2, 0.01, 1)


def _hold_open(path: Path) -> "subprocess.Popen[str]":
    code = (
        "import sys; from rocksdict import Rdict, Options;"
        "db = Rdict(sys.argv[1], Options(raw_mode=True));"
        "print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    return holder


async def test_a_write_under_way_when_its_worker_stops_opens_nothing(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take the lock of what is being closed; the changelog has it."""
    settings, log = make_settings(), Changelog()
    table, append = await open_table(settings, log), log.append_batch
    await put(table, {b"a": b"before"})

    async def stopping(*records: Any) -> int:
        await table.data.stop()
        return await append(*records)

    monkeypatch.setattr(log, "append_batch", stopping)
    with pytest.raises(PartitionLostError):
        await put(table, {b"a": b"late"})
    assert not table.data._dbs
    again = await open_table(settings, log)
    assert again.data.persisted_offset(again.changelog(PARTITION)) == 0  # 1 is next
    assert log.records[-1] == (b"a", b"late")
    await again.data.stop()


async def test_a_store_that_was_stopped_opens_nothing(
    make_settings: MakeSettings,
) -> None:
    """A rebalance under way would take the lock of what is being closed."""
    store = (table := await open_table(make_settings(), Changelog())).data
    await store.stop()
    for tp in (table.changelog(PARTITION), table.changelog(PARTITION + 1)):
        with pytest.raises(PartitionLostError):
            store.persisted_offset(tp)
        with pytest.raises(PartitionLostError):
            await store._try_open_db_for_partition(tp.partition, generation_id=1)
    assert not store._dbs


async def test_a_tables_databases_are_closed_side_by_side(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits for the disk; one after another they would take too long to stop."""
    store = (await open_table(make_settings(), Changelog())).data
    await store._try_open_db_for_partition(PARTITION + 1, generation_id=1)
    close, both = store._close, threading.Barrier(2, timeout=120)

    def with_the_other(partition: int) -> None:
        both.wait()
        close(partition)

    monkeypatch.setattr(store, "_close", with_the_other)
    await store.stop()
    assert not store._dbs


# -- damage ------------------------------------------------------------------------


def changes_of(number: int) -> dict[bytes, bytes | None]:
    """A batch of changes, always the same."""
    draw = random.Random(number)
    return {
        b"%05d" % draw.randrange(KEYS): draw.randbytes(200) if number % 7 else None
        for _ in range(40)
    }


async def written(settings: Settings, changelog: Changelog, batches: int) -> Any:
    """A table into which so many batches were written; some of it is in files."""
    table = await open_table(settings, changelog)
    for number in range(batches):
        await put(table, changes_of(number))
        table.data._noted_at[PARTITION] -= 1.0  # as if a second had passed
        if number % 20 == 10:
            table.data._dbs[PARTITION].flush()
    return table


def truth(changelog: Changelog, upto: int | None) -> dict[bytes, bytes]:
    """What a copy holds that has read the changelog up to an offset."""
    end = 0 if upto is None else upto + 1
    state = dict(changelog.records[:end])
    return {key: value for key, value in state.items() if value is not None}


@pytest.fixture(scope="module", params=["stopped", "killed"])
def copy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """Directory of a database that was written by a worker of another process."""
    path = tmp_path_factory.mktemp(request.param)
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from tests.tables.test_rocks_store import leave\n"
        "asyncio.run(leave(Path(sys.argv[1]), sys.argv[2]))\n"
    )
    root = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-c", code, str(path), request.param],
        check=True,
        cwd=root,
        timeout=120,
    )
    return request.param, path


async def leave(path: Path, how: str) -> None:
    """Write a database, and end as a worker does that is stopped or killed."""
    table = await written(_settings(path), Changelog(), BATCHES)
    if how == "stopped":
        await table.data.stop()
    os._exit(0)


def _settings(path: Path) -> Settings:
    from streamproc import settings

    return settings.load({"data_dir": path, "web": "off"}, {})


def _all_changes() -> Changelog:
    changelog = Changelog()
    for number in range(BATCHES):
        changelog.append(changes_of(number))
    return changelog


def _rotten(data: bytes, draw: random.Random) -> Iterator[bytes]:
    """A file with a bit flipped, at many places, and cut, at many others."""
    for _ in range(4):
        at = draw.randrange(len(data))
        yield data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]
    for _ in range(4):
        yield data[: draw.randrange(len(data))]
    yield data[:-1]
    yield b""


@pytest.mark.parametrize(
    "pattern", ["*.sst", "MANIFEST-*", "CURRENT", "*.log", "OPTIONS-*", "*.json"]
)
async def test_whatever_file_rots_a_copy_is_right_or_set_aside(
    copy: tuple[str, Path], tmp_path: Path, pattern: str
) -> None:
    """Right: all of the changelog up to the offset it names; what comes is added.

    Flipped or cut anywhere, while no worker ran. Never is it short without a word.
    """
    changelog, draw = _all_changes(), random.Random(pattern)
    name = directory(make(_settings(copy[1]), changelog)).relative_to(copy[1])
    files = [f for f in (copy[1] / name).glob(pattern) if f.stat().st_size]
    assert files or pattern == "*.log"  # none when the worker was stopped
    for number, file in enumerate(files):
        for at, rotten in enumerate(_rotten(file.read_bytes(), draw)):
            data_dir = tmp_path / f"{number}-{at}"
            shutil.copytree(copy[1], data_dir)
            (data_dir / name / file.name).write_bytes(rotten)
            table = await open_table(_settings(data_dir), changelog)
            await _must_be_right(table, changelog)
            await table.data.stop()
            shutil.rmtree(data_dir)


async def _must_be_right(table: Any, changelog: Changelog) -> None:
    try:
        upto = table.data.persisted_offset(table.changelog(PARTITION))
        assert dict(table.scan(PARTITION)) == truth(changelog, upto)
    except PartitionDamagedError as exc:
        await exc.repaired()
        end = len(changelog.records) - 1
        assert dict(table.scan(PARTITION)) == truth(changelog, end)


def _record_ends(manifest: bytes) -> Iterator[int]:
    """Where each record of a manifest ends: checksum, length and type before each."""
    at = 0
    while at < len(manifest):
        at += 7 + int.from_bytes(manifest[at + 4 : at + 6], "little")
        yield at


async def test_a_manifest_that_was_cut_between_two_records_is_noticed(
    make_settings: MakeSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """RocksDB opens it: without the last flush, but with what came after."""
    changelog = Changelog()
    table = await written(make_settings(), changelog, 40)
    name = directory(table).relative_to(make_settings().data_dir)
    (file,) = directory(table).glob("MANIFEST-*")
    manifest = file.read_bytes()
    for end in _record_ends(manifest):
        data_dir = tmp_path / str(end)
        shutil.copytree(make_settings().data_dir, data_dir)
        (data_dir / name / file.name).write_bytes(manifest[:end])
        again = await open_table(_settings(data_dir), changelog)
        await _must_be_right(again, changelog)
        await again.data.stop()
    assert f"{file.name} was cut" in caplog.text


def _cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


@pytest.mark.parametrize("rot", [flip, _cut])
async def test_a_scan_that_meets_damage_never_ends_early(
    make_settings: MakeSettings, rot: Callable[[Path], None]
) -> None:
    """RocksDB's iterators end there as they do at the end of the table."""
    changelog = Changelog()
    table = await written(make_settings(), changelog, 40)
    table.data._dbs[PARTITION].flush()
    for file in directory(table).glob("*.sst"):
        rot(file)
    with pytest.raises(PartitionDamagedError):
        list(table.scan(PARTITION))
    with pytest.raises(PartitionDamagedError):  # from now on, at once
        table.read(PARTITION, b"any")
    await table.repair(PARTITION)


async def test_a_damaged_partition_is_built_anew_while_the_worker_runs(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """From its changelog, by itself; whoever writes it waits; the copy is kept."""
    changelog = Changelog()
    table = await written(make_settings(), changelog, 40)
    table.data._dbs[PARTITION].flush()
    for file in directory(table).glob("*.sst"):
        flip(file)
    with pytest.raises(PartitionDamagedError):
        list(table.scan(PARTITION))
    await put(table, {b"new": b"1"})
    assert dict(table.scan(PARTITION)) == truth(changelog, len(changelog.records) - 1)
    assert len(list(directory(table).parent.glob("*.db.damaged-*"))) == 1
    assert "is damaged (Corruption: block checksum mismatch" in caplog.text
    assert table.app.crashed == []


async def test_a_write_that_meets_damage_is_not_lost(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RocksDB refuses it when compaction has met damage; the changelog has it."""
    changelog = Changelog()
    table = await written(make_settings(), changelog, 20)
    db = table.data._dbs[PARTITION]
    db.flush()
    for file in directory(table).glob("*.sst"):
        flip(file)
    db.compact_range(None, None)
    await put(table, {b"new": b"1"})
    assert table.read(PARTITION, b"new") == b"1"
    assert dict(table.scan(PARTITION)) == truth(changelog, len(changelog.records) - 1)


async def test_damage_is_remembered_over_a_crash(make_settings: MakeSettings) -> None:
    """The next start does not look whether it meets it again: it builds anew."""
    changelog = Changelog()
    table = await written(make_settings(), changelog, 5)
    table.app.tables.actives_ready = False  # nobody repairs it
    table.data._note_damage(PARTITION, "Corruption: seen once")
    await table.data.stop()
    again = await open_table(make_settings(), changelog)
    assert again.data.persisted_offset(again.changelog(PARTITION)) is None
    assert len(list(directory(again).parent.glob("*.db.damaged-*"))) == 1
    await again.data.stop()
    third = await open_table(make_settings(), changelog)
    assert len(list(directory(third).parent.glob("*.db.damaged-*"))) == 1


async def test_only_the_last_damaged_copy_is_kept(make_settings: MakeSettings) -> None:
    """A disk that rots again and again does not fill up with what has rotted."""
    table = await written(make_settings(), Changelog(), 5)
    for number in range(3):
        aside = table.data.set_aside(PARTITION)
        assert list(directory(table).parent.glob("*.db.damaged-*")) == [aside], number
        await table.data._try_open_db_for_partition(PARTITION, generation_id=1)


async def test_a_disk_that_rots_all_the_time_ends_the_worker(
    make_settings: MakeSettings,
) -> None:
    """After three repairs, with one line: no loop."""
    table = await written(make_settings(), Changelog(), 5)
    for _ in range(3):
        table.data._note_damage(PARTITION, "Corruption: made up")
        await table.repair(PARTITION)
    assert table.app.crashed == []
    table.data._note_damage(PARTITION, "Corruption: made up")
    with pytest.raises(Exception, match="again and again; replace the disk"):
        await table.repair(PARTITION)


# -- whose it is -------------------------------------------------------------------


@pytest.mark.parametrize("other", [("zones", 1), ("hours", 0)])
async def test_a_swapped_directory_is_noticed(
    make_settings: MakeSettings, other: tuple[str, int]
) -> None:
    """Of another partition or of another table: set aside, and said whose it is."""
    changelog = Changelog()
    theirs = make(make_settings(), changelog, name=other[0])
    await theirs.data._try_open_db_for_partition(other[1], generation_id=1)
    theirs.data.apply(other[1], [(b"theirs", b"1")], 0)
    await theirs.data.stop()
    table = make(make_settings(), changelog)
    shutil.move(theirs.data.partition_path(other[1]), directory(table))
    await table.data._try_open_db_for_partition(PARTITION, generation_id=1)
    assert dict(table.scan(PARTITION)) == {}
    assert table.data.persisted_offset(table.changelog(PARTITION)) is None


async def test_a_directory_of_another_app_is_noticed(
    make_settings: MakeSettings,
) -> None:
    """Another app_id has other changelogs, whose offsets mean nothing here."""
    theirs = await open_table(make_settings(app_id="theirs"), Changelog())
    await put(theirs, {b"theirs": b"1"})
    await theirs.data.stop()
    table = await open_table(make_settings(), Changelog())
    assert dict(table.scan(PARTITION)) == {}


async def test_a_database_of_an_earlier_version_is_taken_over(
    make_settings: MakeSettings,
) -> None:
    """It did not say whose it is; from now on it does."""
    table = await written(make_settings(), Changelog(), 3)
    state = dict(table.scan(PARTITION))
    for key in (rocks_files.OWNER_KEY, rocks_files.LENGTHS_KEY):
        table.data._dbs[PARTITION].delete(key)
    table.data._dbs[PARTITION].flush()
    await table.data.stop()
    again = await open_table(make_settings(), Changelog())
    assert dict(again.scan(PARTITION)) == state
    assert again.read(PARTITION, rocks_files.OWNER_KEY) is not None


# -- a full disk -------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB."""
    with small_disk(tmp_path / "small", 3) as path:
        yield path


async def put_many(table: Any) -> None:
    """Write more than 3 MiB."""
    for number in range(200):
        await put(table, changes_of(number))


async def test_a_full_disk_is_not_taken_for_damage(
    make_settings: MakeSettings, disk: Path
) -> None:
    """It is said in one line, nothing is set aside, and all goes on with more room."""
    settings, changelog = make_settings(data_dir=disk), Changelog()
    table = await open_table(settings, changelog)
    filler = fill(disk)
    with pytest.raises(TableDiskError, match="make room") as error:
        await put_many(table)
    assert "\n" not in str(error.value)
    await table.data.stop()
    with pytest.raises(TableDiskError, match=re.escape("No space left on device")):
        await open_table(settings, changelog)
    assert not list(directory(table).parent.glob("*.db.damaged-*"))
    filler.unlink()
    again = await open_table(settings, changelog)
    upto = again.data.persisted_offset(again.changelog(PARTITION))
    assert dict(again.scan(PARTITION)) == truth(changelog, upto)
    await again.data.stop()
