"""What every store is at an instant, kept as long as pages look at it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

from streamproc.report.messages import NOW
from streamproc.rules.business import NONE
from streamproc.rules.now import CLOSED, STATES
from streamproc.rules.zones import DEFAULT_ZONE
from streamproc.web.as_of import AsOf
from streamproc.web.cluster.remembered import LostWorker
from streamproc.web.fleet.overview import Overview
from streamproc.web.fleet.refreshing import Overviews
from streamproc.web.kept import Kept
from streamproc.web.now.calls import StoreNow, Wanted
from streamproc.web.now.fleet import LiveFleet
from streamproc.web.store.names import Directory, Names

FRESH_S = 1.0
MOST = 1 << 31


@dataclass(frozen=True)
class Everyone:
    """All stores as of an instant, the worst first, then what is so for longest.

    ``lost``: workers that do not answer. ``stale``: ids of their stores, which are told
    of as they were when it did.
    """

    as_of_us: int
    stores: Sequence[StoreNow]
    lost: tuple[LostWorker, ...] = ()
    stale: frozenset[str] = frozenset()

    @cached_property
    def of(self) -> dict[str, StoreNow]:
        """What each store is."""
        return {store.store_id: store for store in self.stores}

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many stores are in each state, are open, and are known."""
        found = Counter(store.state for store in self.stores)
        counts = {name: found[number] for number, name in enumerate(STATES)}
        known = len(self.stores)
        return {**counts, "open": known - found[CLOSED], "known": known}

    def zone_of(self, store_id: str) -> str:
        """A store's zone; the default one of a store that is not known yet."""
        found = self.of.get(store_id)
        return DEFAULT_ZONE if found is None else found.zone

    def in_state(self, *states: int) -> list[StoreNow]:
        """Those in some states, in order."""
        return [store for store in self.stores if store.state in states]


class Everybody:
    """Tells what all stores are: now by the boards, at other instants by overviews."""

    def __init__(self, live: LiveFleet, overviews: Overviews, names: Names) -> None:
        self._live = live
        self._overviews = overviews
        self._names = names
        self.kept: Kept[AsOf, Everyone] = Kept(self._make, FRESH_S)

    async def _make(self, as_of: AsOf) -> Everyone:
        if as_of == NOW:
            return await self._now()
        overview = await self._overviews.get(as_of)
        told = told_by(overview, await self._names.all())
        return Everyone(overview.as_of_us, told)

    async def _now(self) -> Everyone:
        now_us, remembered = self._live.now_us(), self._live.remembered
        wanted = asdict(Wanted(now_us, limit=MOST))
        parts = await remembered.ask(now_us, wanted=wanted)
        stores = [store for part in parts for store in part.answer.stores]
        gone = [part.answer.stores for part in parts if part.lost is not None]
        stale = frozenset(store.store_id for some in gone for store in some)
        lost = remembered.lost if gone else ()
        return Everyone(now_us, sorted(stores, key=_order), lost, stale)


def _order(store: StoreNow) -> tuple[int, int, str]:
    return store.order


def told_by(overview: Overview, names: Directory) -> list[StoreNow]:
    """What stores were, by an overview of another instant than now."""
    shard, found = overview.shard, []
    columns = shard.state, shard.since_us, overview.rows.last, shard.zone
    rows = zip(overview.rows.store_ids, *(c.tolist() for c in columns), strict=True)
    for store_id, state, since_us, last, zone in rows:
        labels = names.of(store_id)
        found.append(
            StoreNow(
                store_id,
                state,
                None if since_us == NONE else since_us,
                None if last == NONE else last,
                shard.zones[zone],
                None,
                None,
                labels.name,
                labels.labels,
            )
        )
    return sorted(found, key=_order)
