"""Nothing is lost and nothing counted twice, however a worker ends."""

import asyncio
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from streamproc.rules.poll import Poll
from streamproc.settings import Settings
from tests.system.harness import (
    STOP_S,
    WorkerProcess,
    check_rows,
    publish,
    random_polls,
    report,
)
from tests.waiting import LIMIT_S

BEGIN_US = 1_674_000_000_000_000
MakeSettings = Callable[..., Settings]
StartWorker = Callable[..., WorkerProcess]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2])
async def test_kill_9_at_any_moment_of_a_load_changes_no_figure(
    seed: int, make_settings: MakeSettings, start_worker: StartWorker
) -> None:
    """200,000 polls, a worker killed again and again: the report is right."""
    settings = make_settings()
    polls = random_polls(200_000, 3_000, seed, BEGIN_US)
    await publish(settings, polls[:1_000])
    draw = random.Random(seed)
    loading = asyncio.create_task(_publish_slowly(settings, polls[1_000:]))
    kills = 0
    while not loading.done() or kills < 5:
        worker = start_worker("--no-hourly", "--max-poll-records", "2000")
        await asyncio.to_thread(worker.ready)
        await asyncio.sleep(draw.random() * 0.8)
        worker.end(signal.SIGKILL)
        kills += 1
    await loading
    await asyncio.to_thread(start_worker("--no-hourly").ready)
    rows = await report(settings)
    newest_us = max(poll.time_us for poll in polls)
    check_rows(rows, polls, newest_us, settings, every=10)


async def _publish_slowly(settings: Settings, polls: list[Poll]) -> None:
    """Feed the polls in over some seconds, so that kills fall into the load."""
    for first in range(0, len(polls), 4_000):
        await publish(settings, polls[first : first + 4_000])
        await asyncio.sleep(0.15)


async def test_a_lost_table_directory_is_rebuilt_from_the_changelog(
    make_settings: MakeSettings, start_worker: StartWorker
) -> None:
    """The tables are deleted; no poll is read again, and the report is the same."""
    settings = make_settings()
    polls = random_polls(20_000, 500, 3, BEGIN_US)
    await publish(settings, polls)
    worker = start_worker("--no-hourly").ready()
    before = await report(settings)
    worker.end(signal.SIGTERM)
    shutil.rmtree(settings.data_dir / "v1")
    start_worker("--no-hourly").ready()
    after = await report(settings)
    check_rows(after, polls, max(p.time_us for p in polls), settings, every=5)
    assert before.store_ids == after.store_ids
    assert (before.up == after.up).all()


@pytest.mark.parametrize("file", ["CURRENT", "MANIFEST*"])
async def test_a_damaged_table_is_set_aside_and_rebuilt(
    file: str, make_settings: MakeSettings, start_worker: StartWorker
) -> None:
    """Garbage in a RocksDB file: said in the log, kept aside, rebuilt."""
    settings = make_settings()
    polls = random_polls(5_000, 200, 4, BEGIN_US)
    await publish(settings, polls)
    worker = start_worker("--no-hourly").ready()
    await report(settings)
    worker.end(signal.SIGTERM)
    database = _database(settings.data_dir)
    for path in database.glob(file):
        path.write_bytes(b"garbage")
    worker = start_worker("--no-hourly").ready()
    assert "is damaged" in worker.text()
    assert list(database.parent.glob("*.damaged-*"))
    rows = await report(settings)
    check_rows(rows, polls, max(p.time_us for p in polls), settings, every=5)


def _database(data_dir: Path) -> Path:
    return next(data_dir.glob("v1/tables/histories-1.db"))


async def test_tables_of_a_log_that_was_deleted_are_set_aside(
    make_settings: MakeSettings, start_worker: StartWorker
) -> None:
    """They know of polls the new log never saw; said, and begun anew."""
    settings = make_settings()
    await publish(settings, random_polls(2_000, 100, 6, BEGIN_US))
    worker = start_worker("--no-hourly").ready()
    await report(settings)
    worker.end(signal.SIGTERM)
    for path in settings.data_dir.glob("log.db*"):
        path.unlink()
    polls = random_polls(500, 50, 7, BEGIN_US)
    await publish(settings, polls)
    worker = start_worker("--no-hourly").ready()
    assert "was cut off" in worker.text()
    rows = await report(settings)
    check_rows(rows, polls, max(p.time_us for p in polls), settings)


_RAISING = """
import sys
from agents import polls
from streamproc.cli import main
calls = []
def fail_on_the_third(*args):
    calls.append(args)
    if len(calls) >= 3:
        raise RuntimeError("made to fail")
    return parse(*args)
parse = polls.parse_polls
polls.parse_polls = fail_on_the_third
sys.argv = ["streamproc", "worker", *sys.argv[1:]]
main()
"""


async def test_an_agent_that_raises_ends_the_worker_and_acks_nothing(
    make_settings: MakeSettings, start_worker: StartWorker, tmp_path: Path
) -> None:
    """Exit code 1, and the restart processes exactly the rest."""
    settings = make_settings()
    polls = random_polls(8_000, 300, 5, BEGIN_US)
    await publish(settings, polls)
    process = await asyncio.create_subprocess_exec(
        *(__import__("sys").executable, "-c", _RAISING),
        *("--data-dir", str(settings.data_dir), "--no-hourly", "--no-web"),
        *("--max-poll-records", "500", "--commit-interval", "0.1"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(process.communicate(), LIMIT_S)
    assert process.returncode == 1
    assert b"made to fail" in said
    start_worker("--no-hourly").ready()
    rows = await report(settings)
    check_rows(rows, polls, max(p.time_us for p in polls), settings, every=5)


def test_sigterm_stops_a_worker_within_10_seconds(start_worker: StartWorker) -> None:
    """A clean stop, exit code 0, in the middle of its work or idle."""
    worker = start_worker().ready()
    assert worker.end(signal.SIGTERM, limit_s=STOP_S) == 0


def test_sigterm_while_starting_stops_a_worker_too(start_worker: StartWorker) -> None:
    """The signal comes before the worker is ready."""
    worker = start_worker("--log-level", "debug").wait_for("Starting...")
    assert worker.end(signal.SIGTERM, limit_s=STOP_S) == 0


def test_a_second_worker_on_the_log_is_told_who_has_it(
    start_worker: StartWorker,
) -> None:
    """Exit code 1 and the process id of the first."""
    first = start_worker().ready()
    second = start_worker()
    assert second.exit_code() == 1
    assert f"process {first.process.pid}" in second.text()
    assert "Traceback" not in second.text()


def test_a_log_that_is_not_ours_is_refused_and_left_alone(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    """A text file in the log's place: a clear error, the file unchanged."""
    log = tmp_path / "data" / "log.db"
    log.parent.mkdir()
    log.write_text("dear diary\n" * 100)
    worker = start_worker()
    assert worker.exit_code() == 1
    assert "cannot be used as a log" in worker.text()
    assert log.read_text() == "dear diary\n" * 100
