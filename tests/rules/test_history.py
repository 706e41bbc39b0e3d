"""A store's history: the polls say the same however they arrive."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamproc.cells import Ints
from streamproc.rules import history, packing
from streamproc.rules.business import BusinessTime
from streamproc.rules.history import KEPT_DAYS, THIN_ABOVE, THIN_GAP_US
from streamproc.rules.packing import ACTIVE, THINNED
from streamproc.rules.schedule import Opening
from streamproc.rules.uptime import Accounts, Rules, Times, account
from streamproc.rules.windows import LONGEST_US
from tests.kept_days import retained
from tests.reference import DAY_US, HOUR_US, SECOND_US, WINDOWS_US, Poll, reference
from tests.rules.one_store import account_one, window_intervals
from tests.rules.test_reference import MINUTE_US, utc

DAY_0_US = utc("2025-05-05 00:00")
DAY_0 = DAY_0_US // DAY_US
LONG_DAYS = 30

QUICK = settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow]
)
FEW = settings(QUICK, max_examples=70)

StorePoll = tuple[int, int, bool]
Key = tuple[int, int]


@dataclass(frozen=True)
class Dense:
    """A store polled every 1 to 60 seconds, in runs of one status.

    ``order``: 0 sorted, 1 minutes late, 2 any. ``contrary``: polls contradicted by
    another one at their very time.
    """

    step_s: int
    count: int
    jitter: bool
    run: int
    start_h: int
    contrary: int
    order: int
    size: int
    seed: int

    @cached_property
    def polls(self) -> list[Poll]:
        """The polls in the order they arrive in, some of them twice."""
        dice = random.Random(self.seed)
        step_us = self.step_s * SECOND_US
        polls: list[Poll] = []
        active = dice.random() < 0.5
        for n in range(self.count):
            active ^= dice.random() < 1 / self.run
            shift_us = dice.randrange(step_us) if self.jitter else 0
            time_us = DAY_0_US + self.start_h * HOUR_US + n * step_us + shift_us
            polls.append((time_us, active))
        some = dice.sample(polls, self.contrary)
        polls += [(time_us, not status) for time_us, status in some]
        if self.order == 0:
            return sorted(polls)
        polls += dice.sample(polls, 50)
        if self.order == 1:
            arrived = [poll[0] + dice.randrange(10 * MINUTE_US) for poll in polls]
            return [poll for _, poll in sorted(zip(arrived, polls, strict=True))]
        return dice.sample(polls, len(polls))

    @property
    def batches(self) -> list[list[StorePoll]]:
        """The polls, some at a time."""
        return of_one_store(
            self.polls[at : at + self.size]
            for at in range(0, len(self.polls), self.size)
        )


class Kept:
    """Segments kept the way the table ``histories`` keeps them, in a dict."""

    def __init__(self) -> None:
        self.segments: dict[Key, bytes] = {}
        self.late: list[int] = []

    def add(self, polls: Sequence[StorePoll]) -> None:
        """Merge a batch, then let go of days that are too old."""
        codes = np.array([store for store, _, _ in polls], np.int64)
        packed = packing.pack((time_us, active) for _, time_us, active in polls)
        segments = history.group(codes, packed)
        keys = zip(segments.stores, segments.days, strict=True)
        for key, value in zip(keys, segments.values, strict=True):
            before = self.segments.get(key, b"")
            self.segments[key], late = history.merge(before, value)
            self.late += late
        for store in {store for store, _, _ in polls}:
            days = {day for of, day in self.segments if of == store}
            for day in days - retained(days):
                del self.segments[store, day]

    def packed(self, store: int = 0) -> Ints:
        """A store's polls, packed, in time order."""
        keys = sorted(key for key in self.segments if key[0] == store)
        return packing.unpack(b"".join(self.segments[key] for key in keys))


def keep(batches: Iterable[Sequence[StorePoll]]) -> Kept:
    """What is kept after all batches."""
    kept = Kept()
    for batch in batches:
        kept.add(batch)
    return kept


