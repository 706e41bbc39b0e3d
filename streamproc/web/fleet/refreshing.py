"""Overviews that are looked at: computed in the background, kept a few seconds."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from streamproc.errors import ReportFailedError
from streamproc.program import Program
from streamproc.web.as_of import AsOf, Instants
from streamproc.web.cluster.peers import Cluster
from streamproc.web.fleet import shard
from streamproc.web.fleet.overview import Overview
from streamproc.web.fleet.shard import SHARD
from streamproc.web.refusal import Refusal

log = logging.getLogger(__name__)

FRESH_S = 5.0
SHARE = 0.03
"""How much of the time may be spent on refreshing."""

KEPT = 6


@dataclass
class _Entry:
    """One as-of: what was computed last, and the computation under way."""

    overview: Overview | None = None
    made_at: float = 0.0
    took_s: float = 0.0
    task: "asyncio.Task[Overview] | None" = None

    @property
    def lasts_s(self) -> float:
        """How long it is good for; an empty one is made anew at once."""
        if self.overview is None or not len(self.overview.rows):
            return -FRESH_S
        return max(FRESH_S, self.took_s / SHARE)


class Overviews:
    """The overviews that are being looked at, refreshed while they are."""

    def __init__(self, program: Program, cluster: Cluster, instants: Instants) -> None:
        self._program = program
        self._cluster = cluster
        self._instants = instants
        self._entries: OrderedDict[AsOf, _Entry] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()
        #: Told of every new overview.
        self.on_new: Callable[[Overview], Awaitable[None]] | None = None

    async def get(self, as_of: AsOf) -> Overview:
        """The overview, a few seconds old at most while somebody looks.

        One older than that is still given out while a newer one is being made,
        unless it is twice as old as it should be.
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
            entry.task.add_done_callback(_note_failure)
        if entry.overview is not None and age < 2 * entry.lasts_s + FRESH_S:
            return entry.overview
        return await asyncio.shield(entry.task)

    def _forget(self) -> None:
        """Keep few: each instant somebody asks for costs memory."""
        for as_of in list(self._entries):
            if len(self._entries) <= KEPT:
                return
            if self._entries[as_of].task is None:
                del self._entries[as_of]

    async def _refresh(self, as_of: AsOf, entry: _Entry) -> Overview:
        try:
            async with self._one_at_a_time:
                started = time.monotonic()
                overview = await self._compute(as_of)
                entry.overview = overview
                entry.made_at = time.monotonic()
                entry.took_s = entry.made_at - started
                return overview
        finally:
            entry.task = None

    async def _compute(self, as_of: AsOf) -> Overview:
        count = self._program.settings.partitions
        as_of_us = await self._instants.resolve(as_of)
        try:
            shards = await self._cluster.ask_all(SHARD, count, as_of_us=as_of_us)
        except ReportFailedError as exc:
            raise Refusal(422, "too-old", f"{exc}.") from exc
        joined = await asyncio.to_thread(shard.join, shards)
        return Overview(as_of_us, joined, self._program.settings.rules)


def _note_failure(task: "asyncio.Task[Overview]") -> None:
    """A refresh nobody waits for fails quietly; the next reader tries again."""
    if not task.cancelled() and task.exception() is not None:
        log.debug("Overview not refreshed: %r", task.exception())
