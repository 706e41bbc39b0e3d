"""Other programs of the same kind on the broker, and operators who turn things back."""

import asyncio

import pytest

from streamproc.errors import ReportFailedError
from streamproc.topics import topics_for
from streamproc.transport.connect import connect
from tests.kafka import fleet
from tests.kafka.fleet import Fleet
from tests.kafka.workers import Start
from tests.waiting import until_awaited


async def test_two_apps_on_one_broker_do_not_mix_their_reports(worker: Start) -> None:
    """The same input, two app_ids, another hold: each has its own reports, complete."""
    one = worker(1, app_id="app-one", hold=60)
    two = worker(2, app_id="app-two", hold=30)
    polls, topic = Fleet(stores=200), topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, *polls.make(2_000))
    for each in (one, two):
        each.start()
    for each in (one, two):
        await fleet.caught_up(each.settings)
    for _ in range(3):
        made = await asyncio.gather(
            fleet.report(one.settings), fleet.report(two.settings)
        )
        assert [(report.state, report.rows) for report in made] == [
            ("Complete", 200),
            ("Complete", 200),
        ]
    for each in (one, two):
        each.stop()
        have = await fleet.histories(each.settings)
        assert not fleet.differences(polls.expected(), have)


async def test_workers_that_count_by_other_rules_do_not_mix(worker: Start) -> None:
    """One group, two holds: no report of both, and whoever refuses says so once."""
    # One that is busy must not leave: the other would have all partitions, and answer.
    options = {"report_timeout": 2, "report_tries": 2, "session_timeout": 30}
    one, two = worker(1, hold=60, **options), worker(2, hold=30, **options)
    polls, topic = Fleet(stores=50), topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, *polls.make(500))
    for each in (one, two):
        each.start()
    for each in (one, two):
        await asyncio.to_thread(each.ready)
    await fleet.caught_up(one.settings)
    with pytest.raises(ReportFailedError, match="did not answer"):
        await fleet.report(one.settings)
    with pytest.raises(ReportFailedError, match="did not answer"):
        await fleet.report(one.settings)
    said = [each.said.count("Messages refused: they are of app") for each in (one, two)]
    assert sum(said) >= 1
    assert max(said) == 1
    for each in (one, two):
        each.stop()


async def test_offsets_set_back_change_no_report(worker: Start) -> None:
    """What kafka-consumer-groups.sh --reset-offsets does: all is read again, once."""
    one, polls = worker(), Fleet(stores=100)
    topics = topics_for(one.settings)
    await fleet.publish(one.settings, topics.polls, *polls.make(5_000))
    one.start()
    await fleet.caught_up(one.settings)
    await fleet.report(one.settings)
    before = fleet.csv(one.settings).read_bytes()
    one.stop()
    client = await connect(one.settings)
    await until_awaited(client.has_worker, lambda told: told is False)
    for tp in await client.begin_offsets(topics.polls):
        await client.commit(one.settings.app_id, {tp: 0})
    await client.close()
    one.start()
    await fleet.caught_up(one.settings)
    await fleet.report(one.settings)
    assert fleet.csv(one.settings).read_bytes() == before
    one.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))


@pytest.mark.slow
async def test_three_workers_that_come_and_go_quickly_do_not_stand_still(
    worker: Start,
) -> None:
    """Joined, stopped and killed before the last rebalance has settled: all counted."""
    polls = Fleet(stores=300)
    workers = [worker(number) for number in (1, 2, 3)]
    settings = workers[0].settings
    topic = topics_for(settings).polls
    for each in workers:
        each.start()
    for number in range(9):
        publishing = fleet.publish(settings, topic, *polls.make(2_000))
        chosen = workers[number % 3]
        end = chosen.kill if number % 2 else chosen.stop
        await asyncio.gather(publishing, asyncio.to_thread(end))
        chosen.start()
        await asyncio.sleep(0.3)
    await fleet.caught_up(settings)
    for each in workers:
        await asyncio.to_thread(each.ready)
        each.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(settings))
