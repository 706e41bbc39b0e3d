"""Months of history on Kafka: moved by several workers, killed, lost and rebuilt."""

import asyncio
import io
import random
import shutil
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from streamproc import report_client
from streamproc.report.request import new_request
from streamproc.report.rows import write_csv
from streamproc.rules import history, months
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.connect import connect
from tests.conftest import Run
from tests.kafka import fleet
from tests.kafka.fleet import START, Fleet
from tests.kafka.workers import Start, Worker

DAYS = 100
STEPS = 10
POLLS = 40_000
OLD = START + timedelta(days=41, hours=13, minutes=7)
"""A time whose week lies in the archive."""


@pytest.mark.slow
async def test_segments_that_move_while_workers_are_killed_are_all_kept(
    worker: Start, streamproc: Run, tmp_path: Path
) -> None:
    """A hundred days, two workers that come and go, one of them without its disk.

    The figures as of a time in the archive are those that ``once`` makes of the same
    polls on the embedded log, byte for byte.
    """
    one, two = worker(1, hold="none"), worker(2, hold="none")
    polls = Fleet(3, stores=100, days=DAYS)
    await _publish_while_they_come_and_go(one, two, polls)
    assert not fleet.differences(polls.expected(), await _everywhere(one.settings))
    wanted = await asyncio.to_thread(_by_once, tmp_path, streamproc, polls)
    assert await _as_of(one.settings, OLD) == wanted
    one.kill()
    two.stop()
    shutil.rmtree(one.settings.data_dir)
    one.start()
    await asyncio.to_thread(one.ready)
    assert await _as_of(one.settings, OLD) == wanted
    one.stop()


async def test_a_standby_has_the_archive_when_the_other_worker_goes(
    worker: Start,
) -> None:
    """One partition: whoever takes it over answers for months ago."""
    options = {"partitions": 1, "standby_replicas": 1}
    one, two = worker(1, **options), worker(2, **options)
    polls, topic = Fleet(4, stores=20, days=60), topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, *polls.make(5_000))
    one.start()
    await asyncio.to_thread(one.ready)
    two.start()
    await asyncio.to_thread(two.ready)
    await fleet.caught_up(one.settings)
    moment = START + timedelta(days=30)
    before = await _as_of(one.settings, moment)
    one.kill()
    assert await _as_of(two.settings, moment) == before
    assert len(before.splitlines()) == 21
    two.stop()


async def _publish_while_they_come_and_go(
    one: Worker, two: Worker, polls: Fleet
) -> None:
    """Ten days at a time, so that each step moves what the one before has brought."""
    rng, topic = random.Random(5), topics_for(one.settings).polls
    one.start()
    two.start()
    for step in range(STEPS):
        keys, values = _in_days(polls, step * DAYS // STEPS, DAYS // STEPS)
        publishing = asyncio.create_task(
            fleet.publish(one.settings, topic, keys, values)
        )
        await asyncio.sleep(rng.uniform(0.2, 2.0))
        chosen = rng.choice((one, two))
        if step % 2:
            await asyncio.to_thread(chosen.stop)
        else:
            chosen.kill()
        await publishing
        chosen.start()
    await fleet.caught_up(one.settings)


def _in_days(polls: Fleet, first: int, days: int) -> tuple[list[bytes], list[bytes]]:
    """Some polls of those days, in no order."""
    some = replace(polls, seed=first, days=days, polls={})
    some.make(POLLS // STEPS)
    keys, values = [], []
    for store, times in some.polls.items():
        moved = [(first * 86_400_000_000 + time_us, up) for time_us, up in times]
        polls.polls.setdefault(store, []).extend(moved)
        keys += [store] * len(moved)
        values += [fleet.encode(store, *poll) for poll in moved]
    order = np.random.default_rng(first).permutation(len(keys)).tolist()
    return [keys[row] for row in order], [values[row] for row in order]


async def _everywhere(settings: Settings) -> dict[bytes, list[int]]:
    """Packed polls of each store, as the changelogs of both tables tell them."""
    archived: dict[bytes, bytes] = {}
    for key, value in (await fleet.table(settings, "archive")).items():
        if not key.startswith(b"\0"):
            store, day = months.split_archive_key(key)
            archived[history.segment_key(store, day)] = value
    found = await fleet.histories(settings)
    for store, packed in fleet.by_store(archived.items()).items():
        found[store] = sorted({*packed, *found.get(store, ())})
    return found


async def _as_of(settings: Settings, moment: datetime) -> str:
    """The CSV of a report as of then."""
    client = await connect(settings)
    request = new_request(_text(moment), time.time_ns() // 1_000)
    try:
        async with asyncio.timeout(120):
            asking = report_client.ReportClient(settings, client)
            _, rows = await asking.run(request, lambda _: None)
    finally:
        await client.close()
    text = io.StringIO(newline="")
    write_csv(text, rows, full=True)
    return text.getvalue()


def _by_once(folder: Path, streamproc: Run, polls: Fleet) -> str:
    """The full CSV that ``streamproc once`` makes of the same polls."""
    lines = ["store_id,timestamp_utc,status"]
    for store, times in polls.polls.items():
        for time_us, active in times:
            moment = START + timedelta(microseconds=time_us)
            status = "active" if active else "inactive"
            lines.append(f"{store.decode()},{moment:%Y-%m-%d %H:%M:%S.%f} UTC,{status}")
    (folder / "polls.csv").write_text("\n".join(lines) + "\n")
    command = "once --polls polls.csv --out out --full --hold none --as-of"
    done = streamproc(*command.split(), _text(OLD))
    assert done.returncode == 0, done.stderr
    return (folder / "out" / "full_report.csv").read_text()


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
