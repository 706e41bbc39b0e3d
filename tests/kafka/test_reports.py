"""Workers that die while a report is made: it comes late, but right, and once."""

import asyncio

import pytest

from streamproc.report import record
from streamproc.report.record import Report
from streamproc.settings import Settings
from streamproc.topics import topics_for
from tests.kafka import fleet
from tests.kafka.fleet import Fleet
from tests.kafka.run_worker import GO_ON
from tests.kafka.workers import Start, Worker
from tests.waiting import until_awaited


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["collector", "other"])
async def test_a_report_survives_the_death_of_a_worker(
    worker: Start, victim: str
) -> None:
    """The one that collects or one that computes its part is killed in the middle."""
    options = {"report_timeout": 8, "report_tries": 10, "fault": "held-rows"}
    workers, polls = [worker(n, **options) for n in (1, 2)], Fleet(stores=300)
    settings = workers[0].settings
    await fleet.publish(settings, topics_for(settings).polls, *polls.make(10_000))
    for one in workers:
        one.start()
    for one in workers:
        await asyncio.to_thread(one.ready)
    await fleet.caught_up(settings)
    asking = asyncio.create_task(fleet.report(settings))
    (begun,) = await until_awaited(lambda: _running(settings))
    collects = {_id(one) == begun.collector: one for one in workers}
    collects[victim == "collector"].kill()
    for one in workers:
        (one.folder / GO_ON).touch()
    finished = await asking
    assert (finished.state, finished.rows) == ("Complete", 300)
    killed_csv = fleet.csv(settings).read_bytes()
    again = await fleet.report(settings)
    assert (again.state, again.rows) == ("Complete", 300)
    assert fleet.csv(settings).read_bytes() == killed_csv
    line = f"Report {finished.report_id}: 300"
    assert sum(one.said.count(line) for one in workers) == 1


async def _running(settings: Settings) -> list[Report]:
    """The reports that are being made, as of a time that is known."""
    kept = (await fleet.table(settings, "reports")).values()
    reports = [record.decode(value) for value in kept]
    return [one for one in reports if one.state == record.RUNNING and one.as_of_us]


def _id(one: Worker) -> str:
    """What a worker is called in the reports that it collects."""
    return (one.settings.data_dir / "worker-id").read_text().strip()
