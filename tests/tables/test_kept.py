"""Since when polls are kept: looked for once, and true whatever comes later."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from streamproc.rules import history
from streamproc.rules.units import DAY_US
from streamproc.settings import Settings
from tables.chunks import Chunk
from tables.histories import Histories
from tables.kept import kept
from tests.tables.fakes import PARTITION
from tests.tables.test_archive import START_DAY, Tables

MakeSettings = Callable[..., Settings]


@pytest.fixture
async def tables(make_settings: MakeSettings) -> Tables:
    """Two empty tables, with a history of 60 days."""
    return await Tables(make_settings(history_days=60)).open()


def first_day(tables: Tables) -> int:
    """The UTC day of the first poll, from the tables' begin on."""
    found = kept(tables.histories, PARTITION)
    assert found is not None
    return found.first_us // DAY_US - START_DAY


def day_us(day: int) -> int:
    """When a day begins."""
    return (START_DAY + day) * DAY_US


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The partitions of which all histories were read."""
    read, scanned = Histories.chunks, []

    def noted(
        histories: Histories, partition: int, *args: Any, **kw: Any
    ) -> Iterator[Chunk]:
        scanned.append(partition)
        return read(histories, partition, *args, **kw)

    monkeypatch.setattr(Histories, "chunks", noted)
    return scanned


async def test_the_first_poll_is_looked_for_again_only_when_an_earlier_one_comes(
    tables: Tables, scans: list[int]
) -> None:
    """Later polls do not change it, and cost no scan."""
    await tables.add([(b"a", day_us(5), True)])
    assert first_day(tables) == 5
    await tables.add([(b"b", day_us(6), True)])
    assert (first_day(tables), len(scans)) == (5, 1)
    await tables.add([(b"c", day_us(3), True)])
    assert (first_day(tables), len(scans)) == (3, 2)
    await tables.add([(b"c", day_us(3) - 1, True)])
    assert (first_day(tables), len(scans)) == (2, 3)


async def test_an_earlier_poll_of_the_first_day_is_the_first_then(
    tables: Tables,
) -> None:
    """The day alone does not tell which of two came first."""
    await tables.add([(b"a", day_us(5) + DAY_US // 2, True)])
    assert first_day(tables) == 5
    await tables.add([(b"b", day_us(5), True)])
    found = kept(tables.histories, PARTITION)
    assert found is not None
    assert found.first_us == day_us(5)


async def test_a_poll_that_is_not_the_first_does_not_pass_for_it(
    tables: Tables,
) -> None:
    """Any poll from before an instant will do, for who asks of that instant only."""
    for day in range(9):
        store_id = b"%d" % (9 - day)
        await tables.add([(store_id, day_us(day), True)])
    near = tables.histories.first_polls.of(
        PARTITION, 0, day_us(8), lambda: iter((day_us(7), day_us(0)))
    )
    assert near == day_us(7)
    assert first_day(tables) == 0


async def test_an_earlier_poll_that_comes_while_the_first_is_looked_for_counts(
    tables: Tables,
) -> None:
    """The scan under way has not seen it; whoever asks next is told of it."""
    await tables.add([(b"a", day_us(5), True)])
    began, goes_on = threading.Event(), threading.Event()

    def slow() -> Iterator[int]:
        began.set()
        goes_on.wait(10)
        yield day_us(5)

    look = partial(tables.histories.first_polls.of, PARTITION, 0, 0)
    asked = asyncio.create_task(asyncio.to_thread(look, slow))
    await asyncio.to_thread(began.wait, 10)
    await tables.add([(b"b", day_us(3), True)])
    goes_on.set()
    assert await asked == day_us(5)
    assert first_day(tables) == 3


async def test_the_first_poll_is_looked_for_again_after_a_purge(
    tables: Tables,
) -> None:
    """Polls may be taken away that were found before."""
    await tables.add([(b"a", day_us(0), True)])
    await tables.add([(b"b", day_us(1), True)])
    assert first_day(tables) == 0
    async with tables.histories.exclusive(PARTITION):
        key = history.segment_key(b"a", START_DAY)
        await tables.histories.write(PARTITION, {key: None})
    await tables.add([(b"c", day_us(2), True)])
    assert first_day(tables) == 1


async def test_the_first_poll_is_looked_for_again_when_months_are_let_go_of(
    tables: Tables,
) -> None:
    """What was found of them is not told any more."""
    for day in range(0, 140, 3):
        await tables.add([(b"a", day_us(day), True)])
        assert kept(tables.histories, PARTITION) is not None
    found = kept(tables.histories, PARTITION)
    assert found is not None
    assert found.first_us >= found.whole_us > day_us(0)
