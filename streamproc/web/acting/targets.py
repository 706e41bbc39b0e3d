"""Whose facts a form changes: of one store, of a narrowed list, or of all."""

import asyncio
from dataclasses import dataclass, replace

from multidict import MultiDict, MultiMapping

from streamproc.report.messages import NOW
from streamproc.rules.poll import ALL_STORES
from streamproc.web.changes.change import Noun
from streamproc.web.fleet import ranking
from streamproc.web.fleet.ranking import Asked
from streamproc.web.parameters import Text
from streamproc.web.periods.reasons import reason_words
from streamproc.web.refusal import Refusal, bad
from streamproc.web.site import Site
from streamproc.web.standings import standing_of
from streamproc.web.words import label_words

MOST_STORES = 500
"""Stores that one form changes at once: each gets a record of its own."""

STORE = Text("store")
FILTERS = ("where", "q", "now", "below", "period")
"""What a list of stores may be narrowed by; the period is that of the target."""


@dataclass(frozen=True, slots=True)
class Target:
    """The stores by id (``*`` stands for all), and what they are in words.

    ``store``: how one was asked for; ``filters``: names and values of what a list was
    narrowed by to these stores.
    """

    store_ids: tuple[str, ...]
    words: str
    store: str = ""
    filters: tuple[tuple[str, str], ...] = ()

    @property
    def listed(self) -> dict[str, list[str]]:
        """The filters as links to the list have them."""
        found: dict[str, list[str]] = {}
        for name, value in self.filters:
            found.setdefault(name, []).append(value)
        return found

    @property
    def params(self) -> dict[str, object]:
        """As links to the form have it."""
        return {"store": self.store, **self.listed}

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """As the form itself has it."""
        return (("store", self.store), *self.filters)


async def target_of(site: Site, noun: Noun, query: MultiMapping[str]) -> Target:
    """Who is meant; raises a Refusal that says what is wrong with it."""
    asked = _asked(query)
    if asked.where or asked.q or asked.now or asked.below:
        return await _listed(site, asked)
    store = STORE.read(query)
    if not store:
        raise bad("no-store", "Say whose: a store, stores by a filter, or all (*).")
    store_id = noun.store_id(store)
    if store_id == ALL_STORES:
        return Target((store_id,), "all stores", store_id)
    await site.changes.require(store_id)
    return Target((store_id,), (await site.names.all()).name(store_id), store_id)


def _asked(query: MultiMapping[str]) -> Asked:
    """What a list is narrowed by; a form has fields of other names beside it."""
    pairs = [(n, v) for n, v in query.items() if n in FILTERS and v.strip()]
    return replace(ranking.asked_of(MultiDict(pairs)), sort="store", order="asc")


async def _listed(site: Site, asked: Asked) -> Target:
    """The stores that the list of all stores would show now."""
    period = asked.period if asked.below else ""
    standing, why = await standing_of(site, period, NOW)
    if why:
        told = f"Who is below is not known: {reason_words(why)}."
        raise Refusal(503, "no-figures", told)
    rows = await asyncio.to_thread(ranking.chosen, standing, asked)
    found = sorted(standing.everyone.stores[row].store_id for row in rows.tolist())
    text = _words(asked)
    if not found:
        raise Refusal(404, "no-stores", f"There is no store {text}.")
    if len(found) > MOST_STORES:
        told = f"There are {len(found)} stores {text}, and one form changes"
        more = f"{told} {MOST_STORES} at most: load a file instead."
        raise Refusal(422, "too-many-stores", more)
    stores = "the only store" if len(found) == 1 else f"the {len(found)} stores"
    return Target(tuple(found), f"{stores} {text}", filters=_filters(asked))


def _words(asked: Asked) -> str:
    """The filters behind *stores*: with region West, down now."""
    labels = label_words(asked.wheres)
    told = [
        f"with {' and '.join(labels)}" if labels else "",
        f"{ranking.NOW_WORDS[asked.now]} now" if asked.now else "",
        f"below target in {asked.period.replace('-', ' ')}" if asked.below else "",
        f"with “{asked.q}” in name or id" if asked.q else "",
    ]
    return ", ".join(filter(None, told))


def _filters(asked: Asked) -> tuple[tuple[str, str], ...]:
    single = {"q": asked.q, "now": asked.now, "below": asked.below}
    if asked.below:
        single["period"] = asked.period
    return (
        *(("where", text) for text in asked.where),
        *((name, value) for name, value in single.items() if value),
    )
