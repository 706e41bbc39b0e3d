"""Events on Kafka: two workers, one of them killed while stores turn."""

import asyncio
import signal
import sys

import orjson
import pytest

from streamproc.events import Event, Suspect, decode_event
from streamproc.report.record import time_text
from streamproc.rules.poll import Poll, encode_poll
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.connect import connect
from tests.doc_code import code_in
from tests.kafka.workers import Start, Worker
from tests.system.events import MINUTE_US, kinds, now_us, read_events, until_told
from tests.system.harness import publish
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
        told = await until_told(settings, lambda told: _enough(list(told), ROUNDS))
        names = {event.id for event in told}
        async with asyncio.timeout(120):
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


async def test_what_is_undone_while_nobody_knows_whether_it_was_told_is_taken_back(
    worker: Start,
) -> None:
    """Killed between event and table; another worker finds the late poll there."""
    first_us = now_us() - 10 * MINUTE_US
    polls = [Poll("7", first_us + n * MINUTE_US, False) for n in range(2)]
    dying = worker(1, fault="die-untold", events="on", confirm=2)
    dying.start()
    await asyncio.to_thread(dying.ready)
    await publish(dying.settings, polls)
    assert await asyncio.to_thread(dying.ended) == -signal.SIGKILL
    (begun,) = await read_events(dying.settings)
    await publish(dying.settings, [Poll("7", first_us + 1, True)])
    other = worker(2, events="on", confirm=2)
    other.start()
    told = await until_told(
        other.settings, lambda told: kinds(told, "7") == ["down", "retracted"]
    )
    assert [one for one in told if one.kind == "down"] == [begun, begun]


async def test_the_consumer_that_the_documents_show_reads_the_events(
    worker: Start,
) -> None:
    """As it stands there, but for the broker's address, the topic and the group."""
    one = worker(1, events="on")
    one.start()
    await asyncio.to_thread(one.ready)
    await publish(one.settings, [Poll("7", now_us() - MINUTE_US, False)])
    (event,) = await until_told(one.settings, lambda told: len(told) == 1)
    code = code_in("topics.md")
    for stands, is_here in (
        ("localhost:9092", one.settings.broker.removeprefix("kafka://")),
        ('"pager"', f'"{one.settings.app_id}-pager", "auto.offset.reset": "earliest"'),
        ("store-events", topics_for(one.settings).events.name),
    ):
        assert stands in code
        code = code.replace(stands, is_here)
    consumer = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-c", code), stdout=asyncio.subprocess.PIPE
    )
    assert consumer.stdout is not None
    try:
        line = await asyncio.wait_for(consumer.stdout.readline(), 120)
    finally:
        consumer.kill()
        await consumer.wait()
    assert line.decode() == f"down 7 since {time_text(event.since_us)}\n"


async def _killed(victim: Worker, after_s: float) -> None:
    """Kill a worker while it tells what has come, and start it again."""
    await asyncio.sleep(after_s)
    victim.kill()
    victim.start()
    await asyncio.to_thread(victim.ready)
