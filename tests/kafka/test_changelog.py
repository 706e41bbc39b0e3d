"""Disks and changelogs that were lost, wholly or in part."""

import asyncio
import shutil
import time

import pytest

from streamproc.topics import changelog, topics_for
from tests.kafka import fleet
from tests.kafka.fleet import Fleet
from tests.kafka.records import delete_records, end_offsets, read_all, transact
from tests.kafka.workers import Start


async def test_a_lost_disk_is_rebuilt_from_the_changelog(worker: Start) -> None:
    """With the polls gone, too, every history is there again."""
    one, polls = worker(), Fleet(stores=5_000)
    topic, servers = topics_for(one.settings).polls, fleet.bootstrap(one.settings)
    await fleet.publish(one.settings, topic, *polls.make(100_000))
    one.start()
    await fleet.caught_up(one.settings)
    one.stop()
    name = changelog(one.settings, "histories")
    count = sum((await end_offsets(servers, name)).values())
    for partition, end in (await end_offsets(servers, topic.name)).items():
        await delete_records(servers, topic.name, partition, end)
    shutil.rmtree(one.settings.data_dir)
    started = time.monotonic()
    one.start()
    await asyncio.to_thread(one.ready)
    seconds = time.monotonic() - started
    said = f"{count} changelog records: ready after {seconds:.1f} s"
    print(said)  # noqa: T201 - for whoever sizes a worker
    one.stop()
    assert not fleet.differences(polls.expected(), fleet.on_disk(one.settings))


async def test_polls_deleted_before_they_were_consumed_are_missed(
    worker: Start,
) -> None:
    """A worker that was away longer than retention lasts says how many."""
    one, polls = worker(), Fleet(stores=20)
    topic, servers = topics_for(one.settings).polls, fleet.bootstrap(one.settings)
    await fleet.publish(one.settings, topic, *polls.make(400))
    one.start()
    await fleet.caught_up(one.settings)
    one.stop()
    expected = polls.expected()
    await fleet.publish(one.settings, topic, *polls.make(400))
    for partition, end in (await end_offsets(servers, topic.name)).items():
        await delete_records(servers, topic.name, partition, end)
    one.start()
    await asyncio.to_thread(one.ready)
    said = one.says("were deleted before they were consumed")
    assert said
    one.stop()
    assert not fleet.differences(expected, fleet.on_disk(one.settings))


@pytest.mark.parametrize("disk", ["kept", "lost"])
async def test_a_changelog_that_ends_in_a_marker_recovers(
    worker: Start, disk: str
) -> None:
    """As one does that a mirror wrote in transactions."""
    one, polls = worker(), Fleet(stores=50)
    topic, servers = topics_for(one.settings).polls, fleet.bootstrap(one.settings)
    await fleet.publish(one.settings, topic, *polls.make(500))
    one.start()
    await fleet.caught_up(one.settings)
    one.stop()
    name = changelog(one.settings, "histories")
    for partition in range(4):
        (*_, last) = [
            r for r in await read_all(servers, name) if r.partition == partition
        ]
        again = ([last.key], [last.value])
        await transact(servers, name, again, commit=True, partition=partition)
    if disk == "lost":
        shutil.rmtree(one.settings.data_dir)
    one.start()
    await asyncio.to_thread(one.ready)
    await fleet.publish(one.settings, topic, *polls.make(500))
    await fleet.caught_up(one.settings)
    one.stop()
    assert not fleet.differences(polls.expected(), fleet.on_disk(one.settings))


@pytest.mark.parametrize("disk", ["old", "lost"])
async def test_a_changelog_cut_off_is_rebuilt_from_the_polls(
    worker: Start, disk: str
) -> None:
    """delete-records on the changelog: said, and every poll is read again."""
    one, polls = worker(), Fleet(stores=200)
    topic, servers = topics_for(one.settings).polls, fleet.bootstrap(one.settings)
    await fleet.publish(one.settings, topic, *polls.make(5_000))
    one.start()
    await fleet.caught_up(one.settings)
    one.stop()
    shutil.copytree(one.settings.data_dir, one.folder / "old")
    await fleet.publish(one.settings, topic, *polls.make(5_000))
    one.start()
    await fleet.caught_up(one.settings)
    one.stop()
    name = changelog(one.settings, "histories")
    await fleet.cut_off(servers, name)
    shutil.rmtree(one.settings.data_dir)
    if disk == "old":
        (one.folder / "old").rename(one.settings.data_dir)
    one.start()
    await asyncio.to_thread(one.ready)
    assert "was cut off" in one.said
    assert f"rebuilding it from {topic.name}" in one.said
    await fleet.caught_up(one.settings)
    one.stop()
    assert not fleet.differences(polls.expected(), fleet.on_disk(one.settings))
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))


async def test_a_copy_ahead_of_its_changelog_is_set_aside(worker: Start) -> None:
    """A changelog that was made anew: said, and rebuilt from the polls."""
    one, polls = worker(), Fleet(stores=100)
    topic, servers = topics_for(one.settings).polls, fleet.bootstrap(one.settings)
    await fleet.publish(one.settings, topic, *polls.make(2_000))
    one.start()
    await fleet.caught_up(one.settings)
    one.stop()
    await fleet.remake(servers, changelog(one.settings, "histories"))
    one.start()
    await asyncio.to_thread(one.ready)
    assert "the copy here goes on to" in one.said
    await fleet.caught_up(one.settings)
    one.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))
