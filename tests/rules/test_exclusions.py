"""Exclusions: how they are read, what they cover, and what they make of statuses."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.errors import InvalidInput
from streamproc.rules.exclusions import (
    DOWN,
    KINDS,
    MAINTENANCE,
    UNKNOWN,
    UP,
    Correction,
    Exclusion,
    corrections,
    excluded,
    exclusion_row,
    parse_exclusion,
    without,
)
from streamproc.rules.statuses import Statuses, corrected
from tests.reference import HOUR_US
from tests.rules.test_reference import utc
from tests.rules.test_uptime import QUICK, THOROUGH

ROW: dict[str, Any] = {
    "store_id": "1",
    "id": "m-1",
    "kind": "maintenance",
    "from": "2026-11-23T12:00:00Z",
    "to": "2026-11-23 13:00:00",
}
FROM_US, TO_US = utc("2026-11-23 12:00"), utc("2026-11-23 13:00")


def test_an_exclusion_is_read() -> None:
    """All its fields, and when it was published."""
    row = ROW | {"note": "new router", "by": "ann", "withdrawn": True}
    assert parse_exclusion(row, 5) == Exclusion(
        "m-1", MAINTENANCE, FROM_US, TO_US, False, "new router", "ann", True, 5
    )


NOTES = st.none() | st.text(min_size=1, max_size=9)


@given(
    kind=st.sampled_from(KINDS),
    begin=st.integers(0, 10**15),
    length=st.integers(1, 10**12),
    local=st.booleans(),
    texts=st.tuples(NOTES, NOTES),
    withdrawn=st.booleans(),
)
@QUICK
def test_an_exclusion_is_written_as_it_is_read(
    kind: str,
    begin: int,
    length: int,
    local: bool,
    texts: tuple[str | None, str | None],
    withdrawn: bool,
) -> None:
    """To the microsecond, or to the local second."""
    unit = 1_000_000 if local else 1
    ends = begin // unit, begin // unit + 1 + length // unit
    one = Exclusion("x", kind, *ends, local, *texts, withdrawn, 5)
    assert parse_exclusion(exclusion_row(one), 5) == one


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"kind": "holiday"}, "bad-kind", "kind"),
        ({"kind": ["maintenance"]}, "bad-kind", "kind"),
        ({"id": ""}, "bad-exclusion-id", "id"),
        ({"id": "a/b"}, "bad-exclusion-id", "id"),
        ({"id": "x" * 65}, "bad-exclusion-id", "id"),
        ({"from": None}, "bad-exclusion", "from"),
        ({"to": "tomorrow"}, "bad-exclusion", "to"),
        ({"to": ROW["from"]}, "bad-exclusion", "from is not before to"),
        (
            {"to": None, "to_local": "2026-11-23 13:00"},
            *("bad-exclusion", "from, to_local are given, expected from and to or"),
        ),
        (
            {"from": None, "to": None, "from_local": "2026-02-30 12:00"},
            *("bad-exclusion", "from_local is '2026-02-30 12:00': day is out of range"),
        ),
        ({"note": 7}, "bad-exclusion", "note"),
        ({"by": "x" * 501}, "bad-exclusion", "by"),
        ({"withdrawn": "yes"}, "bad-exclusion", "withdrawn"),
    ],
)
def test_what_is_wrong_with_an_exclusion_is_said(
    changes: dict[str, Any], reason: str, field: str
) -> None:
    """Its reason for counting, and the field for people."""
    with pytest.raises(InvalidInput, match=field) as caught:
        parse_exclusion(ROW | changes, 0)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("begin", "end", "hours"),
    [
        ("2026-11-01 01:00:00", "2026-11-01 02:00:00", 2),
        ("2026-03-08 02:00:00", "2026-03-08 03:00:00", 0),
        ("2026-07-01 12:00", "2026-07-01 13:30", 1.5),
    ],
    ids=["an hour twice", "an hour that is skipped", "an ordinary one"],
)
def test_local_ends_are_the_wall_clock_of_the_stores_zone(
    begin: str, end: str, hours: float
) -> None:
    """Ambiguous: the first; skipped: forward; fallen together: covers nothing."""
    row = {"id": "m", "kind": MAINTENANCE, "from_local": begin, "to_local": end}
    exclusion = parse_exclusion(row, 0)
    found = excluded([exclusion], "America/Chicago")
    assert hours * HOUR_US == sum(end_us - begin_us for begin_us, end_us in found)


def test_local_ends_stay_local() -> None:
    """The same exclusion is at another instant in another zone."""
    row = {
        "id": "m",
        "kind": MAINTENANCE,
        "from_local": "2026-11-23 12:00:00",
        "to_local": "2026-11-23 13:00:00",
    }
    exclusion = parse_exclusion(row, 0)
    assert exclusion.interval("UTC") == (FROM_US, TO_US)
    assert exclusion.interval("Asia/Tokyo") == (
        FROM_US - 9 * HOUR_US,
        TO_US - 9 * HOUR_US,
    )


def test_withdrawn_exclusions_count_no_more() -> None:
    """Neither maintenance nor corrections."""
    gone = Exclusion("a", MAINTENANCE, 0, 10, withdrawn=True)
    wrong = Exclusion("b", "correction-up", 0, 10, withdrawn=True)
    assert excluded([gone, wrong], "UTC") == []
    assert corrections([gone, wrong], "UTC") == []


def test_the_later_correction_wins_and_of_two_at_once_the_greater_id() -> None:
    """Where two overlap; elsewhere both count."""
    first = Exclusion("z", "correction-up", 0, 10, at_ms=1)
    later = Exclusion("a", "correction-down", 5, 15, at_ms=2)
    as_late = Exclusion("b", "correction-unknown", 14, 16, at_ms=2)
    assert corrections([later, as_late, first], "UTC") == [
        Correction(0, 5, UP),
        Correction(5, 14, DOWN),
        Correction(14, 16, UNKNOWN),
    ]


spans = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 9)).map(lambda p: (p[0], sum(p))),
    max_size=4,
)


@QUICK
@given(opened=spans, taken=spans)
def test_without_takes_out_every_instant_that_is_covered(
    opened: list[tuple[int, int]], taken: list[tuple[int, int]]
) -> None:
    """Instant by instant."""
    disjoint = without(sorted(opened), [])
    flat = sorted({i for begin, end in disjoint for i in range(begin, end)})
    left = without(merged(flat), sorted(taken))
    holes = {i for begin, end in taken for i in range(begin, end)}
    assert [i for begin, end in left for i in range(begin, end)] == [
        i for i in flat if i not in holes
    ]


def merged(instants: list[int]) -> list[tuple[int, int]]:
    """Runs of neighbouring instants as intervals."""
    found: list[tuple[int, int]] = []
    for i in instants:
        if found and found[-1][1] == i:
            found[-1] = (found[-1][0], i + 1)
        else:
            found.append((i, i + 1))
    return found


@st.composite
def store_statuses(draw: st.DrawFn) -> list[tuple[int, int, bool]]:
    """Spans of a store that do not overlap, in order."""
    cuts = sorted(draw(st.sets(st.integers(0, 30), max_size=8)))
    pairs = list(pairwise(cuts))
    chosen = [pair for pair in pairs if draw(st.booleans())]
    return [(begin, end, draw(st.booleans())) for begin, end in chosen]


said = st.lists(
    st.builds(
        lambda kind, span, at_ms, number: Exclusion(
            f"e{number}", kind, span[0], sum(span), at_ms=at_ms
        ),
        st.sampled_from(["correction-up", "correction-down", "correction-unknown"]),
        st.tuples(st.integers(0, 30), st.integers(1, 9)),
        st.integers(0, 3),
        st.integers(0, 99),
    ),
    max_size=4,
    unique_by=lambda exclusion: exclusion.exclusion_id,
)


@THOROUGH
@given(stores=st.lists(st.tuples(store_statuses(), said), max_size=4))
def test_a_correction_sets_the_status_of_all_it_covers(
    stores: list[tuple[list[tuple[int, int, bool]], list[Exclusion]]],
) -> None:
    """Instant by instant, whatever the polls say there; elsewhere they still speak."""
    rows = [(number, *span) for number, (mine, _) in enumerate(stores) for span in mine]
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    told = Statuses(columns[0], columns[1], columns[2], columns[3].astype(bool))
    found = corrected(told, [corrections(some, "UTC") for _, some in stores])
    for number, (mine, some) in enumerate(stores):
        chosen = found.store == number
        got = {
            i: bool(up)
            for begin, end, up in zip(
                found.begin_us[chosen].tolist(),
                found.end_us[chosen].tolist(),
                found.up[chosen].tolist(),
                strict=True,
            )
            for i in range(begin, end)
        }
        assert got == by_instant(mine, some)
    assert found.store.tolist() == sorted(found.store.tolist())


def by_instant(
    mine: list[tuple[int, int, bool]], some: list[Exclusion]
) -> dict[int, bool]:
    """What is known of each instant: the last correction said, else the polls."""
    known = {i: up for begin, end, up in mine for i in range(begin, end)}
    for exclusion in sorted(some, key=lambda e: (e.at_ms, e.exclusion_id)):
        for i in range(exclusion.begin, exclusion.end):
            if exclusion.kind == "correction-unknown":
                known.pop(i, None)
            else:
                known[i] = exclusion.kind == "correction-up"
    return known
