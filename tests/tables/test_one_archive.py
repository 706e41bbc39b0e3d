"""One store's archived polls, read once: asked as the table is, they answer alike."""

import pickle
import random
from collections.abc import Callable

import pytest

from streamproc.rules import months
from streamproc.rules.units import DAY_US, HOUR_US
from streamproc.settings import Settings
from tables.one_archive import OneArchive
from tests.tables.fakes import PARTITION
from tests.tables.test_archive import START_DAY, STORES, Tables

MakeSettings = Callable[..., Settings]

DAYS = 150
NOBODY = b"a0"
"""A store without polls, whose id lies between others'."""


async def filled(tables: Tables, draw: random.Random) -> Tables:
    """Stores that are polled on some days, each until another one."""
    for day in range(DAYS):
        polls = [
            (store_id, (START_DAY + day) * DAY_US + hour * HOUR_US, bool(hour % 2))
            for number, store_id in enumerate(STORES)
            for hour in range(3)
            if draw.random() < 0.6 and day < DAYS - 30 * number
        ]
        if polls:
            await tables.add(polls)
    return tables


@pytest.mark.parametrize("history_days", [400, 70])
async def test_what_was_read_of_a_store_answers_as_the_table(
    make_settings: MakeSettings, history_days: int
) -> None:
    """Also where months were let go of, and of a store that nothing is archived of."""
    draw = random.Random(history_days)
    tables = await Tables(make_settings(history_days=history_days)).open()
    await filled(tables, draw)
    archive = tables.archive
    for store_id in (*STORES, NOBODY):
        one = pickle.loads(pickle.dumps(OneArchive.read(archive, PARTITION, store_id)))
        assert one.kept_since(PARTITION) == archive.kept_since(PARTITION)
        assert one.oldest_month(PARTITION) == archive.oldest_month(PARTITION)
        assert one.holds_any(PARTITION)
        for _ in range(60):
            day = START_DAY + draw.randrange(-5, DAYS + 5)
            of_it = PARTITION, [store_id]
            for name in ("first_from", "newest_before"):
                asked, known = (getattr(each, name) for each in (one, archive))
                assert [*asked(*of_it, day)] == [*known(*of_it, day)], (name, day)
            days = range(day, day + draw.randrange(1, 12))
            assert one.segments_of(*of_it, days) == archive.segments_of(*of_it, days)
            in_month = within(days)
            ends = PARTITION, store_id, store_id
            assert joined(one, *ends, in_month) == joined(archive, *ends, in_month)
    await tables.close()


def within(days: range) -> range:
    """Those of the first one's month."""
    end = months.first_day_of(months.month_of(days.start) + 1)
    return range(days.start, min(days.stop, end))


def joined(
    archive: OneArchive, partition: int, first: bytes, last: bytes, days: range
) -> list[tuple[bytes, bytes]]:
    """Store and value of each segment."""
    return [
        item
        for ids, values in archive.between(partition, first, last, days)
        for item in zip(ids, values, strict=True)
    ]


async def test_nothing_is_known_of_other_stores(make_settings: MakeSettings) -> None:
    """Whoever asks about several gets only what was read."""
    tables = await filled(
        await Tables(make_settings(history_days=400)).open(), random.Random(3)
    )
    one = OneArchive.read(tables.archive, PARTITION, b"a")
    day = START_DAY + 20
    mine, others = one.segments_of(PARTITION, [b"a", b"b"], range(day, day + 9))
    assert mine
    assert not others
    assert [*one.newest_before(PARTITION, [b"b"], day)] == [b""]
    assert not joined(one, PARTITION, b"a1", b"b", range(day, day + 9))
    assert joined(one, PARTITION, b"a", b"b", within(range(day, day + 9)))
    await tables.close()


async def test_without_an_archive_nothing_is_kept(make_settings: MakeSettings) -> None:
    """And that is said."""
    tables = await Tables(make_settings(history_days=400)).open()
    await tables.add([(b"a", START_DAY * DAY_US, True)])
    one = OneArchive.read(tables.archive, PARTITION, b"a")
    assert (one.oldest_month(PARTITION), one.holds_any(PARTITION)) == (None, False)
    assert one.segments == ()
    await tables.close()
