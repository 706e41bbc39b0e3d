"""Live latency: ``python -m benchmarks.latency DATA_DIR BROKER APP_ID SECONDS RATE``.

From the moment a producer in another process has a poll's acknowledgement to the
moment the poll is in the worker's table, changelog and all. Each poll is a different
microsecond, by which it is found again.
"""

import asyncio
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.measure import tell
from benchmarks.program import load
from streamproc.cells import Cells
from streamproc.clock import wall_clock_us
from streamproc.program import Program
from streamproc.rules import packing
from streamproc.rules.history import Segments
from streamproc.rules.poll import Poll, encode_poll
from streamproc.topics import topics_for
from streamproc.transport.client import Client
from streamproc.transport.connect import connect
from streamproc.transport.topic import Topic
from streamproc.worker import app, process
from tables.histories import Added

STORES = 14_000
PRODUCER = "--produce"
WARM_UP_S = 3.0
TICK_S = 0.005
LIMIT_S = 30.0


async def produce(data_dir: Path, broker: str, app_id: str, *plan: float) -> None:
    """Publish polls evenly; keep when each was acknowledged."""
    seconds, rate = plan
    given = load(data_dir, broker, app_id, f"{app_id}-")
    client = await connect(given)
    acked: list[tuple[int, float]] = []
    begin_us, started, sent = wall_clock_us(), time.perf_counter(), 0

    async def send(polls: list[Poll]) -> None:
        await _publish(client, topics_for(given).polls, polls)
        now = time.perf_counter()
        acked.extend((poll.time_us, now) for poll in polls)

    async with asyncio.TaskGroup() as group:
        while (elapsed := time.perf_counter() - started) < seconds:
            due = int(elapsed * rate)
            polls = [
                Poll(str(10**18 + n % STORES), begin_us + n, True)
                for n in range(sent, due)
            ]
            if polls:
                group.create_task(send(polls))
            sent = due
            await asyncio.sleep(TICK_S)
    await client.close()
    np.save(data_dir / "acked.npy", np.array(acked))


async def _publish(client: Client, topic: Topic, polls: list[Poll]) -> None:
    keys = [poll.store_id.encode() for poll in polls]
    await client.publish(topic, keys, [encode_poll(poll) for poll in polls])


class Seen:
    """When each poll came into the table."""

    def __init__(self, program: Program) -> None:
        self._at: dict[int, float] = {}
        self._add = program.histories.add
        program.histories.add = self._noted  # type: ignore[method-assign]

    async def _noted(
        self,
        partition: int,
        store_ids: Cells,
        segments: Segments,
        newest_us: int,
    ) -> Added:
        added = await self._add(partition, store_ids, segments, newest_us)
        now = time.perf_counter()
        for value in segments.values:
            for packed in packing.unpack(value).tolist():
                self._at[packing.time_of(packed)] = now
        return added

    def missing(self, times_us: Iterable[float]) -> bool:
        """Whether some of the polls are not there yet."""
        return any(time_us not in self._at for time_us in times_us)

    def tell(self, acked: npt.NDArray[np.float64]) -> None:
        """Tell the latencies in milliseconds, without those of the first seconds."""
        acked = acked[acked[:, 1] >= acked[:, 1].min() + WARM_UP_S]
        at = np.array([self._at[time_us] for time_us in acked[:, 0].tolist()])
        waits = (at - acked[:, 1]) * 1000
        p50, p99, most = np.percentile(waits, [50, 99, 100]).tolist()
        tell(polls=len(waits), p50_ms=p50, p99_ms=p99, max_ms=most)


async def _until_seen(seen: Seen, command: list[str], data_dir: Path) -> None:
    producer = await asyncio.create_subprocess_exec(sys.executable, *command)
    if await producer.wait():
        raise RuntimeError("the producer failed")
    acked = np.load(data_dir / "acked.npy")
    async with asyncio.timeout(LIMIT_S):
        while seen.missing(acked[:, 0].tolist()):
            await asyncio.sleep(TICK_S)
    seen.tell(acked)


def main() -> None:
    """Run the worker, and the producer beside it; or be the producer."""
    arguments = [a for a in sys.argv[1:] if a != PRODUCER]
    data_dir, broker, app_id = Path(arguments[0]), arguments[1], arguments[2]
    if PRODUCER in sys.argv:
        asyncio.run(produce(data_dir, broker, app_id, *map(float, arguments[3:])))
        return
    program = app.build(load(data_dir, broker, app_id, f"{app_id}-"))
    seen = Seen(program)
    command = ["-m", "benchmarks.latency", PRODUCER, *arguments]

    async def accompany(running: Program) -> None:
        await running.until_ready()
        await _until_seen(seen, command, data_dir)

    sys.exit(process.run(program, accompany))


if __name__ == "__main__":
    main()
