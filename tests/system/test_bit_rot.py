"""Files that rot under a running worker: the next report is right all the same."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from streamproc.program import Program
from streamproc.report import record
from streamproc.report.messages import ALL, Request
from streamproc.rules.poll import Poll
from streamproc.settings import Settings
from tables.batch_table import BatchTable
from tables.fencing import PartitionLostError
from tests.disks import flip
from tests.system.harness import publish, publish_raw, random_polls
from tests.waiting import LIMIT_S

BEGIN_US = 1_674_000_000_000_000
PARTITION = 0
OPTIONS = {"partitions": 2, "report_timeout": 5}
MakeSettings = Callable[..., Settings]


async def publish_all(settings: Settings, polls: list[Poll]) -> None:
    """Polls, and business hours and zone of every store."""
    await publish(settings, polls)
    store_ids = sorted({poll.store_id for poll in polls})
    keys = [store_id.encode() for store_id in store_ids]
    hours = [[0, "09:00:00", "17:00:00"], [3, "10:00:00", "02:00:00"]]
    week = [
        {"day": day, "start_time_local": start, "end_time_local": end}
        for day, start, end in hours
    ]
    for topic, row in (("hours", {"hours": week}), ("zones", {"timezone_str": "UTC"})):
        values = [orjson.dumps({"store_id": one, **row}) for one in store_ids]
        await publish_raw(settings, keys, values, topic)


async def report_text(program: Program, report_id: str) -> str:
    """The file of a report of all stores; fails when the report does."""
    request = Request(report_id, ALL, "latest", program.now_us(), None)
    await program.to_collector(request)
    async with asyncio.timeout(LIMIT_S):
        while True:
            report = _found(program, report_id)
            if report is not None and report.state != record.RUNNING:
                break
            await asyncio.sleep(0.02)
    assert report.state == record.COMPLETE, report.error
    return program.report_files.path(report_id).read_text()


def _found(program: Program, report_id: str) -> Any:
    try:
        return program.reports.find(report_id)
    except PartitionLostError:
        return None  # it is being built anew


def cut(file: Path) -> None:
    """Leave a third of it."""
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size // 3)


def rot_under(table: BatchTable, rot: Callable[[Path], None]) -> None:
    """Let all that a partition has in files rot."""
    table.data._dbs[PARTITION].flush()
    rot_at_rest(table, rot)


def rot_at_rest(table: BatchTable, rot: Callable[[Path], None]) -> None:
    """Let what is in files already rot."""
    for file in Path(table.data.partition_path(PARTITION)).glob("*.sst"):
        rot(file)


@pytest.mark.parametrize("rot", [flip, cut])
@pytest.mark.parametrize("name", ["histories", "hours", "zones"])
async def test_rot_under_a_running_worker_changes_no_figure(
    start_program: Callable[..., Any],
    make_settings: MakeSettings,
    name: str,
    rot: Callable[[Path], None],
) -> None:
    """The table is built anew by itself; the report says the same as the one before."""
    await publish_all(make_settings(**OPTIONS), random_polls(4_000, 150, 4, BEGIN_US))
    async with start_program(**OPTIONS) as program:
        before = await report_text(program, "before")
        assert len(before.splitlines()) == 151
        table = getattr(program, name)
        rot_under(table, rot)
        assert await report_text(program, "after") == before
        assert set_aside(table)
        assert not table.data.damaged


@pytest.mark.parametrize("rot", [flip, cut])
async def test_rot_in_the_table_of_reports_loses_no_report(
    start_program: Callable[..., Any],
    make_settings: MakeSettings,
    rot: Callable[[Path], None],
) -> None:
    """At rest and while running; the next report is made, the earlier one known."""
    await publish_all(make_settings(**OPTIONS), random_polls(500, 20, 4, BEGIN_US))
    async with start_program(**OPTIONS) as program:
        await report_text(program, "first")
        rot_under(program.reports, rot)
        await report_text(program, "second")
    rot_at_rest(program.reports, rot)
    async with start_program(**OPTIONS) as program:
        await report_text(program, "third")
        ids = [report.report_id for report in program.reports.all()]
        assert ids == ["first", "second", "third"]
        assert set_aside(program.reports)


def set_aside(table: BatchTable) -> list[Path]:
    """What was set aside of the table."""
    return list(Path(table.data.path).glob("**/*.db.damaged-*"))
