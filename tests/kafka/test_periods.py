"""Reports of periods on Kafka: of two workers, the bytes that ``once`` writes."""

import asyncio
import io
import time
from datetime import timedelta
from pathlib import Path

from streamproc.report.messages import LATEST
from streamproc.report.period_asked import period_asked
from streamproc.report.period_csv import write_period_csv
from streamproc.report.period_record import slice_names
from streamproc.report.request import new_request
from streamproc.report_client import ReportClient
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.connect import connect
from tests.conftest import Run
from tests.kafka import fleet
from tests.kafka.fleet import START, Fleet
from tests.kafka.workers import Start

DAYS = 60
FIRST, LAST = (f"{START + timedelta(days=day):%Y-%m-%d}" for day in (9, 50))


async def test_a_period_has_the_same_bytes_on_kafka_as_of_files_alone(
    worker: Start, streamproc: Run, tmp_path: Path
) -> None:
    """Weeks of sixty days, most of them archived, by two workers."""
    one, two = worker(1), worker(2)
    polls, topic = Fleet(6, stores=30, days=DAYS), topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, *polls.make(6_000))
    for each in (one, two):
        each.start()
    for each in (one, two):
        await asyncio.to_thread(each.ready)
    await fleet.caught_up(one.settings)
    told = await _weeks(one.settings)
    _write_polls(tmp_path / "polls.csv", polls)
    command = f"once --polls polls.csv --out out --period {FIRST}..{LAST} --by week"
    done = await asyncio.to_thread(streamproc, *command.split())
    assert done.returncode == 0, done.stderr
    assert told == (tmp_path / "out" / "period_report.csv").read_text()
    assert len(told.splitlines()) > 30 * 6
    one.stop()
    two.stop()


async def _weeks(settings: Settings) -> str:
    """The CSV of the report that the workers make."""
    client = await connect(settings)
    asked = period_asked(f"{FIRST}..{LAST}", "week")
    request = new_request(LATEST, time.time_ns() // 1_000, period=asked)
    try:
        async with asyncio.timeout(120):
            asking = ReportClient(settings, client)
            report, rows = await asking.run_period(request, lambda _: None)
    finally:
        await client.close()
    text = io.StringIO(newline="")
    write_period_csv(text, rows, slice_names(report))
    return text.getvalue()


def _write_polls(path: Path, polls: Fleet) -> None:
    lines = ["store_id,timestamp_utc,status"]
    for store, times in polls.polls.items():
        for time_us, active in times:
            moment = START + timedelta(microseconds=time_us)
            status = "active" if active else "inactive"
            lines.append(f"{store.decode()},{moment:%Y-%m-%d %H:%M:%S.%f} UTC,{status}")
    path.write_text("\n".join(lines) + "\n")