def of_one_store(batches: Iterable[Iterable[Poll]]) -> list[list[StorePoll]]:
    """Batches of store 0."""
    return [[(0, time_us, active) for time_us, active in batch] for batch in batches]


def plain(polls: Iterable[StorePoll]) -> dict[Key, bytes]:
    """The segments by the words of the design: sorted, inactive wins."""
    status: dict[tuple[int, int], bool] = {}
    for store, time_us, active in polls:
        status[store, time_us] = status.get((store, time_us), True) and active
    segments: dict[Key, bytes] = {}
    for (store, time_us), active in sorted(status.items()):
        key = (store, time_us // DAY_US)
        word = (time_us * 4 + active).to_bytes(8, "little")
        segments[key] = segments.get(key, b"") + word
    return segments


def pairs_of(packed: Iterable[int]) -> list[Poll]:
    """Packed polls as (time_us, active)."""
    return [(poll >> 2, bool(poll & ACTIVE)) for poll in packed]


def figures(packed: Ints, as_of_us: int, rules: Rules) -> Accounts:
    """What one store's polls say, always open and on weekdays in Chicago."""
    week = [(as_of_us - WINDOWS_US["week"], as_of_us)]
    opening = history_opening()
    intervals = window_intervals(opening, "America/Chicago", as_of_us)
    both = np.concatenate((packed, packed))
    counts = np.array([len(packed)] * 2, np.int64)
    business = BusinessTime([week, intervals], as_of_us - LONGEST_US, as_of_us)
    return account(both, counts, np.arange(2), Times.plain(business), rules)


def history_opening() -> tuple[Opening, ...]:
    """Business hours that open and close within a dense day."""
    return tuple(Opening(day, 5 * 3600, 19 * 3600) for day in range(5))


def assert_same_answers(one: Ints, other: Ints, as_of_us: int, rules: Rules) -> None:
    """Up, down and open time and the last status are alike."""
    a, b = figures(one, as_of_us, rules), figures(other, as_of_us, rules)
    assert a.up.tolist() == b.up.tolist()
    assert a.down.tolist() == b.down.tolist()
    assert a.open.tolist() == b.open.tolist()
    assert (a.last & ACTIVE).tolist() == (b.last & ACTIVE).tolist()
    assert (a.last < 0).tolist() == (b.last < 0).tolist()


def dense_day(step_s: int, count: int, active: bool = True) -> list[Poll]:
    """Polls of one status, so many seconds apart."""
    return [(DAY_0_US + n * step_s * SECOND_US, active) for n in range(count)]


def merged(polls: Iterable[Poll]) -> bytes:
    """One segment of all polls, added at once."""
    new = packing.canonical(packing.pack(polls)).tobytes()
    return history.merge(b"", new)[0]


def word(time_us: int, active: bool) -> bytes:
    """One new poll as a segment."""
    return packing.pack([(time_us, active)]).tobytes()


times = st.one_of(
    st.integers(0, 3 * DAY_US - 1),
    st.sampled_from((0, 1, DAY_US - 1, DAY_US, DAY_US + 1, HOUR_US, 2 * HOUR_US)),
).map(lambda by: DAY_0_US + by)
store_polls = st.tuples(st.integers(0, 2), times, st.booleans())


@st.composite
def arrivals(
    draw: st.DrawFn, polls: st.SearchStrategy[StorePoll] = store_polls
) -> tuple[list[StorePoll], list[list[StorePoll]]]:
    """Polls, and batches that bring each of them once or more, in any order."""
    sent = draw(st.lists(polls, max_size=50))
    again = draw(st.lists(st.sampled_from(sent), max_size=20)) if sent else []
    order = draw(st.permutations(sent + again))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=6)))
    return sent, [order[a:b] for a, b in pairwise([0, *cuts, len(order)])]


