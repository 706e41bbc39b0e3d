"""The log of changes, and what undoes a change: asked of a partition's owner."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from streamproc.origin import Origin
from streamproc.program import Program
from streamproc.web.changes.changed_facts import (
    ALL,
    EVERY_FACT,
    Fact,
    Run,
    fact_of,
    facts_in,
    is_of,
    told_of,
)
from streamproc.web.cluster.calls import Call
from tables.changed import Delta, Head, bytes_of, decode_deltas, text_of
from tables.fact_tables import facts_of
from tables.undoing import Record, against, undoing

TABLE = "changes"


@dataclass(frozen=True, slots=True)
class Listed:
    """That a partition knows of a change, since when, and what that undoes."""

    change: str
    at_ms: int
    undoes: str | None
    is_wanted: bool


@dataclass(frozen=True, slots=True)
class Part:
    """What a partition has of a change, from a time and an offset on.

    ``stores``: of how many it is, all stores (``of_all``) aside. ``facts``: of the
    store that was asked for, those of one fact as one, in their order: the first of
    ``total``, which is None where nobody asked how many there are.
    """

    origin: Origin
    at_ms: int
    offset: int
    kinds: tuple[str, ...]
    stores: int
    of_all: bool
    facts: tuple[Fact, ...]
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Against:
    """A fact that is something else by now, and who has made it so; None: not known.

    ``now``: what it was after the change, and what it is.
    """

    now: Fact
    origin: Origin | None
    at_ms: int | None


@dataclass(frozen=True, slots=True)
class Undoing:
    """The records that undo what a partition has of a change; what is against it.

    ``is_known``: it has something of the change, and of the store that is asked for.
    """

    is_known: bool
    records: tuple[Record, ...]
    against: tuple[Against, ...]


# -- which changes there are -----


def _listed(program: Program, args: dict[str, Any]) -> list[Listed]:
    """Every change once; ``is_wanted``: it is of the store, and by whom is asked."""
    store, by = args["store"], args["by"]
    found: dict[str, Listed] = {}
    for head, _ in program.changes.since(args["partition"]):
        origin = head.origin
        wanted = is_of(head, store) and by in ("", origin.by)
        before = found.get(origin.change)
        found[origin.change] = Listed(
            origin.change,
            min(head.at_ms, before.at_ms if before else head.at_ms),
            origin.undoes,
            wanted or (before is not None and before.is_wanted),
        )
    return list(found.values())


def any_of_store(program: Program, partition: int, store: str) -> bool:
    """Whether a partition knows of a change of a store, or of all stores.

    What is changed of all stores is noted on the partition of ``*`` only.
    """
    return not program.changes.stores(partition).isdisjoint((store, ALL))


def _any_of_all(program: Program, args: dict[str, Any]) -> bool:
    return any_of_store(program, args["partition"], ALL)


def _decode_listed(value: bytes) -> list[Listed]:
    return [Listed(**each) for each in orjson.loads(value)]


LISTED = Call("changes", _listed, TABLE, decode=_decode_listed)
ANY_OF_ALL = Call("changes-of-all", _any_of_all, TABLE)


# -- what some of them are -----


def _parts(program: Program, args: dict[str, Any]) -> list[Part]:
    """Of each of the changes asked for, what is here; ``most`` facts of each.

    ``begin_ms``: none of them is older. ``counted``: how many facts there are is
    wanted, for which all of them have to be read.
    """
    runs: defaultdict[str, list[Run]] = defaultdict(list)
    asked = set(args["changes"])
    for head, value in program.changes.since(args["partition"], args["begin_ms"]):
        if head.origin.change in asked:
            runs[head.origin.change].append((head, value))
    asked_of = args["store"], args["most"], args["counted"]
    return [_part(each, *asked_of) for each in runs.values()]


def _part(runs: list[Run], store: str, most: int, counted: bool) -> Part:
    facts = tuple(facts_in(runs, store, EVERY_FACT if counted else most))
    heads = [head for head, _ in runs]
    stores = {store_id for head in heads for store_id in head.store_ids}
    return Part(
        heads[0].origin,
        min(head.at_ms for head in heads),
        min(head.offset for head in heads),
        tuple(sorted({head.kind for head in heads})),
        len(stores - {ALL}),
        ALL in stores,
        facts[:most],
        len(facts) if counted else None,
    )


def _encode_parts(parts: list[Part]) -> bytes:
    return orjson.dumps([replace(p, facts=tuple(map(told_of, p.facts))) for p in parts])


def _decode_parts(value: bytes) -> list[Part]:
    return [
        Part(
            Origin(**told["origin"]),
            told["at_ms"],
            told["offset"],
            tuple(told["kinds"]),
            told["stores"],
            told["of_all"],
            tuple(map(fact_of, told["facts"])),
            told["total"],
        )
        for told in orjson.loads(value)
    ]


PARTS = Call("changes-parts", _parts, TABLE, encode=_encode_parts, decode=_decode_parts)


# -- what undoes one -----


def _undoing(program: Program, args: dict[str, Any]) -> Undoing:
    partition, change, store = args["partition"], args["change"], args["store"]
    noted: Iterable[Run] = program.changes.since(partition)
    mine = [run for run in noted if run[0].origin.change == change]
    deltas: defaultdict[tuple[str, bytes], list[Delta]] = defaultdict(list)
    for fact in facts_in(mine):
        if store in ("", fact.delta.store_id.decode()):
            deltas[fact.kind, fact.delta.store_id].append(fact.delta)
    records: list[Record] = []
    later: list[Fact] = []
    for (kind, store_id), each in deltas.items():
        held = facts_of(getattr(program, kind), partition, store_id)
        wrong = against(kind, each, held)
        now = dict(held)
        later += [
            Fact(kind, replace(delta, before=delta.after, after=now.get(delta.suffix)))
            for delta in wrong
        ]
        if not wrong:
            records += undoing(kind, store_id, each, held)
    known = any(True for _ in facts_in(mine, store, 1))
    noted = program.changes.since(partition) if later else ()
    return Undoing(known, tuple(records), tuple(_who(later, change, noted)))


def _who(later: list[Fact], change: str, runs: Iterable[Run]) -> Iterator[Against]:
    """Facts with what was noted of each last, where that is another change."""
    stores = {fact.delta.store_id.decode() for fact in later}
    last: dict[tuple[str, bytes, bytes], Head] = {}
    for head, value in runs:
        if not stores.isdisjoint(head.store_ids):
            for delta in decode_deltas(value):
                last[head.kind, delta.store_id, delta.suffix] = head
    for fact in later:
        delta = fact.delta
        by = last.get((fact.kind, delta.store_id, delta.suffix))
        known = by is not None and by.origin.change != change
        yield Against(fact, *((by.origin, by.at_ms) if by and known else (None, None)))


def _encode_undoing(found: Undoing) -> bytes:
    records = [
        (one.table, one.key.decode(), text_of(one.value), one.at_ms)
        for one in found.records
    ]
    later = [(told_of(one.now), one.origin, one.at_ms) for one in found.against]
    return orjson.dumps([found.is_known, records, later])


def _decode_undoing(value: bytes) -> Undoing:
    known, records, later = orjson.loads(value)
    return Undoing(
        known,
        tuple(Record(t, key.encode(), bytes_of(v), at) for t, key, v, at in records),
        tuple(
            Against(fact_of(now), origin and Origin(**origin), at_ms)
            for now, origin, at_ms in later
        ),
    )


UNDOING = Call(
    "changes-undoing",
    _undoing,
    TABLE,
    encode=_encode_undoing,
    decode=_decode_undoing,
)
