"""What docs/operations.md tells people to type, typed as it stands there."""

import asyncio
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from streamproc.cli.load import publish as publish_files
from streamproc.cli.progress import Progress
from streamproc.clock import wall_clock_us
from streamproc.loading.loader import Loader
from streamproc.report.rows import Rows
from streamproc.settings import Settings
from tests.system.harness import publish, random_polls, report
from tests.system.test_batch_report import write_files
from tests.web.live_site import HOUR_US, free_port

GUIDE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()

StartProgram = Callable[..., Any]


def block(begin: str, end: str) -> str:
    """The part of the guide from one text up to another."""
    start = GUIDE.index(begin)
    return GUIDE[start : GUIDE.index(end, start)]


async def load(settings: Settings, folder: Path) -> None:
    """Publish files of every kind: polls and all that can be told of stores."""
    files = await asyncio.to_thread(write_files, folder, random.Random(4))
    loader = Loader(wall_clock_us(), Progress, folder)
    loader.read(files)
    await publish_files(settings, loader, files)


def told(rows: Rows) -> list[Iterable[object]]:
    """What rows say."""
    amounts = (rows.up, rows.down, rows.open, rows.excluded)
    return [rows.store_ids, *(amount.tolist() for amount in amounts)]


async def typed(
    command: list[str], folder: Path, environment: Mapping[str, str]
) -> None:
    """Run a command to its end; it must succeed."""
    await asyncio.to_thread(
        subprocess.run, command, cwd=folder, env=environment, check=True, timeout=120
    )


async def test_a_backup_of_the_log_alone_is_enough(
    tmp_path: Path,
    make_settings: Callable[..., Settings],
    start_program: StartProgram,
) -> None:
    """Taken with the worker running; the tables are rebuilt from it."""
    copy = tmp_path / "copy"
    copy.mkdir()
    async with start_program() as program:
        await load(program.settings, tmp_path)
        expected = told(await report(program.settings))
        assert 'sqlite3 log.db ".backup F"' in GUIDE
        with (
            sqlite3.connect(program.settings.data_dir / "log.db") as log,
            sqlite3.connect(copy / "log.db") as target,
        ):
            log.backup(target)
        target.close()
        log.close()
    async with start_program(data_dir=copy) as program:
        assert told(await report(program.settings)) == expected


async def test_the_input_is_copied_to_another_number_of_partitions(
    tmp_path: Path,
    make_settings: Callable[..., Settings],
    start_program: StartProgram,
) -> None:
    """By the script of the guide, run twice; everything told of stores goes along."""
    script = block("import asyncio\nfrom dataclasses", "```\n\n1. Run it")
    settings = make_settings()
    async with start_program() as program:
        await load(settings, tmp_path)
        expected = told(await report(program.settings))
    (tmp_path / "more_partitions.py").write_text(script)
    environment = os.environ | {
        "STREAMPROC_DATA_DIR": str(settings.data_dir),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    for _ in range(2):
        await typed([sys.executable, "more_partitions.py"], tmp_path, environment)
    new = {"app_id": "uptime-12", "topic_prefix": "v2-", "partitions": "12"}
    log = f"sqlite://{settings.data_dir / 'log.db'}"
    async with start_program(**new, broker=log, data_dir=tmp_path / "new") as program:
        assert told(await report(program.settings)) == expected


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs sqlite3")
async def test_a_damaged_changelog_is_deleted_as_the_guide_says(
    tmp_path: Path,
    make_settings: Callable[..., Settings],
    start_program: StartProgram,
) -> None:
    """With the worker stopped; the histories are rebuilt from the input."""
    async with start_program() as program:
        await load(program.settings, tmp_path)
        expected = told(await report(program.settings))
    lines = block("    sqlite3 data/log.db", "\n\nDamage that SQLite finds")
    await typed(["sh", "-ec", lines], tmp_path, os.environ)
    async with start_program() as program:
        assert told(await report(program.settings)) == expected


async def test_what_stands_where_is_what_the_guide_lists(
    start_program: StartProgram,
) -> None:
    """After polls and a report of all stores: no file that is not told of."""
    listing = block("## What stands where", "## Commands")
    told = set(re.findall(r"^      (\S+?),?(?: -\S+,?)* ", listing, re.M))
    async with start_program(web="on", web_port=free_port()) as program:
        now_us = program.now_us()
        begin_us = now_us - 7 * 24 * HOUR_US
        await publish(program.settings, random_polls(200, 5, 1, begin_us))
        await report(program.settings)
        folder = program.settings.data_dir
        found = {path.name for path in folder.iterdir()}
        tables = {path.name for path in (folder / "v1" / "tables").iterdir()}
    assert found - {"log.db-wal", "log.db-shm"} <= {name.split("/")[0] for name in told}
    assert {"combined_report.csv", "log.db.lock", "web-token", "worker-id"} <= found
    assert {"v1/tables/", "reports/<id>.csv", "monthly_report.csv"} <= told
    assert "histories-0.db" in tables
