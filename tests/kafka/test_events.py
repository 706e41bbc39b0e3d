"""Events on Kafka: two workers, one of them killed while stores turn."""

import asyncio

import orjson
import pytest

from streamproc.events import Event, Suspect, decode_event
from streamproc.rules.poll import Poll, encode_poll
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.connect import connect
from tests.kafka.workers import Start, Worker
from tests.system.events import kinds, now_us, read_events, until_told
from tests.webhook.receiver import receiving

STORES = 200
ROUNDS = 6


async def _round(settings: Settings, number: int) -> None:
    """All stores turn: down in even rounds, up in odd ones."""
    polls = [Poll(f"s{n}", now_us(), bool(number % 2)) for n in range(STORES)]
    client = await connect(settings)
    try:
        keys: list[bytes | None] = [poll.store_id.encode() for poll in polls]
        values: list[bytes | None] = [encode_poll(poll) for poll in polls]
        await client.publish(topics_for(settings).polls, keys, values)
    finally:
        await client.close()


def _enough(told: list[Event | Suspect], rounds: int) -> bool:
    names = {event.id for event in told if isinstance(event, Event)}
    return len(names) >= STORES * rounds


@pytest.mark.slow
async def test_a_worker_that_is_killed_while_stores_turn_loses_no_event(
    worker: Start,
) -> None:
    """Each store goes down and up three times: told so, and posted so, by name."""
    async with receiving() as receiver:
        options = {"events": "on", "webhook_url": receiver.url}
        workers = [worker(n, **options) for n in (1, 2)]
        settings = workers[0].settings
        for one in workers:
            one.start()
        for one in workers:
            await asyncio.to_thread(one.ready)
        for number in range(ROUNDS):
            await _round(settings, number)
            if number % 2:
                await _killed(workers[number // 2 % 2], 0.3 + 0.4 * (number // 2))
            else:
                await asyncio.sleep(1.0)
        told = await until_told(settings, lambda told: _enough(list(told), ROUNDS), 90)
        names = {event.id for event in told}
        async with asyncio.timeout(60):
            while not names <= {name for post in receiver.posts for name in post.ids}:
                await receiver.until(len(receiver.posts) + 1)
    told = await read_events(settings)
    posted = [decode_event(orjson.dumps(e)) for p in receiver.posts for e in p.json]
    for n in range(STORES):
        expected = ["down", "up"] * (ROUNDS // 2)
        assert kinds(told, f"s{n}") == kinds(posted, f"s{n}") == expected, n
    same: dict[str, set[tuple[int, int, str | None]]] = {}
    for event in told:
        if isinstance(event, Event):
            content = (event.at_us, event.since_us, event.incident)
            same.setdefault(event.id, set()).add(content)
    assert all(len(contents) == 1 for contents in same.values())


async def _killed(victim: Worker, after_s: float) -> None:
    """Kill a worker while it tells what has come, and start it again."""
    await asyncio.sleep(after_s)
    victim.kill()
    victim.start()
    await asyncio.to_thread(victim.ready)
