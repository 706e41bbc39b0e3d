"""Names and labels of all stores, kept a few seconds: what people call them by."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any

import orjson

from streamproc.program import Program
from streamproc.rules.labels import Labels, Where
from streamproc.web.cache import Cache
from streamproc.web.cluster.calls import Call
from streamproc.web.cluster.peers import Cluster
from tables import labels as labels_table
from tables.fact_tables import facts_between

GOOD_S = 10.0
"""How long what was read is believed."""

MOST_COMPARED, MOST_CLOSE = 500, 5
"""Names that are compared with one that nobody has, and those that are offered."""

NO_LABELS = Labels()
PLACE, POLLED_BY = "region", "poller"
"""Labels that are no brand: where a store is, and who polls it."""


def _all(program: Program, args: dict[str, Any]) -> dict[str, Labels]:
    """Labels of a partition's stores by id; who has none is left out."""
    found = facts_between(program.labels, args["partition"], b"", None)
    known = [labels_table.decode(facts[0][1]) for facts in found.distinct[1:]]
    return {
        store_id.decode(): known[number - 1]
        for store_id, number in zip(found.store_ids, found.numbers, strict=True)
    }


def _decode(value: bytes) -> dict[str, Labels]:
    return {store: Labels(**told) for store, told in orjson.loads(value).items()}


ALL_LABELS = Call("all-labels", _all, decode=_decode, whole=True)


def label_order(labels: Iterable[str]) -> list[str]:
    """Labels as they are offered: where a store is first, who polls it last."""
    return sorted(labels, key=lambda name: (name == POLLED_BY, name != PLACE, name))


class Directory:
    """All that stores are called and grouped by, as of a moment. Never changes."""

    def __init__(self, labels: Mapping[str, Labels]) -> None:
        self._labels = labels
        values: dict[str, set[str]] = {}
        for each in labels.values():
            for name, value in each.labels.items():
                values.setdefault(name, set()).add(value)
        self.values = {name: sorted(values[name]) for name in label_order(values)}

    def target(self, default: float | None, stores: int) -> float | None:
        """The target that all of so many stores are measured by together.

        ``default``: of those without one. Where there is none, it is the one that at
        least half of the stores share; else there is no such target.
        """
        if default is not None:
            return default
        own = [each.target for each in self._labels.values() if each.target is not None]
        shared = set(own)
        return own[0] if len(shared) == 1 and 2 * len(own) >= stores else None

    def of(self, store_id: str) -> Labels:
        """A store's labels; none of a store that has none."""
        return self._labels.get(store_id, NO_LABELS)

    def name(self, store_id: str) -> str:
        """What a store is called: its name, else its id."""
        return self.of(store_id).name or store_id

    def full_name(self, store_id: str) -> str:
        """What a store is called, and its id where that is something else."""
        name = self.of(store_id).name
        return f"{name} ({store_id})" if name and name != store_id else store_id

    def text(self, store_id: str) -> str:
        """The values of a store's labels, in a line; the id of one that has none."""
        found = self.of(store_id)
        names = [name for name in label_order(found.labels) if name != POLLED_BY]
        values = " · ".join(dict.fromkeys(found.labels[name] for name in names))
        return values or (store_id if found.name else "")

    def chosen(self, *wheres: Where) -> list[str]:
        """Ids of the stores with all of some labels, in order."""
        return sorted(
            store
            for store, each in self._labels.items()
            if all(where.holds(each) for where in wheres)
        )

    def matches(self, store_id: str, wanted: str) -> bool:
        """Whether id or name contain a text in lower case."""
        name = self.of(store_id).name or ""
        return wanted in store_id.casefold() or wanted in name.casefold()

    def close_to(self, wanted: str, store_ids: Iterable[str]) -> list[str]:
        """Ids of the stores whose id or name is much like a text, the closest first.

        Ids of which only the middle differs are found, and those of which one end does.
        """
        text, found = wanted.casefold(), dict[str, str]()
        for store_id in store_ids:
            for known in (store_id.casefold(), self.name(store_id).casefold()):
                if known[:2] == text[:2] or known[-3:] == text[-3:]:
                    found[known] = store_id
        close = get_close_matches(text, islice(found, MOST_COMPARED), MOST_CLOSE)
        return list(dict.fromkeys(found[known] for known in close))


NOBODY = Directory({})


class Names:
    """The directory of all stores, over all workers."""

    def __init__(self, cluster: Cluster, partitions: int) -> None:
        self._cluster = cluster
        self._partitions = partitions
        self.cache: Cache[str, Directory] = Cache(self._read, GOOD_S, outlasts=True)

    async def all(self) -> Directory:
        """The directory; one that is a little old while a newer one is read."""
        return await self.cache.get("")

    async def _read(self, _: str) -> Directory:
        parts = await self._cluster.ask_all(ALL_LABELS, self._partitions)
        joined: dict[str, Labels] = {}
        for part in parts:
            joined.update(part)
        return Directory(joined)
