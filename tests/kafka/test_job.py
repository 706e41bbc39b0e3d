"""The main job on Kafka: the same answers as on the embedded log."""

import asyncio
import random
from pathlib import Path

import orjson

from streamproc.topics import topics_for
from tests import reference
from tests.kafka import fleet
from tests.kafka.fleet import Fleet
from tests.kafka.workers import Start, Worker

HOUR_US = 3_600_000_000
ZONES = ["America/New_York", "Asia/Kolkata", "Europe/Berlin", "Pacific/Apia"]


def weeks(rng: random.Random, stores: int) -> dict[bytes, list[dict[str, object]]]:
    """Business hours of most stores, some of them overnight."""
    return {
        b"store-%d" % number: [
            {
                "dayOfWeek": day,
                "start_time_local": f"{rng.randrange(24):02}:30:00",
                "end_time_local": f"{rng.randrange(24):02}:00:00",
            }
            for day in rng.sample(range(7), 5)
        ]
        for number in range(stores)
        if number % 3
    }


async def load(one: Worker, polls: Fleet) -> None:
    """Publish the fleet's hours, zones and polls."""
    rng, topics = random.Random(3), topics_for(one.settings)
    hours = weeks(rng, polls.stores)
    values = [
        orjson.dumps({"store_id": k.decode(), "hours": v}) for k, v in hours.items()
    ]
    await fleet.publish(one.settings, topics.hours, list(hours), values)
    zones = {b"store-%d" % n: ZONES[n % 4] for n in range(0, polls.stores, 2)}
    values = [
        orjson.dumps({"store_id": k.decode(), "timezone_str": v})
        for k, v in zones.items()
    ]
    await fleet.publish(one.settings, topics.zones, list(zones), values)
    await fleet.publish(one.settings, topics.polls, *polls.make(20_000))


async def test_polls_end_in_the_histories(worker: Start) -> None:
    """Every poll is in its store's history, once, on the broker as on disk."""
    one, polls = worker(), Fleet(stores=50)
    await fleet.publish(
        one.settings, topics_for(one.settings).polls, *polls.make(5_000)
    )
    one.start()
    await fleet.caught_up(one.settings)
    one.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))
    assert not fleet.differences(polls.expected(), fleet.on_disk(one.settings))


async def test_both_brokers_give_the_same_report(worker: Start, tmp_path: Path) -> None:
    """combined_report.csv is the same, byte for byte, and right."""
    reports = []
    for number, broker in enumerate(({}, {"broker": ""})):
        root = tmp_path / f"reports-{number}"
        one, polls = worker(number, report_dir=root, **broker), Fleet(stores=300)
        await load(one, polls)
        one.start()
        await asyncio.to_thread(one.ready)
        finished = await fleet.report(one.settings)
        assert (finished.state, finished.rows) == ("Complete", 300)
        one.stop()
        reports.append(fleet.csv(one.settings).read_bytes())
    assert reports[0] == reports[1]
    _compare(reports[0].decode().splitlines()[1:], polls, finished.as_of_us or 0)


async def test_two_workers_make_one_report(worker: Start) -> None:
    """The rows of all partitions are in it, whoever owns them."""
    one, two, polls = worker(1), worker(2), Fleet(stores=300)
    await load(one, polls)
    one.start()
    two.start()
    await asyncio.to_thread(one.ready)
    await asyncio.to_thread(two.ready)
    finished = await fleet.report(one.settings)
    assert (finished.state, finished.rows) == ("Complete", 300)
    rows = fleet.csv(one.settings).read_text().splitlines()[1:]
    _compare(rows, polls, finished.as_of_us or 0)
    for each in (one, two):
        each.stop()


def _compare(rows: list[str], polls: Fleet, as_of_us: int) -> None:
    """Check a sample of a report's rows against the slow reference."""
    rng = random.Random(3)
    hours = weeks(rng, polls.stores)
    expected = polls.expected()
    for row in rows[::30]:
        store_id, *numbers = row.split(",")
        number = int(store_id.removeprefix("store-"))
        zone = ZONES[number % 4] if number % 2 == 0 else None
        figures = reference.reference(
            [(p >> 2, bool(p & 1)) for p in expected[store_id.encode()]],
            hours.get(store_id.encode()),
            zone,
            as_of_us,
            HOUR_US,
            False,
        )
        units = {"hour": 60_000_000, "day": HOUR_US, "week": HOUR_US}
        up = [f"{figures[w].up_us / unit:.2f}" for w, unit in units.items()]
        down = [f"{figures[w].down_us / unit:.2f}" for w, unit in units.items()]
        assert [*up, *down] == numbers, store_id
