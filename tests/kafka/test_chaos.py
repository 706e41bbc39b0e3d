"""Workers that are killed and stopped while polls come in: nothing lost or doubled."""

import asyncio
import random
import time

import pytest

from streamproc.topics import topics_for
from tests.kafka import fleet
from tests.kafka.fleet import Fleet
from tests.kafka.workers import Start, Worker

ROUNDS = 10
POLLS = 500_000


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1])
async def test_polls_survive_workers_that_are_killed_and_stopped(
    worker: Start, seed: int
) -> None:
    """500,000 polls, two workers, kill -9 and SIGTERM in rotation: exact."""
    rng, polls = random.Random(seed), Fleet(seed, stores=2_000)
    workers = [worker(1), worker(2)]
    settings = workers[0].settings
    topic = topics_for(settings).polls
    await fleet.publish(settings, topic, *polls.make(POLLS // (ROUNDS + 1)))
    for one in workers:
        one.start()
    for number in range(ROUNDS):
        publishing = asyncio.create_task(
            fleet.publish(settings, topic, *polls.make(POLLS // (ROUNDS + 1)))
        )
        await asyncio.sleep(rng.uniform(0.5, 4.0))
        await asyncio.to_thread(_disturb, rng, workers, number)
        await publishing
    await fleet.caught_up(settings)
    assert not fleet.differences(polls.expected(), await fleet.histories(settings))
    for one in workers:
        one.stop()


def _disturb(rng: random.Random, workers: list[Worker], number: int) -> None:
    """End one worker, kindly or not, and start it again at once or later."""
    chosen = rng.choice(workers)
    if number % 2:
        chosen.stop()
    else:
        chosen.kill()
    time.sleep(rng.choice([0.0, 0.5, 2.0]))
    chosen.start()
