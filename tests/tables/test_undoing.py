"""Undoing: records like any other that bring facts back to how they were."""

from itertools import pairwise
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules.exclusions import Exclusion
from streamproc.rules.schedule import parse_hours
from tables import exclusions as exclusions_table
from tables.changed import Delta
from tables.fact_records import KINDS, applied, read_message, same_value
from tables.facts import Facts
from tables.undoing import Joined, Record, against, join, undoing

STORE = "7"
LATER_MS = 1_000_000
"""When what undoes is published."""

clocks = st.integers(0, 287).map(lambda n: f"{n // 12:02d}:{n % 12 * 5:02d}")
openings = st.fixed_dictionaries({"start_time_local": clocks, "end_time_local": clocks})
weekly = openings.flatmap(
    lambda row: st.integers(0, 6).map(lambda day: {"dayOfWeek": day, **row})
)
dates = st.sampled_from(["2026-01-05", "2026-02-05", "2026-03-05"])
ids = st.sampled_from(["a", "b"])

messages: dict[str, Any] = {
    "hours": st.fixed_dictionaries(
        {"hours": st.none() | st.lists(weekly, max_size=4)},
        optional={"valid_from": dates},
    ),
    "zones": st.fixed_dictionaries(
        {"timezone_str": st.sampled_from([None, "UTC", "Asia/Tokyo"])}
    ),
    "special_hours": st.fixed_dictionaries(
        {"date": dates, "openings": st.lists(openings, max_size=2)},
        optional={"note": st.text(max_size=5)},
    ),
    "exclusions": st.fixed_dictionaries(
        {
            "id": ids,
            "kind": st.sampled_from(["maintenance", "correction-up"]),
            "from": st.sampled_from(["2026-01-05 01:00", "2026-01-05 02:00"]),
            "to": st.just("2026-01-05 03:00"),
        },
        optional={
            "withdrawn": st.booleans(),
            "by": st.sampled_from(["Ann", "Bob"]),
            "note": st.text(max_size=5),
        },
    ),
    "labels": st.fixed_dictionaries(
        {"labels": st.dictionaries(ids, st.sampled_from(["x", "y", ""]))},
        optional={"name": st.sampled_from(["N", "M"]), "target": st.integers(1, 100)},
    ),
}


def after(kind: str, held: Facts, key: bytes, value: bytes | None, at_ms: int) -> Facts:
    """What a table holds of the store after one more record."""
    return applied(held, read_message(0, key, value, at_ms, KINDS[kind]))


def deltas_between(kind: str, before: Facts, now: Facts) -> list[Delta]:
    """What the log would have of it."""
    old, new = dict(before), dict(now)
    return [
        Delta(STORE.encode(), suffix, old.get(suffix), new.get(suffix))
        for suffix in sorted({*old, *new})
        if not same_value(kind, old.get(suffix), new.get(suffix))
    ]


def undone(kind: str, held: Facts, records: list[Record]) -> Facts:
    """What a table holds after the records, published later."""
    for one in records:
        at_ms = LATER_MS if one.at_ms is None else one.at_ms
        held = after(kind, held, one.key, one.value, at_ms)
    return held


@given(st.sampled_from(list(messages)), st.data())
def test_undoing_every_change_newest_first_gives_the_first_state_back(
    kind: str, data: Any
) -> None:
    """Of any kind; each one on the way as well, and it can be repeated."""
    states: list[Facts] = [()]
    for number, told in enumerate(data.draw(st.lists(messages[kind], max_size=6))):
        value = orjson.dumps({"store_id": STORE, **told})
        states.append(after(kind, states[-1], b"", value, number))
    held = states[-1]
    for before, then in reversed(list(pairwise(states))):
        deltas = deltas_between(kind, before, then)
        assert against(kind, deltas, held) == []
        held = undone(kind, held, undoing(kind, STORE.encode(), deltas, held))
        assert deltas_between(kind, before, held) == []
        assert kind == "exclusions" or held == before
        assert undoing(kind, STORE.encode(), deltas, held) == []


@given(st.sampled_from(list(messages)), st.data())
def test_changes_of_one_fact_are_undone_as_one(kind: str, data: Any) -> None:
    """The value before the first of them, the value after the last."""
    states: list[Facts] = [()]
    deltas: list[Delta] = []
    for number, told in enumerate(data.draw(st.lists(messages[kind], max_size=6))):
        value = orjson.dumps({"store_id": STORE, **told})
        states.append(after(kind, states[-1], b"", value, number))
        deltas += deltas_between(kind, states[-2], states[-1])
    found: Joined = {}
    join(found, deltas, most=9)
    together, held = list(found.values()), states[-1]
    assert against(kind, together, held) == []
    held = undone(kind, held, undoing(kind, STORE.encode(), together, held))
    assert deltas_between(kind, (), held) == []


def week(opening: str) -> bytes:
    """A week's value."""
    row = {"dayOfWeek": 1, "start_time_local": opening, "end_time_local": "17:00"}
    return orjson.dumps([[o.day, o.start_s, o.end_s] for o in parse_hours([row])])


def test_weeks_that_came_later_stay_when_the_undated_one_is_undone() -> None:
    """An undated week forgets those that have a date: they are said once more."""
    day = b"\0\0\x50\0"
    delta = Delta(b"7", b"", week("08:00"), week("09:00"))
    held = ((b"", week("09:00")), (day, week("07:00")))
    records = undoing("hours", b"7", [delta], held)
    assert len(records) == 2
    assert undone("hours", held, records) == ((b"", week("08:00")), held[1])


def test_what_was_changed_since_stands_against_it() -> None:
    """The same fact, with another value; a fact beside it does not."""
    mine = Delta(b"7", b"", b"UTC", b"Asia/Tokyo")
    assert against("zones", [mine], ((b"", b"Europe/Berlin"),)) == [mine]
    assert against("zones", [mine], ()) == [mine]
    assert against("zones", [mine], ((b"", b"Asia/Tokyo"),)) == []
    assert against("zones", [mine], ((b"", b"UTC"),)) == []


def test_an_exclusion_comes_back_with_its_time() -> None:
    """Of two corrections that overlap the one that was published later counts."""
    first = exclusions_table.encode(Exclusion("a", "correction-up", 1, 2, at_ms=5))
    then = exclusions_table.encode(Exclusion("a", "correction-down", 1, 2, at_ms=9))
    (record,) = undoing(
        "exclusions", b"7", [Delta(b"7", b"a", first, then)], ((b"a", then),)
    )
    assert record.at_ms == 5
    assert undone("exclusions", ((b"a", then),), [record]) == ((b"a", first),)
