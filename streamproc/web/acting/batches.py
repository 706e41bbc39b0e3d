"""Changes of one or many stores that are looked at, and made, together."""

import asyncio
import hashlib
from collections import defaultdict
from dataclasses import dataclass, replace

import orjson

from streamproc.origin import Origin
from streamproc.web.changes.change import EXCLUSION, Change, change_of
from streamproc.web.changes.making import joined
from streamproc.web.site import Site
from tables.preview import Preview

AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes that belong together; ``target``: whose they are, in words."""

    title: str
    target: str
    changes: tuple[Change, ...]

    @property
    def store_ids(self) -> list[str]:
        """Whose they are, in order."""
        return list(dict.fromkeys(change.store_id for change in self.changes))

    @property
    def digest(self) -> str:
        """Equal for exactly the same changes of the same stores."""
        told = [
            [c.noun.table, c.key.decode(), (c.value or b"").decode(), c.value is None]
            for c in self.changes
        ]
        return hashlib.sha256(orjson.dumps(told)).hexdigest()

    def by(self, author: str) -> "Batch":
        """These changes, made by somebody else."""
        changes = tuple(_by(change, author) for change in self.changes)
        return Batch(self.title, self.target, changes)


def _by(change: Change, author: str) -> Change:
    """A change made by somebody: of an exclusion it stands in the fact as well."""
    if change.noun is not EXCLUSION or change.value is None:
        return replace(change, by=author)
    row = {name: change.row[name] for name in change.row if name != "by"}
    told = {**row, **({"by": author} if author else {})}
    number = str(row[EXCLUSION.key])
    made = change_of(EXCLUSION, change.store_id, told, number)
    return replace(made, note=change.note)


async def preview(site: Site, batch: Batch, as_of_us: int) -> Preview:
    """The figures of all its stores before and after; changes nothing."""
    limit = asyncio.Semaphore(AT_ONCE)
    by_store: defaultdict[str, list[Change]] = defaultdict(list)
    for change in batch.changes:
        by_store[change.store_id].append(change)

    async def one(changes: list[Change]) -> Preview:
        async with limit:
            return await site.changes.preview_of(changes, as_of_us)

    return joined(list(await asyncio.gather(*map(one, by_store.values()))))


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of a batch: all of it, what is still to be made, and whose it is.

    ``rest``: None once the log has taken everything.
    """

    batch: Batch
    rest: Batch | None
    origin: Origin

    @property
    def stores(self) -> int:
        """How many stores it is about."""
        return len(self.batch.store_ids)

    @property
    def missed(self) -> list[str]:
        """Ids of the stores that may have been missed, in order."""
        return [] if self.rest is None else self.rest.store_ids


async def make(site: Site, batch: Batch, origin: Origin) -> Saved:
    """Make all of them at once; those that the log does not take are told."""
    return await make_rest(site, Saved(batch, batch, origin))


async def make_rest(site: Site, saved: Saved) -> Saved:
    """Make what is still to be made, once more."""
    if saved.rest is None:
        return saved
    outcome = await site.changes.make_all(saved.rest.changes, saved.origin)
    missed = replace(saved.rest, changes=outcome.missed) if outcome.missed else None
    return Saved(saved.batch, missed, saved.origin)
