"""The archive: what leaves the eight days, kept for months, and let go by the month."""

import random
import shutil
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from streamproc.cells import Cells, Ints
from streamproc.errors import ReportFailedError
from streamproc.report.record import time_text
from streamproc.report.rows import Rows
from streamproc.rules import history, months, packing
from streamproc.rules.units import DAY_US, HOUR_US
from streamproc.settings import Settings
from tables import histories as histories_module
from tables.calendars import NO_FACTS, OwnFacts, StoreFacts
from tables.facts import NumberedFacts
from tables.future import purge
from tables.past import Past
from tables.snapshot import Snapshot
from tests.reference import reference
from tests.tables.fakes import PARTITION, Changelog, directory, make

MakeSettings = Callable[..., Settings]
Polls = list[tuple[bytes, int, bool]]

START_DAY = 20_000
STORES = [b"a", b"a1", b"b", b"store-10"]


class Tables:
    """``histories`` and ``archive`` on their changelogs; they can be opened again."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.logs = {"histories": Changelog(), "archive": Changelog()}

    async def open(self) -> "Tables":
        """Open, and read what of the changelogs is not on disk yet."""
        self.histories = await self._open("histories")
        self.archive = self.histories.archive = await self._open("archive")
        return self

    async def _open(self, name: str) -> Any:
        table = make(self.settings, self.logs[name], name=name)
        await table.data._try_open_db_for_partition(PARTITION, generation_id=1)
        offset = table.data.persisted_offset(table.changelog(PARTITION))
        first = 0 if offset is None else offset + 1
        missing = self.logs[name].records[first:]
        table.data.apply(PARTITION, missing, first + len(missing) - 1)
        return table

    async def close(self) -> None:
        """Close both."""
        await self.histories.data.stop()
        await self.archive.data.stop()

    async def add(self, polls: Iterable[tuple[bytes, int, bool]]) -> int:
        """Add polls as the agent does; return how many had expired."""
        polls = list(polls)
        ids = sorted({store_id for store_id, _, _ in polls})
        codes = np.array([ids.index(store_id) for store_id, _, _ in polls], np.int64)
        packed = packing.pack((time_us, active) for _, time_us, active in polls)
        segments = history.group(codes, packed)
        newest_us = max(time_us for _, time_us, _ in polls)
        added = await self.histories.add(PARTITION, Cells.of(ids), segments, newest_us)
        assert not added.late
        return int(added.expired)

    def polls(self) -> Iterable[tuple[bytes, int]]:
        """Every poll in either table, packed; those in both twice."""
        splits = (history.split_key, months.split_archive_key)
        for table, split in zip((self.histories, self.archive), splits, strict=True):
            for key, value in table.scan(PARTITION, b"\1"):
                for poll in packing.unpack(value).tolist():
                    yield split(key)[0], poll

    def kept(self) -> set[tuple[bytes, int]]:
        """Every poll in either table, packed; each segment in one of them only."""
        found: dict[tuple[bytes, int], bytes] = {}
        splits = (history.split_key, months.split_archive_key)
        for table, split in zip((self.histories, self.archive), splits, strict=True):
            for key, value in table.scan(PARTITION, b"\1"):
                assert split(key) not in found
                found[split(key)] = value
        return {
            (store_id, poll)
            for (store_id, _), value in found.items()
            for poll in packing.unpack(value).tolist()
        }

    def snapshot(self, as_of_us: int, settings: Settings) -> Snapshot:
        """The partition as of an instant; no hours, no zones."""
        nothing: Any = _Nothing()
        return Snapshot(self.histories, nothing, PARTITION, as_of_us, settings.rules)


class _Nothing:
    """Tables without facts."""

    def of_all(self, partition: int) -> StoreFacts:
        """Nothing is known of all."""
        return NO_FACTS

    def of(self, partition: int, store_id: bytes) -> StoreFacts:
        """Nothing is known of a store."""
        return NO_FACTS

    def between(self, *_: Any) -> OwnFacts:
        """No stores."""
        return OwnFacts(*[NumberedFacts([], [], [()])] * 4)


@pytest.fixture
async def tables(make_settings: MakeSettings) -> Tables:
    """Two empty tables, with a history of 60 days."""
    return await Tables(make_settings(history_days=60)).open()


def some_polls(seed: int, count: int, days: int) -> Polls:
    """Polls of some stores, on days at random; at one time one status only."""
    draw = random.Random(seed)
    return [
        (
            draw.choice(STORES),
            START_DAY * DAY_US + draw.randrange(days * DAY_US),
            draw.random() < 0.6,
        )
        for _ in range(count)
    ]


def packed(polls: Polls) -> set[tuple[bytes, int]]:
    """What is kept of polls when all are."""
    return {
        (store_id, packing.packed_of(time_us, int(active)))
        for store_id, time_us, active in polls
    }


def within(archive: Any, polls: Polls) -> Polls:
    """Those of the months that are kept."""
    first = archive.kept_since(PARTITION)
    return [poll for poll in polls if history.day_of(poll[1]) >= first]


def batches(polls: Polls, size: int) -> Iterable[Polls]:
    """Some at a time."""
    return (polls[at : at + size] for at in range(0, len(polls), size))


@pytest.mark.parametrize("order", ["by time", "backwards", "at random"])
async def test_a_year_in_any_order_gives_the_same_history(
    tables: Tables, order: str
) -> None:
    """All polls of the months kept, each in one table; the rest is counted or gone."""
    polls = some_polls(1, 600, 300)
    if order != "at random":
        polls.sort(key=lambda poll: poll[1], reverse=order == "backwards")
    expired = sum([await tables.add(some) for some in batches(polls, 25)])
    kept, due = tables.kept(), packed(within(tables.archive, polls))
    assert due <= kept
    # Besides, a store's newest day before its last eight, and what no month after
    # it has made leave yet.
    assert len(kept - due) <= len(polls) - expired - len(due)
    if order == "by time":
        assert expired == 0
    if order == "backwards":
        assert expired > 200


async def test_nothing_is_archived_in_the_first_eight_days(tables: Tables) -> None:
    """The hot path writes one table."""
    for some in batches(some_polls(2, 200, 8), 20):
        await tables.add(some)
    assert tables.logs["archive"].records == []


async def test_months_that_are_too_old_go_as_a_whole_with_their_changelog(
    tables: Tables, make_settings: MakeSettings
) -> None:
    """Also from the changelog, so that a rebuilt copy has not got them either."""
    days = range(0, 140, 3)
    for day in days:
        await tables.add([(b"a", (START_DAY + day) * DAY_US, True)])
    first = tables.archive.kept_since(PARTITION)
    items = tables.archive.scan(PARTITION, b"\1")
    here = [months.split_archive_key(key)[1] for key, _ in items]
    assert min(here) - first in range(3)
    state = dict(tables.archive.scan(PARTITION))
    offset = tables.archive.data.persisted_offset(tables.archive.changelog(PARTITION))
    assert offset == len(tables.logs["archive"].records) - 1
    tables.archive.data._note_damage(PARTITION, "Corruption: made up")
    await tables.archive.repair(PARTITION)
    assert dict(tables.archive.scan(PARTITION)) == state


async def test_the_history_is_counted_from_nine_days_after_what_has_left(
    tables: Tables,
) -> None:
    """Which is today, as a rule; 60 days before it lies in the first month kept."""
    edge = months.first_day_of(months.month_of(START_DAY) + 3)
    for left, first in ((edge + 60 - 10, edge - 1), (edge + 60 - 9, edge)):
        # The day after it is the newest that is too old, and still speaks.
        days = (left, left + 1, left + 9, left + 10)
        await tables.add([(b"a", day * DAY_US, True) for day in days])
        assert tables.archive.kept_since(PARTITION) == months.first_day_of(
            months.month_of(first)
        )


async def test_a_month_may_have_more_keys_than_are_let_go_at_once(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In runs; the last one ends where the month does."""
    monkeypatch.setattr("tables.archive._KEYS_LET_GO_AT_ONCE", 4)
    for day in range(40):
        await tables.add([(s, (START_DAY + day) * DAY_US, True) for s in STORES])
    for day in (200, 201, 220, 221):
        await tables.add([(s, (START_DAY + day) * DAY_US, True) for s in STORES])
    kept = [
        months.split_archive_key(k) for k, _ in tables.archive.scan(PARTITION, b"\1")
    ]
    assert sorted(kept) == [(store_id, START_DAY + 200) for store_id in STORES]
    assert (
        tables.archive.data.persisted_offset(tables.archive.changelog(PARTITION))
        is not None
    )


