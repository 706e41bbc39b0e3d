"""Events, live: ``python -m benchmarks.events [STORES] [RATE] [SECONDS]``.

First all stores go down at once: how many posts the webhook makes of it, and how soon
after the last poll's acknowledgement. Then polls come evenly, each of which turns its
store: from a poll's acknowledgement to its event in the topic. Worker, producer and
receiver share a process, on the embedded log.
"""

import asyncio
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from aiohttp import web

from benchmarks.measure import table
from streamproc import settings
from streamproc.clock import wall_clock_us
from streamproc.events import Event, decode_event
from streamproc.program import Program
from streamproc.rules.poll import Poll, encode_poll
from streamproc.transport.client import Client
from streamproc.transport.connect import connect
from streamproc.worker import app, process

WARM_UP_S = 5.0
LIMIT_S = 60.0
BATCH_S = 0.05


class Receiver:
    """Takes whatever the webhook posts; notes when, and how many events."""

    def __init__(self) -> None:
        self.posts: list[tuple[float, int]] = []

    async def answer(self, request: web.Request) -> web.Response:
        """Take a post."""
        self.posts.append((time.perf_counter(), len(await request.json())))
        return web.Response()

    async def start(self, port: int) -> None:
        """Listen on loopback."""
        application = web.Application(client_max_size=1 << 28)
        application.router.add_post("/", self.answer)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()


class Told:
    """When each event was in the topic, by its store and time."""

    def __init__(self, program: Program) -> None:
        self.at: dict[tuple[str, int], float] = {}
        self._topic = program.topics.events.name
        producer: Any = program.app.producer
        self._append = producer.append_batch
        producer.append_batch = self._noted

    async def _noted(self, topic: str, *args: Any) -> int:
        offset: int = await self._append(topic, *args)
        if topic == self._topic:
            now = time.perf_counter()
            for value in args[2]:
                event = decode_event(value)
                if isinstance(event, Event):
                    self.at[event.store_id, event.at_us] = now
        return offset


async def _publish(client: Client, program: Program, polls: list[Poll]) -> float:
    """Publish polls; when they were acknowledged."""
    keys = [poll.store_id.encode() for poll in polls]
    values = [encode_poll(poll) for poll in polls]
    await client.publish(program.topics.polls, keys, values)
    return time.perf_counter()


async def _all_down(
    client: Client, program: Program, receiver: Receiver, stores: int
) -> tuple[str, ...]:
    ids = [f"s{number}" for number in range(stores)]
    now_us = wall_clock_us()
    await _publish(client, program, [Poll(i, now_us - 60_000_000, True) for i in ids])
    await asyncio.sleep(WARM_UP_S)
    acked = await _publish(
        client, program, [Poll(i, wall_clock_us(), False) for i in ids]
    )
    async with asyncio.timeout(LIMIT_S):
        while sum(count for _, count in receiver.posts) < stores:
            await asyncio.sleep(BATCH_S)
    first, last = receiver.posts[0][0] - acked, receiver.posts[-1][0] - acked
    posts = str(len(receiver.posts))
    return (f"{stores:,}", posts, f"{first:.2f}", f"{last:.2f}")


async def _evenly(
    client: Client, program: Program, rate: float, seconds: float
) -> tuple[str, ...]:
    told = Told(program)
    acked: dict[tuple[str, int], float] = {}
    started, sent = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < seconds:
        due, now_us = int(elapsed * rate), wall_clock_us()
        polls = [Poll(f"e{n}", now_us, False) for n in range(sent, due)]
        if polls:
            at = await _publish(client, program, polls)
            acked |= {(poll.store_id, poll.time_us): at for poll in polls}
        sent = due
        await asyncio.sleep(BATCH_S)
    async with asyncio.timeout(LIMIT_S):
        while not acked.keys() <= told.at.keys():
            await asyncio.sleep(BATCH_S)
    waits = np.array([told.at[one] - at for one, at in acked.items()])
    p50, p99, most = np.percentile(waits, [50, 99, 100]).tolist()
    return (f"{len(waits):,}", f"{p50:.2f}", f"{p99:.2f}", f"{most:.2f}")


async def _bench(program: Program, stores: int, rate: float, seconds: float) -> None:
    receiver = Receiver()
    port = urlsplit(program.settings.webhook_url).port
    assert port is not None  # it was just taken
    await receiver.start(port)
    await program.until_ready()
    client = await connect(program.settings)
    down = await _all_down(client, program, receiver, stores)
    table(
        "All stores down at once: posts, seconds to the first and the last of them",
        [("stores", "posts", "first", "last"), down],
    )
    even = await _evenly(client, program, rate, seconds)
    table(
        f"From acknowledgement to event, seconds, at {rate:g} polls/s that all turn",
        [("events", "p50", "p99", "most"), even],
    )
    await client.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    """Run a worker on a data directory of its own, and time it."""
    stores, rate, seconds = (
        *map(float, sys.argv[1:4]),
        *(10_000.0, 1_000.0, 20.0)[len(sys.argv) - 1 :],
    )
    with tempfile.TemporaryDirectory(prefix="streamproc-bench-") as folder:
        place: dict[str, Any] = {
            "data_dir": Path(folder),
            "hourly": "off",
            "web": "off",
        }
        place["webhook_url"] = f"http://127.0.0.1:{_free_port()}/"
        program = app.build(settings.load(place, {}))

        async def accompany(running: Program) -> None:
            await _bench(running, int(stores), rate, seconds)

        sys.exit(process.run(program, accompany))


if __name__ == "__main__":
    main()
