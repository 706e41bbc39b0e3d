"""Polls in memory are those of the table, whatever is written, or are not used."""

import asyncio
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from streamproc.cells import Cells
from streamproc.rules import history, packing
from streamproc.rules.units import DAY_US, HOUR_US
from streamproc.settings import Settings
from tables import histories as histories_module
from tables.chunks import Chunk
from tables.future import purge
from tables.histories import Histories
from tests.disks import flip
from tests.tables.fakes import PARTITION, Changelog, directory, open_table, put

MakeSettings = Callable[..., Settings]

START_DAY = 20_000
NAMES = [b"a", b"ab", b"b", b"store-10", b"store-9", b"z"]

Polls = list[tuple[bytes, int, bool]]


async def add(table: Histories, polls: Polls) -> None:
    """Add polls as the agent does."""
    ids = sorted({store_id for store_id, _, _ in polls})
    codes = np.array([ids.index(store_id) for store_id, _, _ in polls], np.int64)
    packed = packing.pack((time_us, active) for _, time_us, active in polls)
    newest_us = max(time_us for _, time_us, _ in polls)
    segments = history.group(codes, packed)
    await table.add(PARTITION, Cells.of(ids), segments, newest_us)


def listed(chunks: Iterator[Chunk]) -> list[tuple[bytes, list[int]]]:
    """Each store and its polls."""
    found: list[tuple[bytes, list[int]]] = []
    for chunk in chunks:
        cuts = np.split(chunk.packed, np.cumsum(chunk.counts)[:-1])
        found += zip(chunk.store_ids, (cut.tolist() for cut in cuts), strict=True)
    return found


def other_segment() -> dict[bytes, bytes]:
    """One of a store of its own, as somebody else would write it."""
    polls = packing.pack([(START_DAY * DAY_US, True)])
    return {history.segment_key(b"q", START_DAY): polls.tobytes()}


def of_table(table: Histories) -> list[tuple[bytes, list[int]]]:
    """The same, read from the table."""
    return listed(table.chunks(PARTITION, 16_000))


def in_memory(table: Histories) -> bool:
    """Whether a reader would get the polls without the table."""
    return table._recent._folded(PARTITION) is not None


def check(table: Histories) -> None:
    """A reader gets what the table holds."""
    assert listed(table.at_hand(PARTITION)) == of_table(table)


@pytest.fixture
async def table(make_settings: MakeSettings) -> Any:
    """An empty table with two stores in a chunk."""
    return await open_table(make_settings(), Changelog(), name="histories")


