"""Undoing a change of the log: looked at first, then made, like any other change."""

from collections import defaultdict
from dataclasses import dataclass

from streamproc.origin import Origin
from streamproc.web.acting.batches import Batch, preview
from streamproc.web.acting.targets import MOST_STORES
from streamproc.web.changes.change import Change
from streamproc.web.changes.undoing import undoing_of
from streamproc.web.refusal import Refusal
from streamproc.web.site import Site
from streamproc.web.words import number
from tables.preview import Preview

MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Looked:
    """A preview of exactly this undoing, or why there is none.

    ``shown`` of ``stores``: its figures are those of the first so many stores.
    """

    digest: str = ""
    preview: Preview | None = None
    shown: int = 0
    stores: int = 0
    wrong: str = ""


async def batch_of(site: Site, change: str, store: str) -> Batch:
    """What undoes a change, all of it or of one store; raises a 404 or 409 Refusal."""
    partitions = site.program.settings.partitions
    changes = await undoing_of(site.cluster, partitions, change, store)
    return Batch("Undo", store, changes)


async def looked_at(site: Site, batch: Batch, as_of_us: int) -> Looked:
    """The figures before and after; of many stores, of the first of them."""
    stores = batch.store_ids
    chosen = set(stores[:MOST_STORES])
    some = tuple(change for change in batch.changes if change.store_id in chosen)
    found = await preview(site, Batch(batch.title, batch.target, some), as_of_us)
    return Looked(batch.digest, found, len(chosen), len(stores))


async def make(site: Site, batch: Batch, origin: Origin) -> bool:
    """Make it, of each kind at once; whether it is in place when this returns.

    Raises a 503 Refusal that names the stores of which the log has not taken it; that
    can be repeated, as those that have it already are left alone then.
    """
    by_table: defaultdict[str, list[Change]] = defaultdict(list)
    for change in batch.changes:
        by_table[change.noun.table].append(change)
    outcomes = [await site.changes.make_all(c, origin) for c in by_table.values()]
    missed = [change.store_id for outcome in outcomes for change in outcome.missed]
    if missed:
        raise _not_all(list(dict.fromkeys(missed)), len(batch.store_ids))
    return all(outcome.in_place for outcome in outcomes)


def _not_all(missed: list[str], stores: int) -> Refusal:
    named = ", ".join(missed[:MOST_NAMED])
    more = f" and {number(len(missed) - MOST_NAMED)} more" * (len(missed) > MOST_NAMED)
    return Refusal(
        503,
        "not-durable",
        f"The log did not take it in time of {number(len(missed))} of {number(stores)}"
        f" stores: {named}{more}. Undo it again: that repeats what was missed only.",
        retry_after_s=5,
    )
