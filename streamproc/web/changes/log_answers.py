"""The log of changes as the API tells of it."""

from dataclasses import dataclass, field
from itertools import islice
from typing import Annotated, Any

from streamproc.origin import DOORS
from streamproc.report.record import time_text
from streamproc.web.changes.changed_facts import Fact
from streamproc.web.changes.log_calls import Part
from streamproc.web.changes.said import change_words
from streamproc.web.shapes import OneOf
from tables import exclusions as exclusions_table
from tables.fact_rows import key_text, row_of

KIND_NAMES = {
    "hours": "hours",
    "zones": "zone",
    "special_hours": "special-hours",
    "exclusions": "exclusions",
    "labels": "labels",
}
"""Of the kinds of facts, by their tables."""

SHOWN_FACTS = 3
"""Facts that a change is listed with."""

Kind = Annotated[str, OneOf(tuple(KIND_NAMES.values()))]


@dataclass(frozen=True, slots=True)
class FactChange:
    """A fact before and after, as its record's fields; null where there is none.

    ``key``: the date or the id of the fact, empty where a store has one only.
    """

    store_id: str
    kind: Kind
    key: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class OneChange:
    """What was changed together, at which door, by whom.

    ``stores``: of how many; 0 where it is of all stores. ``undoes``, ``undone_by``: ids
    of changes. ``facts``: the first few.
    """

    id: str
    at: str
    door: Annotated[str, OneOf(DOORS)]
    by: str | None
    note: str | None
    kinds: list[Kind]
    stores: int
    of_all: bool
    words: str
    undoes: str | None
    undone_by: str | None
    facts: list[FactChange] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """Changes, newest first."""

    total: int
    page: int
    pages: int
    changes: list[OneChange]


@dataclass(frozen=True, slots=True)
class ChangeDetail:
    """A change with its facts, a page of them at a time."""

    change: OneChange
    total: int
    page: int
    pages: int
    facts: list[FactChange]


@dataclass(frozen=True, slots=True)
class StoreChange:
    """A fact of a store that was changed, as ``FactChange`` has it.

    ``of_all``: it was changed of all stores. ``change``: id of what it was part of.
    """

    at: str
    change: str
    kind: Kind
    key: str
    door: Annotated[str, OneOf(DOORS)]
    by: str | None
    note: str | None
    of_all: bool
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class StoreChanges:
    """What was changed of a store, newest first, as far as the log goes back."""

    store_id: str
    changes: list[StoreChange]


def fact_change(fact: Fact) -> FactChange:
    """A fact's values as their records' fields."""
    delta = fact.delta
    return FactChange(
        delta.store_id.decode(),
        KIND_NAMES[fact.kind],
        key_text(fact.kind, delta.suffix),
        _row(fact, delta.before),
        _row(fact, delta.after),
    )


def _row(fact: Fact, value: bytes | None) -> dict[str, Any] | None:
    """The fields of its record; instants as the API writes them."""
    if value is None:
        return None
    row = row_of(fact.kind, fact.delta.suffix, value)
    if "from" in row:
        found = exclusions_table.decode(value)
        row |= {"from": time_text(found.begin), "to": time_text(found.end)}
    return row


def one_change(parts: list[Part], undone_by: str | None) -> OneChange:
    """What the partitions have of a change, together."""
    origin = parts[0].origin
    kinds = [KIND_NAMES[kind] for kind in sorted({k for p in parts for k in p.kinds})]
    stores, of_all = sum(p.stores for p in parts), any(p.of_all for p in parts)
    every = (fact for part in parts for fact in part.facts)
    facts = [fact_change(fact) for fact in islice(every, SHOWN_FACTS)]
    return OneChange(
        origin.change,
        time_text(min(part.at_ms for part in parts) * 1_000),
        origin.door,
        origin.by,
        origin.note,
        kinds,
        stores,
        of_all,
        change_words(kinds, stores, of_all, facts[0].store_id if facts else ""),
        origin.undoes,
        undone_by,
        facts,
    )


def store_changes(store_id: str, parts: list[Part]) -> StoreChanges:
    """All that was changed of a store, newest first."""
    found = [
        StoreChange(
            time_text(part.at_ms * 1_000),
            part.origin.change,
            told.kind,
            told.key,
            part.origin.door,
            part.origin.by,
            part.origin.note,
            part.of_all,
            told.before,
            told.after,
        )
        for part in sorted(parts, key=_newest, reverse=True)
        for told in map(fact_change, part.facts)
    ]
    return StoreChanges(store_id, found)


def _newest(part: Part) -> tuple[int, int]:
    return part.at_ms, part.offset
