"""Finding stores: each owner of some of them is asked once."""

import asyncio
from collections.abc import Iterable
from typing import TypeVar

from streamproc.rules.labels import Labels
from streamproc.settings import Settings
from streamproc.web import requests
from streamproc.web.as_of import AsOf, Instants
from streamproc.web.cluster.calls import Call
from streamproc.web.cluster.peers import Cluster
from streamproc.web.refusal import unknown
from streamproc.web.store.about import STORES_ABOUT, About
from streamproc.web.store.budgets import BUDGETS
from streamproc.web.store.data import STORE_DATA, StoreData
from streamproc.web.store.labels import STORE_LABELS
from streamproc.web.store.reading import STORE_READING, StoreReading
from streamproc.web.store.view import StoreView
from tables.budgets import MonthBudget

T = TypeVar("T")


class Stores:
    """All stores of the fleet, one or some at a time."""

    def __init__(
        self, settings: Settings, cluster: Cluster, instants: Instants
    ) -> None:
        self._settings = settings
        self._cluster = cluster
        self._instants = instants

    async def known(self, store_id: str, as_of: AsOf) -> StoreView:
        """A store that something is known of; raises a 404 Refusal."""
        view = await self.view(requests.store_id(store_id), as_of)
        if not view.data.is_known:
            raise unknown("store", store_id)
        return view

    async def labels(self, store_id: str) -> Labels | None:
        """A store's labels; None when nothing is known of it."""
        home = self._cluster.home(store_id)
        return await self._cluster.ask(STORE_LABELS, home, store_id=store_id)

    async def about(self, store_ids: Iterable[str]) -> dict[str, About]:
        """What many stores are called, and their zones; each owner is asked once."""
        parts = await asyncio.gather(
            *(
                self._cluster.ask(STORES_ABOUT, partition, store_ids=ids)
                for partition, ids in self._by_partition(set(store_ids)).items()
            )
        )
        return {each.store_id: each for part in parts for each in part}

    def _by_partition(self, store_ids: Iterable[str]) -> dict[int, list[str]]:
        groups: dict[int, list[str]] = {}
        for store_id in store_ids:
            groups.setdefault(self._cluster.home(store_id), []).append(store_id)
        return groups

    async def view(self, store_id: str, as_of: AsOf) -> StoreView:
        """One store; it may turn out that nothing is known of it."""
        as_of_us = await self._instants.resolve(as_of)
        return (await self.views([store_id], as_of_us))[0]

    async def read(self, store_id: str) -> StoreReading:
        """All that is kept of a store; raises a 404 Refusal when nothing is."""
        home = self._cluster.home(store_id)
        found = await self._cluster.ask(STORE_READING, home, store_id=store_id)
        if not found.one.is_known:
            raise unknown("store", store_id)
        return found

    async def views(self, store_ids: list[str], as_of_us: int) -> list[StoreView]:
        """Many stores, in the same order; each owner is asked once."""
        data = await self._of_each(STORE_DATA, store_ids, as_of_us)
        return [self.view_of(i, data[i], as_of_us) for i in store_ids]

    def view_of(self, store_id: str, data: StoreData, as_of_us: int) -> StoreView:
        """A store of which all is at hand that is kept."""
        rules, bridge_us = self._settings.rules, self._settings.bridge_us
        return StoreView(store_id, data, as_of_us, rules, bridge_us)

    async def budgets(
        self, store_ids: list[str], as_of_us: int
    ) -> list[MonthBudget | None]:
        """Error budgets of many stores, in the same order; None without a target."""
        found = await self._of_each(BUDGETS, store_ids, as_of_us)
        return [found[store_id] for store_id in store_ids]

    async def _of_each(
        self, call: Call[list[T]], store_ids: list[str], as_of_us: int
    ) -> dict[str, T]:
        """What a call tells of many stores; each owner is asked once."""
        groups = self._by_partition(store_ids)
        answers = await asyncio.gather(
            *(
                self._cluster.ask(call, partition, store_ids=ids, as_of_us=as_of_us)
                for partition, ids in groups.items()
            )
        )
        data: dict[str, T] = {}
        for ids, found in zip(groups.values(), answers, strict=True):
            data.update(zip(ids, found, strict=True))
        return data
