"""Watches for many stores that turn bad at once, on the worker that tells of it."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace

from streamproc.events import Suspect, encode_event, suspect_id
from streamproc.program import Program
from streamproc.report.messages import NOW
from streamproc.rules.suspicion import (
    FLEET,
    WITHIN_US,
    Suspicion,
    Turned,
    groups_of,
    grown,
    members,
    still_holds,
    suspicion,
)
from streamproc.rules.units import DAY_US
from streamproc.transport.protocols import producer_of
from streamproc.web.app_thread import AppThread
from streamproc.web.as_of import AsOf
from streamproc.web.cluster.peers import Cluster
from streamproc.web.refusal import Refusal
from streamproc.web.suspicion.answers import SuspectNow, suspect_now
from streamproc.web.suspicion.banners import Banner, banners
from streamproc.web.suspicion.calls import EXPECTED, SUSPECTS, TURNED
from streamproc.webhook.sender import LEADER
from tables.fencing import PartitionLostError

log = logging.getLogger(__name__)

EVERY_S = 2.0
SHOWN_FOR_US = DAY_US


class Suspicions:
    """Tells of a suspicion once, and knows which ones still hold."""

    def __init__(self, program: Program, cluster: Cluster, app: AppThread) -> None:
        self._program = program
        self._cluster = cluster
        self._app = app
        self._is_leader = False

    async def keep_watching(self) -> None:
        """Look every few seconds, until the web stops."""
        while self._program.settings.events:
            await asyncio.sleep(EVERY_S)
            try:
                await self.look()
            except (Refusal, PartitionLostError) as exc:
                log.debug("Suspicions are looked for later: %s", exc)

    async def now(self, now_us: int) -> list[SuspectNow]:
        """The suspicions that hold, asked of the worker that tells of them."""
        return [suspect_now(one, now_us) for one in await self._held()]

    async def shown(
        self, as_of: AsOf = NOW, wheres: Mapping[str, str] | None = None
    ) -> list[Banner]:
        """Those of now as pages show them; none while that worker does not answer.

        ``wheres``: only of the stores with these labels.
        """
        if as_of != NOW:
            return []
        try:
            held = await self._held()
        except Refusal:
            return []  # who does not answer is said on the page by itself
        return banners(held, self._program.now_us(), wheres)

    async def _held(self) -> list[Suspect]:
        held: list[Suspect] = await self._cluster.ask(SUSPECTS, LEADER)
        return held

    async def look(self) -> None:
        """Tell of a new suspicion, and let go of those that are over."""
        program = self._program
        if not program.is_ready() or not program.announced.owns(LEADER):
            self._is_leader, program.suspects = False, ()
            return
        if not self._is_leader:
            told = await self._app.run(_read(program))
            self._is_leader, program.suspects = True, tuple(told)
        now_us = program.now_us()
        await self._renew(now_us)

    async def _renew(self, now_us: int) -> None:
        program = self._program
        held = program.suspects
        since_us = min([now_us - WITHIN_US, *(one.since_us for one in held)])
        turned = await self._turned(now_us, since_us)
        kept = tuple(
            _grown(one, turned)
            for one in held
            if one.at_us > now_us - SHOWN_FOR_US
            and still_holds(_of(one), one.at_us, turned)
        )
        new = await self._new(now_us, kept, turned)
        if (*kept, *new) != held:
            await self._app.run(_tell(program, new, (*kept, *new)))
        program.suspects = (*kept, *new)

    async def _new(
        self, now_us: int, held: tuple[Suspect, ...], turned: list[Turned]
    ) -> tuple[Suspect, ...]:
        """What is suspected now and was not before."""
        known = {
            one.store_id
            for told in held
            for one in members(_of(told).group, turned)
            if one.at_us >= told.since_us
        }
        fresh = [
            one
            for one in turned
            if one.at_us > now_us - WITHIN_US and one.store_id not in known
        ]
        groups = groups_of(fresh)
        if not groups:
            return ()
        parts = await self._cluster.ask_all(
            EXPECTED,
            self._program.settings.partitions,
            as_of_us=now_us,
            groups=list(groups),
        )
        expected = {
            group: sum(part.get(group, 0) for part in parts) for group in groups
        }
        found = suspicion(fresh, expected)
        return () if found is None else (_suspect(found, now_us),)

    async def _turned(self, now_us: int, since_us: int) -> list[Turned]:
        parts = await self._cluster.ask_all(
            TURNED,
            self._program.settings.partitions,
            as_of_us=now_us,
            since_us=since_us,
        )
        return [one for part in parts for one in part]


def _of(told: Suspect) -> Suspicion:
    group = next(iter(told.labels.items()), FLEET)
    return Suspicion(group, told.since_us, told.silent, told.down, told.expected)


def _grown(told: Suspect, turned: list[Turned]) -> Suspect:
    """A suspicion with the counts of now, when more have turned."""
    now = grown(_of(told), turned)
    return replace(told, silent=now.silent, down=now.down, expected=now.expected)


def _suspect(found: Suspicion, now_us: int) -> Suspect:
    label, value = found.group
    return Suspect(
        suspect_id(found.group, found.since_us),
        now_us,
        found.since_us,
        found.silent,
        found.down,
        found.expected,
        {label: value} if label else {},
    )


async def _read(program: Program) -> list[Suspect]:
    """What was told and held when it was looked last; runs in the app's thread."""
    return program.announced.suspects(LEADER)


async def _tell(
    program: Program, new: tuple[Suspect, ...], held: tuple[Suspect, ...]
) -> None:
    """Write the event, then what holds; runs in the app's thread."""
    async with program.announced.exclusive(LEADER):
        if new:
            await producer_of(program.app).append_batch(
                program.topics.events.name,
                LEADER,
                [one.key for one in new],
                [encode_event(one) for one in new],
            )
        await program.announced.keep_suspects(LEADER, held)
    for one in new:
        program.metrics.events.labels(one.kind).inc()
        log.warning(
            "%d of %d stores with %s turned at once: is it what polls them?",
            *(one.stores, one.expected, dict(one.labels) or "any label"),
        )