async def test_a_poll_of_a_wrong_clock_lets_go_of_no_month(tables: Tables) -> None:
    """Years ahead, for a moment, even of all stores: everything stays."""
    polls = [(s, (START_DAY + day) * DAY_US, True) for day in range(58) for s in STORES]
    for some in batches(polls, len(STORES)):
        await tables.add(some)
    wrong = [(s, (START_DAY + 1_000) * DAY_US, False) for s in STORES]
    await tables.add(wrong)
    more = [(s, (START_DAY + 58) * DAY_US, True) for s in STORES]
    await tables.add(more)
    assert tables.kept() == packed(polls + wrong + more)


async def test_what_a_wrong_clock_has_archived_is_read_also_when_it_is_purged(
    tables: Tables, make_settings: MakeSettings
) -> None:
    """Two days of the future drove the real ones out; the week is whole still."""
    now_us, settings = (START_DAY + 30) * DAY_US, make_settings()
    real = [(b"a", now_us - hour * HOUR_US, True) for hour in range(1, 200)]
    await tables.add([(b"other", now_us - 40 * DAY_US, True)])
    await tables.add(real)
    for day in (900, 901):
        await tables.add([(b"a", (START_DAY + day) * DAY_US, False)])
    for _ in range(2):
        row = tables.snapshot(now_us, settings).row(b"a")
        assert row.up[:, 0].tolist() == [HOUR_US, DAY_US, 7 * DAY_US]
        rows = Rows.join(list(tables.snapshot(now_us, settings).rows()))
        assert rows.store_ids == ["a", "other"]
        assert rows.up[:, 0].tolist() == [HOUR_US, DAY_US, 7 * DAY_US]
        await purge(tables.histories, PARTITION, now_us)


