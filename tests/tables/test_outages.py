"""Incidents of any span of the history: whole, as a walk over all of it finds them."""

import random
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from streamproc.rules import months
from streamproc.rules.exclusions import MAINTENANCE, Exclusion
from streamproc.rules.labels import Where
from streamproc.rules.units import DAY_US, HOUR_US, MINUTE_US
from streamproc.rules.uptime import Rules
from streamproc.settings import Settings
from tables import exclusions as exclusions_table
from tables import outage_search
from tables import outages as outages_table
from tables.calendars import StoreFacts
from tables.outage import Dates, Outages
from tables.outage_search import OutageSearch
from tables.outages import OutageSpan
from tests.reference import (
    Outage,
    Poll,
    Span,
    is_open,
    open_spans,
    outages,
    status_at,
    steps,
)
from tests.tables.fakes import PARTITION
from tests.tables.test_archive import START_DAY, Polls, Tables, batches, some_polls
from tests.tables.test_periods import CHICAGO, SHOP, ZONES, _Facts, _Labels

MakeSettings = Callable[..., Settings]
DAYS = 110


@pytest.fixture
async def tables(make_settings: MakeSettings) -> Tables:
    """Two empty tables, with a history of 400 days."""
    return await Tables(make_settings(history_days=400)).open()


def search(
    tables: Tables,
    settings: Settings,
    span: tuple[int, int, int],
    where: Where | None = None,
    dates: Dates | None = None,
) -> OutageSearch:
    """What looks for the incidents of begin to end, as of a time."""
    begin_us, end_us, as_of_us = span
    facts: Any = _Facts()
    labels: Any = _Labels()
    looked_at = OutageSpan(
        *(tables.archive, PARTITION),
        *(as_of_us, begin_us, end_us),
        settings.rules,
        settings.bridge_us,
        () if where is None else (where,),
        dates,
    )
    return OutageSearch(tables.histories, facts, labels, looked_at)


