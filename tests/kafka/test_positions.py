"""Offsets that go back, and polls that are deleted: said, and read anew."""

import asyncio
from collections.abc import Callable

import pytest

from streamproc.settings import Settings
from streamproc.topics import topics_for
from tests.kafka import fleet
from tests.kafka.broker import Cluster
from tests.kafka.fleet import Fleet
from tests.kafka.records import (
    commit,
    committed,
    delete_records,
    end_offsets,
    produce,
)
from tests.kafka.workers import Start, StartOn
from tests.waiting import until_awaited

Factory = Callable[..., Cluster]


async def counted(settings: Settings, polls: Fleet) -> None:
    """Wait until every poll is in the changelog; fails with what differs."""
    expected = polls.expected()

    async def all_there() -> bool:
        return not fleet.differences(expected, await fleet.histories(settings))

    try:
        await until_awaited(lambda: fleet.is_answered(all_there))
    except TimeoutError:
        found = fleet.differences(expected, await fleet.histories(settings))
        pytest.fail("\n".join(found[:20]))


@pytest.mark.parametrize("again", [100, 2_000], ids=["fewer", "more"])
async def test_a_topic_made_again_while_running_is_read_anew(
    worker: Start, again: int
) -> None:
    """The positions of the old topic mean nothing in the new one."""
    one, polls = worker(), Fleet(stores=50)
    topic, servers = topics_for(one.settings).polls, fleet.bootstrap(one.settings)
    await fleet.publish(one.settings, topic, *polls.make(800))
    one.start()
    await fleet.caught_up(one.settings)
    await fleet.remake(servers, topic.name, policy="delete")
    await fleet.publish(one.settings, topic, *polls.make(again))
    await counted(one.settings, polls)
    assert "offsets went back" in one.said
    await fleet.caught_up(one.settings)
    await fleet.publish(one.settings, topic, *polls.make(400))
    await counted(one.settings, polls)
    one.stop()
    assert not fleet.differences(polls.expected(), fleet.on_disk(one.settings))


async def test_positions_beyond_the_end_are_forgotten(worker: Start) -> None:
    """What is committed is beyond the log: said with both offsets, and read anew."""
    one, polls = worker(), Fleet(stores=50)
    topic, servers = topics_for(one.settings).polls, fleet.bootstrap(one.settings)
    await fleet.publish(one.settings, topic, *polls.make(400))
    ends = await end_offsets(servers, topic.name)
    beyond = {(topic.name, p): end + 70 for p, end in ends.items()}
    await commit(servers, one.settings.app_id, beyond)
    one.start()
    await counted(one.settings, polls)
    for partition, end in ends.items():
        assert (
            f"{topic.name}, partition {partition}: offsets went back: it was read up to"
            f" offset {end + 70}, but it ends at offset {end}; reading it anew from"
            " offset 0 on" in one.said
        )
    await fleet.publish(one.settings, topic, *polls.make(400))
    await counted(one.settings, polls)
    group = await committed(servers, one.settings.app_id)
    assert all(group[(topic.name, p)] < end + 400 for p, end in ends.items())
    one.stop()


async def test_polls_deleted_before_the_first_commit_are_told(worker: Start) -> None:
    """Retention has taken some before this group has read any."""
    one, polls = worker(), Fleet(stores=50)
    topic, servers = topics_for(one.settings).polls, fleet.bootstrap(one.settings)
    await fleet.publish(one.settings, topic, *Fleet(2).make(400))
    gone = await end_offsets(servers, topic.name)
    for partition, end in gone.items():
        await delete_records(servers, topic.name, partition, end)
    await fleet.publish(one.settings, topic, *polls.make(100))
    one.start()
    await counted(one.settings, polls)
    for partition, end in gone.items():
        assert f"partition {partition}: {end} records were deleted before" in one.said
    one.stop()


async def test_polls_deleted_under_a_worker_that_is_behind_are_told(
    worker: Start,
) -> None:
    """It reads on after them, and says how many, of which partition."""
    one, polls = worker(), Fleet(stores=50)
    topic, servers = topics_for(one.settings).polls, fleet.bootstrap(one.settings)
    await fleet.publish(one.settings, topic, *polls.make(400))
    one.start()
    await fleet.caught_up(one.settings)
    read = await end_offsets(servers, topic.name)
    one.pause()
    # A fetch is under way; the broker answers it at the first poll, and no other.
    for partition in read:
        await produce(servers, topic.name, [(b"k", b"{}")], partition=partition)
    await fleet.publish(one.settings, topic, *Fleet(2).make(600))
    ends = await end_offsets(servers, topic.name)
    for partition, end in ends.items():
        await delete_records(servers, topic.name, partition, end)
    await fleet.publish(one.settings, topic, *polls.make(400))
    one.resume()
    await counted(one.settings, polls)
    for partition, end in ends.items():
        count = one.says(rf"partition {partition}: (\d+) records were deleted before")
        assert end - read[partition] - int(count[1]) in (0, 1)
    assert "offsets went back" not in one.said
    one.stop()


@pytest.mark.slow
@pytest.mark.parametrize("overtaken", [False, True], ids=["shorter", "overtaken"])
@pytest.mark.parametrize("running", [False, True], ids=["restarted", "running"])
async def test_a_log_that_lost_its_tail_is_read_anew(
    cluster: Factory, worker_on: StartOn, running: bool, overtaken: bool
) -> None:
    """Also when as many polls have come since as were lost."""
    broker = cluster()
    one, polls = worker_on(broker.bootstrap), Fleet(stores=50)
    topic = topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, *polls.make(2_000))
    one.start()
    await fleet.caught_up(one.settings)
    broker.stop()
    kept = broker.brokers[1].copy_log(topic.name)
    broker.start()
    await fleet.publish(one.settings, topic, *polls.make(1_000))
    await fleet.caught_up(one.settings)
    if not running:
        one.stop()
    broker.kill()
    broker.brokers[1].put_back(kept)
    if running and overtaken:
        one.pause()
    broker.start()
    await fleet.publish(one.settings, topic, *polls.make(4_000 if overtaken else 300))
    if running and overtaken:
        one.resume()
    elif not running:
        one.start()
    await counted(one.settings, polls)
    assert "offsets went back" in one.said
    await asyncio.to_thread(one.says, "reading it anew from offset 0 on")
    one.stop()
    assert not fleet.differences(polls.expected(), fleet.on_disk(one.settings))
