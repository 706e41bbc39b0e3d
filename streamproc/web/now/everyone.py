"""What every store is at an instant, kept as long as pages look at it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from streamproc.report.messages import NOW
from streamproc.rules.business import NONE
from streamproc.rules.now import STATES
from streamproc.rules.zones import DEFAULT_ZONE
from streamproc.web.as_of import AsOf
from streamproc.web.cache import Cache
from streamproc.web.cluster.remembered import LostWorker
from streamproc.web.fleet.overview import Overview
from streamproc.web.fleet.refreshing import Overviews
from streamproc.web.now.counts import counted
from streamproc.web.now.fleet import LiveFleet
from streamproc.web.now.states import States, StoreState, joined

FRESH_S = 1.0


@dataclass(frozen=True)
class Everyone:
    """All stores as of an instant, the worst first, then what is so for longest.

    ``lost``: workers that do not answer. ``stale``: ids of their stores, which are told
    of as they were when it did.
    """

    as_of_us: int
    stores: States
    lost: tuple[LostWorker, ...] = ()
    stale: frozenset[str] = frozenset()

    @cached_property
    def rows(self) -> dict[str, int]:
        """Each store's place."""
        return {store_id: row for row, store_id in enumerate(self.stores.store_ids)}

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many stores are in each state, are open, and are known."""
        states = np.bincount(self.stores.state, minlength=len(STATES))
        return counted(states.tolist())

    def of(self, store_id: str) -> StoreState | None:
        """What a store is; None when it is not known yet."""
        row = self.rows.get(store_id)
        return None if row is None else self.stores[row]

    def zone_of(self, store_id: str) -> str:
        """A store's zone; the default one of a store that is not known yet."""
        row = self.rows.get(store_id)
        return DEFAULT_ZONE if row is None else self.stores.zones[row]

    def in_state(self, most: int, *states: int) -> list[StoreState]:
        """The first of those in some states, in order."""
        rows = np.flatnonzero(np.isin(self.stores.state, states))[:most]
        return [self.stores[row] for row in rows.tolist()]


class Everybody:
    """Tells what all stores are: now by the boards, at other instants by overviews."""

    def __init__(self, live: LiveFleet, overviews: Overviews) -> None:
        self._live = live
        self._overviews = overviews
        self.cache: Cache[AsOf, Everyone] = Cache(self._make, FRESH_S)

    async def _make(self, as_of: AsOf) -> Everyone:
        if as_of == NOW:
            return await self._now()
        overview = await self._overviews.get(as_of)
        return Everyone(overview.as_of_us, told_by(overview).ordered())

    async def _now(self) -> Everyone:
        now_us, remembered = self._live.now_us(), self._live.remembered
        parts = await remembered.ask(now_us, as_of_us=now_us)
        gone = [part.answer for part in parts if part.lost is not None]
        stale = frozenset(store_id for some in gone for store_id in some.store_ids)
        lost = remembered.lost if gone else ()
        stores = joined([part.answer for part in parts])
        return Everyone(now_us, stores.ordered(), lost, stale)


def told_by(overview: Overview) -> States:
    """What stores were, by an overview of another instant than now."""
    shard, rows = overview.shard, overview.rows
    zones = [shard.zones[zone] for zone in shard.zone.tolist()]
    usual_us = np.full(len(rows.store_ids), NONE)
    return States(
        rows.store_ids, zones, shard.state, shard.since_us, rows.last, usual_us
    )
