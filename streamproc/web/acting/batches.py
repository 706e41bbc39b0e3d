"""Changes of one or many stores that are looked at, made and undone together."""

import asyncio
import hashlib
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

import orjson

from streamproc.origin import Origin
from streamproc.rules.exclusions import exclusion_row
from streamproc.rules.labels import Labels
from streamproc.rules.special_hours import date_text
from streamproc.web.changes.answers import own_date, own_exclusion, weeks_of
from streamproc.web.changes.calls import Known
from streamproc.web.changes.change import (
    EXCLUSION,
    HOURS,
    LABELS,
    SPECIAL_HOURS,
    ZONE,
    Change,
    change_of,
    forgetting,
    withdrawing,
)
from streamproc.web.changes.making import joined
from streamproc.web.site import Site
from tables import exclusions as exclusions_table
from tables.facts import decode_day
from tables.preview import Preview

AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes that belong together; ``target``: whose they are, in words."""

    title: str
    target: str
    changes: tuple[Change, ...]

    @property
    def digest(self) -> str:
        """Equal for exactly the same changes of the same stores."""
        told = [
            [c.noun.table, c.key.decode(), (c.value or b"").decode(), c.value is None]
            for c in self.changes
        ]
        return hashlib.sha256(orjson.dumps(told)).hexdigest()

    def by(self, author: str) -> "Batch":
        """The same, made by somebody else."""
        changes = tuple(_by(change, author) for change in self.changes)
        return Batch(self.title, self.target, changes)


def _by(change: Change, author: str) -> Change:
    if change.value is None:
        return Change(change.noun, change.store_id, change.key, None, by=author)
    row = {name: change.row[name] for name in change.row if name != "by"}
    return change_of(
        change.noun,
        change.store_id,
        {**row, **({"by": author} if author else {})},
        str(row.get(change.noun.key, "")) if change.noun.key else "",
    )


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
    """What came of a batch: what undoes all of it, and what is still to be made.

    ``rest``: None once the log has taken everything. ``origin``: of all of it.
    """

    undo: Batch
    rest: Batch | None
    origin: Origin

    @property
    def stores(self) -> int:
        """How many stores it is about."""
        return len({change.store_id for change in self.undo.changes})

    @property
    def missed(self) -> list[str]:
        """Ids of the stores that may have been missed, in order."""
        rest = () if self.rest is None else self.rest.changes
        return list(dict.fromkeys(change.store_id for change in rest))


async def make(site: Site, batch: Batch, origin: Origin) -> Saved:
    """Make all of them at once; those that the log does not take are told.

    What undoes them is found before any of them is made.
    """
    undoing: list[Change] = []
    for change in batch.changes:
        undoing += await _undoing(site, change)
    undo = Batch(f"Undo: {batch.title}", batch.target, tuple(undoing))
    return await make_rest(site, Saved(undo, batch, origin))


async def make_rest(site: Site, saved: Saved) -> Saved:
    """Make what is still to be made, once more."""
    if saved.rest is None:
        return saved
    outcome = await site.changes.make_all(saved.rest.changes, saved.origin)
    missed = replace(saved.rest, changes=outcome.missed) if outcome.missed else None
    return Saved(saved.undo, missed, saved.origin)


async def _undoing(site: Site, change: Change) -> list[Change]:
    """What brings a fact back to how it is now."""
    store_id = change.store_id
    if change.noun is LABELS:
        return [_labels(store_id, await site.stores.labels(store_id) or Labels())]
    known = await site.changes.known(store_id)
    own = known.of_all if change.is_of_all else known.own
    return _UNDOING[change.noun.table](change, Known(own, known.of_all, True))


def _labels(store_id: str, found: Labels) -> Change:
    row: dict[str, Any] = {"labels": dict(found.labels)}
    if found.name:
        row["name"] = found.name
    if found.target is not None:
        row["target"] = found.target
    if row == {"labels": {}}:
        return forgetting(LABELS, store_id)
    return change_of(LABELS, store_id, row)


def _weeks(change: Change, known: Known) -> list[Change]:
    """All weeks anew: an undated one forgets those that are dated."""
    weeks = weeks_of(change.store_id, known.own.hours).weeks
    suffix = change.fact(0).suffix
    if suffix and suffix not in dict(known.own.hours):
        return [forgetting(HOURS, change.store_id, _date(suffix))]
    found = (
        []
        if any(week.valid_from is None for week in weeks)
        else [forgetting(HOURS, change.store_id)]
    )
    for week in weeks:
        row: dict[str, Any] = {"hours": week.hours or None}
        if week.valid_from is not None:
            row["valid_from"] = week.valid_from
        found.append(change_of(HOURS, change.store_id, row))
    return found


def _date(suffix: bytes) -> str:
    return date_text(decode_day(suffix))


def _special(change: Change, known: Known) -> list[Change]:
    suffix = change.fact(0).suffix
    found = own_date(known, decode_day(suffix))
    if found is None:
        return [forgetting(SPECIAL_HOURS, change.store_id, _date(suffix))]
    row = {"openings": found.openings, **({"note": found.note} if found.note else {})}
    return [change_of(SPECIAL_HOURS, change.store_id, row, found.date)]


def _excluded(change: Change, known: Known) -> list[Change]:
    suffix = change.fact(0).suffix
    found = own_exclusion(known, suffix.decode())
    if found is not None:
        row = exclusion_row(found)
        told = {name: row[name] for name in row if name != "id"}
        return [change_of(EXCLUSION, change.store_id, told, found.exclusion_id)]
    assert change.value is not None  # nothing is forgotten that is not there
    made = change.fact(0).value
    assert made is not None  # it has a value
    return [withdrawing(change.store_id, exclusions_table.decode(made))]


def _zoned(change: Change, known: Known) -> list[Change]:
    zone = None if known.own.zone is None else known.own.zone.decode()
    return [change_of(ZONE, change.store_id, {"timezone_str": zone})]


_UNDOING = {
    HOURS.table: _weeks,
    SPECIAL_HOURS.table: _special,
    EXCLUSION.table: _excluded,
    ZONE.table: _zoned,
}
