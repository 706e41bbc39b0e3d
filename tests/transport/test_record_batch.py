"""Record batches are read and written as aiokafka reads and writes them."""

import json
import os
import random
import resource
import signal
import struct
import subprocess
import sys
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import (
    DefaultRecordBatch,
    DefaultRecordBatchBuilder,
)
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.util import calc_crc32c, encode_varint
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamproc.cells import Cells, lengths_of
from streamproc.transport.columns import Columns
from streamproc.transport.kafka.record_batch import (
    LZ4,
    MAGIC,
    RECORD_OVERHEAD,
    Built,
    batches,
    body,
    head,
    is_current,
    read,
    written,
)

ROOT = Path(__file__).parents[2]
NOW_MS = 1_746_532_800_000
HEAD_BYTES = 61
CRC_AT = 17
CHECKED_FROM = 21
"""Where the bytes begin that the CRC is of."""

APPEND_TIME = 0x08

NONE, GZIP, SNAPPY, ZSTD = 0, 1, 2, 4
CODECS = [
    pytest.param(NONE, id="none"),
    pytest.param(GZIP, id="gzip"),
    pytest.param(SNAPPY, id="snappy"),
    pytest.param(LZ4, id="lz4"),
    pytest.param(ZSTD, id="zstd"),
]
SQUEEZED = b"squeeze " * 100
"""A value that makes a batch worth compressing."""

# Where the length of a zigzag varint changes.
BORDERS = [1 << 6, 1 << 13, 1 << 20]

QUICK = settings(
    deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow]
)

Cell = bytes | None
Pairs = tuple[tuple[str, bytes | None], ...]

# Field of the head, where it is, and how it is written.
FIELDS = {
    "base_offset": (0, ">q"),
    "length": (8, ">i"),
    "leader_epoch": (12, ">i"),
    "magic": (16, ">b"),
    "attributes": (21, ">h"),
    "last_offset_delta": (23, ">i"),
    "first_timestamp": (27, ">q"),
    "max_timestamp": (35, ">q"),
    "producer_id": (43, ">q"),
    "producer_epoch": (51, ">h"),
    "base_sequence": (53, ">i"),
    "records": (57, ">i"),
}


class Rec(NamedTuple):
    """One record; a header's value is None only where it is written."""

    offset: int
    timestamp_ms: int
    key: Cell
    value: Cell
    headers: Pairs = ()


def as_read(rec: Rec) -> Rec:
    """The record with nothing in place of a header's value that is null."""
    pairs = tuple((name, value or b"") for name, value in rec.headers)
    return rec._replace(headers=pairs)


def patched(batch: bytes, **fields: int) -> bytes:
    """A batch with some fields of its head changed, and the CRC that fits."""
    out = bytearray(batch)
    for name, value in fields.items():
        at, form = FIELDS[name]
        struct.pack_into(form, out, at, value)
    struct.pack_into(">I", out, CRC_AT, calc_crc32c(out[CHECKED_FROM:]))
    return bytes(out)


def batch_of(
    records: Sequence[Rec],
    compression: int = NONE,
    base_offset: int | None = None,
    **fields: int,
) -> bytes:
    """A batch as aiokafka writes it, with some fields of its head changed."""
    base = records[0].offset if base_offset is None else base_offset
    builder = DefaultRecordBatchBuilder(MAGIC, compression, 0, -1, -1, 0, 1 << 28)
    for rec in records:
        row = (rec.timestamp_ms, rec.key, rec.value, list(rec.headers))
        assert builder.append(rec.offset - base, *row) is not None
    return patched(bytes(builder.build()), base_offset=base, **fields)


def with_body(records: bytes, count: int = 1) -> bytes:
    """A batch of some records, written by hand."""
    empty = batch_of([Rec(0, NOW_MS, None, None)])[:HEAD_BYTES]
    length = HEAD_BYTES - 12 + len(records)
    return patched(empty + records, length=length, records=count)


def theirs(batch: bytes) -> list[Rec]:
    """The records of a batch as aiokafka reads them."""
    found = DefaultRecordBatch(bytearray(batch))
    assert found.validate_crc()
    return [
        as_read(Rec(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)))
        for r in found
    ]


