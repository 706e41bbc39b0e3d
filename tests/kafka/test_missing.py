"""Topics and brokers that go away while a worker runs."""

import asyncio

import pytest

from streamproc.errors import ReportFailedError
from streamproc.topics import topics_for
from tests.kafka import fleet
from tests.kafka.fleet import Fleet
from tests.kafka.records import create_topic, delete_topic
from tests.kafka.workers import Start

SOON_S = 15


async def test_a_topic_that_goes_missing_is_said_and_fails_reports(
    worker: Start,
) -> None:
    """Within seconds; the worker goes on, and when the topic is back so do reports."""
    one, polls = worker(), Fleet(stores=20)
    topics, servers = topics_for(one.settings), fleet.bootstrap(one.settings)
    await fleet.publish(one.settings, topics.polls, *polls.make(500))
    one.start()
    await fleet.caught_up(one.settings)
    await delete_topic(servers, topics.zones.name)
    said = f"topic {topics.zones.name} is missing"
    await asyncio.to_thread(one.says, said, SOON_S)
    with pytest.raises(ReportFailedError, match=said):
        await fleet.report(one.settings)
    await create_topic(servers, topics.zones.name, 4, 1, {"cleanup.policy": "compact"})
    await asyncio.to_thread(one.says, f"topic {topics.zones.name} is back", SOON_S)
    await fleet.publish(one.settings, topics.polls, *polls.make(500))
    finished = await fleet.report(one.settings)
    assert (finished.state, finished.rows) == ("Complete", 20)
    assert one.said.count(said) < 5
    one.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))
