"""What all routes share: the program, its peers, and what is kept for readers."""

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from faust.types import TP

from streamproc.program import Program
from streamproc.report import record
from streamproc.report.record import Report
from streamproc.transport.partitioner import partition_for
from streamproc.web.calls import (
    ALL_REPORTS,
    ONE_REPORT,
    REPORT_PARTITION,
    STORE_DATA,
    StoreData,
)
from streamproc.web.cluster import Cluster
from streamproc.web.overview import Overviews
from streamproc.web.refusal import Refusal
from streamproc.web.store import StoreView

T = TypeVar("T")

RATE_OVER_S = 15.0
SAMPLE_S = 1.0


class Site:
    """The web's state; lives in the web's own thread and event loop."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.cluster = Cluster(program)
        self.cluster.status = self.status
        self.overviews = Overviews(program, self.cluster)
        self.lag: dict[TP, int] = {}
        self._samples: deque[tuple[float, float]] = deque()

    async def on_app(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine where the producer and the consumer live."""
        loop = self.program.app.loop
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))

    def partition_of(self, store_id: str) -> int:
        """Partition of a store."""
        return partition_for(store_id.encode(), self.program.settings.partitions)

    async def view(self, store_id: str, as_of: str | int) -> StoreView:
        """One store; it may turn out that nothing is known of it."""
        as_of_us = await self.overviews.resolve(as_of)
        return (await self.views([store_id], as_of_us))[0]

    async def views(self, store_ids: list[str], as_of_us: int) -> list[StoreView]:
        """Many stores, in the same order; each owner is asked once."""
        groups: dict[int, list[str]] = {}
        for store_id in store_ids:
            groups.setdefault(self.partition_of(store_id), []).append(store_id)
        answers = await asyncio.gather(
            *(
                self.cluster.ask(
                    STORE_DATA, partition, store_ids=ids, as_of_us=as_of_us
                )
                for partition, ids in groups.items()
            )
        )
        data: dict[str, StoreData] = {}
        for ids, found in zip(groups.values(), answers, strict=True):
            data.update(zip(ids, found, strict=True))
        rules = self.program.settings.rules
        return [StoreView(i, data[i], as_of_us, rules) for i in store_ids]

    async def reports(self) -> list[Report]:
        """All reports, newest first."""
        found = await self.cluster.ask(ALL_REPORTS, REPORT_PARTITION)
        return sorted(found, key=lambda r: (r.created_us, r.report_id), reverse=True)

    async def report(self, report_id: str) -> Report | None:
        """One report, or None."""
        found = await self.cluster.ask(
            ONE_REPORT, REPORT_PARTITION, report_id=report_id
        )
        return found[0] if found else None

    # -- how the worker is doing -----

    def sample(self) -> None:
        """Note how many polls were dealt with so far."""
        now = time.monotonic()
        count = self.program.metrics.polls
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
        if self.program.is_ready():
            self.lag = await self.on_app(self._lag())

    async def _lag(self) -> dict[TP, int]:
        program = self.program
        topics = program.topics
        sources = {t.name for t in (topics.polls, topics.hours, topics.zones)}
        tps = [tp for tp in program.app.consumer.assignment() if tp.topic in sources]
        ends = await program.app.consumer.highwaters(*tps)
        return {tp: await program.behind(tp, ends[tp] or 0) for tp in tps}

    def lag_seconds(self) -> dict[TP, float]:
        """How far behind in time: the age of what was dealt with last."""
        now_ms = time.time() * 1000
        seen = dict(self.program.consumed_ms)
        return {
            tp: max(now_ms - seen[tp], 0) / 1000 if behind and tp in seen else 0.0
            for tp, behind in self.lag.items()
        }

    def rate(self) -> float:
        """Polls per second, lately."""
        if len(self._samples) < 2:
            return 0.0
        (begin, first), (end, last) = self._samples[0], self._samples[-1]
        return (last - first) / (end - begin)

    def status(self) -> dict[str, Any]:
        """What this worker tells the others of itself."""
        polls = self.program.topics.polls.name
        seen = dict(self.program.consumed_ms)
        arrived = [ms for tp, ms in seen.items() if tp.topic == polls]
        return {
            "ready": self.program.is_ready(),
            "polls_per_s": round(self.rate(), 1),
            "lag_records": sum(self.lag.values()),
            "lag_s": round(max(self.lag_seconds().values(), default=0.0), 1),
            "last_arrival_ms": max(arrived, default=None),
        }

    async def flow(self) -> dict[str, Any]:
        """How polls come in, over all workers."""
        told = await self.cluster.statuses()
        known = [status for status in told.values() if status is not None]
        arrived = [s["last_arrival_ms"] for s in known if s["last_arrival_ms"]]
        return {
            "polls_per_s": round(sum(s["polls_per_s"] for s in known), 1),
            "lag_records": sum(s["lag_records"] for s in known),
            "lag_s": max((s["lag_s"] for s in known), default=0.0),
            "last_arrival_us": max(arrived) * 1000 if arrived else None,
            "workers": len(told),
            "silent_workers": len(told) - len(known),
        }

    async def keep_measuring(self) -> None:
        """Sample rate and lag until the web stops."""
        while True:
            self.sample()
            await self.measure_lag()
            await asyncio.sleep(SAMPLE_S)

    async def warm_up(self) -> None:
        """Compute the first overview as soon as that is possible."""
        while not self.program.is_ready():  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.1)
        with suppress(Refusal):
            await self.overviews.get(record.NOW)