def dense(*orders: int) -> st.SearchStrategy[Dense]:
    """Days that are thinned, as they arrive in the given orders."""
    return st.builds(
        Dense,
        step_s=st.sampled_from((1, 2, 7, 10, 30, 45, 60)),
        count=st.integers(500, 1400),
        jitter=st.booleans(),
        run=st.sampled_from((1, 3, 20, 200, 5000)),
        start_h=st.sampled_from((0, 20)),
        contrary=st.sampled_from((0, 5)),
        order=st.sampled_from(orders),
        size=st.sampled_from((1, 7, 64, 600, 5000)),
        seed=st.integers(0, 2**32),
    )


as_ofs = st.one_of(
    st.integers(0, 4 * DAY_US),
    st.integers(0, 24 * 60).map(lambda minutes: minutes * MINUTE_US),
).map(lambda by: DAY_0_US + by)
rules_of = st.builds(
    Rules,
    st.one_of(
        st.just(THIN_GAP_US),
        st.none(),
        st.integers(THIN_GAP_US, 2 * HOUR_US),
    ),
    st.booleans(),
)
statuses = st.lists(st.booleans(), min_size=1, max_size=200)
steps = st.one_of(
    st.integers(1, 2 * THIN_GAP_US),
    st.sampled_from((1, SECOND_US, MINUTE_US, THIN_GAP_US // 2, THIN_GAP_US)),
    st.just(THIN_GAP_US // 2 + 1),
)
store_ids = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=9
).map(str.encode)
day_numbers = st.one_of(
    st.integers(0, 2**32 - 1), st.sampled_from((0, 1, 255, 256, 65_535, 65_536, 20_000))
)


# -- any order, any repetition ---------------------------------------------------


@QUICK
@given(arrival=arrivals())
def test_any_order_repetition_and_split_gives_the_same_bytes(
    arrival: tuple[list[StorePoll], list[list[StorePoll]]],
) -> None:
    """The segments are the sorted polls, one per time, whatever brought them."""
    sent, batches = arrival
    kept = keep(batches)
    assert plain(sent) == kept.segments
    assert kept.late == []


@QUICK
@given(
    arrival=arrivals(
        st.tuples(
            st.integers(0, 1),
            st.integers(0, LONG_DAYS * 24).map(lambda h: DAY_0_US + h * HOUR_US),
            st.booleans(),
        )
    )
)
def test_old_days_are_dropped_the_same_in_any_order(
    arrival: tuple[list[StorePoll], list[list[StorePoll]]],
) -> None:
    """Days within 8 of the newest stay, and the newest of the older ones."""
    sent, batches = arrival
    everything = plain(sent)
    wanted = {
        (store, day)
        for store in {store for store, _ in everything}
        for day in lasting({day for of, day in everything if of == store})
    }
    expected = {key: everything[key] for key in wanted}
    assert expected == keep(batches).segments


@pytest.mark.parametrize("order", [(True, False), (False, True), (False, True, False)])
def test_of_two_polls_at_one_time_inactive_wins(order: tuple[bool, ...]) -> None:
    """Two polls of a store that disagree are one inactive poll, in any order."""
    together = merged([(DAY_0_US, active) for active in order])
    apart = b""
    for active in order:
        apart, late = history.merge(apart, word(DAY_0_US, active))
        assert late == []
    assert word(DAY_0_US, False) == together == apart


def test_a_batch_is_split_by_store_and_utc_day() -> None:
    """Midnight UTC parts two days; stores and days come in order."""
    midnight = DAY_0_US + DAY_US
    polls = [(1, midnight, True), (0, midnight, False), (0, midnight - 1, True)]
    codes = np.array([store for store, _, _ in polls], np.int64)
    packed = packing.pack((time_us, active) for _, time_us, active in polls)
    segments = history.group(codes, packed)
    keys = list(zip(segments.stores, segments.days, strict=True))
    assert keys == [(0, DAY_0), (0, DAY_0 + 1), (1, DAY_0 + 1)]
    assert plain(polls) == dict(zip(keys, segments.values, strict=True))


def test_no_polls_are_no_segments() -> None:
    """An empty batch changes nothing."""
    assert len(history.group(np.zeros(0, np.int64), packing.pack([]))) == 0


def test_a_canonical_history_is_sorted_with_one_poll_per_time() -> None:
    """Repeats collapse and inactive wins."""
    polls = [(3, True), (1, True), (3, False), (1, True), (2, False)]
    canonical = packing.canonical(packing.pack(polls))
    assert pairs_of(canonical.tolist()) == [(1, True), (2, False), (3, False)]


# -- thinning --------------------------------------------------------------------


@pytest.mark.parametrize(("count", "thinned"), [(512, False), (513, True)])
def test_a_segment_is_thinned_above_512_polls(count: int, thinned: bool) -> None:
    """Up to the limit every poll stays."""
    value = merged(dense_day(10, count))
    assert thinned == (len(value) < count * 8)


@pytest.mark.parametrize("batch", [1, 10, 64, 5_000])
def test_a_store_polled_every_second_stays_small(batch: int) -> None:
    """A day of 86,400 like polls takes some hundred, however they come."""
    polls = of_one_store([dense_day(1, 24 * 3600)])[0][: 20_000 if batch == 1 else None]
    value = b""
    largest = 0
    for at in range(0, len(polls), batch):
        new = packing.pack((t, s) for _, t, s in polls[at : at + batch]).tobytes()
        value, late = history.merge(value, new)
        largest = max(largest, len(value) // 8)
        assert late == []
    assert largest <= THIN_ABOVE + 64


def test_a_segment_that_cannot_be_thinned_is_thinned_when_it_can() -> None:
    """What was over the limit before does not grow for ever."""
    start_us = DAY_0_US + HOUR_US
    value = merged((DAY_0_US + n * SECOND_US, n % 2 == 0) for n in range(600))
    assert len(value) == 600 * 8
    for n in range(0, 20_000, 10):
        times_us = (start_us + (n + by) * SECOND_US for by in range(10))
        new = packing.pack((time_us, True) for time_us in times_us).tobytes()
        value, _ = history.merge(value, new)
    assert len(value) < 800 * 8


@FEW
@given(case=dense(0), as_of_us=as_ofs, rules=rules_of)
def test_polls_in_order_lose_nothing_by_thinning(
    case: Dense, as_of_us: int, rules: Rules
) -> None:
    """Every answer is that of the polls as they were sent, and none is late."""
    kept = keep(case.batches)
    exact = packing.canonical(packing.pack(case.polls))
    assert kept.late == []
    assert_same_answers(exact, kept.packed(), as_of_us, rules)


@FEW
@given(case=dense(1, 2), as_of_us=as_ofs, rules=rules_of)
def test_polls_in_any_order_count_exactly_but_for_the_late_ones(
    case: Dense, as_of_us: int, rules: Rules
) -> None:
    """Every answer is that of all polls that were not returned as late."""
    kept = keep(case.batches)
    late = set(pairs_of(kept.late))
    exact = packing.canonical(packing.pack(p for p in case.polls if p not in late))
    assert_same_answers(exact, kept.packed(), as_of_us, rules)


@FEW
@given(case=dense(1, 2))
def test_a_replay_of_everything_changes_nothing(case: Dense) -> None:
    """Of the polls that were placed, none is late but those an inactive one beat."""
    kept = keep(case.batches)
    before, late = dict(kept.segments), set(pairs_of(kept.late))
    kept.late.clear()
    for batch in case.batches:
        kept.add(batch)
    beaten = {(time_us, True) for time_us, active in case.polls if not active}
    assert before == kept.segments
    assert set(pairs_of(kept.late)) <= late | beaten


@pytest.mark.parametrize(
    ("step_s", "run", "hold_us", "backfill"),
    [
        (10, 100, THIN_GAP_US, False),
        (60, 7, HOUR_US, True),
        (45, 600, None, False),
    ],
)
def test_a_thinned_day_answers_as_the_oracle_does(
    step_s: int, run: int, hold_us: int | None, backfill: bool
) -> None:
    """To the microsecond, in the middle of the day and after it."""
    polls = [
        (time_us, n // run % 2 == 0)
        for n, (time_us, _) in enumerate(dense_day(step_s, 600))
    ]
    packed = packing.unpack(merged(polls))
    assert len(packed) < len(polls)
    for as_of_us in (polls[377][0] + 1, polls[-1][0] + HOUR_US):
        oracle = reference(polls, None, "UTC", as_of_us, hold_us, backfill)
        of = figures(packed, as_of_us, Rules(hold_us, backfill))
        assert [f.up_us for f in oracle.values()] == of.up[:, 0].tolist()
        assert [f.down_us for f in oracle.values()] == of.down[:, 0].tolist()


@QUICK
@given(status=statuses, data=st.data())
def test_thinning_drops_only_what_its_left_neighbour_says(
    status: list[bool], data: st.DataObject
) -> None:
    """A dropped poll lies in a marked gap of its status, of 5 minutes at most."""
    step_us = data.draw(steps)
    gaps = data.draw(st.lists(st.one_of(st.just(step_us), steps), min_size=len(status)))
    polls: list[Poll] = []
    time_us = DAY_0_US
    for active, gap_us in zip(status, gaps, strict=False):
        polls.append((time_us, active))
        time_us += gap_us
    packed = packing.pack(polls).tolist()
    thinned = history.thin(packed)
    kept = pairs_of(thinned)
    assert [kept[0], kept[-1]] == [polls[0], polls[-1]]
    dropped = set(polls) - set(kept)
    assert len(dropped) + len(kept) == len(polls)
    for (left, left_word), (right, _) in pairwise(zip(kept, thinned, strict=True)):
        inside = {poll for poll in dropped if left[0] < poll[0] < right[0]}
        dropped -= inside
        assert bool(inside) == bool(left_word & THINNED)
        if inside:
            assert {left[1]} == {right[1]} == {active for _, active in inside}
            assert right[0] - left[0] <= THIN_GAP_US
    assert not dropped


@pytest.mark.parametrize(
    ("gap_us", "dropped"), [(THIN_GAP_US, True), (THIN_GAP_US + 1, False)]
)
def test_a_gap_of_exactly_5_minutes_may_arise(gap_us: int, dropped: bool) -> None:
    """One microsecond more would exceed the shortest hold."""
    polls = [(DAY_0_US, True), (DAY_0_US + MINUTE_US, True), (DAY_0_US + gap_us, True)]
    assert dropped == (len(history.thin(packing.pack(polls).tolist())) == 2)


@pytest.mark.parametrize("step_us", [3 * MINUTE_US, THIN_GAP_US // 2 + 1, HOUR_US])
def test_polls_every_3_minutes_never_thin(step_us: int) -> None:
    """Any two neighbours lie more than 5 minutes apart: nothing may go."""
    polls = [(DAY_0_US + n * step_us, True) for n in range(2_000)]
    packed = packing.pack(polls).tolist()
    assert packed == history.thin(packed)


@settings(QUICK, max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_a_week_every_3_minutes_may_arrive_in_any_order(seed: int) -> None:
    """An unsorted week gives the sorted one, byte by byte."""
    dice = random.Random(seed)
    polls = [
        (0, DAY_0_US + n * 3 * MINUTE_US, dice.random() < 0.9)
        for n in range(7 * 24 * 20)
    ]
    order = dice.sample(polls, len(polls))
    kept = keep(order[at : at + 500] for at in range(0, len(order), 500))
    assert plain(polls) == kept.segments
    assert kept.late == []


# -- late polls ------------------------------------------------------------------


def thinned_day() -> tuple[bytes, Poll, Poll]:
    """A thinned segment of active polls, and the ends of its first gap."""
    value = merged(dense_day(10, 600))
    first, second = packing.unpack(value).tolist()[:2]
    assert first & THINNED
    left, right = pairs_of([first, second])
    assert right[0] - left[0] > MINUTE_US
    return value, left, right


def test_a_poll_that_contradicts_a_thinned_gap_is_late() -> None:
    """It cannot be placed exactly: it is returned, and the segment stays."""
    value, left, right = thinned_day()
    middle_us = (left[0] + right[0]) // 2
    for time_us in (left[0], left[0] + 1, middle_us, right[0] - 1):
        after, late = history.merge(value, word(time_us, False))
        assert (value, [(time_us, False)]) == (after, pairs_of(late))


def test_a_poll_that_agrees_with_a_thinned_gap_is_absorbed() -> None:
    """The gap already says so: nothing changes, nothing is returned."""
    value, left, right = thinned_day()
    middle_us = (left[0] + right[0]) // 2
    for time_us in (left[0], left[0] + 1, middle_us, right[0] - 1, right[0]):
        assert (value, []) == history.merge(value, word(time_us, True))


def test_a_poll_outside_of_thinned_gaps_is_placed() -> None:
    """Before the first poll and after the last one nothing was dropped."""
    value, left, _ = thinned_day()
    last_us = pairs_of(packing.unpack(value[-8:]).tolist())[0][0]
    for time_us in (left[0] - 1, last_us + 1):
        after, late = history.merge(value, word(time_us, False))
        assert late == []
        assert (time_us, False) in pairs_of(packing.unpack(after).tolist())


def test_a_late_poll_does_not_keep_its_batch_out() -> None:
    """The others of its batch are placed."""
    value, left, _ = thinned_day()
    last_us = pairs_of(packing.unpack(value[-8:]).tolist())[0][0]
    contrary, newer = (left[0] + 1, False), (last_us + HOUR_US, False)
    new = packing.pack([contrary, newer]).tobytes()
    after, late = history.merge(value, new)
    assert pairs_of(late) == [contrary]
    assert value + word(*newer) == after


def test_an_active_poll_never_beats_a_thinned_inactive_one() -> None:
    """At the very time of a poll that was kept, inactive wins as anywhere."""
    value = merged(dense_day(10, 600, active=False))
    for poll in packing.unpack(value).tolist():
        assert (value, []) == history.merge(value, word(poll >> 2, True))


@pytest.mark.parametrize("step_s", [1, 10, 60])
def test_replays_of_dropped_polls_change_nothing(step_s: int) -> None:
    """Each poll of a thinned day may come again, alone or all at once."""
    polls = dense_day(step_s, 600)
    value = merged(polls)
    whole = packing.canonical(packing.pack(polls)).tobytes()
    assert (value, []) == history.merge(value, whole)
    for at in range(0, len(whole), 8):
        assert (value, []) == history.merge(value, whole[at : at + 8])


# -- keys ------------------------------------------------------------------------


@QUICK
@given(rows=st.lists(st.tuples(store_ids, day_numbers), max_size=20))
def test_keys_sort_by_store_then_day(rows: list[tuple[bytes, int]]) -> None:
    """The order of the bytes is that of the store ids, then of the days."""
    assert sorted(rows) == [
        history.split_key(key)
        for key in sorted(history.segment_key(*row) for row in rows)
    ]


@QUICK
@given(store_id=store_ids, day=day_numbers)
def test_a_key_is_split_into_what_it_was_made_of(store_id: bytes, day: int) -> None:
    """The day's bytes may hold NULs too."""
    key = history.segment_key(store_id, day)
    assert (store_id, day) == history.split_key(key)
    assert key.startswith(store_id + b"\0")


@QUICK
@given(one=store_ids, other=store_ids, day=day_numbers)
def test_no_store_has_keys_among_those_of_another(
    one: bytes, other: bytes, day: int
) -> None:
    """A store's prefix begins its own keys only."""
    mine = history.segment_key(one, day).startswith(other + b"\0")
    assert mine == (one == other)


@pytest.mark.parametrize(
    ("time_us", "day"),
    [
        (0, 0),
        (DAY_US - 1, 0),
        (DAY_US, 1),
        (DAY_0_US, DAY_0),
        (DAY_0_US - 1, DAY_0 - 1),
    ],
)
def test_a_day_begins_at_midnight_utc(time_us: int, day: int) -> None:
    """Days are counted from 1970-01-01."""
    assert day == history.day_of(time_us)


# -- days that are kept ----------------------------------------------------------


def lasting(days: set[int]) -> set[int]:
    """The rule in words: within 8 of the newest, and the newest older one.

    When the newest stands alone, the one before it counts instead.
    """
    alone = all(day == max(days) or max(days) - day > 8 for day in days)
    leading = max(days - {max(days)}) if alone and len(days) > 1 else max(days)
    recent = {day for day in days if leading - day <= 8}
    older = days - recent
    return recent | ({max(older)} if older else set())


@pytest.mark.parametrize(
    ("days", "kept"),
    [
        ({7}, {7}),
        ({0, 8}, {0, 8}),
        ({0, 9}, {0, 9}),
        ({0, 1, 9}, {0, 1, 9}),
        ({0, 1, 10}, {0, 1, 10}),
        ({0, 1, 2, 10}, {1, 2, 10}),
        ({0, 1, 10, 11}, {1, 10, 11}),
        ({0, 1, 2, 11, 12}, {2, 11, 12}),
        ({3, 500}, {3, 500}),
        ({3, 4, 500}, {3, 4, 500}),
        ({3, 4, 500, 501}, {4, 500, 501}),
        ({3, 12, 13, 500}, {3, 12, 13, 500}),
        ({3, 4, 13, 500}, {4, 13, 500}),
        (set(range(30)), set(range(20, 30))),
    ],
)
def test_the_days_kept_are_those_of_the_table(days: set[int], kept: set[int]) -> None:
    """The longest window and a day more, and one older day for hold none."""
    assert kept == lasting(days)
    assert kept == retained(days)


@QUICK
@given(
    days=st.lists(st.integers(0, 40), min_size=1, max_size=25),
    size=st.integers(1, 5),
)
def test_the_days_kept_do_not_depend_on_their_order(days: list[int], size: int) -> None:
    """Forgetting as days arrive ends as forgetting once at the end does."""
    kept: set[int] = set()
    for at in range(0, len(days), size):
        kept = retained(kept | set(days[at : at + size]))
    assert lasting(set(days)) == kept


@QUICK
@given(
    polls=st.lists(
        st.tuples(
            st.integers(DAY_0 * DAY_US, (DAY_0 + 45) * DAY_US),
            st.booleans(),
        ),
        min_size=1,
        max_size=40,
    ),
    as_of_us=st.integers((DAY_0 + 5) * DAY_US, (DAY_0 + 47) * DAY_US),
    rules=st.builds(Rules, st.sampled_from([None, HOUR_US]), st.just(False)),
    far=st.booleans(),
)
def test_where_a_history_is_whole_nothing_was_let_go_that_counts(
    polls: list[tuple[int, bool]], as_of_us: int, rules: Rules, far: bool
) -> None:
    """With any hold, any gaps, and with a poll of a clock that was a year ahead."""
    if far:
        polls.append(((DAY_0 + 400) * DAY_US, True))
    days = retained({history.day_of(time_us) for time_us, _ in polls})
    kept = [poll for poll in polls if history.day_of(poll[0]) in days]
    packed = packing.canonical(packing.pack(kept))
    (since,) = history.known_since(packed, np.array([len(packed)])).tolist()
    if since <= as_of_us - WINDOWS_US["week"]:
        assert account_one(kept, (), "UTC", as_of_us, rules) == account_one(
            polls, (), "UTC", as_of_us, rules
        )
    newest_day = max(history.day_of(time_us) for time_us, _ in polls)
    if as_of_us >= newest_day * DAY_US and not far:
        assert since <= as_of_us - WINDOWS_US["week"]  # a day back always works


@pytest.mark.parametrize(
    ("days", "since"),
    [
        ([], None),
        ([5], None),
        ([0, 8], None),
        ([*range(9), 400], None),
        ([3, 400], None),
        (list(range(10)), 0),
        ([*range(1, 11), 400], 1),
        ([2, 11, 12], 2),
        ([4, 400, 401], 4),
    ],
)
def test_only_who_has_a_day_beyond_those_kept_has_let_go_of_any(
    days: list[int], since: int | None
) -> None:
    """A newest day that stands alone makes none of the others such a day."""
    times = [(DAY_0 + day) * DAY_US + 7 for day in days]
    packed = packing.pack((time_us, True) for time_us in times)
    found = history.known_since(packed, np.array([len(packed)]))
    expected = -1 if since is None else (DAY_0 + since) * DAY_US + 7
    assert found.tolist() == [expected]


@QUICK
@given(
    fleet=st.lists(st.lists(st.integers(0, 60 * 24), max_size=12), max_size=6),
    until=st.integers(0, 60 * 24),
)
def test_many_histories_are_judged_like_one(fleet: list[list[int]], until: int) -> None:
    """Since when each is whole, and its newest poll up to an instant."""
    stores = [
        packing.canonical(packing.pack((hour * HOUR_US, True) for hour in hours))
        for hours in fleet
    ]
    counts = np.array([len(packed) for packed in stores], np.int64)
    packed = np.concatenate([np.zeros(0, np.int64), *stores])
    since, newest = [], []
    for one in stores:
        alone = np.array([len(one)], np.int64)
        since += history.known_since(one, alone).tolist()
        times = [t for t in packing.time_of(one).tolist() if t <= until * HOUR_US]
        newest.append(max(times, default=-1))
    assert history.known_since(packed, counts).tolist() == since
    found = history.known_until(packed, counts, until * HOUR_US)
    assert found.tolist() == newest


def test_what_is_kept_covers_a_week_that_ended_a_day_ago() -> None:
    """No poll of the week before any ``as_of`` of the last day is let go."""
    newest = DAY_0 + 20
    for as_of_us in (newest * DAY_US - DAY_US, newest * DAY_US, (newest + 1) * DAY_US):
        first = (as_of_us - WINDOWS_US["week"]) // DAY_US
        days = set(range(first, newest + 1))
        assert days <= retained(days | set(range(newest - KEPT_DAYS * 3, first)))


def test_only_packing_and_history_know_how_a_poll_is_packed() -> None:
    """Everybody else asks its helpers, for a poll's bits as for a key's parts."""
    root = Path(history.__file__).parent.parent.parent
    rules = {root / "streamproc/rules" / name for name in ("history.py", "packing.py")}
    packages = ("streamproc", "agents", "tables", "benchmarks")
    for path in (p for package in packages for p in (root / package).rglob("*.py")):
        if path in rules:
            continue
        text = path.read_text()
        for word in ("FLAG_BITS", "packing.ACTIVE", "THINNED", "[:-5]"):
            assert word not in text, f"{word} in {path}"


@given(st.sets(st.text("ab1z~é", min_size=1, max_size=20), min_size=1, max_size=9))
@settings(deadline=None)
def test_where_another_store_begins_is_told_of_ids_of_any_length(
    store_ids: set[str],
) -> None:
    """One id may be the beginning of another; days do not make another store."""
    keys = sorted(
        history.segment_key(store_id.encode(), 19_000 + 255 * day)
        for store_id in store_ids
        for day in range(1 + len(store_id) % 3)
    )
    owners = history.stores_of(keys)
    begins = [at for at, own in enumerate(owners) if owners[:at][-1:] != [own]]
    assert history.first_segments(keys).tolist() == begins
