"""Whose facts a form changes: of one store, of a label's stores, or of all."""

from dataclasses import dataclass

from streamproc.errors import InvalidInput
from streamproc.rules.labels import parse_where
from streamproc.rules.poll import ALL_STORES
from streamproc.web.changes.change import Noun
from streamproc.web.refusal import Refusal, bad
from streamproc.web.site import Site

MOST_STORES = 500
"""Stores that one form changes at once: each gets a record of its own."""


@dataclass(frozen=True, slots=True)
class Target:
    """The stores by id (``*`` stands for all), and what they are in words."""

    store_ids: tuple[str, ...]
    words: str


async def target_of(site: Site, noun: Noun, store: str, where: str) -> Target:
    """Who is meant; raises a Refusal that says what is wrong with it."""
    if where:
        return await _labelled(site, where)
    if not store:
        raise bad("no-store", "Say whose: a store, stores by a label, or all (*).")
    store_id = noun.store_id(store)
    if store_id == ALL_STORES:
        return Target((store_id,), "all stores")
    await site.changes.require(store_id)
    return Target((store_id,), (await site.names.all()).name(store_id))


async def _labelled(site: Site, text: str) -> Target:
    try:
        where = parse_where(text)
    except InvalidInput as exc:
        raise bad(exc.reason, f"{exc}.") from exc
    found = (await site.names.all()).chosen(where)
    if not found:
        raise Refusal(404, "no-stores", f"No store has {text} among its labels.")
    if len(found) > MOST_STORES:
        why = f"{len(found)} stores have it, and one form changes {MOST_STORES} at most"
        raise Refusal(422, "too-many-stores", f"{why}: load a file instead.")
    return Target(tuple(found), f"the {len(found)} stores with {text}")