def rows(columns: Columns) -> list[Rec]:
    """The records of some columns, one by one."""
    assert set(columns.headers) <= set(range(len(columns)))
    assert all(columns.headers.values())
    assert columns.offsets.dtype == columns.timestamps_ms.dtype == np.int64
    each = zip(
        columns.offsets.tolist(),
        columns.timestamps_ms.tolist(),
        columns.keys,
        columns.values,
        strict=True,
    )
    return [
        Rec(*cells, tuple(columns.headers.get(row, ())))
        for row, cells in enumerate(each)
    ]


def columns_of(*several: bytes) -> Columns:
    """Batches that are read together."""
    heads = [head(batch) for batch in several]
    bodies = [body(batch, of) for batch, of in zip(several, heads, strict=True)]
    return read(heads, bodies)


def ours(*several: bytes) -> list[Rec]:
    """The records of batches that are read together."""
    return rows(columns_of(*several))


def built(records: Sequence[Rec], now_ms: int = NOW_MS) -> Built:
    """A batch as this program writes it; the records are numbered from 0."""
    assert [rec.offset for rec in records] == list(range(len(records)))
    keys, values = [r.key for r in records], [r.value for r in records]
    headers = {
        row: [(name, value or b"") for name, value in rec.headers]
        for row, rec in enumerate(records)
        if rec.headers
    }
    columns = ((keys, lengths_of(keys)), (values, lengths_of(values)))
    return Built(written(*columns, headers), len(records), now_ms)


def varint(number: int) -> bytes:
    """A number as aiokafka writes it."""
    out = bytearray()
    encode_varint(number, out.append)
    return bytes(out)


def around(border: int) -> range:
    """Lengths with which a cell or its whole record crosses a border."""
    return range(border - 16, border + 2)


def numbered(values: Sequence[Cell], first: int = 0) -> list[Rec]:
    """Records of these values, without keys, one after the other."""
    return [Rec(first + n, NOW_MS, None, value) for n, value in enumerate(values)]


cells = st.one_of(st.none(), st.binary(max_size=20), st.binary(max_size=100))
pairs = st.lists(
    st.tuples(st.text(max_size=8), st.one_of(st.none(), st.binary(max_size=80))),
    max_size=4,
).map(tuple)
few_pairs = st.one_of(st.just(()), st.just(()), pairs)
times = st.one_of(
    st.integers(0, 1 << 42), st.integers(NOW_MS - 100, NOW_MS + 100), st.just(NOW_MS)
)
gaps = st.one_of(st.just(0), st.just(0), st.integers(0, 200), st.integers(0, 1 << 20))
bases = st.one_of(st.integers(0, 300), st.integers(0, 1 << 62))


@st.composite
def spread(draw: st.DrawFn, most: int = 12) -> list[Rec]:
    """Records with gaps between their offsets and times in any order."""
    offset = draw(bases)
    found = []
    for _ in range(draw(st.integers(1, most))):
        offset += draw(gaps)
        found.append(
            Rec(offset, draw(times), draw(cells), draw(cells), draw(few_pairs))
        )
        offset += 1
    return found


def check_written(records: Sequence[Rec]) -> None:
    """What is written is what aiokafka reads, and what is read here."""
    batch = built(records)
    expected = [as_read(rec) for rec in records]
    data = batch._build()
    assert len(data) == batch.size()
    assert len(records) == batch.record_count()
    assert expected == theirs(data)
    assert expected == ours(data)


def check_read(batch: bytes, expected: Sequence[Rec]) -> None:
    """A batch of aiokafka's is read here as aiokafka reads it."""
    assert [as_read(rec) for rec in expected] == theirs(batch)
    assert theirs(batch) == ours(batch)


@QUICK
@given(columns=st.lists(st.tuples(cells, cells, few_pairs), max_size=20))
def test_what_is_written_is_read_the_same(
    columns: list[tuple[Cell, Cell, Pairs]],
) -> None:
    """By aiokafka and here: nulls, empty cells, and headers of any name."""
    check_written([Rec(row, NOW_MS, *each) for row, each in enumerate(columns)])


@QUICK
@given(keys=st.lists(cells, max_size=20), values=st.lists(cells, max_size=20))
def test_columns_are_written_as_lists_are(keys: list[Cell], values: list[Cell]) -> None:
    """It does not matter whether the cells lie in one buffer."""
    count = min(len(keys), len(values))
    both = [Cells.of(keys[:count]), Cells.of(values[:count])]
    data = written((both[0], both[0].lengths), (both[1], both[1].lengths), {})
    plain = [(column.to_list(), lengths_of(column)) for column in both]
    assert data == written(plain[0], plain[1], {})