def some_polls(draw: random.Random, day: int) -> Polls:
    """Polls of some stores, most of the newest days, some late, some repeated."""
    count = draw.choice((1, 5, 40))
    days = [day, day, day, day - 1, day - 5, day - 12]
    return [
        (
            draw.choice(NAMES),
            (START_DAY + draw.choice(days)) * DAY_US + draw.randrange(24) * HOUR_US,
            draw.random() < 0.8,
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(12))
async def test_a_reader_gets_what_the_table_holds_after_every_batch(
    table: Histories, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Late polls, new stores, days that leave for the archive, polls of the future."""
    monkeypatch.setattr(histories_module, "STORES_PER_CHUNK", 2)
    draw = random.Random(seed)
    for day in range(25):
        for _ in range(draw.randrange(3)):
            await add(table, some_polls(draw, day))
        if draw.random() < 0.1:
            until_us = (START_DAY + day) * DAY_US + 12 * HOUR_US
            await purge(table, PARTITION, until_us)
        if draw.random() < 0.7:
            check(table)
    check(table)
    assert in_memory(table)


async def test_batches_that_come_while_the_table_is_read_are_not_lost(
    table: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before and behind the reader; the next reader has all, from memory."""
    monkeypatch.setattr(histories_module, "STORES_PER_CHUNK", 1)
    begin_us = START_DAY * DAY_US
    await add(table, [(name, begin_us, True) for name in NAMES])
    reader = table.at_hand(PARTITION)
    assert next(reader).store_ids == NAMES[:1]
    await add(table, [(NAMES[0], begin_us + 5, False), (NAMES[-1], begin_us, False)])
    await add(table, [(b"0", begin_us, False), (b"zz", begin_us, False)])
    listed(reader)
    assert in_memory(table)
    check(table)


async def test_a_reader_that_stops_early_leaves_nothing_in_memory(
    table: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a table would be taken for the whole."""
    monkeypatch.setattr(histories_module, "STORES_PER_CHUNK", 1)
    await add(table, [(name, START_DAY * DAY_US, True) for name in NAMES])
    reader = table.at_hand(PARTITION)
    next(reader)
    reader.close()  # type: ignore[attr-defined]
    assert not in_memory(table)
    check(table)


async def test_any_other_write_of_the_partition_ends_a_copy(table: Histories) -> None:
    """A purge, what another worker wrote late, a rebuild: the table is read again."""
    begin_us = START_DAY * DAY_US
    await add(table, [(name, begin_us, True) for name in NAMES])
    check(table)
    await purge(table, PARTITION, begin_us - 1)
    assert not in_memory(table)
    assert listed(table.at_hand(PARTITION)) == []
    check(table)
    await put(table, other_segment())
    assert not in_memory(table)
    assert [store_id for store_id, _ in listed(table.at_hand(PARTITION))] == [b"q"]
    await add(table, [(b"a", begin_us, True)])
    assert in_memory(table)
    check(table)


async def test_a_batch_after_another_write_does_not_make_a_copy_true_again(
    table: Histories,
) -> None:
    """The copy lacks what came in between."""
    begin_us = START_DAY * DAY_US
    await add(table, [(b"a", begin_us, True)])
    check(table)
    await put(table, other_segment())
    await add(table, [(b"b", begin_us, True)])
    assert not in_memory(table)
    check(table)


async def test_a_partition_that_was_built_anew_is_read_again(table: Histories) -> None:
    """From its changelog, which is the truth; the copy here is not asked."""
    await add(table, [(name, START_DAY * DAY_US, True) for name in NAMES])
    check(table)
    table.data._dbs[PARTITION].flush()
    for file in directory(table).glob("*.sst"):
        flip(file)
    table.data._note_damage(PARTITION, "Corruption: seen")
    await table.repair(PARTITION)
    assert not in_memory(table)
    check(table)


async def test_a_partition_that_was_set_aside_is_read_again(table: Histories) -> None:
    """What lies in its place now holds something else, or nothing."""
    await add(table, [(b"a", START_DAY * DAY_US, True)])
    check(table)
    table.data.set_aside(PARTITION)
    await table.data._try_open_db_for_partition(PARTITION, generation_id=1)
    assert not in_memory(table)
    assert listed(table.at_hand(PARTITION)) == []


async def test_a_worker_that_was_fenced_does_not_read_its_copy(
    table: Histories,
) -> None:
    """Another one has written in between: the last word is had, and the copy ends."""
    begin_us = START_DAY * DAY_US
    await add(table, [(b"a", begin_us, True)])
    await add(table, [(b"a", begin_us + 1, True)])
    check(table)
    key = history.segment_key(b"a", START_DAY)
    table.app.producer.append({key: b""})
    await add(table, [(b"b", begin_us, True)])
    assert not in_memory(table)
    check(table)
    assert [store_id for store_id, _ in listed(table.at_hand(PARTITION))] == [
        b"a",
        b"b",
    ]


async def test_copies_are_let_go_of_when_partitions_are_assigned_anew(
    table: Histories,
) -> None:
    """Their memory is for those that are here now."""
    await add(table, [(b"a", START_DAY * DAY_US, True)])
    check(table)
    assert in_memory(table)
    table.take_over()
    assert not in_memory(table)


@pytest.mark.parametrize("mib", [0, 1])
async def test_what_does_not_fit_is_read_from_the_table(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, mib: int
) -> None:
    """The same polls; memory stays within the limit, also while batches come."""
    monkeypatch.setattr(histories_module, "STORES_PER_CHUNK", 2)
    settings = make_settings(polls_memory=mib)
    table = await open_table(settings, Changelog(), name="histories")
    ids = [b"%04d" % n for n in range(600)]
    for day in range(6):
        times = [(START_DAY + day) * DAY_US + n * HOUR_US // 2 for n in range(48)]
        await add(table, [(store_id, t, True) for t in times for store_id in ids])
        check(table)
        held = table._recent._kept.entries.get(PARTITION)
        assert held is None or 0 < held.size + held.changes_size <= mib << 20
    assert not in_memory(table)
    check(table)


async def test_many_changes_between_two_reports_end_a_copy(
    make_settings: MakeSettings,
) -> None:
    """A backlog is not gathered in memory; a store that is polled often is once."""
    settings = make_settings(polls_memory=1)
    table = await open_table(settings, Changelog(), name="histories")
    begin_us = START_DAY * DAY_US
    await add(table, [(b"a", begin_us, True)])
    check(table)
    for n in range(1, 1200):
        await add(table, [(b"a", begin_us + n * 60_000_000, True)])
    assert in_memory(table)
    await add(table, [(b"%05d" % n, begin_us, True) for n in range(2_000)])
    assert not in_memory(table)
    check(table)


async def test_readers_in_threads_and_writers_do_not_disturb_each_other(
    table: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reader has at least what was written before it began, store by store."""
    monkeypatch.setattr(histories_module, "STORES_PER_CHUNK", 2)
    begin_us = START_DAY * DAY_US
    written = 0

    def read() -> None:
        least = written
        found = dict(listed(table.at_hand(PARTITION)))
        assert all(len(polls) >= least for polls in found.values())
        assert len(found) == len(NAMES)

    await add(table, [(name, begin_us, True) for name in NAMES])
    for n in range(1, 60):
        reading = [asyncio.create_task(asyncio.to_thread(read)) for _ in range(2)]
        await add(table, [(name, begin_us + n * 1_000_000, True) for name in NAMES])
        written = n + 1
        await asyncio.gather(*reading)
    check(table)
