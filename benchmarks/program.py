"""The program on a load: ``python -m benchmarks.program DATA_DIR BROKER``.

A whole worker, all validation on. Timed from the first batch handed to the
agent until every poll of its partitions is in its table and committed.

With ``--board`` somebody asks every second what all stores are now, as if the load
were of today.

With ``--workers N`` it is one of N that share the load: it says JOINED when it
has its share of the partitions and begins at a line on its standard input; it
says DONE and stays in the group until there is another.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faust.types import TP

from agents import polls as polls_agent
from agents.polls import Sorted
from benchmarks.measure import tell
from streamproc import settings
from streamproc.program import Program
from streamproc.settings import Settings
from streamproc.transport.batch import Batch
from streamproc.transport.kafka.driver import Consumer
from streamproc.worker import app, process

JOINED, DONE = "JOINED", "DONE"
_sort = polls_agent.sort
_first: list[float] = []
_cpu: list[float] = []


def load(
    data_dir: Path, broker: str, app_id: str | None = None, prefix: str | None = None
) -> Settings:
    """Settings of a benchmark's worker: defaults, without reports and web."""
    names = {"app_id": app_id, "topic_prefix": prefix}
    place = {"data_dir": data_dir, "broker": broker}
    return settings.load({**place, **names, "hourly": "off", "web": "off"}, {})


def _timed(program: Program, batch: Batch) -> Sorted:
    if not _first:
        _first.append(time.perf_counter())
        _cpu.append(time.process_time())
    return _sort(program, batch)


def _partitions(program: Program) -> list[TP]:
    name = program.topics.polls.name
    return [tp for tp in program.app.consumer.assignment() if tp.topic == name]


async def until_committed(program: Program) -> dict[str, float]:
    """Wait until its partitions are dealt with and committed; return the figures."""
    consumer = program.app.consumer
    ends: Mapping[TP, int] = await consumer.highwaters(*_partitions(program))
    while any(program.consumed.get(tp, -1) + 1 < end for tp, end in ends.items()):
        await asyncio.sleep(0.005)
    while any(consumer._committed_offset.get(tp) != end for tp, end in ends.items()):
        await consumer.commit()
        await asyncio.sleep(0)
    last, cpu = time.perf_counter(), time.process_time() - _cpu[0]
    polls = program.metrics.polls.labels("accepted")._value.get()
    first = _first[0]
    return {
        "polls": polls,
        "seconds": last - first,
        "first": first,
        "last": last,
        "cpu": cpu,
    }


async def _say(word: str) -> None:
    """Say a word, and wait for a line."""
    assert sys.__stdout__ is not None  # Faust redirects sys.stdout to its log
    print(word, file=sys.__stdout__, flush=True)
    await asyncio.to_thread(sys.stdin.readline)


class Gate:
    """Keeps a worker from the polls until all have joined."""

    def __init__(self, program: Program, workers: int) -> None:
        self._program = program
        self._share = program.settings.partitions // workers
        self._open = False

    def close(self) -> None:
        """Let the consumer ask for anything but polls."""
        getmany, polls = Consumer._getmany, self._program.topics.polls.name

        async def without(
            consumer: Consumer,
            active_partitions: set[TP] | None,
            timeout: float,  # noqa: ASYNC109 - Faust's signature
        ) -> dict[TP, list[Any]]:
            if self._open:
                return await getmany(consumer, active_partitions, timeout)
            others = {tp for tp in active_partitions or () if tp.topic != polls}
            await asyncio.sleep(0 if others else timeout)
            return await getmany(consumer, others, timeout) if others else {}

        # Of the class, since the consumer is made later, in the worker's loop.
        Consumer._getmany = without  # type: ignore[assignment, method-assign]

    async def pass_through(self) -> None:
        """Wait for the share of partitions, then for the starting line."""
        while not (
            self._program.is_ready() and len(_partitions(self._program)) == self._share
        ):
            await asyncio.sleep(0.05)
        assert sys.__stdout__ is not None  # Faust redirects sys.stdout to its log
        print(JOINED, file=sys.__stdout__, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        self._open = True


async def _ask_the_board(program: Program) -> None:
    """Ask what all stores are now, every second and once more at the end."""

    def views() -> None:
        for partition in program.histories.partitions_owned():
            program.boards.view(partition, program.now_us())

    try:
        while True:
            await asyncio.to_thread(views)
            await asyncio.sleep(1.0)
    finally:
        views()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("broker")
    parser.add_argument("--app-id")
    parser.add_argument("--prefix")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--board", type=int, help="microseconds of now")
    return parser.parse_args()


def main() -> None:
    """Run a worker on an already filled log until it has consumed the load."""
    given = _arguments()
    polls_agent.sort = _timed
    program = app.build(load(given.data_dir, given.broker, given.app_id, given.prefix))
    if given.board:
        program.now_us = lambda: given.board
    gate = Gate(program, given.workers) if given.workers > 1 else None
    if gate:
        gate.close()

    async def accompany(running: Program) -> None:
        await running.until_ready()
        if gate:
            await gate.pass_through()
        asking = None
        if given.board:
            asking = asyncio.create_task(_ask_the_board(running))
        figures = await until_committed(running)
        if asking is not None:
            asking.cancel()
            await asyncio.wait([asking])
        if gate:
            await _say(DONE)
        tell(**figures)

    sys.exit(process.run(program, accompany))


if __name__ == "__main__":
    main()
