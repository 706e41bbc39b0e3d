"""A worker that is frozen longer than its session lasts, and then wakes up."""

import asyncio
import signal

import pytest

from streamproc.topics import topics_for
from tests.kafka import fleet
from tests.kafka.fleet import Fleet
from tests.kafka.workers import Start

SESSION_S = 10


@pytest.mark.slow
async def test_what_a_frozen_worker_writes_late_does_not_win(worker: Start) -> None:
    """SIGSTOP under load, take-over, SIGCONT: every table is right, as is each disk."""
    one, two = (worker(n, session_timeout=SESSION_S) for n in (1, 2))
    settings, polls = one.settings, Fleet(stores=300)
    topic = topics_for(settings).polls
    await fleet.publish(settings, topic, *polls.make(1_000))
    one.start()
    await asyncio.to_thread(one.ready)
    publishing = asyncio.create_task(_trickle(settings, polls))
    await asyncio.sleep(2)
    one.signal(signal.SIGSTOP)
    two.start()
    await asyncio.to_thread(two.ready)
    await publishing
    await fleet.caught_up(settings)
    one.signal(signal.SIGCONT)
    await asyncio.sleep(2 * SESSION_S)
    await fleet.caught_up(settings)
    assert not fleet.differences(polls.expected(), await fleet.histories(settings))
    two.stop()
    await fleet.publish(settings, topic, *polls.make(10))
    await fleet.caught_up(settings)
    one.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(settings))
    assert not fleet.differences(polls.expected(), fleet.on_disk(one.settings))


async def _trickle(settings: object, polls: Fleet) -> None:
    topic = topics_for(settings).polls  # type: ignore[arg-type]
    for _ in range(40):
        await fleet.publish(settings, topic, *polls.make(200))  # type: ignore[arg-type]
        await asyncio.sleep(0.1)
