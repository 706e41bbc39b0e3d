"""Workers that come, go and die: how fast, and who takes over."""

import asyncio
import re
import time

import pytest

from streamproc.topics import topics_for
from tests.kafka import fleet
from tests.kafka.fleet import Fleet
from tests.kafka.workers import STOP_S, Start, Worker

SESSION_S = 300
"""Much longer than anything here takes."""

STALL_S = 45
"""Longer than a worker takes to start, on a machine that has much else to do."""


async def loaded(one: Worker, count: int = 1_000) -> Fleet:
    """Publish some polls."""
    polls = Fleet(stores=200)
    topic = topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, *polls.make(count))
    return polls


async def ready(*workers: Worker) -> None:
    """Start workers and wait until all consume."""
    for one in workers:
        one.start()
    for one in workers:
        await asyncio.to_thread(one.ready)


@pytest.mark.parametrize("after_s", [0.8, 1.2, 1.5, 1.7, 1.9])
async def test_a_worker_that_is_joining_stops_in_time(
    worker: Start, after_s: float
) -> None:
    """SIGTERM while another worker runs, too, at any moment of the start."""
    one, two = worker(1), worker(2)
    await ready(one)
    two.start()
    await asyncio.sleep(after_s)
    assert two.stop() < STOP_S
    assert two.process is not None
    assert two.process.returncode in (0, -15)
    one.stop()


async def test_a_worker_that_is_given_partitions_stops_without_an_error(
    worker: Start,
) -> None:
    """SIGTERM while its databases are being opened: nothing is opened any more."""
    one = worker(1, fault="slow-assignment")
    one.start()
    await asyncio.to_thread(one.says, "Assigned, and waiting")
    assert one.stop() < STOP_S
    assert one.ended() == 0
    assert not re.search(" ERROR |^Error: |^Traceback", one.said, re.MULTILINE)


async def test_a_worker_that_is_recovering_stops_in_time(worker: Start) -> None:
    """SIGTERM in the middle of the changelog."""
    one = worker(1)
    await loaded(one)
    await ready(one)
    await fleet.caught_up(one.settings)
    one.stop()
    two = worker(2, fault="slow-recovery")
    two.start()
    await asyncio.sleep(3)
    assert two.stop() < STOP_S


async def test_a_worker_that_is_processing_stops_in_time(worker: Start) -> None:
    """SIGTERM in the middle of a backlog; the rest is done by the next one."""
    one = worker(1, max_poll_records=500)
    polls = await loaded(one, 50_000)
    await ready(one)
    assert one.stop() < STOP_S
    await ready(one)
    await fleet.caught_up(one.settings)
    one.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))


async def test_a_worker_that_stops_leaves_its_group_at_once(worker: Start) -> None:
    """The other one has its partitions long before the session would end."""
    one, two = (worker(n, session_timeout=SESSION_S) for n in (1, 2))
    await loaded(one)
    await ready(one, two)
    one.stop()
    stopped = time.monotonic()
    polls = await loaded(one)
    await fleet.caught_up(one.settings)
    assert time.monotonic() - stopped < SESSION_S / 2
    two.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))


@pytest.mark.slow
async def test_a_killed_worker_is_replaced_and_comes_back(worker: Start) -> None:
    """kill -9: taken over when its session is over; back with its old disk, behind."""
    one, two = worker(1, session_timeout=10), worker(2, session_timeout=10)
    polls = await loaded(one)
    await ready(one, two)
    await fleet.caught_up(one.settings)
    one.kill()
    killed = time.monotonic()
    topic = topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, *polls.make(5_000))
    await fleet.caught_up(one.settings)
    print(f"taken over {time.monotonic() - killed:.1f} s after kill -9")  # noqa: T201
    await ready(one)
    await fleet.publish(one.settings, topic, *polls.make(5_000))
    await fleet.caught_up(one.settings)
    two.stop()
    await fleet.publish(one.settings, topic, *polls.make(100))
    await fleet.caught_up(one.settings)
    one.stop()
    assert not fleet.differences(polls.expected(), fleet.on_disk(one.settings))
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))


@pytest.mark.slow
async def test_a_standby_replica_takes_over_without_recovery(worker: Start) -> None:
    """The warm copy has everything; only its owner's last moments are read."""
    one = worker(1, standby_replicas=1)
    two = worker(2, standby_replicas=1, fault="")
    polls = await loaded(one, 20_000)
    await ready(one, two)
    await fleet.caught_up(one.settings)
    await asyncio.sleep(3)
    one.kill()
    topic = topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, *polls.make(1_000))
    await fleet.caught_up(one.settings)
    two.stop()
    assert not fleet.differences(polls.expected(), fleet.on_disk(two.settings))
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))


@pytest.mark.parametrize(
    ("fault", "said"),
    [("no-recovery", "recovery stands still"), ("hang", "records wait in")],
)
async def test_a_worker_without_progress_says_so_and_exits(
    worker: Start, fault: str, said: str
) -> None:
    """Recovery that stands still, an agent that hangs: exit code 1 in set time."""
    one = worker(1)
    await loaded(one)
    await ready(one)
    await fleet.caught_up(one.settings)
    one.stop()
    two = worker(2, fault=fault, stall_timeout=STALL_S)
    await loaded(two)
    two.start()
    assert await asyncio.to_thread(two.ended) == 1
    assert "Worker stalled: no progress for" in two.said
    assert said in two.said


async def test_one_data_directory_is_for_one_worker(worker: Start) -> None:
    """The second one is refused and told the first one's process; nothing is harmed."""
    one, same = worker(1), worker(1)
    polls = await loaded(one)
    await ready(one)
    same.log = one.folder / "second.log"
    same.start()
    assert await asyncio.to_thread(same.ended) == 1
    assert one.process is not None
    assert (
        f"already runs on this data directory (process {one.process.pid})" in same.said
    )
    assert "Traceback" not in same.said
    await fleet.caught_up(one.settings)
    one.stop()
    assert not fleet.differences(polls.expected(), fleet.on_disk(one.settings))


async def test_a_worker_killed_and_started_at_once_takes_its_own_place(
    worker: Start,
) -> None:
    """Nobody waits for the session of the one that was killed, here five minutes."""
    one, two = (worker(n, session_timeout=SESSION_S) for n in (1, 2))
    polls = await loaded(one)
    await ready(one, two)
    await fleet.caught_up(one.settings)
    two.kill()
    killed = time.monotonic()
    two.start()
    topic = topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, *polls.make(1_000))
    await fleet.caught_up(one.settings)
    assert time.monotonic() - killed < SESSION_S / 2
    for each in (one, two):
        each.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))
