"""What is fetched is handed out as columns, and no record is lost or repeated."""

import random
import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from faust.types import TP
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamproc.transport.columns import Columns
from streamproc.transport.kafka.internals import fetching
from streamproc.transport.kafka.internals.fetching import ColumnRecords, Fetched
from streamproc.transport.kafka.record_batch import LZ4, head
from streamproc.transport.kafka.records import Damage, batches
from tests.transport.test_record_batch import (
    CHECKED_FROM,
    CODECS,
    CRC_AT,
    GZIP,
    NONE,
    NOW_MS,
    SNAPPY,
    SQUEEZED,
    ZSTD,
    Rec,
    as_read,
    batch_of,
    numbered,
    patched,
    rows,
    spread,
    with_body,
)

T0 = TopicPartition("polls", 0)

READ_UNCOMMITTED, READ_COMMITTED = 0, 1
TRANSACTIONAL, CONTROL = 0x10, 0x20
ABORT, COMMIT = 0, 1
LIMITS = [1, 2, 3, 7, 1000]

QUICK = settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)

Aborted = Sequence[tuple[int, int]]
"""Producer and first offset of each transaction that was taken back."""


class Read(NamedTuple):
    """All records of a fetch, and where the next fetch begins."""

    records: list[Rec]
    next_offset: int


def opened(
    data: bytes,
    limit: int | None,
    offset: int = 0,
    isolation: int = READ_UNCOMMITTED,
    aborted: Aborted = (),
) -> Any:
    """What aiokafka's records, or with a limit ours, make of a fetch."""
    rest = (list(aborted), offset, None, None, True, isolation)
    if limit is None:
        return fetcher.PartitionRecords(T0, MemoryRecords(data), *rest)
    return ColumnRecords(limit, fetching._nobody, T0, Fetched(data), *rest)


def ordinary(data: bytes, **how: Any) -> Read:
    """What a consumer gets from aiokafka, record by record."""
    fetched = opened(data, None, **how)
    found = [
        as_read(Rec(r.offset, r.timestamp or 0, r.key, r.value, r.headers))
        for r in fetched
    ]
    return Read(found, fetched.next_fetch_offset)


def batch_by_batch(several: Sequence[bytes], offset: int = 0) -> Read:
    """The same of each batch alone: aiokafka takes all for the first one's format."""
    found: list[Rec] = []
    for batch in several:
        records, offset = ordinary(batch, offset=offset)
        found += records
    return Read(found, offset)


def run_of(fetched: Any, limit: int) -> list[Rec] | None:
    """The next run, or None at the end."""
    run = next(fetched, None)
    if run is None:
        return None
    assert isinstance(run, Columns)
    assert 1 <= len(run) <= limit
    assert run.offsets[-1] + 1 == fetched.next_fetch_offset
    return rows(run)


def in_columns(data: bytes, limit: int, **how: Any) -> Read:
    """What a consumer gets that wants columns."""
    fetched = opened(data, limit, **how)
    found: list[Rec] = []
    while run := run_of(fetched, limit):
        found += run
    return Read(found, fetched.next_fetch_offset)


def check(data: bytes, expected: Sequence[Rec], next_offset: int, **how: Any) -> None:
    """Either way, and in runs of any length, the same records are handed out."""
    wanted = Read([as_read(rec) for rec in expected], next_offset)
    assert wanted == ordinary(data, **how)
    for limit in LIMITS:
        assert wanted == in_columns(data, limit, **how)


def marker(offset: int, producer: int, kind: int, **fields: int) -> bytes:
    """The batch with which a transaction ends."""
    record = Rec(offset, NOW_MS, struct.pack(">hh", 0, kind), bytes(6))
    flags = TRANSACTIONAL | CONTROL
    return batch_of([record], producer_id=producer, attributes=flags, **fields)


def in_transaction(records: Sequence[Rec], producer: int) -> bytes:
    """A batch of a transaction."""
    return batch_of(records, producer_id=producer, attributes=TRANSACTIONAL)