async def test_an_old_poll_goes_straight_to_the_archive_and_counts_once(
    tables: Tables,
) -> None:
    """It has expired only when its month is let go of; a repetition changes nothing."""
    newest = START_DAY + 100
    for ago in (30, 20, 9, 0):
        await tables.add([(b"a", (newest - ago) * DAY_US, True)])
    for _ in range(2):
        assert await tables.add([(b"a", (newest - 50) * DAY_US, False)]) == 0
    assert await tables.add([(b"a", (newest - 140) * DAY_US, False)]) == 1
    assert tables.kept() == packed(
        [
            (b"a", newest * DAY_US, True),
            *((b"a", (newest - ago) * DAY_US, True) for ago in (30, 20, 9)),
            (b"a", (newest - 50) * DAY_US, False),
        ]
    )


@pytest.mark.parametrize("table", ["archive", "histories"])
@pytest.mark.parametrize("where", ["before the changelog", "before the disk"])
@pytest.mark.parametrize("seed", range(3))
async def test_a_crash_in_the_middle_of_a_move_loses_and_doubles_nothing(
    tables: Tables,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    where: str,
    seed: int,
) -> None:
    """The worker dies; the next one recovers from the changelogs and repeats."""
    polls = some_polls(seed, 240, 58)
    polls.sort(key=lambda poll: poll[1] + random.Random(poll[1]).randrange(9 * DAY_US))
    for number, some in enumerate(batches(polls, 20)):
        if number % 3 == 2:
            with monkeypatch.context() as patch:
                _fail(patch, tables, table, where)
                try:
                    await tables.add(some)
                except _Died:
                    await tables.close()
                    await tables.open()
        await tables.add(some)
    assert tables.kept() == packed(polls)


class _Died(Exception):
    """Stands for the end of the process."""


def _fail(patch: pytest.MonkeyPatch, tables: Tables, table: str, where: str) -> None:
    def die(*_: Any) -> None:
        raise _Died

    if where == "before the changelog":
        patch.setattr(tables.logs[table], "fail", _Died())
    else:
        patch.setattr(getattr(tables, table).data, "apply", die)


