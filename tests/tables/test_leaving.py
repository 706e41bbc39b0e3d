"""What leaves ``histories`` is found with few iterators, and with few keys read."""

from bisect import bisect_left
from collections.abc import Generator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules import history
from streamproc.rules.history import KEPT_DAYS
from tables import leaving as leaving_module
from tables.leaving import Leaving, leaving, segments_of
from tables.rocks_scan import Run
from tests.kept_days import retained

DAY = 20_000


class Table:
    """Segments in the order of their keys; counts how they are read."""

    def __init__(self, stores: Sequence[bytes], days: Sequence[int]) -> None:
        keys = sorted(history.segment_key(s, DAY + day) for s in stores for day in days)
        self.items = {key: b"polls of %b" % key for key in keys}
        self.seeks = self.read = 0

    def runs(self, start: bytes) -> Generator[Run]:
        """Few at first, as the real ones."""
        self.seeks += 1
        keys = list(self.items)
        at, size = bisect_left(keys, start), 1
        while some := keys[at : at + size]:
            self.read += len(some)
            yield some, [self.items[key] for key in some]
            at, size = at + size, min(4 * size, 2_000)


def numbered(numbers: Sequence[int]) -> list[bytes]:
    """Ids in the order of their numbers."""
    return [b"%06d" % number for number in numbers]


ids = st.sampled_from([b"a", b"a1", b"a11", b"a\x7f", b"b", b"c", b"c9", b"d"])


@given(
    there=st.sets(ids),
    days=st.sets(st.integers(0, 40), min_size=1),
    wanted=st.sets(ids),
)
def test_all_segments_of_the_stores_are_found_and_no_others(
    there: set[bytes], days: set[int], wanted: set[bytes]
) -> None:
    """Whichever are there, and whichever begin as others do."""
    table = Table(sorted(there), sorted(days))
    found = list(segments_of(table.runs, sorted(wanted)))
    pairs = [pair for run in found for pair in zip(*run, strict=True)]
    mine = [(k, v) for k, v in table.items.items() if history.store_of(k) in wanted]
    assert pairs == mine


def test_stores_that_lie_close_together_are_read_with_one_iterator() -> None:
    """All of them, or every other one: a thousand seeks less."""
    for step in (1, 2):
        table = Table(numbered(range(2_000)), range(9))
        wanted = numbered(range(0, 2_000, step))
        assert sum(len(keys) for keys, _ in segments_of(table.runs, wanted)) == (
            9 * len(wanted)
        )
        assert table.seeks <= 3
        assert table.read <= 9 * 2_000 + 3 * 100


def test_what_lies_between_stores_that_are_far_is_not_read() -> None:
    """Ten stores of many cost as many seeks, and a few keys each."""
    table = Table(numbered(range(5_000)), range(9))
    wanted = numbered(range(0, 5_000, 500))
    assert sum(len(keys) for keys, _ in segments_of(table.runs, wanted)) == 90
    assert table.seeks == 10
    assert table.read <= 10 * (1 + 4 + 16 + 64)


def test_a_store_that_gets_no_other_day_is_not_looked_at() -> None:
    """What a batch costs does not grow with the history kept."""
    table = Table(numbered(range(50)), range(20))
    old = dict(list(table.items.items())[:40])
    assert leaving(table.runs, [*[0] * 20, *[1] * 20], old, {}) == []
    assert table.seeks == 0


@given(
    days=st.sets(st.integers(0, 30), min_size=1),
    new=st.sets(st.integers(0, 45), min_size=1),
)
def test_what_leaves_is_what_the_rule_does_not_keep(
    days: set[int], new: set[int]
) -> None:
    """With the value it is to have, and whether it is new; of those stores only."""
    table = Table(numbered(range(3)), sorted(days))
    store = numbered([1])[0]
    keys = {day: history.segment_key(store, DAY + day) for day in sorted(new)}
    old = {key: table.items.get(key) for key in keys.values()}
    changes: dict[bytes, bytes | None] = dict.fromkeys(keys.values(), b"+")
    gone = (days | new) - retained(days | new) if new - days else set()
    assert leaving(table.runs, [7] * len(keys), old, changes) == [
        Leaving(
            7,
            *(store, DAY + day),
            b"+" if day in new else table.items[history.segment_key(store, DAY + day)],
            day not in days,
        )
        for day in sorted(gone)
    ]


def test_a_batch_of_many_stores_takes_no_memory_for_all_their_segments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Some stores at a time are read; what leaves is the same."""
    table = Table(numbered(range(50)), range(9))
    old = {history.segment_key(store, DAY + 10): None for store in numbered(range(50))}
    whole = leaving(table.runs, range(50), old, {})
    assert len(whole) == 50
    monkeypatch.setattr(leaving_module, "_STORES_AT_ONCE", 7)
    table.seeks = 0
    assert leaving(table.runs, range(50), old, {}) == whole
    assert table.seeks == 8


@pytest.mark.parametrize("stores", [1, 5])
def test_each_store_is_judged_by_its_own_days(stores: int) -> None:
    """Those of a neighbour do not make a day old."""
    ids = numbered(range(stores))
    keys = [
        history.segment_key(store_id, DAY + first + day)
        for first, store_id in enumerate(ids)
        for day in (0, KEPT_DAYS, KEPT_DAYS + 2)
    ]
    assert history.let_go(keys) == []
    keys += [history.segment_key(each, DAY + at + 1) for at, each in enumerate(ids)]
    assert [history.split_key(key) for key in history.let_go(sorted(keys))] == [
        (store_id, DAY + at) for at, store_id in enumerate(ids)
    ]