def of_old_format(
    records: Sequence[Rec], magic: int, compression: int = NONE
) -> list[bytes]:
    """A batch per record; or one that holds all of them, compressed."""
    if not compression:
        return [old([rec], magic, NONE) for rec in records]
    wrapped = old(records, magic, compression)
    return [struct.pack(">q", records[-1].offset) + wrapped[8:]]


def old(records: Sequence[Rec], magic: int, compression: int) -> bytes:
    """What aiokafka writes for brokers older than 0.11."""
    builder = LegacyRecordBatchBuilder(magic, compression, 1 << 20)
    for rec in records:
        builder.append(rec.offset, rec.timestamp_ms, rec.key, rec.value)
    return bytes(builder.build())


class Fetch(NamedTuple):
    """Batches as a broker sends them, their records, and the offset after them."""

    several: list[bytes]
    records: list[Rec]
    first_ends: int
    end: int

    @property
    def data(self) -> bytes:
        """All batches."""
        return b"".join(self.several)


@st.composite
def fetches(draw: st.DrawFn) -> Fetch:
    """Records in batches of any size and compression, compacted here and there."""
    records = draw(spread(most=20))
    several, ends, left = [], [], records
    while left:
        mine = left[: draw(st.integers(1, 8))]
        left = left[len(mine) :]
        after = left[0].offset if left else mine[-1].offset + 3
        ends.append(
            draw(st.integers(mine[-1].offset + 1, min(after, mine[-1].offset + 3)))
        )
        several.append(
            batch_of(
                mine,
                draw(st.sampled_from([NONE, NONE, GZIP, SNAPPY, LZ4, ZSTD])),
                last_offset_delta=ends[-1] - 1 - mine[0].offset,
            )
        )
    return Fetch(several, records, ends[0], ends[-1])


@QUICK
@given(fetch=fetches(), limit=st.integers(1, 25), data=st.data())
def test_columns_hold_what_records_would(
    fetch: Fetch, limit: int, data: st.DataObject
) -> None:
    """From any offset of the first batch on, and in runs of any length."""
    first = fetch.records[0].offset
    offset = data.draw(st.integers(max(first - 3, 0), fetch.first_ends - 1))
    expected = [as_read(rec) for rec in fetch.records if rec.offset >= offset]
    found = in_columns(fetch.data, limit, offset=offset)
    assert Read(expected, fetch.end) == found
    assert found == ordinary(fetch.data, offset=offset)


@QUICK
@given(fetch=fetches(), limit=st.integers(1, 8), data=st.data())
def test_a_fetch_goes_on_where_the_last_run_ended(
    fetch: Fetch, limit: int, data: st.DataObject
) -> None:
    """Whoever stops after some runs gets the others from the position on."""
    fetched = opened(fetch.data, limit)
    found: list[Rec] = []
    for _ in range(data.draw(st.integers(0, 6))):
        run = run_of(fetched, limit)
        if run is None:
            break
        found += run
    position = fetched.next_fetch_offset
    ends = [struct.unpack_from(">q", batch)[0] for batch in fetch.several[1:]]
    skipped = sum(end <= position for end in ends)
    again = b"".join(fetch.several[skipped:])
    rest = in_columns(again, limit, offset=position)
    assert [as_read(rec) for rec in fetch.records] == found + rest.records
    assert fetch.end == rest.next_offset


@pytest.mark.parametrize("compression", CODECS)
@pytest.mark.parametrize("offset", range(10, 17))
def test_records_before_the_fetch_offset_are_dropped(
    offset: int, compression: int
) -> None:
    """A broker sends the whole batch in which the offset lies."""
    records = numbered([SQUEEZED] * 7, first=10)
    data = batch_of(records, compression)
    check(data, records[offset - 10 :], 17, offset=offset)


@pytest.mark.parametrize(
    ("sizes", "limit", "runs"),
    [
        ([10], 4, [4, 4, 2]),
        ([10], 10, [10]),
        ([10], 11, [10]),
        ([10], 1, [1] * 10),
        ([1] * 10, 4, [4, 4, 2]),
        ([1] * 10, 100, [10]),
        ([4, 4, 4], 4, [4, 4, 4]),
    ],
)
def test_a_run_is_as_long_as_it_may_be(
    sizes: list[int], limit: int, runs: list[int]
) -> None:
    """A large batch is parted, and small ones come together."""
    records = numbered([b"%d" % n for n in range(sum(sizes))])
    left = iter(records)
    data = b"".join(batch_of([next(left) for _ in range(size)]) for size in sizes)
    fetched = opened(data, limit)
    found = [run_of(fetched, limit) or [] for _ in runs]
    assert runs == [len(run) for run in found]
    assert run_of(fetched, limit) is None
    assert records == [rec for run in found for rec in run]


