"""The table of histories on a real RocksDB: what is kept, and what is let go."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import numpy as np
import pytest
from faust.types import TP

from streamproc.cells import Cells
from streamproc.program import Program
from streamproc.rules import history, packing
from streamproc.rules.units import DAY_US
from tables import chunks, rocks_scan
from tables.fencing import PartitionLostError
from tables.histories import NEWEST, OLDEST, Histories, Newest
from tests.kept_days import retained

START_DAY = 20_000
PARTITION = 0

Polls = list[tuple[int, int]]
"""Store number and time."""


@pytest.fixture
async def histories(start_program: Callable[..., Any]) -> AsyncIterator[Histories]:
    """The table of a program that runs on an embedded log."""
    async with start_program() as program:
        assert isinstance(program, Program)
        yield program.histories


def store_id(number: int) -> bytes:
    """Ids that do not sort as their numbers do."""
    return b"store-%d" % number


async def add(table: Histories, polls: Iterable[tuple[int, int]]) -> int:
    """Add active polls as the agent does; return how many had expired."""
    polls = list(polls)
    ids = sorted({store_id(number) for number, _ in polls})
    codes = np.array([ids.index(store_id(number)) for number, _ in polls], np.int64)
    packed = packing.pack((time_us, True) for _, time_us in polls)
    segments = history.group(codes, packed)
    newest_us = max(time_us for _, time_us in polls)
    return (await table.add(PARTITION, Cells.of(ids), segments, newest_us)).expired


def days_in(table: Histories) -> dict[bytes, set[int]]:
    """The days each store has a segment for."""
    found: dict[bytes, set[int]] = defaultdict(set)
    for key, _ in table.scan(PARTITION, b"\1"):
        store, day = history.split_key(key)
        found[store].add(day)
    return found


def random_polls(seed: int, count: int, days: int) -> Polls:
    """Polls of a few stores, days at random, the earlier ones more often."""
    dice = random.Random(seed)
    return [
        (
            dice.randrange(4),
            (START_DAY + int(days * dice.random() ** 2)) * DAY_US + dice.randrange(9),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("noted", [True, False])
@pytest.mark.parametrize("seed", range(6))
async def test_what_is_kept_is_what_the_rule_keeps(
    histories: Histories, seed: int, noted: bool
) -> None:
    """After each batch: per store the rule of ``history.let_go``, step by step.

    Also where an older version has written, which did not note the oldest day.
    """
    expected: dict[bytes, set[int]] = defaultdict(set)
    for number in range(12):
        polls = random_polls(seed * 100 + number, 20, 3 + number)
        await add(histories, polls)
        for store, time_us in polls:
            expected[store_id(store)].add(history.day_of(time_us))
        for polled in {store_id(store) for store, _ in polls}:
            expected[polled] = retained(expected[polled])
        assert expected == days_in(histories)
        if not noted:
            async with histories.exclusive(PARTITION):
                await histories.write(PARTITION, {OLDEST: None})


async def test_a_poll_older_than_the_history_has_expired(
    histories: Histories,
) -> None:
    """It is counted, and changes nothing here; what is not as old is archived."""
    days = {START_DAY, START_DAY + 10, START_DAY + 11}
    for day in sorted({START_DAY - 20, *days}):
        await add(histories, [(1, day * DAY_US)])
    assert await add(histories, [(1, (START_DAY - 1) * DAY_US)]) == 0
    assert await add(histories, [(1, (START_DAY - 440) * DAY_US)]) == 1
    assert days_in(histories) == {store_id(1): days}


async def test_a_poll_of_a_wrong_clock_lets_go_of_nothing(
    histories: Histories,
) -> None:
    """A day that stands alone, a year ahead: the week before it stays, and goes on."""
    week = [(1, (START_DAY + day) * DAY_US) for day in range(9)]
    await add(histories, week)
    await add(histories, [(1, (START_DAY + 400) * DAY_US)])
    await add(histories, [(1, (START_DAY + 9) * DAY_US)])
    kept = {START_DAY + day for day in range(10)} | {START_DAY + 400}
    assert days_in(histories) == {store_id(1): kept}


async def test_the_newest_poll_is_told_with_its_store_and_the_next(
    histories: Histories,
) -> None:
    """Up to an instant; -1 where there is none; two of one store are one store's."""
    now_us = START_DAY * DAY_US
    assert histories.survey(PARTITION, now_us) == Newest()
    await add(histories, [(1, now_us - 7), (1, now_us - 5), (2, now_us + 400 * DAY_US)])
    assert histories.survey(PARTITION, now_us) == Newest(now_us - 5, store_id(1), -1)
    await add(histories, [(3, now_us - 6), (2, now_us - 9)])
    found = histories.survey(PARTITION, now_us)
    assert found == Newest(now_us - 5, store_id(1), now_us - 6)
    assert histories.newest_until(PARTITION, now_us) == now_us - 5
    later_us = now_us + 401 * DAY_US
    assert histories.newest_until(PARTITION, later_us) == now_us + 400 * DAY_US


