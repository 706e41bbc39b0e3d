"""More workers than partitions: those without work must be there when it comes."""

import asyncio

import pytest

from streamproc.topics import topics_for
from tests.kafka import fleet
from tests.kafka.fleet import Fleet
from tests.kafka.workers import Start

IMPATIENCE_S = 3.0
"""What ``impatient`` sets; in production it is 1,000 s."""


@pytest.mark.parametrize("standby", [0, 1])
async def test_a_spare_worker_takes_over_however_long_it_has_waited(
    worker: Start, standby: int
) -> None:
    """One partition, two workers; the idle one is still a member when it is needed."""
    options = {"partitions": 1, "standby_replicas": standby, "fault": "impatient"}
    one, two = worker(1, **options), worker(2, **options)
    topic, polls = topics_for(one.settings).polls, Fleet(stores=20)
    await fleet.publish(one.settings, topic, *polls.make(500))
    one.start()
    await asyncio.to_thread(one.ready)
    two.start()
    await asyncio.to_thread(two.ready)
    await fleet.caught_up(one.settings)
    await asyncio.sleep(3 * IMPATIENCE_S)
    await fleet.publish(one.settings, topic, *polls.make(500))
    await fleet.caught_up(one.settings)
    one.stop()
    await fleet.publish(one.settings, topic, *polls.make(500))
    await fleet.caught_up(one.settings)
    two.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))
