"""Workers that are killed and stopped while polls come in: nothing lost or doubled."""

import asyncio
import random
import time
from collections.abc import Callable

import pytest

from streamproc.settings import Settings
from streamproc.topics import topics_for
from tests.kafka import fleet
from tests.kafka.broker import Cluster
from tests.kafka.fleet import Fleet
from tests.kafka.foreign import Foreign
from tests.kafka.workers import SESSION_S, StartOn, Worker

ROUNDS = 10
POLLS = 500_000
LOST_AFTER = 5
"""The round after which the log loses its tail."""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
async def test_polls_in_the_wild_are_counted_once(
    cluster: Callable[..., Cluster], worker_on: StartOn, seed: int
) -> None:
    """500,000 polls, two workers: kill -9, SIGTERM and SIGSTOP in rotation; exact.

    Half of them come from a foreign producer, with every codec and partitioner, keyed
    and not; some are sent in transactions that are aborted; once the log is cut off.
    """
    rng, polls, broker = random.Random(seed), Fleet(seed, stores=2_000), cluster()
    workers = [worker_on(broker.bootstrap, number) for number in (1, 2)]
    settings, foreign = workers[0].settings, Foreign(broker.bootstrap)
    topic, each = topics_for(settings).polls, POLLS // (2 * ROUNDS)
    await fleet.publish(settings, topic, *polls.make(each))
    for one in workers:
        one.start()
    for number in range(ROUNDS):
        publishing = asyncio.gather(
            fleet.publish(settings, topic, *polls.make(each)),
            foreign.publish(topic.name, *polls.make(each)),
            foreign.take_back(topic.name, *Fleet(seed + 1).make(500)),
        )
        await asyncio.sleep(rng.uniform(0.5, 4.0))
        await asyncio.to_thread(_disturb, rng, workers, number)
        await publishing
        if number == LOST_AFTER:
            await _lose_tail(broker, settings, polls)
    await fleet.caught_up(settings)
    assert not fleet.differences(polls.expected(), await fleet.histories(settings))
    assert any("offsets went back" in one.log.read_text() for one in workers)
    for one in workers:
        one.stop()


async def _lose_tail(broker: Cluster, settings: Settings, polls: Fleet) -> None:
    """Publish polls, let them be counted, and have the broker lose them."""
    topic = topics_for(settings).polls
    await fleet.caught_up(settings)
    broker.stop()
    kept = broker.brokers[1].copy_log(topic.name)
    broker.start()
    await fleet.publish(settings, topic, *polls.make(3_000))
    await fleet.caught_up(settings)
    broker.kill()
    broker.brokers[1].put_back(kept)
    broker.start()


def _disturb(rng: random.Random, workers: list[Worker], number: int) -> None:
    """End a worker, kindly or not, or freeze it; let it go on at once or later."""
    chosen = rng.choice(workers)
    if number % 3 == 2:
        chosen.pause()
        time.sleep(
            rng.choice([1.0, SESSION_S + 2.0])
        )  # the second outlasts its session
        chosen.resume()
        return
    if number % 3:
        chosen.stop()
    else:
        chosen.kill()
    time.sleep(rng.choice([0.0, 0.5, 2.0]))
    chosen.start()
