"""The log of changes over all workers: lists, one change, those of a store."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streamproc.web import requests
from streamproc.web.cache import Cache
from streamproc.web.changes.changed_facts import ALL
from streamproc.web.changes.log_answers import (
    SHOWN_FACTS,
    ChangeDetail,
    ChangesPage,
    OneChange,
    StoreChanges,
    fact_change,
    one_change,
    store_changes,
)
from streamproc.web.changes.log_calls import ANY_OF_ALL, LISTED, PARTS, Listed, Part
from streamproc.web.cluster.peers import Cluster
from streamproc.web.refusal import Refusal, unknown

PER_PAGE, FACTS_A_PAGE = 50, 100
MOST_OF_STORE = 1_000

GOOD_S = 1.0
"""How long pages believe that nothing was changed of all stores: no longer than any."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which changes: made within ``[begin_us, end_us)``, of a store, by somebody.

    Those of all stores are of each store.
    """

    store: str = ""
    by: str = ""
    begin_us: int = 0
    end_us: int | None = None
    page: int = 1
    per_page: int = PER_PAGE

    def holds(self, one: Listed) -> bool:
        """Whether a change is among them."""
        at_us = one.at_ms * 1_000
        begun = self.begin_us <= at_us
        return one.is_wanted and begun and (self.end_us is None or at_us < self.end_us)


class Log:
    """What was changed, by whom, and what it was before."""

    def __init__(self, cluster: Cluster, partitions: int) -> None:
        self._cluster = cluster
        self._everywhere = range(partitions)
        #: Whether anything was ever changed of all stores.
        self.any_of_all: Cache[str, bool] = Cache(self._any_of_all, GOOD_S)

    async def page(self, asked: Asked) -> ChangesPage:
        """A page of changes; raises a 503 Refusal while partitions move."""
        listed = await self._listed(self._everywhere, asked.store, asked.by)
        undone = _undone(listed)
        chosen = sorted(filter(asked.holds, listed), key=_newest, reverse=True)
        first = (asked.page - 1) * asked.per_page
        shown = chosen[first : first + asked.per_page]
        parts = await self._parts(self._everywhere, shown, asked.store, SHOWN_FACTS)
        found = [one_change(parts[one.change], undone.get(one.change)) for one in shown]
        pages = requests.pages(len(chosen), asked.per_page)
        return ChangesPage(len(chosen), asked.page, pages, found)

    async def one(self, change: str, store: str = "", page: int = 1) -> ChangeDetail:
        """A change with its facts; a 404 Refusal when there is none, or not of it."""
        end = page * FACTS_A_PAGE
        parts, undone_by = await self._one(change, store, end, counted=True)
        total = sum(part.total or 0 for part in parts)
        if not total:
            raise unknown_change(change, store)
        # Of no part more facts than this stand before the page's last one.
        facts = [fact for part in parts for fact in part.facts]
        return ChangeDetail(
            one_change(parts, undone_by),
            total,
            page,
            requests.pages(total, FACTS_A_PAGE),
            [fact_change(fact) for fact in facts[end - FACTS_A_PAGE : end]],
        )

    async def brief(self, change: str) -> OneChange | None:
        """A change with its first facts only; None when there is none."""
        parts, undone_by = await self._one(change, "", SHOWN_FACTS, counted=False)
        return one_change(parts, undone_by) if parts else None

    async def of_store(self, store_id: str) -> StoreChanges:
        """What was changed of a store, and of all stores: where these two lie."""
        homes = {self._cluster.home(store_id), self._cluster.home(ALL)}
        listed = await self._listed(homes, store_id, "")
        chosen = sorted(filter(Asked().holds, listed), key=_newest, reverse=True)
        newest = chosen[:MOST_OF_STORE]
        parts = await self._parts(homes, newest, store_id, MOST_OF_STORE)
        return store_changes(store_id, [one for each in parts.values() for one in each])

    async def _any_of_all(self, _: str) -> bool:
        return await self._cluster.ask(ANY_OF_ALL, self._cluster.home(ALL))

    async def _one(
        self, change: str, store: str, most: int, counted: bool
    ) -> tuple[list[Part], str | None]:
        """What the partitions have of a change, and which one has undone it."""
        listed = await self._listed(self._everywhere, "", "")
        known = [one for one in listed if one.change == change]
        parts = await self._parts(self._everywhere, known, store, most, counted)
        return parts.get(change, []), _undone(listed).get(change)

    async def _listed(
        self, partitions: Iterable[int], store: str, by: str
    ) -> list[Listed]:
        """All changes that partitions know of, each once."""
        asked = {"store": store, "by": by}
        found: dict[str, Listed] = {}
        for part in await self._cluster.ask_some(LISTED, partitions, **asked):
            for one in part:
                found[one.change] = _both(found.get(one.change, one), one)
        return list(found.values())

    async def _parts(
        self,
        partitions: Iterable[int],
        changes: Sequence[Listed],
        store: str,
        most: int,
        counted: bool = False,
    ) -> dict[str, list[Part]]:
        """What partitions have of some changes."""
        if not changes:
            return {}
        asked = {
            "changes": [one.change for one in changes],
            "begin_ms": min(one.at_ms for one in changes),
            "store": store,
            "most": most,
            "counted": counted,
        }
        found: defaultdict[str, list[Part]] = defaultdict(list)
        for parts in await self._cluster.ask_some(PARTS, partitions, **asked):
            for part in parts:
                found[part.origin.change].append(part)
        return dict(found)


def unknown_change(change: str, store: str) -> Refusal:
    """A 404 Refusal: nobody has made it, or it is not of that store."""
    return unknown("change", f"{change} of {store}" if store else change)


def _both(one: Listed, other: Listed) -> Listed:
    at_ms = min(one.at_ms, other.at_ms)
    wanted = one.is_wanted or other.is_wanted
    return Listed(one.change, at_ms, one.undoes, wanted)


def _undone(listed: Iterable[Listed]) -> dict[str, str]:
    """The change that has undone one, the last of them, by the id of that."""
    undoing = sorted((one for one in listed if one.undoes), key=_newest)
    return {one.undoes: one.change for one in undoing if one.undoes}


def _newest(one: Listed) -> tuple[int, str]:
    return one.at_ms, one.change
