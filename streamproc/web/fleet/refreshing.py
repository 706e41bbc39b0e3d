"""Overviews that are looked at: computed in the background, kept a few seconds."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass

from streamproc.errors import ReportFailedError
from streamproc.pace import SHARE
from streamproc.program import Program
from streamproc.web.as_of import AsOf, Instants
from streamproc.web.budget import Budget
from streamproc.web.cache import note_failure
from streamproc.web.cluster.peers import Cluster
from streamproc.web.fleet import shard
from streamproc.web.fleet.overview import Overview
from streamproc.web.fleet.shard import SHARD
from streamproc.web.refusal import Refusal

FRESH_S = 5.0
KEPT = 4
"""Overviews of explicit instants that are kept; each costs memory."""

BURST_S = 1.0
"""Work on explicit instants that may be done at once, after a pause."""

MAX_WAITING = 8
"""Explicit instants that wait for their turn."""


@dataclass
class _Entry:
    """One as-of: what was computed last, and the computation under way."""

    overview: Overview | None = None
    made_at: float = 0.0
    took_s: float = 0.0
    task: "asyncio.Task[Overview] | None" = None
    readers: int = 0
    """How many wait for the computation under way."""

    @property
    def lasts_s(self) -> float:
        """How long it is good for; an empty one is made anew at once."""
        if self.overview is None or not len(self.overview.rows):
            return -FRESH_S
        return max(FRESH_S, self.took_s / SHARE)


class Overviews:
    """The overviews that are being looked at, refreshed while they are.

    ``now`` and ``latest`` come first. Explicit instants, of which anybody can make up
    as many as they like, wait for one another, together never take more than
    ``SHARE`` of the time, and are given up when nobody waits for them any more.
    """

    def __init__(self, program: Program, cluster: Cluster, instants: Instants) -> None:
        self._program = program
        self._cluster = cluster
        self._instants = instants
        self._entries: OrderedDict[AsOf, _Entry] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()
        self._one_instant = asyncio.Lock()
        self._instants_waiting = 0
        self._budget = Budget(SHARE, BURST_S)

    async def get(self, as_of: AsOf) -> Overview:
        """The overview, a few seconds old at most while somebody looks.

        One older than that is still given out while a newer one is being made,
        unless it is twice as old as it should be. Raises a 503 Refusal when an
        explicit instant may not be computed now.
        """
        entry = self._entries.setdefault(as_of, _Entry())
        self._entries.move_to_end(as_of)
        self._forget()
        age = time.monotonic() - entry.made_at
        if entry.overview is not None:
            self._cluster.require_ready()
            if age < entry.lasts_s:
                return entry.overview
        if entry.task is None:
            entry.task = asyncio.create_task(self._refresh(as_of, entry))
            entry.task.add_done_callback(note_failure)
        if entry.overview is not None and age < 2 * entry.lasts_s + FRESH_S:
            return entry.overview
        return await self._wait(as_of, entry, entry.task)

    async def _wait(
        self, as_of: AsOf, entry: _Entry, task: "asyncio.Task[Overview]"
    ) -> Overview:
        """Wait with the others; the last to leave ends the work on an instant."""
        entry.readers += 1
        try:
            return await asyncio.shield(task)
        finally:
            entry.readers -= 1
            if isinstance(as_of, int) and not entry.readers and not task.done():
                task.cancel()
                entry.task = None

    def _forget(self) -> None:
        """Keep few instants; ``now`` and ``latest`` stay."""
        instants = [as_of for as_of in self._entries if isinstance(as_of, int)]
        for as_of in instants[:-KEPT]:
            if self._entries[as_of].task is None:
                del self._entries[as_of]

    async def _refresh(self, as_of: AsOf, entry: _Entry) -> Overview:
        try:
            if isinstance(as_of, int):
                return await self._refresh_instant(as_of, entry)
            return await self._renew(as_of, entry)
        finally:
            if entry.task is asyncio.current_task():
                entry.task = None

    async def _refresh_instant(self, as_of: int, entry: _Entry) -> Overview:
        """Compute an explicit instant when its turn comes, within the budget."""
        self._require_budget()
        if self._instants_waiting >= MAX_WAITING:
            raise _busy(2)
        self._instants_waiting += 1
        try:
            async with self._one_instant:
                self._require_budget()
                return await self._renew(as_of, entry)
        finally:
            self._instants_waiting -= 1

    def _require_budget(self) -> None:
        wait_s = self._budget.wait_s(time.monotonic())
        if wait_s:
            raise _busy(wait_s)

    async def _renew(self, as_of: AsOf, entry: _Entry) -> Overview:
        async with self._one_at_a_time:
            started = time.monotonic()
            try:
                overview = await self._compute(as_of)
            finally:
                ended = time.monotonic()
                if isinstance(as_of, int):
                    self._budget.spend(ended - started, ended)
            entry.overview = overview
            entry.made_at = ended
            entry.took_s = ended - started
            return overview

    async def _compute(self, as_of: AsOf) -> Overview:
        count = self._program.settings.partitions
        as_of_us = await self._instants.resolve(as_of)
        try:
            shards = await self._cluster.ask_all(SHARD, count, as_of_us=as_of_us)
        except ReportFailedError as exc:
            raise Refusal(422, "too-old", f"{exc}.") from exc
        joined = await asyncio.to_thread(shard.join, shards)
        return Overview(as_of_us, joined, self._program.settings.rules)


def _busy(wait_s: int) -> Refusal:
    why = "Other instants are being looked at; now and latest are answered first."
    return Refusal(503, "busy", why, retry_after_s=wait_s)
