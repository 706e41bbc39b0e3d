"""Readers beside a running ingest: how long they wait, and what they cost.

    python -m benchmarks.web [--stores 14000] [--readers 50] [--think 1.0]

A worker process takes in 14,000 stores with a week of hourly polls, and then works
off a backlog as fast as it can. In every other slot of three seconds, readers in this
process ask for the overview and for store pages in turn. Prints how long they waited,
and the rate with and without them; slots make both suffer the same neighbours.
``--think``: seconds a reader looks at a page on average; 0 is the hardest.
"""

import argparse
import asyncio
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from streamproc import settings as settings_of
from streamproc.rules.poll import Poll, encode_poll
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.client import Client
from streamproc.transport.connect import connect

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
SEND = 10_000
PORT = 6199
SLOT_S = 3.0
SETTLE_S = 0.7
URL = f"http://127.0.0.1:{PORT}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured."""

    stores: int
    readers: int
    think_s: float
    backlog: int


def store_id(number: int) -> str:
    """Ids as long as real ones."""
    return str(10**18 + number * 7_919)


def polls(stores: int, begin_us: int, step_us: int, rounds: int) -> Iterator[Poll]:
    """Every store once a round, spread over the round."""
    draw = random.Random(begin_us)
    for turn in range(rounds):
        for number in range(stores):
            time_us = begin_us + turn * step_us + number * step_us // stores
            yield Poll(store_id(number), time_us, draw.random() < 0.95)


async def publish(client: Client, settings: Settings, some: Iterator[Poll]) -> int:
    """Append polls; returns how many."""
    topic = topics_for(settings).polls
    keys: list[bytes] = []
    values: list[bytes | None] = []
    count = 0

    async def send() -> None:
        await client.publish(topic, keys, values)
        keys.clear()
        values.clear()

    for poll in some:
        keys.append(poll.store_id.encode())
        values.append(encode_poll(poll))
        count += 1
        if len(keys) == SEND:
            await send()
    await send()
    return count


class Worker:
    """The worker process."""

    def __init__(self, root: Path) -> None:
        self._log = (root / "worker.log").open("ab")
        command = [sys.executable, "-m", "streamproc", "worker"]
        options = ["--data-dir", str(root / "data"), "--web-port", str(PORT)]
        self._process = subprocess.Popen(
            [*command, *options, "--no-hourly"], stdout=self._log, stderr=self._log
        )

    def stop(self) -> None:
        """Stop it, and wait."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        self._log.close()


async def dealt_with(client: aiohttp.ClientSession) -> tuple[float, float]:
    """Polls the worker has dealt with, and how many are left."""
    async with client.get(URL + "/metrics") as response:
        lines = (await response.text()).splitlines()
    done = sum(
        float(line.split()[-1])
        for line in lines
        if line.startswith("streamproc_polls_total")
    )
    left = sum(
        float(line.split()[-1])
        for line in lines
        if line.startswith("streamproc_lag_records") and "store-polls" in line
    )
    return done, left


@dataclass
class Rates:
    """Polls dealt with, and seconds, without and with readers."""

    polls: dict[bool, float]
    seconds: dict[bool, float]

    def rate(self, reading: bool) -> float:
        """Polls per second."""
        return self.polls[reading] / max(self.seconds[reading], 1e-9)


async def work_off(
    client: aiohttp.ClientSession, expected: int, gate: asyncio.Event
) -> Rates:
    """Measure until all is dealt with; readers are let in every other slot."""
    rates = Rates({False: 0.0, True: 0.0}, {False: 0.0, True: 0.0})
    while True:
        await asyncio.sleep(SETTLE_S)
        began, (before, _) = time.monotonic(), await dealt_with(client)
        await asyncio.sleep(SLOT_S)
        after, left = await dealt_with(client)
        if after >= expected or not left:
            return rates  # it ended somewhere in this slot
        rates.polls[gate.is_set()] += after - before
        rates.seconds[gate.is_set()] += time.monotonic() - began
        gate.clear() if gate.is_set() else gate.set()


async def read(
    client: aiohttp.ClientSession,
    plan: Plan,
    number: int,
    gate: asyncio.Event,
    waits: dict[str, list[float]],
) -> None:
    """One reader: overview, store page, and so on, until cancelled."""
    draw = random.Random(number)
    turn = number
    while True:
        await gate.wait()
        await asyncio.sleep(2 * draw.random() * plan.think_s)
        turn += 1
        kind = "overview" if turn % 2 else "store"
        chosen = store_id(draw.randrange(plan.stores))
        path = "/" if kind == "overview" else f"/stores/{chosen}"
        began = time.perf_counter()
        async with client.get(URL + path) as response:
            await response.read()
            if response.status != 200:
                kind = str(response.status)
        waits.setdefault(kind, []).append(time.perf_counter() - began)


async def first_page(client: aiohttp.ClientSession) -> None:
    """Wait until the worker shows its overview for the first time."""
    while True:
        try:
            async with client.get(URL + "/") as response:
                await response.read()
                if response.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.05)


async def run_once(root: Path, plan: Plan, expected: int) -> Rates:
    """Work off the backlog; tells how long the readers waited."""
    waits: dict[str, list[float]] = {}
    gate = asyncio.Event()
    worker = Worker(root)
    connector = aiohttp.TCPConnector(limit=0)
    try:
        async with aiohttp.ClientSession(connector=connector) as client:
            await first_page(client)
            reading = [
                asyncio.create_task(read(client, plan, number, gate, waits))
                for number in range(plan.readers)
            ]
            rates = await work_off(client, expected, gate)
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)
    finally:
        worker.stop()
    for kind, found in sorted(waits.items()):
        found.sort()
        p50, p99 = found[len(found) // 2], found[int(len(found) * 0.99)]
        say(f"  {kind:9} {len(found):6} pages  p50 {p50:.3f} s  p99 {p99:.3f} s")
    return rates


def say(line: str) -> None:
    """One line of the result."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def measure(plan: Plan, root: Path) -> None:
    """A week of history, then a backlog with readers in every other slot."""
    settings = settings_of.load({"data_dir": str(root / "data")}, {})
    now_us = time.time_ns() // 1000
    client = await connect(settings)
    await client.create_topics(topics_for(settings))
    week = polls(plan.stores, now_us - 168 * HOUR_US, HOUR_US, 167)
    count = await publish(client, settings, week)
    say(f"{plan.stores} stores, {count} polls of history")
    await run_once(root, plan, count)
    rounds = plan.backlog // plan.stores
    step_us = 55 * MINUTE_US // rounds
    backlog = polls(plan.stores, now_us - 60 * MINUTE_US, step_us, rounds)
    count = await publish(client, settings, backlog)
    await client.close()
    say(f"backlog of {count} polls, {plan.readers} readers in every other slot")
    rates = await run_once(root, plan, count)
    alone, beside = rates.rate(False), rates.rate(True)
    say(f"ingest alone {alone:,.0f}, with readers {beside:,.0f} polls/s")
    say(f"ingest keeps {100 * beside / max(alone, 1e-9):.0f} % of its rate")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", type=int, default=14_000)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--think", type=float, default=1.0)
    parser.add_argument("--backlog", type=int, default=5_600_000)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="bench-web-"))
    try:
        plan = Plan(given.stores, given.readers, given.think, given.backlog)
        asyncio.run(measure(plan, root))
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