def history_of(seed: int) -> Polls:
    """Stores that are up and down for days or for weeks, or hardly ever polled."""
    draw = random.Random(seed)
    polls = some_polls(seed, 500, DAYS)
    polls += [
        (b"hourly", START_DAY * DAY_US + hour * HOUR_US + 17, hour // 600 % 2 == 0)
        for hour in range(0, DAYS * 24, 2)
        if draw.random() < 0.98
    ]
    polls += [(b"down", (START_DAY + day) * DAY_US + 5, False) for day in range(DAYS)]
    polls += [(b"rare", (START_DAY + day) * DAY_US, day < 2) for day in (1, 40, 108)]
    for store_id, up in ((b"late", False), (b"later", True)):  # long after most spans
        polls += [(store_id, (START_DAY + 92) * DAY_US, up)]
    return polls


@dataclass(frozen=True)
class Walk:
    """A store as of a time, by walking it from ``first_us`` on."""

    polls: list[Poll]
    opened: list[Span]
    found: list[Outage]
    rules: Rules

    @classmethod
    def over(
        cls,
        polls: Polls,
        store_id: bytes,
        first_us: int,
        as_of_us: int,
        settings: Settings,
    ) -> "Walk":
        """Walk one of the stores."""
        rules = settings.rules
        mine = [(time, up) for store, time, up in polls if store == store_id]
        known = [poll for poll in mine if poll[0] < as_of_us]
        zone = (ZONES.get(store_id) or CHICAGO).decode()
        opened = open_spans({b"b": SHOP}.get(store_id), zone, first_us, as_of_us)
        told = rules.hold_us, rules.backfill, settings.bridge_us
        found = outages(known, opened, first_us, as_of_us, *told)
        return cls(known, opened, found, rules)

    def within(self, store_id: bytes, begin_us: int, end_us: int) -> list[Any]:
        """Incidents that overlap a span, as ``rows`` has them."""
        return [
            (store_id.decode(), *astuple(o)[:-1], o.ended_by == "up")
            for o in self.found
            if o.start_us < end_us and (o.end_us is None or o.end_us > begin_us)
        ]

    def up_us(self, begin_us: int, end_us: int) -> int:
        """Up time in the span."""
        hold_us, backfill = self.rules.hold_us, self.rules.backfill
        points = {begin_us, end_us} | {end for one in self.opened for end in one}
        points |= {at + held for at, _ in self.polls for held in (0, hold_us or 0)}
        return sum(
            until_us - at_us
            for at_us, until_us in steps(points, begin_us, end_us)
            if is_open(self.opened, at_us)
            and status_at(self.polls, at_us, hold_us, backfill)
        )


def rows(found: Outages) -> list[tuple[Any, ...]]:
    """Incidents as tuples, in order."""
    return sorted(
        (o.store_id, o.start_us, o.end_us, o.after_us, o.down_us, o.unknown_us,
         o.wall_us, o.by_up)
        for o in found.found
    )  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"hold": "none"},
        {"backfill": "on"},
        {"hold": "600", "bridge": "1440"},
        {"bridge": "0"},
    ],
)
async def test_incidents_of_any_span_are_those_of_a_walk_over_the_whole_history(
    tables: Tables,
    make_settings: MakeSettings,
    options: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whole, however long before it they began; of all stores, and of each alone."""
    monkeypatch.setattr(outage_search, "_FIRST_STORES", 2)
    monkeypatch.setattr(outage_search, "POLLS_PER_CHUNK", 50)
    monkeypatch.setattr(outages_table, "_FEW_STORES", 1)
    settings, polls = make_settings(**options), history_of(3)
    for some in batches(polls, 300):
        await tables.add(some)
    month = tables.archive.oldest_month(PARTITION)
    assert month is not None
    first_us = months.first_day_of(month) * DAY_US
    stores = sorted({store for store, _, _ in polls})
    draw = random.Random(4)
    seen = 0
    for days in (DAYS, DAYS - 9, DAYS - 50):
        as_of_us = (START_DAY + days) * DAY_US - 7
        walks = {
            store_id: Walk.over(polls, store_id, first_us, as_of_us, settings)
            for store_id in stores
        }
        for length_us in (3 * MINUTE_US, 5 * HOUR_US, 9 * DAY_US, 30 * DAY_US):
            end_us = as_of_us - draw.choice((0, draw.randrange((days - 32) * DAY_US)))
            begin_us = end_us - length_us
            span = begin_us, end_us, as_of_us
            expected, up_us = [], 0
            for store_id, walk in walks.items():
                alone = search(tables, settings, span).of(store_id)
                assert rows(alone) == sorted(walk.within(store_id, begin_us, end_us))
                assert alone.up_us == walk.up_us(begin_us, end_us)
                expected += rows(alone)
                up_us += alone.up_us
            found = search(tables, settings, span).of_all()
            assert (rows(found), found.up_us) == (sorted(expected), up_us)
            seen += len(expected)
    assert seen > 50


def local_us(zone: str, day: int) -> int:
    """Where a date begins, by the standard library."""
    date = datetime(1970, 1, 1) + timedelta(days=day)  # noqa: DTZ001  # zoned below
    return round(date.replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000


async def test_dates_are_those_of_each_stores_own_zone(
    tables: Tables, make_settings: MakeSettings
) -> None:
    """An incident of the evening before in Chicago is not of Tokyo's next day."""
    settings, polls = make_settings(hold="none"), history_of(5)
    for some in batches(polls, 300):
        await tables.add(some)
    as_of_us = (START_DAY + DAYS) * DAY_US - 7
    first_us = START_DAY * DAY_US
    for first_day, length in ((100, 1), (97, 2), (80, 30), (109, 3)):
        dates = Dates(START_DAY + first_day, START_DAY + first_day + length)
        expected: list[Any] = []
        up_us = 0
        for store_id in sorted({store for store, _, _ in polls}):
            zone = (ZONES.get(store_id) or CHICAGO).decode()
            ends = [local_us(zone, day) for day in (dates.first_day, dates.end_day)]
            begin_us, end_us = (min(end, as_of_us) for end in ends)
            walk = Walk.over(polls, store_id, first_us, as_of_us, settings)
            expected += walk.within(store_id, begin_us, end_us)
            up_us += walk.up_us(begin_us, end_us)
        begin_us = (START_DAY + first_day) * DAY_US - 14 * HOUR_US
        end_us = (START_DAY + first_day + length) * DAY_US + 12 * HOUR_US
        outer = begin_us, min(end_us, as_of_us), as_of_us
        found = search(tables, settings, outer, dates=dates).of_all()
        assert (rows(found), found.up_us) == (sorted(expected), up_us)
        whole = search(tables, settings, outer).of_all()
        assert whole.up_us > found.up_us
        wide = Dates(START_DAY, START_DAY + DAYS + 9)
        cut = search(tables, settings, outer, dates=wide).of_all()
        assert (rows(cut), cut.up_us) == (rows(whole), whole.up_us)


async def test_only_stores_whose_label_has_the_value_are_looked_at(
    tables: Tables, make_settings: MakeSettings
) -> None:
    """Their up time, too; alone as among all."""
    begin_us = START_DAY * DAY_US
    polls = [
        (s, begin_us + at * HOUR_US, at == 0) for s in (b"a", b"b") for at in (0, 1)
    ]
    await tables.add(polls)
    span = begin_us, begin_us + DAY_US, begin_us + DAY_US
    settings = make_settings(hold="none")
    for value, expected in (("West", "b"), ("", "a")):
        looked = search(tables, settings, span, Where("region", value))
        assert {one.store_id for one in looked.of_all().found} <= {expected}
        assert looked.of_all() == looked.of(expected.encode())
        other = looked.of(b"b" if expected == "a" else b"a")
        assert (other.found, other.up_us) == ([], 0)


class _OfAll(_Facts):
    """An hour of maintenance of all stores, the third of the first day."""

    def of_all(self, partition: int) -> StoreFacts:
        """What is told of them."""
        begin_us = START_DAY * DAY_US + 2 * HOUR_US
        told = Exclusion("m1", MAINTENANCE, begin_us, begin_us + HOUR_US)
        return StoreFacts(exclusions=((b"m1", exclusions_table.encode(told)),))


async def test_what_is_of_all_stores_counts_for_one_alone_as_among_all(
    tables: Tables, make_settings: MakeSettings
) -> None:
    """Down for four hours, one of them in maintenance: three hours of down time."""
    begin_us = START_DAY * DAY_US
    await tables.add([(b"a", begin_us + at * HOUR_US, at == 5) for at in (1, 5)])
    span = begin_us, begin_us + DAY_US, begin_us + DAY_US
    looked = search(tables, make_settings(hold="none"), span)
    looked = replace(looked, facts=cast("Any", _OfAll()))
    assert looked.of(b"a") == looked.of_all()
    (one,) = looked.of(b"a").found
    assert (one.down_us, one.wall_us) == (3 * HOUR_US, 4 * HOUR_US)


async def test_since_when_incidents_are_known_is_told(
    tables: Tables, make_settings: MakeSettings
) -> None:
    """Once months have been let go of; before, nothing is missing."""
    settings = make_settings()
    begin_us = START_DAY * DAY_US
    span = begin_us, begin_us + DAY_US, begin_us + DAY_US
    await tables.add([(b"a", begin_us, True)])
    assert search(tables, settings, span).of_all().since_us == 0
    for day in range(0, 600, 5):
        await tables.add([(b"a", begin_us + day * DAY_US, True)])
    since_us = tables.archive.kept_since(PARTITION) * DAY_US
    assert search(tables, settings, span).of_all().since_us == since_us > begin_us