THREE = numbered([b"a", b"b", b"c"], first=5)
AFTER = numbered([b"x", b"y"], first=20)


@pytest.mark.parametrize("offset", range(5, 20))
def test_the_position_is_past_records_that_were_compacted_away(offset: int) -> None:
    """Else the same batch would be fetched for ever, by its last offset."""
    data = batch_of(THREE, last_offset_delta=14)
    left = [rec for rec in THREE if rec.offset >= offset]
    check(data, left, 20, offset=offset)
    check(data + batch_of(AFTER), left + AFTER, 22, offset=offset)


def test_the_position_is_past_a_batch_without_records() -> None:
    """Compaction may leave no more than its head."""
    empty = patched(with_body(b"", 0), base_offset=8, last_offset_delta=11)
    check(empty, [], 20, offset=8)
    check(empty, [], 20, offset=15)
    check(batch_of(THREE) + empty, THREE, 20, offset=5)
    check(empty + batch_of(AFTER), AFTER, 22, offset=8)


@pytest.mark.parametrize("isolation", [READ_UNCOMMITTED, READ_COMMITTED])
@pytest.mark.parametrize("kind", [ABORT, COMMIT])
def test_a_marker_is_no_record(kind: int, isolation: int) -> None:
    """First, last, alone or between; what waits before it is handed out."""
    how = {"isolation": isolation, "offset": 5}
    first, between = marker(5, 7, kind), marker(8, 7, kind, last_offset_delta=11)
    last = marker(22, 7, kind)
    check(first, [], 6, **how)
    check(first + between, [], 20, **how)
    check(batch_of(THREE) + between, THREE, 20, **how)
    check(between + batch_of(AFTER), AFTER, 22, isolation=isolation, offset=8)
    three = batch_of(THREE) + between + batch_of(AFTER) + last
    check(three, THREE + AFTER, 23, **how)


@pytest.mark.parametrize("isolation", [READ_UNCOMMITTED, READ_COMMITTED])
@pytest.mark.parametrize(
    ("batch", "kind", "aborted", "kept"),
    [
        # Producer 7 took its records back; where is the transaction's begin?
        (in_transaction(THREE, 7), ABORT, [(7, 5)], False),
        (in_transaction(THREE, 7), ABORT, [(7, 0)], False),
        (in_transaction(THREE, 7), ABORT, [(7, 8)], True),
        # Nobody, or somebody else, took them back.
        (in_transaction(THREE, 7), COMMIT, [], True),
        (in_transaction(THREE, 7), COMMIT, [(9, 5)], True),
        # Records of an aborted producer that are in no transaction.
        (batch_of(THREE, producer_id=7), ABORT, [(7, 5)], True),
        (batch_of(THREE), ABORT, [(7, 5)], True),
        (batch_of(THREE), ABORT, [(-1, 5)], True),
    ],
)
def test_records_that_were_taken_back_do_not_count(
    batch: bytes, kind: int, aborted: Aborted, kept: bool, isolation: int
) -> None:
    """For those who read what is committed; the position is past them."""
    how: dict[str, Any] = {"isolation": isolation, "aborted": aborted, "offset": 5}
    seen = THREE if kept or isolation == READ_UNCOMMITTED else []
    ending = marker(8, 7, kind)
    check(batch, seen, 8, **how)
    check(batch + ending, seen, 9, **how)
    check(batch + ending + batch_of(AFTER), seen + AFTER, 22, **how)
    check(batch + ending + in_transaction(AFTER, 7), seen + AFTER, 22, **how)
    pending = batch_of(numbered([b"p"], first=4))
    earlier = how | {"offset": 4}
    check(pending + batch + ending, numbered([b"p"], first=4) + seen, 9, **earlier)


