"""A month's report on Kafka: it waits until all of its polls have been loaded."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.client import Client
from streamproc.transport.connect import connect
from tests.conftest import Run
from tests.kafka.fleet import bootstrap
from tests.kafka.records import read_all
from tests.kafka.workers import Start
from tests.waiting import until_awaited

STORES = 300
LONGEST_MONTH = timedelta(days=31)
Row = tuple[str, str, str]
"""Store id, status and time of a poll, as a file has them."""


async def test_a_month_waits_on_kafka_until_its_polls_have_been_loaded(
    worker: Start, streamproc: Run, tmp_path: Path
) -> None:
    """Two workers, one killed meanwhile: the report is of all polls, not of some."""
    one, two = (worker(number, monthly="on") for number in (1, 2))
    settings, days = one.settings, _days()
    monthly = tmp_path / "reports" / "monthly_report.csv"
    client = await connect(settings)
    await client.create_topics(topics_for(settings))
    await _publish(client, settings, days[0])
    one.start()
    two.start()
    loading = asyncio.create_task(_load_on_and_on(client, settings, days[:9]))
    for each in (one, two):
        await asyncio.to_thread(each.ready)
    await until_awaited(lambda: _has_waited(settings), limit_s=120)
    assert not monthly.exists()
    two.kill()
    two.start()
    loading.cancel()
    for day in days:
        await _publish(client, settings, day)
    await client.close()
    await asyncio.to_thread(_write, tmp_path / "polls.csv", days)
    command = "once --polls polls.csv --out out --as-of now --period last-month"
    done = await asyncio.to_thread(streamproc, *command.split())
    assert done.returncode == 0, done.stderr
    await until_awaited(lambda: asyncio.to_thread(monthly.exists), limit_s=300)
    whole = tmp_path / "out" / "period_report.csv"
    assert monthly.read_text() == whole.read_text()
    await asyncio.to_thread(two.ready)
    one.stop()
    two.stop()


def _days() -> list[list[Row]]:
    """Hourly polls from before last month on, a day of all stores each, in no order."""
    draw, now = random.Random(11), datetime.now(UTC)
    first = now.replace(day=1, hour=0, minute=7) - LONGEST_MONTH - timedelta(days=2)
    hours = int((now - first) / timedelta(hours=1))
    days = [
        [
            (f"store-{store}", _status(draw), f"{first + timedelta(hours=hour):%F %T}")
            for hour in range(since, min(since + 24, hours))
            for store in range(STORES)
        ]
        for since in range(0, hours, 24)
    ]
    draw.shuffle(days)
    return days


def _status(draw: random.Random) -> str:
    return "active" if draw.random() < 0.9 else "inactive"


async def _load_on_and_on(
    client: Client, settings: Settings, days: list[list[Row]]
) -> None:
    """The same days, again and again, as somebody who loads a year is still at it."""
    for day in cycle(days):
        await _publish(client, settings, day)
        await asyncio.sleep(0.5)


async def _publish(client: Client, settings: Settings, rows: list[Row]) -> None:
    values = [
        b'{"store_id":"%s","status":"%s","timestamp_utc":"%s UTC"}'
        % (store.encode(), status.encode(), at.encode())
        for store, status, at in rows
    ]
    keys = [store.encode() for store, _, _ in rows]
    await client.publish(topics_for(settings).polls, keys, values)


async def _has_waited(settings: Settings) -> bool:
    """Whether a partition has told that polls are being loaded into it."""
    inbox = topics_for(settings).inbox.name
    records = await read_all(bootstrap(settings), inbox)
    return any(b'"loading":true' in (record.value or b"") for record in records)


def _write(path: Path, days: list[list[Row]]) -> None:
    lines = [f"{','.join(row)} UTC\n" for day in days for row in day]
    path.write_text("store_id,status,timestamp_utc\n" + "".join(lines))
