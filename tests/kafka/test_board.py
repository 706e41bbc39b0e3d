"""Two workers on Kafka: what stores are now moves with their partition."""

import asyncio
import json
import time
from typing import Any

from streamproc.rules.poll import Poll, encode_poll
from streamproc.topics import topics_for
from streamproc.transport.connect import connect
from tests.kafka.test_web import SECRET, ask, owners
from tests.kafka.workers import Start, Worker
from tests.waiting import until
from tests.web.live_site import MINUTE_US, free_port

STORES = 60


async def publish(one: Worker, polls: list[Poll]) -> None:
    """Send polls, each to its store's partition."""
    client = await connect(one.settings)
    try:
        topic = topics_for(one.settings).polls
        keys = [poll.store_id.encode() for poll in polls]
        await client.publish(topic, keys, [encode_poll(poll) for poll in polls])
    finally:
        await client.close()


def polls(minutes_ago: float, down: int) -> list[Poll]:
    """One poll of every store; the first ``down`` of them are inactive."""
    at_us = time.time_ns() // 1_000 - round(minutes_ago * MINUTE_US)
    return [Poll(f"store-{n}", at_us, n >= down) for n in range(STORES)]


def states(port: int) -> dict[str, tuple[str, str]]:
    """State and since of every store, as a worker tells them."""
    status, body = ask(port, "/api/v1/now?per_page=100")
    if status != 200:
        return {}
    stores = json.loads(body)["stores"]
    return {one["store_id"]: (one["now"], one["since"]) for one in stores}


def down(port: int) -> int:
    """How many stores a worker says are down."""
    return sum(state == "down" for state, _ in states(port).values())


def test_the_board_moves_with_a_partition(worker: Start) -> None:
    """Both workers say the same; one is killed, and the other knows all of it."""
    ports = (free_port(), free_port())
    options: dict[str, Any] = {"web": "on", "web_cluster_secret": SECRET}
    first, second = (
        worker(number, web_port=port, **options)
        for number, port in enumerate(ports, start=1)
    )
    first.start()
    first.ready()
    second.start()
    second.ready()
    until(lambda: all(len(owners(port)) == 2 for port in ports))
    asyncio.run(publish(first, polls(20, 10)))
    until(lambda: [down(port) for port in ports] == [10, 10])
    before = until(lambda: states(ports[0]), lambda told: len(told) == STORES)
    until(lambda: states(ports[1]) == before)
    asyncio.run(publish(first, polls(10, 25)))
    second.kill()
    until(lambda: down(ports[0]) == 25)
    after = until(lambda: states(ports[0]), lambda told: len(told) == STORES)
    assert all(after[f"store-{n}"] == before[f"store-{n}"] for n in range(10))
    second.start()
    second.ready()
    until(lambda: all(len(owners(port)) == 2 for port in ports))
    until(lambda: all(states(port) == after for port in ports))