class Partition:
    """What some producers write to a partition, and take back or not."""

    def __init__(self) -> None:
        self.several: list[bytes] = []
        self.end = 0
        self.aborted: list[tuple[int, int]] = []
        self.begun: dict[int, int] = {}
        self._written: list[tuple[Rec, int]] = []
        self._taken_back: set[tuple[int, int]] = set()

    def write(self, count: int, producer: int) -> None:
        """Append a batch, in the producer's transaction; -1 has none."""
        records = numbered([b"%d" % producer] * count, first=self.end)
        self._written += [(rec, producer) for rec in records]
        if producer < 0:
            self.several.append(batch_of(records))
        else:
            self.begun.setdefault(producer, self.end)
            self.several.append(in_transaction(records, producer))
        self.end += count

    def finish(self, producer: int, kind: int) -> None:
        """End the producer's transaction, even if it has written nothing in it."""
        first = self.begun.pop(producer, self.end)
        if kind == ABORT:
            self.aborted.append((producer, first))
            mine = range(first, self.end)
            self._taken_back.update((producer, offset) for offset in mine)
        self.several.append(marker(self.end, producer, kind))
        self.end += 1

    def kept(self) -> list[Rec]:
        """The records that were not taken back."""
        back = self._taken_back
        return [rec for rec, by in self._written if (by, rec.offset) not in back]


def any_partition(dice: random.Random) -> Partition:
    """Transactions of three producers across each other, and others' records."""
    made = Partition()
    for _ in range(dice.randrange(20)):
        producer = dice.choice([-1, -1, 1, 2, 3])
        if producer >= 0 and dice.random() < 0.4:
            made.finish(producer, dice.choice([ABORT, COMMIT]))
        else:
            made.write(dice.randint(1, 4), producer)
    for producer in list(made.begun):
        made.finish(producer, dice.choice([ABORT, COMMIT]))
    dice.shuffle(made.aborted)
    return made


@QUICK
@given(dice=st.randoms(use_true_random=False))
def test_what_is_committed_is_read_of_any_transactions(dice: random.Random) -> None:
    """However they lie across each other, and from any batch on."""
    made = any_partition(dice)
    for skipped, batch in enumerate(made.several[:4]):
        offset = struct.unpack_from(">q", batch)[0]
        data = b"".join(made.several[skipped:])
        left = [rec for rec in made.kept() if rec.offset >= offset]
        # Of a transaction that has ended before, the broker tells nothing.
        told = [one for one in made.aborted if ends_after(made.several, one, offset)]
        how = {"offset": offset, "isolation": READ_COMMITTED, "aborted": told}
        assert Read(left, made.end) == ordinary(data, **how)
        for limit in (1, 3, 100):
            assert Read(left, made.end) == in_columns(data, limit, **how)


def ends_after(several: Sequence[bytes], begun: tuple[int, int], offset: int) -> bool:
    """Whether the marker that ends a transaction is at an offset or after it."""
    producer, first = begun
    ends = [
        found.base_offset
        for found in map(head, several)
        if found.is_control and found.producer_id == producer
    ]
    return min(end for end in ends if end >= first) >= offset


OLD = [
    Rec(8, NOW_MS - 1, b"k", b"old " * 60),
    Rec(9, NOW_MS - 2, None, b"older " * 60),
    Rec(10, NOW_MS - 3, b"", None),
    Rec(11, NOW_MS - 4, None, b""),
]
OLD_FORMATS = [(0, NONE), (0, GZIP), (0, SNAPPY), (1, NONE), (1, GZIP), (1, SNAPPY)]
OLD_FORMATS += [(1, LZ4)]


def old_records(magic: int) -> list[Rec]:
    """The records of old format; the oldest has no timestamps."""
    return [rec if magic else rec._replace(timestamp_ms=0) for rec in OLD]


@pytest.mark.parametrize(("magic", "compression"), OLD_FORMATS)
def test_batches_of_an_old_format_are_read(magic: int, compression: int) -> None:
    """Alone, first, last and between new ones, in runs of any length."""
    olds = of_old_format(OLD, magic, compression)
    middle = old_records(magic)
    for before, after in [([], []), (THREE, []), ([], AFTER), (THREE, AFTER)]:
        several = [
            *([batch_of(before)] if before else []),
            *olds,
            *([batch_of(after)] if after else []),
        ]
        expected = [*before, *middle, *after]
        wanted = Read(expected, expected[-1].offset + 1)
        assert wanted == batch_by_batch(several)
        for limit in LIMITS:
            assert wanted == in_columns(b"".join(several), limit)