@pytest.mark.parametrize("border", BORDERS)
def test_lengths_around_a_varints_border_are_written(border: int) -> None:
    """Of values, of keys, of headers, and of the records themselves."""
    sizes = around(border) if border < BORDERS[-1] else around(border)[::4]
    check_written(numbered([b"v" * size for size in sizes]))
    check_written([Rec(n, NOW_MS, b"k" * size, b"") for n, size in enumerate(sizes)])
    check_written(
        [
            Rec(n, NOW_MS, None, None, (("n" * size, b""), ("é", b"v" * size)))
            for n, size in enumerate(sizes)
        ]
    )


@pytest.mark.parametrize("border", BORDERS)
def test_a_record_takes_no_more_than_its_overhead(border: int) -> None:
    """Beside key and value; batches are filled by that."""
    sizes = around(border)[::4]
    values = [b"v" * size for size in sizes]
    data = written((values, lengths_of(values)), (values, lengths_of(values)), {})
    assert len(data) <= sum(RECORD_OVERHEAD + 2 * size for size in sizes)


@pytest.mark.parametrize(
    "count", [1, 63, 64, 65, 8191, 8192, 8193, 32_767, 32_768, 32_769, 32_770]
)
def test_as_many_records_are_written_as_there_are(count: int) -> None:
    """A record's number is a varint, too."""
    check_written(numbered([b"%d" % n for n in range(count)]))


@pytest.mark.parametrize("longest", range(32_766, 32_771))
def test_the_longest_cell_may_be_of_any_length(longest: int) -> None:
    """The program's table of varints ends in between."""
    check_written(numbered([b"v" * longest, None, b"v" * (longest - 1)]))
    check_written([Rec(0, NOW_MS, b"k" * longest, None)])


def test_more_records_are_written_than_have_a_known_varint() -> None:
    """Forty thousand, with headers here and there, null and long values."""
    records = numbered([b"%d" % n for n in range(40_000)])
    for row in (0, 32_767, 32_768, 39_999):
        records[row] = records[row]._replace(headers=(("row", b"%d" % row),))
    for row in (1, 32_769):
        records[row] = records[row]._replace(value=None)
        records[row + 1] = records[row + 1]._replace(value=b"v" * 40_000)
    check_written(records)


def test_a_head_tells_what_was_written() -> None:
    """Offsets from 0 on, one timestamp, LZ4, and no producer's number."""
    data = built(numbered([b"a", b"b", b"c"]))._build()
    found = head(data)
    assert found._asdict() == {
        "base_offset": 0,
        "length": len(data) - 12,
        "leader_epoch": -1,
        "magic": MAGIC,
        "crc": calc_crc32c(data[CHECKED_FROM:]),
        "attributes": LZ4,
        "last_offset_delta": 2,
        "first_timestamp": NOW_MS,
        "max_timestamp": NOW_MS,
        "producer_id": -1,
        "producer_epoch": -1,
        "base_sequence": -1,
        "records": 3,
    }
    assert found.next_offset == 3
    assert not found.is_control
    assert not found.is_transactional


@pytest.mark.parametrize(
    "state", [(0, 0, 0), (7, 3, 41), (2**63 - 1, 2**15 - 1, 2**31 - 1), (-1, -1, -1)]
)
def test_a_batch_carries_its_producers_numbers(state: tuple[int, int, int]) -> None:
    """As aiokafka's producer tells them, before and also after it was built."""
    batch = built(numbered([b"a", b"b"]))
    batch._build()
    batch._set_producer_state(*state)
    data = batch._build()
    assert state == head(data)[9:12]
    reader = DefaultRecordBatch(bytearray(data))
    assert state == (reader.producer_id, reader.producer_epoch, reader.base_sequence)
    assert theirs(data) == ours(data) == numbered([b"a", b"b"])


def test_nothing_can_be_added_to_a_batch_that_is_built() -> None:
    """It is closed from the beginning, and tells its size and count."""
    batch = built(numbered([b"a", b"b"]))
    before = batch._build()
    assert batch.closed()
    batch.append(timestamp=NOW_MS, key=b"k", value=b"v", headers=[])
    batch.close()
    assert batch.closed()
    assert batch.record_count() == 2
    assert before == batch._build()
    assert len(before) == batch.size()


