"""Workers that die while a report is made: it comes late, but right, and once."""

import asyncio

import pytest

from streamproc.topics import topics_for
from tests.kafka import fleet
from tests.kafka.fleet import Fleet
from tests.kafka.workers import Start, Worker
from tests.waiting import until_awaited


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["collector", "other"])
async def test_a_report_survives_the_death_of_a_worker(
    worker: Start, victim: str
) -> None:
    """The one that collects or one that computes its part is killed in the middle."""
    options = {"report_timeout": 8, "fault": "slow-rows"}
    workers, polls = [worker(n, **options) for n in (1, 2)], Fleet(stores=300)
    settings = workers[0].settings
    await fleet.publish(settings, topics_for(settings).polls, *polls.make(10_000))
    for one in workers:
        one.start()
    for one in workers:
        await asyncio.to_thread(one.ready)
    await fleet.caught_up(settings)
    asking = asyncio.create_task(fleet.report(settings))
    await until_awaited(lambda: fleet.table(settings, "reports"))
    collector = _collector(workers)
    dead = collector if victim == "collector" else _other(workers, collector)
    dead.kill()
    finished = await asking
    assert (finished.state, finished.rows) == ("Complete", 300)
    killed_csv = fleet.csv(settings).read_bytes()
    again = await fleet.report(settings)
    assert (again.state, again.rows) == ("Complete", 300)
    assert fleet.csv(settings).read_bytes() == killed_csv
    line = f"Report {finished.report_id}: 300"
    assert sum(one.said.count(line) for one in workers) == 1


def _collector(workers: list[Worker]) -> Worker:
    """The worker whose disk holds the table ``reports``, written last."""

    def written(one: Worker) -> float:
        files = one.settings.data_dir.glob("**/reports-0.db/*.log")
        return max((path.stat().st_mtime for path in files), default=0.0)

    return max(workers, key=written)


def _other(workers: list[Worker], one: Worker) -> Worker:
    return next(other for other in workers if other is not one)
