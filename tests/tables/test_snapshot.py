"""A partition's rows: every store known from polls, hours or zones, once."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from streamproc.cells import Cells
from streamproc.errors import ReportFailedError
from streamproc.report.rows import Rows
from streamproc.rules import history, packing
from streamproc.rules.schedule import parse_hours
from streamproc.rules.special_hours import SpecialHours
from streamproc.rules.units import DAY_US, HOUR_US
from streamproc.settings import Settings
from tables import histories as histories_module
from tables import hours as hours_table
from tables import special_hours, zones
from tables.fact_tables import FactTables
from tables.facts import encode_day, encode_key
from tables.snapshot import Snapshot
from tests.reference import reference
from tests.tables.fakes import PARTITION, Changelog, open_table, put

MakeSettings = Callable[..., Settings]

NOON_US = 1_746_532_800_000_000  # 2025-05-06 12:00 UTC, a Tuesday
HOURS = [
    {"dayOfWeek": day, "start_time_local": "09:00:00", "end_time_local": "17:00:00"}
    for day in (0, 1)
]


class Tables:
    """The tables of a partition, and what was put into them."""

    def __init__(self, histories: Any, facts: FactTables) -> None:
        self.histories, self.facts = histories, facts
        self.hours, self.zones = facts.hours, facts.zones
        self.polls: dict[bytes, list[tuple[int, bool]]] = {}

    async def poll(self, store_id: bytes, polls: list[tuple[int, bool]]) -> None:
        """Add polls of a store."""
        self.polls.setdefault(store_id, []).extend(polls)
        packed = packing.canonical(packing.pack(polls))
        segments = history.group(np.zeros(len(packed), np.int64), packed)
        newest_us = max(time_us for time_us, _ in polls)
        ids = Cells.of([store_id])
        await self.histories.add(PARTITION, ids, segments, newest_us)

    def snapshot(self, settings: Settings, as_of_us: int = NOON_US) -> Snapshot:
        """The partition as of an instant."""
        return Snapshot(self.histories, self.facts, PARTITION, as_of_us, settings.rules)


@pytest.fixture
async def tables(make_settings: MakeSettings) -> Tables:
    """Empty tables."""
    names = ("histories", "hours", "zones", "special_hours", "exclusions")
    histories, *facts = [
        await open_table(make_settings(history_days=8), Changelog(), name=name)
        for name in names
    ]
    return Tables(histories, FactTables(*facts))


def all_rows(found: Snapshot) -> Rows:
    """Rows of all chunks."""
    return Rows.join(list(found.rows()))


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
async def test_every_known_store_has_one_row_whatever_it_is_known_from(
    tables: Tables,
    make_settings: MakeSettings,
    monkeypatch: pytest.MonkeyPatch,
    chunk: int,
) -> None:
    """Before, between and after the stores that have polls, over many chunks."""
    monkeypatch.setattr(histories_module, "STORES_PER_CHUNK", chunk)
    for store_id in (b"b", b"d", b"d1", b"f"):
        await tables.poll(store_id, [(NOON_US - HOUR_US, True)])
    await put(tables.hours, {b"a": b"[]", b"c": b"[]", b"d": b"[]", b"g": b"[]"})
    await put(tables.zones, {b"c": b"UTC", b"e": b"UTC", b"f": b"UTC", b"h": b"UTC"})
    rows = all_rows(tables.snapshot(make_settings()))
    assert rows.store_ids == ["a", "b", "c", "d", "d1", "e", "f", "g", "h"]
    assert [last >= 0 for last in rows.last.tolist()] == [
        store_id in ("b", "d", "d1", "f") for store_id in rows.store_ids
    ]


async def test_rows_are_what_the_reference_counts_second_by_second(
    tables: Tables, make_settings: MakeSettings
) -> None:
    """With hours and zone, with one of them, with none; alone as among others."""
    settings, dice = make_settings(), random.Random(1)
    for number in range(8):
        store_id = b"store-%d" % number
        times = [NOON_US - dice.randrange(7 * DAY_US) for _ in range(30)]
        await tables.poll(store_id, [(time, dice.random() < 0.7) for time in times])
        if number & 1:
            await put(tables.hours, {store_id: hours_table.encode(parse_hours(HOURS))})
        if number & 2:
            await put(tables.zones, {store_id: zones.encode("Asia/Tokyo")})
    found = tables.snapshot(settings)
    rows = all_rows(found)
    for row, name_of_store in enumerate(rows.store_ids):
        store_id, number = name_of_store.encode(), int(name_of_store[-1])
        expected = reference(
            tables.polls[store_id],
            HOURS if number & 1 else None,
            "Asia/Tokyo" if number & 2 else None,
            NOON_US,
            settings.rules.hold_us,
            settings.rules.backfill,
        )
        alone = found.row(store_id)
        for window, name in enumerate(("hour", "day", "week")):
            figures = expected[name]
            due = (figures.up_us, figures.down_us, figures.open_us)
            for rows_, at in ((rows, row), (alone, 0)):
                each = (rows_.up, rows_.down, rows_.open)
                assert tuple(int(a[window, at]) for a in each) == due, store_id


async def test_a_store_that_nothing_is_known_of_has_no_row(
    tables: Tables, make_settings: MakeSettings
) -> None:
    """Also when its id begins another one's."""
    await tables.poll(b"store-10", [(NOON_US, True)])
    found = tables.snapshot(make_settings())
    assert len(found.row(b"store-1")) == 0
    assert len(found.row(b"store-10")) == 1


