"""What every store is at an instant, kept as long as pages look at it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from streamproc.report.messages import NOW
from streamproc.rules.now import CLOSED, DOWN, NO_DATA, SILENT, STATES, UP
from streamproc.rules.status import STATES as SPOKEN
from streamproc.rules.timeline import UNKNOWN
from streamproc.rules.zones import DEFAULT_ZONE
from streamproc.web.as_of import AsOf
from streamproc.web.fleet.overview import Overview
from streamproc.web.fleet.refreshing import Overviews
from streamproc.web.kept import Kept
from streamproc.web.now.calls import StoreNow, Wanted
from streamproc.web.now.fleet import LiveFleet
from streamproc.web.store.names import Directory, Names
from streamproc.web.store.stores import Stores

FRESH_S = 1.0
MOST = 1 << 31
_SINCE_KNOWN = 50
"""Stores of another instant than now of which it is looked up since when."""


@dataclass(frozen=True)
class Everyone:
    """All stores as of an instant, the worst first, then what is so for longest."""

    as_of_us: int
    stores: Sequence[StoreNow]

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

    def __init__(
        self, live: LiveFleet, overviews: Overviews, stores: Stores, names: Names
    ) -> None:
        self._live = live
        self._overviews = overviews
        self._stores = stores
        self._names = names
        self.kept: Kept[AsOf, Everyone] = Kept(self._make, FRESH_S)

    async def _make(self, as_of: AsOf) -> Everyone:
        if as_of == NOW:
            wanted = Wanted(self._live.now_us(), limit=MOST)
            found = await self._live.find(wanted)
            return Everyone(found.as_of_us, found.stores)
        overview = await self._overviews.get(as_of)
        told = told_by(overview, await self._names.all())
        worst = [one for one in told if one.state in (DOWN, SILENT, NO_DATA)]
        ids = [one.store_id for one in worst[:_SINCE_KNOWN]]
        views = await self._stores.views(ids, overview.as_of_us)
        since = {view.store_id: view.since_us for view in views}
        known = [replace(one, since_us=since.get(one.store_id)) for one in told]
        return Everyone(overview.as_of_us, sorted(known, key=lambda one: one.order))


def told_by(overview: Overview, names: Directory) -> list[StoreNow]:
    """What stores were, by an overview of another instant than now; since is not."""
    silent = overview.silent.tolist()
    found = []
    for row, (store_id, last) in enumerate(
        zip(overview.rows.store_ids, overview.rows.last.tolist(), strict=True)
    ):
        state = _NUMBERS.get(overview.state_of(row), NO_DATA)
        if state == NO_DATA and silent[row]:
            state = SILENT
        labels = names.of(store_id)
        zone = overview.shard.zones[int(overview.shard.zone[row])]
        found.append(
            StoreNow(
                *(store_id, state, None, None if last < 0 else last, zone),
                *(None, None, labels.name, dict(labels.labels)),
            )
        )
    return sorted(found, key=lambda one: one.order)


_NUMBERS = {name: number for number, name in enumerate(STATES)} | {UNKNOWN: NO_DATA}
assert _NUMBERS["up"] == UP
assert set(SPOKEN) <= set(_NUMBERS)
