"""Facts of a change: what the log's runs together say of each, and the first ones."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.origin import Origin
from streamproc.web.changes.changed_facts import Fact, Run, facts_in
from tables.changed import Delta, Noted, encode, runs_of

ORIGIN = Origin("c1")

KINDS = st.sampled_from(["zones", "hours"])
DELTAS = st.lists(
    st.tuples(KINDS, st.sampled_from([b"a", b"b", b"c", b"*"]), st.booleans()),
    max_size=12,
)


def runs(told: list[tuple[str, bytes, bool]], size: int) -> list[Run]:
    """Runs of so many records of a kind each; ``told``: kind, store, has a suffix."""
    found: list[Run] = []
    for kind in ("zones", "hours"):
        noted = [
            Noted(n, n, ORIGIN, Delta(store, b"s" * suffix, b"%d" % n, b"%d!" % n))
            for n, (of, store, suffix) in enumerate(told)
            if of == kind
        ]
        for first in range(0, len(noted), size):
            some = runs_of(kind, noted[first : first + size])
            found += [(run.head, encode(run)) for run in some]
    return found


def expected(told: list[tuple[str, bytes, bool]], store: str) -> list[Fact]:
    """Each fact once: what the first change has found, and the last one left."""
    found: dict[tuple[str, bytes, bytes], Fact] = {}
    for n, (kind, store_id, suffix) in enumerate(told):
        if store and store_id not in (store.encode(), b"*"):
            continue
        key = kind, store_id, b"s" * suffix
        new = Fact(kind, Delta(*key[1:], b"%d" % n, b"%d!" % n))
        first = found.get(key, new)
        delta = replace(first.delta, after=new.delta.after)
        found[key] = Fact(kind, delta)
    return sorted(found.values(), key=lambda fact: fact.kind)


@given(
    DELTAS,
    st.integers(1, 4),
    st.integers(0, 5),
    st.sampled_from(["", "a"]),
    st.randoms(use_true_random=False),
)
def test_the_first_facts_of_a_change_are_as_all_its_runs_have_left_them(
    told: list[tuple[str, bytes, bool]], size: int, most: int, store: str, rnd: object
) -> None:
    """Of all or of one store, in whatever order the runs are found."""
    found = runs(told, size)
    rnd.shuffle(found)  # type: ignore[attr-defined]
    assert list(facts_in(found, store)) == expected(told, store)
    assert list(facts_in(found, store, most)) == expected(told, store)[:most]


def test_of_a_large_change_only_the_runs_of_its_first_facts_are_read() -> None:
    """A file may have changed 200,000 facts, and a list shows three of them."""
    told = [("zones", b"%d" % number, False) for number in range(40)]
    read, *others = runs([*told, told[1]], 10)
    broken = [(head, value.partition(b"\n")[0] + b"\n!") for head, value in others]
    broken[-1] = others[-1]  # it has changed the second fact again
    found = list(facts_in([read, *broken], most=3))
    assert [fact.delta.after for fact in found] == [b"0!", b"40!", b"2!"]
    with pytest.raises(Exception, match="decompress"):
        list(facts_in([read, *broken], most=11))
