"""A disk that is full or has rotted: the worker ends with one line that says so."""

import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from streamproc.errors import LogDiskError
from streamproc.rules.poll import Poll
from streamproc.settings import Settings
from tests.conftest import Run
from tests.disks import fill, flip_record, small_disk
from tests.system.harness import (
    WorkerProcess,
    check_rows,
    publish,
    random_polls,
    report,
)

BEGIN_US = 1_674_000_000_000_000
MakeSettings = Callable[..., Settings]
StartWorker = Callable[..., WorkerProcess]


def ended_with_one_line(worker: WorkerProcess, said: str) -> None:
    """Exit code 1; the last line is the reason; nothing else but what led to it."""
    assert worker.exit_code() == 1
    text = worker.text()
    assert said in text.splitlines()[-1], text
    assert "Traceback" not in text


async def test_a_bit_that_flips_in_a_changelog_never_changes_a_figure(
    make_settings: MakeSettings, start_worker: StartWorker
) -> None:
    """The tables are lost, and what they are rebuilt from has rotted: no report."""
    settings, polls = make_settings(), random_polls(2_000, 100, 4, BEGIN_US)
    await publish(settings, polls)
    worker = start_worker("--no-hourly").ready()
    await report(settings)
    worker.end(signal.SIGTERM)
    shutil.rmtree(settings.data_dir / "v1")
    topic = f"{settings.app_id}-histories-changelog"
    flip_record(settings.data_dir / "log.db", topic)
    ended_with_one_line(start_worker("--no-hourly"), f"topic {topic}, partition ")
    _do_as_the_docs_say(settings.data_dir, topic)
    start_worker("--no-hourly").ready()
    rows = await report(settings)
    check_rows(rows, polls, max(p.time_us for p in polls), settings, every=5)


def _do_as_the_docs_say(data_dir: Path, changelog: str) -> None:
    """Have a table built from the input, as docs/operations.md has it."""
    with closing(sqlite3.connect(data_dir / "log.db")) as db, db:
        db.execute(
            "DELETE FROM batch WHERE topic_id IN (SELECT id FROM topic WHERE name = ?)",
            (changelog,),
        )
        db.execute("DELETE FROM committed")
    shutil.rmtree(data_dir / "v1")


async def test_polls_that_have_rotted_in_the_log_can_be_gone_past(
    make_settings: MakeSettings, start_worker: StartWorker, streamproc: Run
) -> None:
    """The worker stops before them and names the command; what follows is counted."""
    settings = make_settings(partitions=1)
    arguments = ("--no-hourly", "--partitions", "1")
    await publish(settings, [Poll("lost", BEGIN_US, True)])
    await publish(settings, [Poll("kept", BEGIN_US, True)])
    flip_record(settings.data_dir / "log.db", "store-polls")
    command = "streamproc skip store-polls 0 0 1"
    ended_with_one_line(start_worker(*arguments), command)
    options = ("--data-dir", settings.data_dir, "--partitions", "1")
    done = streamproc(*command.split()[1:], *options)
    assert done.returncode == 0, done.stderr
    start_worker(*arguments).ready()
    assert (await report(settings)).store_ids == ["kept"]


@pytest.fixture
def mount() -> Iterator[Callable[[Path], Path]]:
    """Mount a file system of 4 MiB on a directory."""
    with ExitStack() as disks:
        yield lambda path: disks.enter_context(small_disk(path, 4))


async def test_a_full_disk_of_the_tables_ends_the_worker_and_costs_nothing(
    make_settings: MakeSettings,
    start_worker: StartWorker,
    mount: Callable[[Path], Path],
) -> None:
    """Each start ends with one line, nothing is set aside; with room it goes on."""
    settings = make_settings()
    disk = mount(settings.data_dir / "v1")
    worker = start_worker("--no-hourly").ready()
    filler = fill(disk, left=64 << 10)
    polls = random_polls(20_000, 500, 4, BEGIN_US)
    await publish(settings, polls)
    ended_with_one_line(worker, "make room")
    for _ in range(2):
        ended_with_one_line(start_worker("--no-hourly"), "make room")
    assert not list(disk.glob("**/*.damaged*"))
    filler.unlink()
    start_worker("--no-hourly").ready()
    rows = await report(settings)
    check_rows(rows, polls, max(p.time_us for p in polls), settings, every=20)


async def test_a_full_disk_of_the_log_is_said_to_producers_and_ends_the_worker(
    make_settings: MakeSettings,
    start_worker: StartWorker,
    mount: Callable[[Path], Path],
    tmp_path: Path,
) -> None:
    """What a producer has no acknowledgement of, it is told; the rest is there."""
    disk = mount(tmp_path / "log")
    broker = f"sqlite://{disk}/log.db"
    settings = make_settings(broker=broker)
    polls = random_polls(2_000, 100, 4, BEGIN_US)
    await publish(settings, polls)
    worker = start_worker("--no-hourly", "--broker", broker).ready()
    before = await report(settings)
    filler = fill(disk, left=0)
    with pytest.raises(LogDiskError, match="make room"):
        await publish(settings, random_polls(20_000, 500, 5, BEGIN_US))
    if worker.process.poll() is None:
        worker.end(signal.SIGTERM)
    else:
        ended_with_one_line(worker, "make room")
    filler.unlink()
    start_worker("--no-hourly", "--broker", broker).ready()
    after = await report(settings)
    assert after.store_ids == before.store_ids
    assert (after.up == before.up).all()
