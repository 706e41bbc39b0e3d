"""Reports of many stores: ``python -m benchmarks.report_time DATA_DIR STORES``.

Writes histories of 30 polls a store over a week straight into the tables, then
asks for reports and times each from request to file: the first reads the tables, the
next ones what is in memory; the hourly ones also publish every row.
"""

import asyncio
import sys
import time

import numpy as np

from benchmarks.measure import tell
from streamproc import settings
from streamproc.cells import Cells
from streamproc.program import Program
from streamproc.report import record
from streamproc.report.messages import ALL, HOURLY, NOW, Request
from streamproc.rules import history, packing
from streamproc.rules.schedule import parse_hours
from streamproc.rules.units import DAY_US
from streamproc.transport.partitioner import partitions_for
from streamproc.worker import app, process
from tables import hours as hours_table
from tables import zones as zones_table

POLLS = 30
REPORTS = 3
_AT_ONCE = 5_000
_LOOK_S = 0.02
"""How often it is looked whether a report is there: each look takes its event loop."""
ZONES = ("America/New_York", "America/Chicago", "America/Los_Angeles")


async def fill(program: Program, stores: int) -> None:
    """Give every store a week of polls, hours and a zone."""
    draw = np.random.default_rng(7)
    ids = [str(10**18 + i * 7919).encode() for i in range(stores)]
    home = partitions_for(ids, program.settings.partitions)
    begin_us = program.now_us() - 7 * DAY_US
    weeks = [week(number) for number in range(500)]
    for partition in range(program.settings.partitions):
        mine = np.flatnonzero(home == partition).tolist()
        for first in range(0, len(mine), _AT_ONCE):
            chosen = [ids[i] for i in mine[first : first + _AT_ONCE]]
            codes = np.repeat(np.arange(len(chosen)), POLLS)
            times = begin_us + draw.integers(0, 7 * DAY_US, len(codes))
            packed = packing.packed_of(
                times, (draw.random(len(codes)) < 0.9).astype(np.int64)
            )
            segments = history.group(codes, packed)
            newest_us = int(times.max())
            cells = Cells.of(chosen)
            await program.histories.add(partition, cells, segments, newest_us)
            async with program.hours.exclusive(partition):
                hours = {i: weeks[hash(i) % len(weeks)] for i in chosen}
                await program.hours.write(partition, hours)
            async with program.zones.exclusive(partition):
                zones = {i: zones_table.encode(ZONES[hash(i) % 3]) for i in chosen}
                await program.zones.write(partition, zones)


def week(number: int) -> bytes:
    """Value of one of many weeks."""
    start, end = (
        f"{6 + number % 6:02d}:{number % 60:02d}:00",
        f"{17 + number % 7}:30:00",
    )
    return hours_table.encode(
        parse_hours(
            [
                {"dayOfWeek": day, "start_time_local": start, "end_time_local": end}
                for day in range(7)
                if day != number % 9
            ]
        )
    )


async def timed(program: Program, number: int, kind: str = ALL) -> float:
    """Seconds from a report's request to its file."""
    request = Request(f"{kind}-{number}", kind, NOW, program.now_us())
    started = time.perf_counter()
    await program.to_collector(request)
    while True:
        report = program.reports.find(request.report_id)
        if report is not None and report.state != record.RUNNING:
            break
        await asyncio.sleep(_LOOK_S)
    if report.state != record.COMPLETE:
        raise RuntimeError(report.error)
    return time.perf_counter() - started


def main() -> None:
    """Fill the tables, make reports, tell the medians."""
    data_dir, stores = sys.argv[1], int(sys.argv[2])
    program = app.build(
        settings.load({"data_dir": data_dir, "hourly": "off", "web": "off"}, {})
    )

    async def accompany(running: Program) -> None:
        await running.until_ready()
        await fill(running, stores)
        first = await timed(running, 0)
        seconds = sorted([await timed(running, n) for n in range(1, REPORTS + 1)])
        hourly = sorted([await timed(running, n, HOURLY) for n in range(REPORTS)])
        tell(
            stores=stores,
            first=first,
            seconds=seconds[REPORTS // 2],
            hourly=hourly[REPORTS // 2],
        )

    sys.exit(process.run(program, accompany))


if __name__ == "__main__":
    main()
