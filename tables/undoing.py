"""What undoes changes: the records that bring facts back to how they were before. Pure.

A change is undone as it would be made: records of the facts' topics. What is no longer
as the change has left it stands against that: somebody has changed it since.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tables import exclusions as exclusions_table
from tables.changed import Delta
from tables.fact_records import same_value
from tables.fact_rows import record_of
from tables.facts import Facts

UNDATED = b""
"""Suffix of the week without a date: a new one forgets all that have one."""


Joined = dict[tuple[bytes, bytes], Delta]
"""What became of each fact of a table, by its store and suffix; in their order."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record to publish; ``at_ms``: when its fact was first published, if known."""

    table: str
    key: bytes
    value: bytes | None
    at_ms: int | None = None


def join(found: Joined, deltas: Iterable[Delta], most: int) -> None:
    """Add later changes of one table to those found before, those of a fact as one.

    When ``most`` facts are found, changes of others are left out.
    """
    for delta in deltas:
        key = delta.store_id, delta.suffix
        first = found.get(key)
        if first is not None:
            found[key] = replace(first, after=delta.after)
        elif len(found) < most:
            found[key] = delta


def against(kind: str, deltas: Sequence[Delta], held: Facts) -> list[Delta]:
    """Those that cannot be undone: the fact is neither as it was after nor before.

    ``deltas``: of one store, ``held``: what the table holds of it now.
    """
    now = dict(held)
    return [
        delta
        for delta in deltas
        if not same_value(kind, now.get(delta.suffix), delta.after)
        and not same_value(kind, now.get(delta.suffix), delta.before)
    ]


def undoing(
    kind: str, store_id: bytes, deltas: Sequence[Delta], held: Facts
) -> list[Record]:
    """The records, in their order, that bring a store's facts back; none if they are.

    ``kind``: the table's name, ``held``: what it holds of the store now.
    """
    now = dict(held)
    back = {
        delta.suffix: delta.before
        for delta in deltas
        if not same_value(kind, now.get(delta.suffix), delta.before)
    }
    if kind == "hours" and UNDATED in back:
        dated = {suffix: value for suffix, value in held if suffix}
        kept = {s: v for s, v in sorted((dated | back).items()) if s and v is not None}
        back = {UNDATED: back[UNDATED], **kept}
    return [
        _record(kind, store_id, suffix, value, now.get(suffix))
        for suffix, value in back.items()
    ]


def _record(
    kind: str, store_id: bytes, suffix: bytes, value: bytes | None, now: bytes | None
) -> Record:
    at_ms = None
    if kind == "exclusions":
        if value is None:  # it stays listed
            assert now is not None  # else there were nothing to undo
            found = exclusions_table.decode(now)
            value = exclusions_table.encode(replace(found, withdrawn=True))
        at_ms = exclusions_table.decode(value).at_ms
    key, told = record_of(kind, store_id, suffix, value)
    return Record(kind, key, told, at_ms)