@pytest.mark.parametrize("options", [{}, {"hold": "none"}, {"backfill": "on"}])
@pytest.mark.parametrize("chunk", [1, 3])
async def test_a_report_of_any_day_of_the_history_is_what_the_reference_counts(
    tables: Tables,
    make_settings: MakeSettings,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, str],
    chunk: int,
) -> None:
    """Whatever has been archived meanwhile: all stores, and each alone."""
    monkeypatch.setattr(histories_module, "STORES_PER_CHUNK", chunk)
    settings, polls = make_settings(**options), some_polls(4, 400, 57)
    for day, active in ((1, True), (40, False), (56, True)):
        polls.append((b"rare", (START_DAY + day) * DAY_US, active))
    for some in batches(polls, 30):
        await tables.add(some)
    draw = random.Random(5)
    for _ in range(12):
        as_of_us = (START_DAY + 8) * DAY_US + draw.randrange(50 * DAY_US)
        found = tables.snapshot(as_of_us, settings)
        rows = Rows.join(list(found.rows()))
        assert rows.store_ids == sorted({s.decode() for s, _, _ in polls})
        for row, store_id in enumerate(rows.store_ids):
            alone = found.row(store_id.encode())
            for each, at in ((rows, row), (alone, 0)):
                _must_be(each, at, polls, store_id, as_of_us, settings)


def _must_be(
    rows: Rows, at: int, polls: Polls, store_id: str, as_of_us: int, settings: Settings
) -> None:
    mine = [(time, up) for store, time, up in polls if store == store_id.encode()]
    rules = settings.rules
    expected = reference(mine, None, None, as_of_us, rules.hold_us, rules.backfill)
    for window, name in enumerate(("hour", "day", "week")):
        figures = expected[name]
        got = tuple(int(a[window, at]) for a in (rows.up, rows.down, rows.open))
        assert got == (figures.up_us, figures.down_us, figures.open_us), store_id


def polls_before(tables: Tables, as_of_us: int) -> Ints:
    """Packed polls of the store ``a`` that tell of the week before an instant."""
    polls = tables.histories.polls_of(PARTITION, b"a")
    return Past(tables.archive, PARTITION, as_of_us).completed(b"a", polls)


async def test_the_polls_of_a_store_before_an_instant_are_all_of_its_window(
    tables: Tables,
) -> None:
    """And the last one before the window; nothing that comes later."""
    days = (1, 30, 31, 34, 38, 45, 56)
    for day in days:
        await tables.add([(b"a", (START_DAY + day) * DAY_US, True)])
    as_of_us = (START_DAY + 38) * DAY_US
    found = polls_before(tables, as_of_us)
    times = packing.time_of(found) // DAY_US - START_DAY
    assert times.tolist() == [30, 31, 34]
    newest = polls_before(tables, as_of_us + 18 * DAY_US)
    assert (packing.time_of(newest) // DAY_US - START_DAY).tolist() == [34, 38, 45, 56]


async def test_the_last_poll_before_a_window_may_lie_months_back(
    tables: Tables,
) -> None:
    """With an unlimited hold it still speaks."""
    for day in (1, 55, 80, 81):
        await tables.add([(b"a", (START_DAY + day) * DAY_US, True)])
    as_of_us = (START_DAY + 50) * DAY_US
    found = polls_before(tables, as_of_us)
    assert (packing.time_of(found) // DAY_US - START_DAY).tolist() == [1]


async def test_a_window_that_begins_before_the_history_says_so(
    tables: Tables, make_settings: MakeSettings
) -> None:
    """The store has no row, and is named; alone it is Failed, with the day since."""
    for day in range(0, 140, 3):
        await tables.add([(b"a", (START_DAY + day) * DAY_US, True)])
    first_us, settings = tables.archive.kept_since(PARTITION) * DAY_US, make_settings()
    whole = tables.snapshot(first_us + 7 * DAY_US, settings)
    assert len(whole.row(b"a")) == 1
    cut = tables.snapshot(first_us + 7 * DAY_US - 1, settings)
    since = time_text(first_us)
    with pytest.raises(ReportFailedError, match=f"store a is kept since {since}"):
        cut.row(b"a")
    assert len(Rows.join(list(cut.rows()))) == 0
    assert cut.left_out.store_ids == [b"a"]


async def test_a_lost_disk_is_rebuilt_with_the_archive(tables: Tables) -> None:
    """A hundred days: from the changelogs alone."""
    polls = [
        (store_id, (START_DAY + day) * DAY_US + HOUR_US, bool(day % 3))
        for day in range(57)
        for store_id in STORES
    ]
    for some in batches(polls, 40):
        await tables.add(some)
    await tables.close()
    for table in (tables.histories, tables.archive):
        shutil.rmtree(directory(table))
    await tables.open()
    assert tables.kept() == packed(polls)
