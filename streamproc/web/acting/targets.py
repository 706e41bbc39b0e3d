"""Whose facts a form changes: of one store, of a label's stores, or of all."""

from collections.abc import Sequence
from dataclasses import dataclass

from streamproc.rules.labels import Where
from streamproc.rules.poll import ALL_STORES
from streamproc.web.changes.change import Noun
from streamproc.web.refusal import Refusal, bad
from streamproc.web.site import Site

MOST_STORES = 500
"""Stores that one form changes at once: each gets a record of its own."""


@dataclass(frozen=True, slots=True)
class Target:
    """The stores by id (``*`` stands for all), and what they are in words.

    ``store``: how one was asked for; ``wheres``: labels that they were chosen by.
    """

    store_ids: tuple[str, ...]
    words: str
    store: str = ""
    wheres: tuple[str, ...] = ()

    @property
    def params(self) -> dict[str, object]:
        """As links have it."""
        return {"store": self.store, "where": list(self.wheres)}


async def target_of(
    site: Site, noun: Noun, store: str, wheres: Sequence[Where]
) -> Target:
    """Who is meant; raises a Refusal that says what is wrong with it."""
    if wheres:
        return await _labelled(site, wheres)
    if not store:
        raise bad("no-store", "Say whose: a store, stores by a label, or all (*).")
    store_id = noun.store_id(store)
    if store_id == ALL_STORES:
        return Target((store_id,), "all stores", store_id)
    await site.changes.require(store_id)
    return Target((store_id,), (await site.names.all()).name(store_id), store_id)


async def _labelled(site: Site, wheres: Sequence[Where]) -> Target:
    found = (await site.names.all()).chosen(*wheres)
    texts = tuple(where.text for where in wheres)
    text = " and ".join(texts)
    if not found:
        raise Refusal(404, "no-stores", f"No store has {text} among its labels.")
    if len(found) > MOST_STORES:
        why = f"{len(found)} stores have it, and one form changes {MOST_STORES} at most"
        raise Refusal(422, "too-many-stores", f"{why}: load a file instead.")
    stores = "the only store" if len(found) == 1 else f"the {len(found)} stores"
    return Target(tuple(found), f"{stores} with {text}", wheres=texts)
