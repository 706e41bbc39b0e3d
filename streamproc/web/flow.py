"""How polls come in: the rate, and how far behind the workers are."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from faust.types import TP

from streamproc.program import Program
from streamproc.web.cluster.peers import Cluster
from streamproc.web.cluster.status import Status

T = TypeVar("T")

RATE_OVER_S = 15.0
SAMPLE_S = 1.0

BEHIND_S = 10.0
"""Polls that wait longer are a backlog that is being worked off."""

OnApp = Callable[[Coroutine[Any, Any, T]], Awaitable[T]]
"""Runs a coroutine where the producer and the consumer live."""


@dataclass(frozen=True, slots=True)
class Flow:
    """How polls come in, over all workers."""

    polls_per_s: float
    lag_records: int
    lag_s: float
    last_arrival_us: int | None
    workers: int
    silent_workers: int


@dataclass(frozen=True, slots=True)
class Left:
    """Polls that wait, over all workers, and about how long they will.

    ``about_s``: None as long as the rate is not known. ``reached_us``: all polls that
    came up to then are dealt with; None as long as that is not known.
    """

    polls: int
    about_s: float | None
    reached_us: int | None = None


def left_of(statuses: Iterable[Status]) -> Left | None:
    """What is left of a backlog; None without one."""
    behind = [status for status in statuses if status.left_polls]
    if not behind:
        return None
    # Each works off its own: the slowest is the last.
    times = [s.left_polls / s.polls_per_s if s.polls_per_s else None for s in behind]
    known = [time for time in times if time is not None]
    about_s = round(max(known), 1) if len(known) == len(times) else None
    reached = [status.reached_ms for status in behind]
    until = [ms * 1_000 for ms in reached if ms is not None]
    reached_us = min(until) if len(until) == len(reached) else None
    return Left(sum(status.left_polls for status in behind), about_s, reached_us)


class FlowMeter:
    """Measures this worker, and asks the others what they have measured."""

    def __init__(self, program: Program, cluster: Cluster, on_app: OnApp[Any]) -> None:
        self._program = program
        self._cluster = cluster
        self._on_app = on_app
        #: Records behind, by partition, as measured last.
        self.lag: dict[TP, int] = {}
        self._samples: deque[tuple[float, float]] = deque()
        self._left: tuple[float, Left | None] = (-math.inf, None)

    def sample(self) -> None:
        """Note how many polls were dealt with so far."""
        now = time.monotonic()
        count = self._program.metrics.polls
        total = sum(
            sample.value
            for metric in count.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        )
        self._samples.append((now, total))
        while now - self._samples[0][0] > RATE_OVER_S:
            self._samples.popleft()

    async def measure_lag(self) -> None:
        """Ask the consumer how far behind it is, by partition."""
        if self._program.is_ready():
            self.lag = await self._on_app(self._lag())

    async def _lag(self) -> dict[TP, int]:
        program = self._program
        sources = {topic.name for topic in program.topics.inputs}
        tps = [tp for tp in program.app.consumer.assignment() if tp.topic in sources]
        ends = await program.app.consumer.highwaters(*tps)
        return {tp: await program.behind(tp, ends[tp] or 0) for tp in tps}

    def lag_seconds(self) -> dict[TP, float]:
        """How far behind in time: the age of what was dealt with last."""
        now_ms = time.time() * 1000
        seen = dict(self._program.consumed_ms)
        return {
            tp: max(now_ms - seen[tp], 0) / 1000 if behind and tp in seen else 0.0
            for tp, behind in self.lag.items()
        }

    def waiting(self) -> dict[TP, int]:
        """Polls that wait here, of partitions where they do so for some time."""
        polls = self._program.topics.polls.name
        waiting = self.lag_seconds()
        # Of what nothing was dealt with yet, nobody knows how long it waits.
        return {
            tp: behind
            for tp, behind in self.lag.items()
            if tp.topic == polls
            and behind
            and (waiting[tp] > BEHIND_S or tp not in self._program.consumed_ms)
        }

    def left_polls(self) -> int:
        """How many those are."""
        return sum(self.waiting().values())

    def _reached_ms(self, waiting: Iterable[TP]) -> int | None:
        """Until when all that came is dealt with, of those partitions."""
        seen = self._program.consumed_ms
        reached = [seen.get(tp) for tp in waiting]
        known = [ms for ms in reached if ms is not None]
        return min(known) if known and len(known) == len(reached) else None

    async def catching_up(self) -> Left | None:
        """What is left of a backlog, over all workers; None without one.

        Up to a second old, as many readers may ask.
        """
        made_at, left = self._left
        if time.monotonic() - made_at > SAMPLE_S:
            told = await self._cluster.statuses()
            left = left_of(status for status in told.values() if status is not None)
            self._left = time.monotonic(), left
        return left

    def rate(self) -> float:
        """Polls per second, lately."""
        if len(self._samples) < 2:
            return 0.0
        (begin, first), (end, last) = self._samples[0], self._samples[-1]
        return (last - first) / (end - begin)

    def status(self) -> Status:
        """What this worker tells the others of itself."""
        polls = self._program.topics.polls.name
        seen = dict(self._program.consumed_ms)
        arrived = [ms for tp, ms in seen.items() if tp.topic == polls]
        waiting = self.waiting()
        return Status(
            self._program.is_ready(),
            round(self.rate(), 1),
            sum(self.lag.values()),
            round(max(self.lag_seconds().values(), default=0.0), 1),
            max(arrived, default=None),
            sum(waiting.values()),
            self._reached_ms(waiting),
        )

    async def of_all(self) -> Flow:
        """How polls come in, over all workers."""
        told = await self._cluster.statuses()
        known = [status for status in told.values() if status is not None]
        arrived = [s.last_arrival_ms for s in known if s.last_arrival_ms]
        return Flow(
            round(sum(s.polls_per_s for s in known), 1),
            sum(s.lag_records for s in known),
            max((s.lag_s for s in known), default=0.0),
            max(arrived) * 1000 if arrived else None,
            len(told),
            len(told) - len(known),
        )

    async def keep_measuring(self) -> None:
        """Sample rate and lag until the web stops."""
        while True:
            self.sample()
            await self.measure_lag()
            await asyncio.sleep(SAMPLE_S)