async def test_the_tables_own_keys_are_not_rows(histories: Histories) -> None:
    """They stand before all stores, and say what the table has seen."""
    await add(histories, [(1, START_DAY * DAY_US + 5), (2, (START_DAY + 3) * DAY_US)])
    assert histories.newest_us(PARTITION) == (START_DAY + 3) * DAY_US
    rows = dict(histories.scan(PARTITION))
    assert int.from_bytes(rows.pop(OLDEST), "big") == START_DAY
    del rows[NEWEST]
    assert {history.split_key(key)[0] for key in rows} == {store_id(1), store_id(2)}
    assert all(key < b"\1" for key in (NEWEST, OLDEST))


async def test_the_oldest_day_goes_back_with_late_polls(histories: Histories) -> None:
    """It is a bound for every store, whatever order polls come in."""
    for day in (START_DAY, START_DAY + 2, START_DAY - 3, START_DAY + 1):
        await add(histories, [(day % 3, day * DAY_US)])
    oldest = histories.read(PARTITION, OLDEST)
    assert oldest is not None
    assert int.from_bytes(oldest, "big") == START_DAY - 3


async def test_an_empty_batch_changes_nothing(histories: Histories) -> None:
    """There may be nothing left of a batch when its polls were refused."""
    segments = history.group(np.zeros(0, np.int64), packing.pack([]))
    added = await histories.add(PARTITION, Cells.of([]), segments, -1)
    assert (added.expired, added.segments, added.late) == (0, 0, [])
    assert dict(histories.scan(PARTITION)) == {}


@pytest.mark.parametrize("most_bytes", [0, 100, 1_000, 10**6])
@pytest.mark.parametrize("stores", [1, 2, 100])
async def test_a_scan_comes_in_chunks_of_so_many_stores_and_polls(
    histories: Histories,
    monkeypatch: pytest.MonkeyPatch,
    most_bytes: int,
    stores: int,
) -> None:
    """Every store is in one of them, whole; one with more polls has its own."""
    monkeypatch.setattr(chunks, "MOST_BYTES", most_bytes)
    monkeypatch.setattr(rocks_scan, "_FIRST_RUNS", (1,) * 100)
    polls = [
        (number, START_DAY * DAY_US + at)
        for number in range(9)
        for at in range(0, (4 * number + 1) * DAY_US // 4, DAY_US // 4)
    ]
    await add(histories, polls)
    found = list(histories.chunks(PARTITION, stores))
    kept = {store: len(days) for store, days in days_in(histories).items()}
    assert [one for chunk in found for one in chunk.store_ids] == sorted(kept)
    for chunk in found:
        assert len(chunk.store_ids) <= stores
        assert len(chunk.packed) * packing.POLL_BYTES <= most_bytes or (
            len(chunk.store_ids) <= 2
        )
        for store, packed in zip(chunk.store_ids, cut_up(chunk), strict=True):
            assert packed == histories.polls_of(PARTITION, store).tolist()


def cut_up(chunk: chunks.Chunk) -> list[list[int]]:
    """The polls of each store."""
    edges = np.cumsum(chunk.counts)[:-1]
    return [packed.tolist() for packed in np.split(chunk.packed, edges)]


async def test_a_partition_is_not_closed_while_it_is_read(histories: Histories) -> None:
    """Closing waits; who comes after it is told that the partition has gone."""
    keys = [b"%06d" % number for number in range(100_000)]
    async with histories.exclusive(PARTITION):
        await histories.write(PARTITION, dict.fromkeys(keys, b"value"))
    store = histories.data
    reading = asyncio.create_task(histories.read_aside(PARTITION, keys))
    while not store.reading[PARTITION].locked():  # noqa: ASYNC110 - a thread's lock
        await asyncio.sleep(0)
    store.revoke_partitions(histories, {TP(*changelog(histories))})
    assert await reading == [b"value"] * len(keys)
    with pytest.raises(PartitionLostError):
        await histories.read_aside(PARTITION, keys)


def changelog(table: Histories) -> tuple[str, int]:
    """The changelog of the partition."""
    return table.changelog_topic.get_topic_name(), PARTITION
