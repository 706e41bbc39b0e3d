"""Facts that a change has changed, out of the runs of the log. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tables.changed import Delta, Head, bytes_of, decode_deltas, text_of
from tables.facts import ALL_STORES
from tables.undoing import Joined, join

ALL = ALL_STORES.decode()

Run = tuple[Head, bytes]
"""Whence a run of the log comes, and its value."""

EVERY_FACT = 1 << 30


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact's values before and after; ``kind``: the name of its table."""

    kind: str
    delta: Delta


def is_of(head: Head, store: str) -> bool:
    """Whether a run has facts of a store, or of all; of no store: any run has."""
    return not store or store in head.store_ids or ALL in head.store_ids


def facts_in(
    runs: Iterable[Run], store: str = "", most: int = EVERY_FACT
) -> Iterator[Fact]:
    """The facts of a store, or all, kind by kind, in the order of their records.

    What has changed one fact several times is one. ``most``: so many, the first.
    """
    by_kind: defaultdict[str, list[Run]] = defaultdict(list)
    for head, value in runs:
        if is_of(head, store):
            by_kind[head.kind].append((head, value))
    for kind, each in sorted(by_kind.items()):
        each.sort(key=lambda run: run[0].offset)
        found = _first(each, store, most)
        yield from (Fact(kind, delta) for delta in found)
        most -= len(found)


def _first(runs: list[Run], store: str, most: int) -> list[Delta]:
    """The first facts of runs of one kind.

    A file may have changed 200,000 of them: when there are enough, only runs that may
    have changed one of these again are read.
    """
    found: Joined = {}
    for head, value in runs:
        is_full = len(found) >= most
        if not is_full or not _stores(found).isdisjoint(head.store_ids):
            wanted = (one for one in decode_deltas(value) if _is_wanted(one, store))
            join(found, wanted, most)
    return list(found.values())


def _stores(found: Joined) -> set[str]:
    return {store_id.decode() for store_id, _ in found}


def _is_wanted(delta: Delta, store: str) -> bool:
    return not store or delta.store_id in (b"", ALL_STORES, store.encode())


def told_of(fact: Fact) -> Any:
    """A fact as JSON holds it."""
    delta = fact.delta
    ends = (text_of(delta.before), text_of(delta.after))
    return fact.kind, delta.store_id.decode(), delta.suffix.hex(), *ends


def fact_of(told: list[Any]) -> Fact:
    """The fact that ``told_of`` has told."""
    kind, store_id, suffix, *ends = told
    return Fact(
        kind, Delta(store_id.encode(), bytes.fromhex(suffix), *map(bytes_of, ends))
    )