@pytest.mark.parametrize(("magic", "compression"), OLD_FORMATS)
@pytest.mark.parametrize("offset", range(8, 13))
def test_old_records_before_the_fetch_offset_are_dropped(
    offset: int, magic: int, compression: int
) -> None:
    """Of a compressed batch, too, and what follows is not."""
    several = [*of_old_format(OLD, magic, compression), batch_of(AFTER)]
    expected = [rec for rec in old_records(magic) + AFTER if rec.offset >= offset]
    for limit in LIMITS:
        assert Read(expected, 22) == in_columns(b"".join(several), limit, offset=offset)


def test_a_marker_between_old_and_new_batches_is_no_record() -> None:
    """And what waits is handed out in the order of the offsets."""
    olds = of_old_format(OLD, 1)
    data = b"".join([marker(7, 3, COMMIT), *olds, marker(12, 3, ABORT)])
    for isolation in (READ_UNCOMMITTED, READ_COMMITTED):
        for limit in LIMITS:
            assert Read(OLD, 13) == in_columns(data, limit, isolation=isolation)


def refused(fetched: Any, found: Callable[[Any], list[Rec]]) -> Read:
    """The records that come before a batch that is refused."""
    before: list[Rec] = []
    try:
        for each in fetched:
            before += found(each)
    except CorruptRecordException:
        return Read(before, fetched.next_fetch_offset)
    pytest.fail("no batch is refused")


def flipped(batch: bytes, at: int, mask: int = 0x10) -> bytes:
    """A batch with one byte changed."""
    return batch[:at] + bytes([batch[at] ^ mask]) + batch[at + 1 :]


GOOD = [batch_of(THREE), batch_of(numbered([b"d", b"e"], first=8))]


@pytest.mark.parametrize("isolation", [READ_UNCOMMITTED, READ_COMMITTED])
@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("at", [CRC_AT, CHECKED_FROM, CHECKED_FROM + 1, 43, 60, -1])
@pytest.mark.parametrize(
    "batch",
    [batch_of(AFTER), marker(20, 7, COMMIT), with_body(b"", 0)],
    ids=["records", "marker", "empty"],
)
def test_a_batch_with_a_wrong_crc_is_refused(
    batch: bytes, at: int, limit: int, isolation: int
) -> None:
    """As aiokafka does; the position stays after what was handed out."""
    data = b"".join([*GOOD, flipped(batch, at % len(batch)), batch_of(AFTER)])
    theirs = opened(data, None, 5, isolation)
    before = refused(theirs, lambda r: [Rec(r.offset, r.timestamp, r.key, r.value)])
    assert len(before.records) == 5
    ours = refused(opened(data, limit, 5, isolation), rows)
    assert ours.records == before.records[: len(ours.records)]
    assert ours.next_offset == 5 + len(ours.records)
    assert ours.records == before.records


def up_to_damage(fetched: Any) -> tuple[int, Damage]:
    """How many records come before the damage, and the damage."""
    count = 0
    try:
        for run in fetched:
            count += len(run)
    except Damage as damage:
        return count, damage
    pytest.fail("nothing is damaged")


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("followed", [True, False])
def test_a_batch_that_cannot_be_read_tells_its_offsets(
    limit: int, followed: bool
) -> None:
    """From the first that is wrong to where the next begins, or it says to end."""
    broken = flipped(batch_of(numbered([b"x"] * 3, first=10)), -1)
    after = batch_of(numbered([b"y"], first=15)) if followed else b""
    fetched = opened(b"".join([*GOOD, broken, after]), limit, 5)
    count, damage = up_to_damage(fetched)
    assert count == 5
    assert (damage.first, damage.end) == (10, 15 if followed else 13)
    assert damage.tp == TP(*T0)