async def test_history_that_was_let_go_is_said_and_not_counted_as_unknown(
    tables: Tables, make_settings: MakeSettings
) -> None:
    """Each store is judged by its own polls; the time asked for, when it is most."""
    days = [(NOON_US - ago * DAY_US, True) for ago in range(50)]
    await tables.poll(b"a", days)
    await tables.poll(b"b", [(NOON_US - 9 * DAY_US, True)])
    for name in (b"a", b"b"):
        assert len(tables.snapshot(make_settings(), NOON_US - DAY_US).row(name)) == 1
    early = tables.snapshot(make_settings(), NOON_US - 31 * DAY_US)
    assert len(early.row(b"b")) == 1
    with pytest.raises(ReportFailedError, match="store a is kept since"):
        early.row(b"a")
    assert all_rows(early).store_ids == ["b"]
    assert early.left_out.store_ids == [b"a"]
    early.left_out.check(early.as_of_us)
    await tables.poll(b"c", days)
    early = tables.snapshot(make_settings(), NOON_US - 31 * DAY_US)
    assert all_rows(early).store_ids == ["b"]
    with pytest.raises(ReportFailedError, match="2 of 3 stores"):
        early.left_out.check(early.as_of_us)


async def test_a_store_that_is_left_out_comes_in_by_no_other_door(
    tables: Tables, make_settings: MakeSettings
) -> None:
    """Not as one without polls, since its hours or its zone are known."""
    await tables.poll(b"a", [(NOON_US - ago * DAY_US, True) for ago in range(50)])
    await tables.poll(b"b", [(NOON_US, True)])
    await put(tables.hours, {b"a": b"[]"})
    await put(tables.zones, {b"a": b"UTC"})
    early = tables.snapshot(make_settings(), NOON_US - 31 * DAY_US)
    assert all_rows(early).store_ids == ["b"]


@pytest.mark.parametrize("chunk", [1, 2, 100])
async def test_a_store_with_many_facts_has_one_row_and_what_is_of_all_makes_none(
    tables: Tables,
    make_settings: MakeSettings,
    monkeypatch: pytest.MonkeyPatch,
    chunk: int,
) -> None:
    """Their keys go on behind its id; none is lost where a chunk ends with it."""
    monkeypatch.setattr(histories_module, "STORES_PER_CHUNK", chunk)
    await tables.poll(b"a", [(NOON_US - HOUR_US, True)])
    await tables.poll(b"b", [(NOON_US - HOUR_US, True)])
    today = NOON_US // DAY_US
    closed = special_hours.encode(SpecialHours(today, ()))
    for store_id in (b"a", b"b", b"c"):
        key = encode_key(store_id, encode_day(today))
        await put(tables.facts.special_hours, {key: closed})
        await put(tables.zones, {store_id: b"UTC"})
    everywhere = encode_key(b"*", encode_day(today - 1))
    await put(tables.facts.special_hours, {everywhere: closed})
    rows = all_rows(tables.snapshot(make_settings()))
    assert rows.store_ids == ["a", "b", "c"]
    week_hours = (rows.open[2] // HOUR_US).tolist()
    assert week_hours == [168 - 24 - 12] * 3
    alone = tables.snapshot(make_settings()).row(b"b")
    assert (alone.open[2] // HOUR_US).tolist() == [168 - 24 - 12]
