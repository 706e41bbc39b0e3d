"""A long history: ``python -m benchmarks.history_time DATA_DIR STORES DAYS``.

Writes hourly polls of all stores straight into the tables, the last week into
``histories`` and what is before into ``archive``, as if they had moved there. Then
times a month of all stores by days, one store's thirteen months by days, and a report
as of a day in the archive; tells the bytes on disk for each poll.
"""

import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from benchmarks.measure import tell
from benchmarks.report_time import ZONES, week
from streamproc import settings
from streamproc.program import Program
from streamproc.rules import history, months, packing
from streamproc.rules.period_edges import Kept, Span
from streamproc.rules.periods import Period, parse_period
from streamproc.rules.units import DAY_US, HOUR_US
from streamproc.transport.partitioner import partitions_for
from streamproc.worker import app, process
from tables import zones as zones_table
from tables.archive import MOVED
from tables.batch_table import BatchTable
from tables.histories import NEWEST
from tables.one_period import OnePeriods
from tables.one_store import OneStore
from tables.periods import PeriodSnapshot
from tables.snapshot import Snapshot

AS_OF_US = 1_795_608_000_000_000
"""2026-11-25 12:00 UTC."""

_STORES_AT_ONCE = 1_000
_ROUNDS = 3
_CALENDARS = 41


async def fill(program: Program, stores: int, days: int) -> None:
    """Give every store hours, a zone and a poll an hour."""
    ids = [b"%d" % (10**18 + i * 7919) for i in range(stores)]
    home = partitions_for(ids, program.settings.partitions)
    draw = np.random.default_rng(7)
    last = history.day_of(AS_OF_US)
    for partition in range(program.settings.partitions):
        mine = [ids[at] for at in np.flatnonzero(home == partition).tolist()]
        for name, facts in (
            ("hours", {i: week(int(i) % 500) for i in mine}),
            ("zones", {i: zones_table.encode(ZONES[int(i) % 3]) for i in mine}),
        ):
            await _written(getattr(program, name), partition, facts)
        moved = (last - 8).to_bytes(8, "big")
        await _written(program.archive, partition, {MOVED: moved})
        newest = AS_OF_US.to_bytes(8, "big")
        await _written(program.histories, partition, {NEWEST: newest})
        by_month = groupby(range(last - days, last), months.month_of)
        for _, some in by_month:
            _fill_days(program, partition, sorted(mine), list(some), last - 8, draw)


async def _written(
    table: BatchTable, partition: int, changes: dict[bytes, bytes]
) -> None:
    async with table.exclusive(partition):
        await table.write(partition, changes)


def _fill_days(
    program: Program,
    partition: int,
    ids: list[bytes],
    days: list[int],
    newest_archived: int,
    draw: np.random.Generator,
) -> None:
    """Without the changelog, as nothing here is to be recovered."""
    old = [day for day in days if day <= newest_archived]
    new = [day for day in days if day > newest_archived]
    for table, key, some_days in (
        (program.archive, months.archive_key, old),
        (program.histories, history.segment_key, new),
    ):
        offset = table.data.persisted_offset(table.changelog(partition)) or 0
        for first in range(0, len(ids) if some_days else 0, _STORES_AT_ONCE):
            some = ids[first : first + _STORES_AT_ONCE]
            items = _segments(some, some_days, key, draw)
            table.data.apply(partition, items, offset)


def _segments(
    ids: list[bytes],
    days: list[int],
    key: Callable[[bytes, int], bytes],
    draw: np.random.Generator,
) -> Iterator[tuple[bytes, bytes]]:
    for store_id in ids:
        times = np.array(days)[:, np.newaxis] * DAY_US + np.arange(24) * HOUR_US
        times += draw.integers(0, HOUR_US, times.shape)
        packed = packing.packed_of(times, (draw.random(times.shape) < 0.95).astype(int))
        for day, polls in zip(days, packed, strict=True):
            yield key(store_id, day), polls.tobytes()


def _span(period: Period) -> Span:
    begin_us = (history.day_of(AS_OF_US) - 10_000) * DAY_US
    return Span(period, "day", Kept(begin_us), AS_OF_US, None, 0)


def _periods(program: Program, partition: int, period: Period) -> PeriodSnapshot:
    return PeriodSnapshot(
        *(program.histories, program.facts, program.labels, partition, _span(period)),
        *(program.settings.rules, program.settings.bridge_us),
    )


def month_of_all(program: Program) -> int:
    """October by days, of all stores; rows."""
    period = parse_period("month:2026-10").resolve(AS_OF_US, ZONES, 0)
    parts = range(program.settings.partitions)
    found = (_periods(program, partition, period).rows() for partition in parts)
    return sum(len(rows) for part in found for rows in part)


def calendar(program: Program, store_id: bytes) -> int:
    """Thirteen months by days, of one store; rows."""
    (partition,) = partitions_for([store_id], program.settings.partitions).tolist()
    period = parse_period("2025-10-25..2026-11-24").resolve(AS_OF_US, ZONES, 0)
    tables = program.histories, program.facts, program.labels
    one = OneStore.read(*tables, partition, store_id)
    settings = program.settings
    found = OnePeriods(program.histories.archive, settings.rules, settings.bridge_us)
    return len(found.rows(one, [_span(period)])[0])


def report_then(program: Program) -> int:
    """Last hour, day and week as of the middle of October, of all stores; rows."""
    as_of_us = AS_OF_US - 41 * DAY_US
    found = 0
    for partition in range(program.settings.partitions):
        of = program.histories, program.facts, partition, as_of_us
        found += sum(map(len, Snapshot(*of, program.settings.rules).rows()))
    return found


def timed(step: Callable[[], Any]) -> tuple[float, float]:
    """Seconds on the clock and of CPU that a step takes."""
    began, cpu = time.perf_counter(), time.process_time()
    step()
    return time.perf_counter() - began, time.process_time() - cpu


def main() -> None:
    """Fill the tables, time the steps, tell the least of each."""
    data_dir, stores, days = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    program = app.build(
        settings.load({"data_dir": data_dir, "hourly": "off", "web": "off"}, {})
    )

    async def accompany(running: Program) -> None:
        await running.until_ready()
        if not running.archive.holds_any(0):
            await fill(running, stores, days)
            for table in (running.archive, running.histories):
                for partition in range(running.settings.partitions):
                    table.data._dbs[partition].flush()
        files = (running.settings.data_dir / "v1").rglob("archive-*.db/*.sst")
        size = sum(file.stat().st_size for file in files)
        month = min(timed(partial(month_of_all, running)) for _ in range(_ROUNDS))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        then = min(timed(partial(report_then, running)) for _ in range(_ROUNDS))
        ids = [
            b"%d" % (10**18 + i * 7919) for i in range(0, stores, stores // _CALENDARS)
        ]
        cold, *warm = [timed(partial(calendar, running, i)) for i in ids]
        tell(
            month_s=month[0],
            month_cpu_s=month[1],
            month_peak_mib=peak,
            then_s=then[0],
            then_cpu_s=then[1],
            calendar_cold_ms=cold[0] * 1e3,
            calendar_ms=statistics.median(each[0] for each in warm) * 1e3,
            calendar_worst_ms=max(each[0] for each in warm) * 1e3,
            bytes_a_poll=size / (stores * (days - 8) * 24),
        )

    sys.exit(process.run(program, accompany))


if __name__ == "__main__":
    main()