@pytest.mark.parametrize("limit", LIMITS)
def test_a_batch_of_wrong_records_tells_its_own_offsets(limit: int) -> None:
    """Though its CRC is right, and it was read together with good ones."""
    wrong = patched(with_body(b"\xff" * 9, 3), base_offset=10)
    fetched = opened(b"".join([*GOOD, wrong, batch_of(AFTER)]), limit, 5)
    count, damage = up_to_damage(fetched)
    assert (count, damage.first) == (5, 10)


@pytest.mark.parametrize("length", [-(2**31), -13, -12, -1, 0, 13])
def test_an_impossible_length_is_damage_and_no_endless_loop(length: int) -> None:
    """What comes before it is handed out."""
    broken = patched(batch_of(numbered([b"x"], first=10)), length=length)
    fetched = opened(b"".join([*GOOD, broken, batch_of(AFTER)]), 100, 5)
    assert len(next(fetched)) == 5
    with pytest.raises(Damage, match="impossible length"):
        next(fetched)


def end_of(read: Callable[[], Read]) -> Read | str:
    """What is read, or the exception's name."""
    try:
        return read()
    except CorruptRecordException:
        return "CorruptRecordException"
    except Exception as exc:
        return type(exc).__name__


@pytest.mark.parametrize(("magic", "compression"), OLD_FORMATS)
def test_an_old_batch_with_any_wrong_byte_is_refused(
    magic: int, compression: int
) -> None:
    """Its CRC is of all that follows it; aiokafka reads some lengths before that."""
    batch = of_old_format(OLD, magic, compression)[0]
    for at in range(12, len(batch)):
        data = flipped(batch, at, 0x01)
        theirs = end_of(partial(ordinary, data))
        assert theirs in ("CorruptRecordException", "SystemError")
        ours = end_of(partial(in_columns, data, 100))
        assert ours in ("CorruptRecordException", theirs)


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize(
    "length",
    [
        *(-(2**31), -1000, -150, -100, -50, -14, -13, -12, -11, -1),
        *(0, 1, 13, 14, 20, 48, 49, 50, 60, 100, 1000, 2**31 - 1),
    ],
)
def test_a_wrong_length_is_refused_or_ends_the_fetch(length: int, which: int) -> None:
    """As aiokafka takes it, and never anything else."""
    several = [*GOOD, batch_of(numbered([b"f"], first=10))]
    several[which] = patched(several[which], length=length)
    data = b"".join(several)
    if MemoryRecords(data).has_next():
        theirs = end_of(partial(ordinary, data, offset=5))
        assert theirs == end_of(partial(in_columns, data, 2, offset=5))
        assert theirs == end_of(partial(in_columns, data, 100, offset=5))


def test_a_batch_that_is_cut_off_is_fetched_again() -> None:
    """Wherever a fetch ends, the position is after its last whole batch."""
    several = [*GOOD, marker(10, 7, COMMIT), batch_of(AFTER)]
    data = b"".join(several)
    for stop in range(len(several[0]), len(data) + 1):
        wanted = ordinary(data[:stop], offset=5)
        assert wanted == in_columns(data[:stop], 2, offset=5)
        assert wanted == in_columns(data[:stop], 100, offset=5)


def test_a_fetch_tells_its_size_and_whether_a_batch_is_whole() -> None:
    """A record that is too large for a fetch is found out by these."""
    data = b"".join(GOOD)
    for stop in range(len(data) + 1):
        theirs, ours = MemoryRecords(data[:stop]), Fetched(data[:stop])
        assert theirs.has_next() == ours.has_next()
        assert theirs.size_in_bytes() == ours.size_in_bytes() == stop


def test_runs_become_batches_of_their_partition() -> None:
    """An agent gets no batch without records."""
    fetched = opened(b"".join([*GOOD, batch_of(AFTER)]), 3)
    runs = list(fetched)
    found = batches(TP("polls", 3), [runs[0][:0], *runs, runs[-1][:0]])
    assert {(batch.topic, batch.partition) for batch in found} == {("polls", 3)}
    assert runs == [batch.columns for batch in found]
    assert [run.offsets[-1] for run in runs] == [batch.offset for batch in found]
    assert batches(TP("polls", 3), []) == []
