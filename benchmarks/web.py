"""Readers beside a running ingest: how long they wait, and what they cost.

    python -m benchmarks.web [--stores 14000] [--readers 50] [--think 5]

A worker process takes in 14,000 stores with a week of hourly polls; then it is
stopped, finds a backlog of polls of every five minutes, and works it off as fast as it
can. In every other slot of some seconds, readers in a process of their own
(``readers``) look at the pages. Prints how long they waited, and the rate with and
without them: slots make both suffer the same neighbours. ``--think``: seconds a reader
looks at a page on average, 5 as people do; 0 is the hardest.
"""

import argparse
import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson

from benchmarks import loads, machine
from benchmarks.readers import GO, WAIT, store_id
from streamproc import settings as settings_of
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.connect import connect

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
STEP_US = 5 * MINUTE_US
PORT = 6199
SLOT_S = 2.0
SETTLE_S = 0.5
URL = f"http://127.0.0.1:{PORT}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured; ``backlog``: polls."""

    stores: int
    readers: int
    think_s: float
    backlog: int

    @property
    def ids(self) -> list[str]:
        """Of all stores."""
        return [store_id(number) for number in range(self.stores)]

    @property
    def rounds(self) -> int:
        """Polls of each store that wait."""
        return self.backlog // self.stores


class Worker:
    """The worker process."""

    def __init__(self, root: Path) -> None:
        self._log = (root / "worker.log").open("ab")
        command = [sys.executable, "-m", "streamproc", "worker"]
        options = ["--data-dir", str(root / "data"), "--web-port", str(PORT)]
        self._process = subprocess.Popen(
            [*command, *options, "--no-hourly"], stdout=self._log, stderr=self._log
        )

    def cpu_s(self) -> float:
        """CPU seconds it has used."""
        return machine.cpu_s(self._process.pid)

    def stop(self) -> None:
        """Stop it, and wait."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)
        self._log.close()


class Readers:
    """The readers' process."""

    def __init__(self, plan: Plan) -> None:
        given = map(str, (plan.stores, plan.readers, plan.think_s))
        command = [sys.executable, "-m", "benchmarks.readers", URL, *given]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def tell(self, word: str) -> None:
        """Let them read, or wait."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def end(self) -> dict[str, list[float]]:
        """How long they waited, in milliseconds, by kind of page."""
        told, _ = self._process.communicate(timeout=60)
        found: dict[str, list[float]] = orjson.loads(told)
        return found


@dataclass
class Slots:
    """What was done in all slots of one kind."""

    polls: float = 0.0
    seconds: float = 0.0
    cpu_s: float = 0.0
    rates: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Polls per second."""
        return self.polls / max(self.seconds, 1e-9)

    def __str__(self) -> str:
        """The figures, and the rates of all slots in thousands."""
        cores = self.cpu_s / max(self.seconds, 1e-9)
        each_us = 1e6 * self.cpu_s / max(self.polls, 1)
        rates = " ".join(f"{rate / 1e3:.0f}" for rate in self.rates)
        return f"{self.rate:,.0f} polls/s, {cores:.2f} cores, {each_us:.2f} us; {rates}"


async def _get(client: aiohttp.ClientSession, path: str) -> bytes:
    """A page, as soon as the worker shows it."""
    while True:
        try:
            async with client.get(URL + path) as response:
                body = await response.read()
                if response.status == 200:
                    return body
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.05)


async def dealt_with(client: aiohttp.ClientSession) -> float:
    """Polls the worker has dealt with."""
    lines = (await _get(client, "/metrics")).decode().splitlines()
    name = "streamproc_polls_total"
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


async def left(client: aiohttp.ClientSession) -> int:
    """Records that wait."""
    found: int = orjson.loads(await _get(client, "/api/v1/status"))["lag_records"]
    return found


async def take_in(root: Path) -> None:
    """Let a worker take in all that there is."""
    worker = Worker(root)
    try:
        async with aiohttp.ClientSession() as client:
            await _get(client, "/ready")
            while await left(client):
                await asyncio.sleep(0.1)
    finally:
        worker.stop()


async def work_off(
    client: aiohttp.ClientSession, worker: Worker, readers: Readers, expected: int
) -> dict[bool, Slots]:
    """Measure until all is dealt with; readers read in every other slot."""
    slots, reading = {False: Slots(), True: Slots()}, False
    while True:
        await asyncio.sleep(SETTLE_S)
        before, cpu_s = await dealt_with(client), worker.cpu_s()
        began = time.monotonic()
        await asyncio.sleep(SLOT_S)
        after = await dealt_with(client)
        if after >= expected:
            readers.tell(WAIT)
            return slots  # it ended somewhere in this slot
        slot, passed_s = slots[reading], time.monotonic() - began
        slot.polls += after - before
        slot.seconds += passed_s
        slot.cpu_s += worker.cpu_s() - cpu_s
        slot.rates.append((after - before) / passed_s)
        reading = not reading
        readers.tell(GO if reading else WAIT)


async def measure(root: Path, plan: Plan) -> None:
    """Work off the backlog; tell how it went, and how long the readers waited."""
    worker, readers = Worker(root), Readers(plan)
    try:
        async with aiohttp.ClientSession() as client:
            for path in ("/health", "/", "/stores", f"/stores/{plan.ids[0]}"):
                began = time.monotonic()
                await _get(client, path)
                say(f"  first {path[:8]:9} {time.monotonic() - began:.2f} s")
            slots = await work_off(client, worker, readers, plan.rounds * plan.stores)
    finally:
        waits = readers.end()
        worker.stop()
    for kind, found in sorted(waits.items()):
        found.sort()
        p50, p99 = found[len(found) // 2], found[int(len(found) * 0.99)]
        say(f"  {kind:10} {len(found):6} pages  p50 {p50:6.1f} ms  p99 {p99:6.1f} ms")
    alone, beside = slots[False], slots[True]
    say(f"  alone        {alone}")
    say(f"  with readers {beside}")
    kept = 100 * beside.rate / max(alone.rate, 1e-9)
    say(f"  ingest keeps {kept:.0f} % of its rate")


async def publish(
    settings: Settings, some: Iterator[tuple[list[bytes], list[bytes]]]
) -> None:
    """Append polls."""
    client = await connect(settings)
    await client.create_topics(topics_for(settings))
    for keys, values in some:
        await client.publish(topics_for(settings).polls, keys, values)
    await client.close()


async def run(plan: Plan, root: Path) -> None:
    """A week of history, then a backlog with readers in every other slot."""
    settings = settings_of.load({"data_dir": str(root / "data")}, {})
    begin_us = time.time_ns() // 1000 - (plan.rounds + 1) * STEP_US
    week = loads.rounds(plan.ids, begin_us - 168 * HOUR_US, HOUR_US, 167)
    await publish(settings, week)
    await take_in(root)
    await publish(settings, loads.rounds(plan.ids, begin_us, STEP_US, plan.rounds))
    say(
        f"{plan.stores} stores, {plan.rounds * plan.stores} polls wait,"
        f" {plan.readers} readers look at a page for {plan.think_s:g} s"
    )
    await measure(root, plan)


def say(line: str) -> None:
    """One line of the result."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", type=int, default=14_000)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--think", type=float, default=5.0)
    parser.add_argument("--backlog", type=int, default=16_800_000)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="bench-web-"))
    try:
        plan = Plan(given.stores, given.readers, given.think, given.backlog)
        asyncio.run(run(plan, root))
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