@pytest.mark.parametrize("compression", CODECS)
@QUICK
@given(records=spread(), before=gaps)
def test_what_aiokafka_writes_is_read_the_same(
    compression: int, records: list[Rec], before: int
) -> None:
    """Nulls, headers, gaps in offsets, and times that go back, in any compression."""
    base = max(records[0].offset - before, 0)
    last = Rec(records[-1].offset + 1, NOW_MS, None, SQUEEZED)
    batch = batch_of([*records, last], compression, base)
    assert compression == head(batch).attributes
    check_read(batch, [*records, last])


@pytest.mark.parametrize("compression", CODECS)
@pytest.mark.parametrize("border", BORDERS)
def test_lengths_around_a_varints_border_are_read(
    border: int, compression: int
) -> None:
    """Of values, keys, names and values of headers, and of the records themselves."""
    sizes = around(border) if border < BORDERS[-1] else (border - 1, border)
    each: list[tuple[Cell, Cell, Pairs]] = []
    for size in sizes:
        headers = (("n" * size, None), ("é" * (size // 2), b"v" * size))
        each += [
            (b"k" * size, b"", ()),
            (None, b"v" * size, ()),
            (b"", None, headers),
        ]
    records = [Rec(row, NOW_MS, *cells) for row, cells in enumerate(each)]
    check_read(batch_of(records, compression), records)


@pytest.mark.parametrize("compression", CODECS)
def test_more_records_are_read_than_have_a_small_number(compression: int) -> None:
    """Forty thousand in one batch."""
    records = numbered([b"%d" % n for n in range(40_000)], first=10**12)
    records[32_768] = records[32_768]._replace(headers=(("row", b"32768"),))
    check_read(batch_of(records, compression), records)


@pytest.mark.parametrize("delta", [*(1 << n for n in (6, 7, 13, 20, 27)), 2**31 - 1])
def test_an_offset_may_be_far_from_the_batchs(delta: int) -> None:
    """What lay between was compacted away, maybe the first record as well."""
    records = [
        Rec(5 + delta - 1, NOW_MS, b"k", b"v"),
        Rec(5 + delta, NOW_MS, b"k", b""),
    ]
    batch = batch_of(records, base_offset=5)
    assert head(batch).next_offset == 5 + delta + 1
    check_read(batch, records)


@pytest.mark.parametrize("size", [6, 7, 13, 31, 32, 55, 61, 62, 63])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_timestamp_may_be_far_from_the_first(sign: int, size: int) -> None:
    """A producer may write any; the difference takes up to ten bytes."""
    bound = min(1 << size, 2**63 - 1)
    times = [0, *(sign * (bound - off) for off in (1, 0)), 7]
    records = [Rec(n, time, b"k", b"v") for n, time in enumerate(times)]
    check_read(batch_of(records), records)


def test_a_batch_may_have_no_timestamp() -> None:
    """A record's is then -1, as in the head."""
    records = [Rec(n, 0, b"k", b"v") for n in range(3)]
    batch = batch_of(records, first_timestamp=-1, max_timestamp=-1)
    check_read(batch, [rec._replace(timestamp_ms=-1) for rec in records])


@pytest.mark.parametrize("compression", CODECS)
def test_a_topic_may_want_the_time_of_the_append(compression: int) -> None:
    """Then each record's is the one that the broker put into the head."""
    records = [Rec(n, NOW_MS - n, b"k", SQUEEZED) for n in range(3)]
    append_time = {"attributes": compression | APPEND_TIME, "max_timestamp": 77}
    batch = batch_of(records, compression, **append_time)
    check_read(batch, [rec._replace(timestamp_ms=77) for rec in records])
    assert ours(batch, batch_of(records)) == theirs(batch) + records


def test_a_batch_may_have_no_records_left() -> None:
    """Compaction keeps the head of a producer's last batch."""
    empty = with_body(b"", 0)
    assert ours(empty) == theirs(empty) == []
    records = numbered([b"a", b"b"])
    assert records * 2 == ours(empty, batch_of(records), empty, batch_of(records))


@QUICK
@given(
    several=st.lists(
        st.tuples(
            spread(most=4),
            st.sampled_from([NONE, GZIP, SNAPPY, LZ4, ZSTD]),
            st.sampled_from([0, APPEND_TIME]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_batches_are_read_together_as_one_by_one(
    several: list[tuple[list[Rec], int, int]],
) -> None:
    """Each in its own compression, with its own offset and times."""
    data = []
    for records, compression, time_kind in several:
        last = Rec(records[-1].offset + 1, NOW_MS, None, SQUEEZED)
        flags = compression | time_kind
        data.append(batch_of([*records, last], compression, attributes=flags))
    assert [rec for batch in data for rec in theirs(batch)] == ours(*data)


def test_batches_are_told_apart() -> None:
    """As long as each one says, in the order of the fetch."""
    several = [batch_of(numbered([b"v" * n], n), n % 5) for n in range(10)]
    assert several == list(batches(b"".join(several)))
    assert list(batches(b"")) == []


def test_a_batch_that_is_cut_off_is_left_out() -> None:
    """Wherever a fetch ends, only its whole batches count."""
    several = [batch_of(numbered([b"v" * n, b"w"], 2 * n)) for n in range(3)]
    data = b"".join(several)
    ends = list(accumulate(map(len, several)))
    for stop in range(len(data) + 1):
        whole = sum(end <= stop for end in ends)
        assert several[:whole] == list(batches(data[:stop]))


def test_older_formats_are_told_from_the_current_one() -> None:
    """By the magic byte, which is at the same place in all of them."""
    batch = batch_of(numbered([b"v"]))
    assert is_current(batch)
    assert is_current(built(numbered([b"v"]))._build())
    assert not is_current(patched(batch, magic=3))
    assert not is_current(b"")
    for magic in (0, 1):
        builder = LegacyRecordBatchBuilder(magic, 0, 1 << 20)
        builder.append(0, NOW_MS, b"k", b"v" * 100)
        assert not is_current(bytes(builder.build()))


HEADED = [
    Rec(70, NOW_MS, b"key", b"value", (("héader", b"x"), ("", None))),
    Rec(71, NOW_MS - 5, None, b"v" * 70),
    Rec(90, NOW_MS + 700, b"", None, (("n", b"y"),)),
]
PLAIN = [rec._replace(headers=()) for rec in HEADED]


@pytest.mark.parametrize("compression", CODECS)
def test_a_batch_with_any_wrong_byte_is_refused(compression: int) -> None:
    """What the CRC is not of, from the length to it, changes no record."""
    batch = batch_of([*HEADED, Rec(91, NOW_MS, None, SQUEEZED)], compression)
    assert len(batch) > len(SQUEEZED) or compression
    expected = theirs(batch)
    for at in range(12, len(batch)):
        for mask in (0x01, 0x10, 0x80, 0xFF):
            damaged = bytearray(batch)
            damaged[at] ^= mask
            if at < CRC_AT:
                assert expected == ours(bytes(damaged))
            else:
                with pytest.raises(CorruptRecordException):
                    ours(bytes(damaged))


@pytest.mark.parametrize("compression", [5, 6, 7])
def test_an_unknown_compression_is_refused(compression: int) -> None:
    """Three bits say which, of which not all have a meaning."""
    batch = batch_of(PLAIN, attributes=compression)
    with pytest.raises(CorruptRecordException, match="compression"):
        body(batch, head(batch))


def record(after: bytes = b"\0", before: bytes = bytes(3)) -> bytes:
    """A record of a key and a value; by default its headers, none, are after them.

    Before them are attributes and the differences of timestamp and offset.
    """
    text = before + varint(3) + b"key" + varint(5) + b"value" + after
    return varint(len(text)) + text


GOOD = record()
SIZE = len(GOOD) - 1
FAR = 1 << 40
EMPTY_HEADER = varint(0) * 2
HEADERS = varint(2) + EMPTY_HEADER + varint(1) + b"n" + varint(-1)
WELL_FORMED = with_body(GOOD + record(HEADERS) + GOOD, 3)

# (what is wrong, the records, how many they are said to be)
MALFORMED = [
    ("a record too few", GOOD, 2),
    ("a record too many", GOOD * 2, 1),
    ("records where none are said to be", GOOD, 0),
    ("a negative count", GOOD, -1),
    ("a huge count", GOOD, 2**31 - 1),
    ("a byte more", GOOD + b"\0", 1),
    *((f"cut off after {n} bytes", GOOD[:n], 1) for n in range(len(GOOD))),
    ("an empty record", varint(0), 1),
    ("a record of attributes alone", varint(1) + b"\0", 1),
    ("two records of which the first is empty", varint(0) + GOOD, 2),
    ("longer than it says", varint(SIZE - 1) + GOOD[1:], 1),
    ("shorter than it says", varint(SIZE + 1) + GOOD[1:] + b"\0", 1),
    ("longer than it says, by the next", varint(SIZE - 1) + GOOD[1:] + GOOD, 2),
    ("into the next", varint(SIZE + len(GOOD)) + GOOD[1:] + GOOD, 1),
    ("all of the next", varint(SIZE + len(GOOD)) + GOOD[1:] + GOOD, 2),
    ("a length below zero", varint(-SIZE - 1) + GOOD[1:], 1),
    ("a length far too large", varint(FAR) + GOOD[1:], 1),
    ("a length that does not end", b"\xff" * 40, 1),
    ("a timestamp that does not end", record(before=b"\0" + b"\x80" * 12 + b"\0\0"), 1),
    ("an offset that does not end", record(before=b"\0\0" + b"\xff" * 12 + b"\0"), 1),
    ("a key too long", varint(5) + bytes(3) + varint(9) + b"k", 1),
    ("a key far too long", varint(9) + bytes(3) + varint(FAR), 1),
    ("a key longest of all", varint(13) + bytes(3) + varint((1 << 63) - 1), 1),
    ("a value too long", varint(6) + bytes(3) + varint(0) + varint(9) + b"v", 1),
    ("a value far too long", varint(10) + bytes(3) + varint(0) + varint(FAR), 1),
    ("a key into the next", varint(5) + bytes(3) + varint(9) + b"k" + GOOD, 2),
    ("fewer than no headers", record(varint(-1)), 1),
    ("far fewer than no headers", record(varint(-FAR)), 1),
    ("a header that is not there", record(varint(1)), 1),
    ("another that is not there", record(varint(2) + EMPTY_HEADER), 1),
    ("headers without end", record(varint(FAR) + EMPTY_HEADER), 1),
    ("more headers than are said", record(varint(1) + EMPTY_HEADER * 2), 1),
    ("a header where none is said", record(varint(0) + EMPTY_HEADER), 1),
    ("a name too long", record(varint(1) + varint(2) + b"n" + varint(0)), 1),
    ("a name far too long", record(varint(1) + varint(FAR)), 1),
    ("a name longest of all", record(varint(1) + varint((1 << 62) - 1)), 1),
    ("a name that does not end", record(varint(1) + b"\xff" * 20), 1),
    ("a name of less than nothing", record(varint(1) + varint(-1) + varint(0)), 1),
    ("a name of even less", record(varint(1) + varint(-2) + varint(0)), 1),
    ("a name that leads back", record(varint(1) + varint(-2)), 1),
    ("a name that leads far back", record(varint(1) + varint(-FAR)), 1),
    ("one name again and again", record(varint(FAR) + varint(-2)), 1),
    ("a name without a value", record(varint(1) + varint(1) + b"n"), 1),
    ("a header's value too long", record(varint(1) + b"\0" + varint(2) + b"v"), 1),
    ("a header's value far too long", record(varint(1) + b"\0" + varint(FAR)), 1),
    ("a header into the next", record(varint(1) + b"\0" + varint(2)) + GOOD, 2),
]


def fate(batch: bytes) -> int:
    """Exit code of a process that reads a batch: 0 with records, 1 without."""
    signal.alarm(3)
    try:
        columns = columns_of(batch)
    except CorruptRecordException:
        return 1
    assert len(columns.keys.to_list()) == len(columns.values.to_list())
    return 0


def read_each_in_a_process() -> None:
    """Read batches, written in hex on stdin, and write what became of each.

    Numbers read from damaged data may lead anywhere in memory: a crash is to
    be the end of one batch, not of all tests, and so is a want of memory.
    """
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    found = []
    for line in json.load(sys.stdin):
        pid = os.fork()
        if not pid:
            code = 2
            try:
                code = fate(bytes.fromhex(line))
            except BaseException as exc:
                sys.stderr.write(f"{exc!r}\n")
                sys.stderr.flush()
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        known = {0: "read", 1: "refused", 2: "another exception"}
        found.append(known.get(code) or signal.Signals(-code).name)
    json.dump(found, sys.stdout)


def fates(several: Sequence[bytes]) -> list[str]:
    """What becomes of each batch: read, refused, or worse."""
    script = f"from {__name__} import read_each_in_a_process as run; run()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        input=json.dumps([batch.hex() for batch in several]),
        stdout=subprocess.PIPE,
        text=True,
        timeout=100,
        check=True,
    )
    found: list[str] = json.loads(done.stdout)
    assert len(several) == len(found)
    return found


@pytest.fixture(scope="module")
def malformed_fates() -> dict[str, str]:
    """What becomes of the malformed batches, by what is wrong."""
    good, *found = fates([WELL_FORMED, *(with_body(*each[1:]) for each in MALFORMED)])
    assert good == "read"
    return dict(zip((what for what, _, _ in MALFORMED), found, strict=True))


@pytest.mark.parametrize(
    ("what", "data", "count"), MALFORMED, ids=[what for what, _, _ in MALFORMED]
)
def test_a_record_that_is_not_as_it_says_is_refused(
    malformed_fates: dict[str, str], what: str, data: bytes, count: int
) -> None:
    """By aiokafka with various exceptions, here with one, though the CRC is right."""
    with pytest.raises((CorruptRecordException, UnicodeDecodeError, OverflowError)):
        theirs(with_body(data, count))
    assert malformed_fates[what] == "refused"


@pytest.mark.parametrize("name", [b"\xff", b"\xc3", b"gr\xfc\xdfe"])
def test_a_header_name_that_is_not_utf_8_is_read_with_replacement(name: bytes) -> None:
    """Nobody checks it on its way, and one producer must not stop the partition."""
    headers = varint(1) + varint(len(name)) + name + varint(1) + b"v"
    (row,) = ours(with_body(record(headers)))
    ((read, value),) = row.headers
    assert (read, value) == (name.decode(errors="replace"), b"v")


@pytest.mark.parametrize("length", [-2, -3, -64, -FAR])
def test_a_cell_of_less_than_null_is_refused(length: int) -> None:
    """Null is -1, and nothing else is; aiokafka takes any of them for it."""
    key = bytes(3) + varint(length) + varint(1) + b"v" + b"\0"
    value = bytes(3) + varint(1) + b"k" + varint(length) + b"\0"
    for text in (key, value):
        with pytest.raises(CorruptRecordException):
            ours(with_body(varint(len(text)) + text))


def test_records_written_by_hand_are_read() -> None:
    """So that those above are refused for what is said to be wrong."""
    assert theirs(WELL_FORMED) == ours(WELL_FORMED)
    assert len(ours(WELL_FORMED)) == 3


def damaged(batch: bytes, dice: random.Random) -> bytes:
    """A batch some bytes of whose records are changed, missing or added."""
    out = bytearray(batch)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(HEAD_BYTES, len(out))
        odd = bytes(dice.choices((0, 1, 2, 3, 0x7F, 0x80, 0xFE, 0xFF), k=9))
        match dice.randrange(8):
            case 0:
                del out[at : at + dice.randint(1, 9)]
            case 1:
                out[at:at] = odd[: dice.randint(1, 9)]
            case 2:
                out[at] ^= 1 << dice.randrange(8)
            case 3:
                out[at] = dice.randrange(256)
            case _:
                some = dice.randint(1, min(9, len(out) - at))
                out[at : at + some] = odd[:some]
        if len(out) == HEAD_BYTES:
            break
    return patched(bytes(out), length=len(out) - 12)


@pytest.mark.parametrize("records", [PLAIN, HEADED], ids=["plain", "headed"])
def test_damaged_records_are_refused_or_read(records: list[Rec]) -> None:
    """Nothing else becomes of them, whatever their numbers have turned into."""
    dice = random.Random(len(records[0].headers))
    several = [damaged(batch_of(records), dice) for _ in range(400)]
    found = list(zip(fates(several), several, strict=True))
    assert {end for end, _ in found} >= {"read", "refused"}
    worse = [(end, data.hex()) for end, data in found if end not in ("read", "refused")]
    assert worse[:5] == []
