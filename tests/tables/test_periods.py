"""Figures of periods: the worked examples, and any store of the archive as walked."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from streamproc.errors import InvalidInput
from streamproc.report.period_csv import period_table
from streamproc.report.period_groups import grouped
from streamproc.report.period_rows import Named, PeriodRows, join_period_rows
from streamproc.rules import history, packing
from streamproc.rules.labels import Labels, Where
from streamproc.rules.period_edges import Kept, Span, span_of
from streamproc.rules.periods import Period, parse_period
from streamproc.rules.schedule import ALWAYS_CLOSED, parse_hours
from streamproc.rules.units import DAY_US, HOUR_US, MINUTE_US
from streamproc.rules.uptime import Rules
from streamproc.settings import Settings
from tables import hours as hours_table
from tables import labels as labels_table
from tables import periods
from tables.accounting import Stores
from tables.calendars import OwnFacts, StoreFacts
from tables.facts import NumberedFacts
from tables.kept import kept, zones_in_use
from tables.one_period import OnePeriods
from tables.one_store import OneStore
from tables.period_accounting import rows_of_stores
from tables.periods import PeriodSnapshot
from tests.reference import Figures, Poll, date_edge, open_spans, slice_figures
from tests.rules.test_reference import utc, weekly
from tests.tables.fakes import PARTITION
from tests.tables.test_archive import (
    START_DAY,
    STORES,
    Polls,
    Tables,
    _Nothing,
    batches,
    some_polls,
)

MakeSettings = Callable[..., Settings]
CHICAGO = b"America/Chicago"
BRIDGE_US = 10 * MINUTE_US


def rows_of(
    facts: StoreFacts,
    polls: list[Poll],
    period: str,
    by: str | None = None,
    first_us: int = 0,
    day_starts_s: int = 0,
    rules: Rules | None = None,
) -> PeriodRows:
    """One store's rows, of a period that is over."""
    asked = parse_period(period)
    as_of_us = utc("2030-01-01 00:00")
    zones = [facts.zone_name]
    span = span_of(asked, by, None, Kept(first_us), as_of_us, zones, day_starts_s)
    known = packing.canonical(packing.pack(polls))
    some = Stores.of([b"1"], np.array([len(known)]), known, [facts])
    return rows_of_stores(some, [Labels()], span, rules or Rules(), BRIDGE_US)


def hours_of(rows: PeriodRows, field: str) -> list[float]:
    """A column in hours."""
    amount = rows.unknown if field == "unknown" else rows.of(field)
    return [value / HOUR_US for value in amount.tolist()]


@pytest.mark.parametrize(
    ("period", "hours"), [("month:2026-11", 721), ("month:2027-03", 743)]
)
def test_24x7_in_chicago_is_open_for_the_hours_of_the_month(
    period: str, hours: float
) -> None:
    """An hour more when the clocks go back, one less when they go on."""
    assert hours_of(rows_of(StoreFacts(zone=CHICAGO), [], period), "open") == [hours]


def test_what_is_after_the_first_poll_of_any_store_and_before_ones_own_is_unknown() -> (
    None
):
    """History from 1 November, the store's first poll on the 15th, hourly since."""
    first_us, begin_us = utc("2026-11-15 06:00"), utc("2026-11-01 05:00")
    polls = [(first_us + hour * HOUR_US, True) for hour in range(24 * 16)]
    rows = rows_of(StoreFacts(zone=CHICAGO), polls, "month:2026-11", first_us=begin_us)
    assert [hours_of(rows, name) for name in ("up", "unknown")] == [[384], [337]]
    assert rows.of("from_us").tolist() == [begin_us]


@pytest.mark.parametrize(
    ("starts_s", "expected"), [(0, [2, 6]), (6 * 3600, [8, 0])], ids=["00:00", "06:00"]
)
def test_a_shift_over_midnight_is_of_two_days_or_of_the_one_that_it_began_on(
    starts_s: int, expected: list[float]
) -> None:
    """Friday 22:00 to 06:00: it depends on when the days start."""
    week = hours_table.encode(parse_hours(weekly((4, "22:00", "06:00"))))
    facts = StoreFacts(((b"", week),), CHICAGO)
    friday = rows_of(facts, [], "2026-10-30..2026-10-31", "day", day_starts_s=starts_s)
    assert hours_of(friday, "open") == expected


def test_a_date_that_its_zone_skips_has_no_row() -> None:
    """Apia went from 2011-12-29 to 2011-12-31."""
    facts = StoreFacts(zone=b"Pacific/Apia")
    rows = rows_of(facts, [], "2011-12-29..2011-12-31", "day")
    assert hours_of(rows, "open") == [24, 24]
    assert rows.of("slice").tolist() == [0, 2]


def test_the_days_of_a_month_sum_to_the_month() -> None:
    """Whatever the clock does; all amounts, to the microsecond."""
    draw = random.Random(3)
    begin_us = utc("2026-10-30 00:00")
    polls = [
        (begin_us + draw.randrange(34 * DAY_US), draw.random() < 0.8)
        for _ in range(400)
    ]
    facts = StoreFacts(zone=CHICAGO)
    whole = rows_of(facts, polls, "month:2026-11")
    for by in ("day", "week"):
        parts = rows_of(facts, polls, "month:2026-11", by)
        for name in ("up", "down", "open", "excluded"):
            assert parts.of(name).sum() == whole.of(name).sum()
        assert parts.of("from_us").tolist()[1:] == parts.of("to_us").tolist()[:-1]


def group_rows(
    amounts: Mapping[str, tuple[float, float]], labels: Mapping[str, str]
) -> PeriodRows:
    """Up and down hours of some stores, of ten that each is open."""
    stores = [
        Named(
            store_id, None, {"region": labels[store_id]} if store_id in labels else {}
        )
        for store_id in amounts
    ]
    numbers = [
        [
            *(number, 0, 0, HOUR_US, round(up * HOUR_US), round(down * HOUR_US)),
            *(0, 10 * HOUR_US, int(down > 0), round(down * HOUR_US)),
        ]
        for number, (up, down) in enumerate(amounts.values())
    ]
    return PeriodRows(stores, np.array(numbers, np.int64).T)


def test_a_groups_longest_incident_is_the_longest_of_its_stores() -> None:
    """It is no sum, as their number is."""
    rows = group_rows({"A": (8, 1), "B": (2, 2)}, {})
    header, cells = period_table(rows, ["month:2026-10"], "region")
    told = dict(zip(header, cells, strict=True))
    assert (told["incidents"], told["longest_incident(in minutes)"]) == ("2", "120.00")


def test_a_group_is_pooled_and_its_mean_and_worst_stand_beside_it() -> None:
    """A 8 up, 0 down and B 2 up, 2 down."""
    labels = {"A": "West", "B": "West"}
    rows = group_rows({"A": (8, 0), "B": (2, 2)}, labels)
    header, cells = period_table(rows, ["month:2026-10"], "region")
    told = dict(zip(header, cells, strict=True))
    assert told["region"] == "West"
    assert (told["stores"], told["stores_observed"]) == ("2", "2")
    assert told["uptime_percent(of observed)"] == "83.33"
    assert (told["mean_percent"], told["worst_percent"]) == ("75.00", "50.00")
    assert (told["incidents"], told["longest_incident(in minutes)"]) == ("1", "120.00")
    rows = group_rows({"A": (8, 0), "B": (0, 0)}, labels)
    header, cells = period_table(rows, ["month:2026-10"], "region")
    told = dict(zip(header, cells, strict=True))
    assert (told["stores"], told["stores_observed"]) == ("2", "1")
    assert told["uptime_percent(of observed)"] == "100.00"
    assert (told["mean_percent"], told["worst_percent"]) == ("100.00", "100.00")


def test_stores_without_the_label_form_the_group_of_the_empty_value() -> None:
    """It comes first; a group that was never observed has no percentages."""
    rows = group_rows({"A": (1, 0), "B": (0, 0), "C": (3, 1)}, {"C": "West"})
    found = grouped(rows, "region")
    assert found.values == ["", "West"]
    assert found.stores.tolist() == [2, 1]
    assert grouped(rows, None).stores.tolist() == [3]
    nobody = grouped(group_rows({"B": (0, 0)}, {}), "region")
    assert (nobody.observed.tolist(), nobody.worst.tolist()) == ([0], [0])


# -- of the tables ----------------------------------------------------------------


ZONES = {b"a": b"Asia/Tokyo", b"a1": CHICAGO, b"b": b"Asia/Beirut"}
SHOP = weekly(*((day, "09:00", "17:30") for day in range(6)))
LABELLED = {b"b": {"region": "West"}, b"silent": {"region": "West"}}


class _Facts(_Nothing):
    """Zones of some stores, hours of one, and a store that is only known by facts."""

    def of(self, partition: int, store_id: bytes) -> StoreFacts:
        """What is known of a store."""
        hours = {
            b"b": hours_table.encode(parse_hours(SHOP)),
            b"silent": hours_table.encode(ALWAYS_CLOSED),
        }
        own = ((b"", hours[store_id]),) if store_id in hours else ()
        return StoreFacts(own, ZONES.get(store_id))

    def between(self, _: int, after: bytes, upto: bytes | None) -> OwnFacts:
        """Of some stores."""
        asked = [
            store_id
            for store_id in sorted((*STORES, b"silent"))
            if after < store_id <= (upto or b"\xff") and any(self.of(0, store_id))
        ]
        hours = [self.of(0, store_id).hours for store_id in asked]
        zones = [self.of(0, store_id).zone for store_id in asked]
        zone_facts = [((b"", zone),) if zone else () for zone in zones]
        numbers = list(range(1, len(asked) + 1))
        nothing = NumberedFacts([], [], [()])
        return OwnFacts(
            NumberedFacts(asked, numbers, [(), *hours]),
            NumberedFacts(
                [store_id for store_id, zone in zip(asked, zones, strict=True) if zone],
                [n for n, zone in zip(numbers, zones, strict=True) if zone],
                [(), *zone_facts],
            ),
            *(nothing, nothing),
        )


class _Labels:
    """The table of labels."""

    def read(self, partition: int, store_id: bytes) -> bytes | None:
        """Of one store."""
        labels = LABELLED.get(store_id)
        return labels_table.encode(Labels(None, labels)) if labels else None

    def runs(self, partition: int, start: bytes, end: bytes | None) -> Any:
        """Of all, from one to another."""
        ids = [i for i in sorted(LABELLED) if start <= i < (end or b"\xff")]
        yield ids, [self.read(partition, store_id) for store_id in ids]


@pytest.fixture
async def tables(make_settings: MakeSettings) -> Tables:
    """Two empty tables, with a history of 60 days."""
    return await Tables(make_settings(history_days=60)).open()


def snapshot(
    tables: Tables, span: Span, settings: Settings, where: Where | None = None
) -> PeriodSnapshot:
    """The partition's figures of a span."""
    facts: Any = _Facts()
    labels: Any = _Labels()
    return PeriodSnapshot(
        *(tables.histories, facts, labels, PARTITION, span, settings.rules, BRIDGE_US),
        where=where,
    )


def row(
    tables: Tables, store_id: bytes, spans: list[Span], settings: Settings
) -> list[PeriodRows]:
    """One store's figures of several spans."""
    facts: Any = _Facts()
    labels: Any = _Labels()
    one = OneStore.read(tables.histories, facts, labels, PARTITION, store_id)
    found = OnePeriods(tables.archive, settings.rules, BRIDGE_US)
    return found.rows(one, spans)


@pytest.mark.parametrize("options", [{}, {"hold": "none"}, {"backfill": "on"}])
@pytest.mark.parametrize("chunk", [1, 64])
async def test_any_period_of_the_archive_is_what_the_reference_walks(
    tables: Tables,
    make_settings: MakeSettings,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, str],
    chunk: int,
) -> None:
    """All stores, and each alone; days of which each zone has its own."""
    monkeypatch.setattr(periods, "_FIRST_STORES", chunk)
    monkeypatch.setattr(periods, "POLLS_PER_CHUNK", 30)
    settings, polls = make_settings(**options), some_polls(4, 400, 57)
    for day, active in ((1, True), (40, False), (56, True)):
        polls.append((b"rare", (START_DAY + day) * DAY_US, active))
    polls.append((b"young", (START_DAY + 55) * DAY_US, False))
    for some in batches(polls, 30):
        await tables.add(some)
    since = kept(tables.histories, PARTITION)
    assert since is not None
    assert since.first_us == min(time for _, time, _ in polls)
    assert since.whole_us < since.first_us - 2 * DAY_US
    draw = random.Random(5)
    for by in (None, "day", "week"):
        first = draw.randrange(45)
        period = _dates(first - 5, first + draw.randrange(20))
        as_of_us = (START_DAY + first + 5) * DAY_US + draw.randrange(20 * DAY_US)
        span = span_of(
            parse_period(period), by, None, since, as_of_us, ["UTC"], 6 * 3600
        )
        found = snapshot(tables, span, settings)
        rows = join_period_rows(list(found.rows()))
        assert {named.store_id for named in rows.stores} == {
            *(store_id.decode() for store_id, _, _ in polls),
            "silent",
        }
        _must_be_walked(rows, span, polls, settings)
        for named in rows.stores:
            # Beside other spans, which need more of its polls.
            longer = replace(span, period=Period("", START_DAY - 9, START_DAY + 70))
            spans = [longer, span, replace(span, by=None), replace(longer, by="week")]
            store_id = named.store_id.encode()
            told = row(tables, store_id, spans, settings)
            for each, beside in zip(spans, told, strict=True):
                (by_itself,) = row(tables, store_id, [each], settings)
                assert beside.numbers.tolist() == by_itself.numbers.tolist()
            alone = told[1]
            mine = rows.chosen(rows.of("store") == rows.stores.index(named))
            assert alone.stores == mine.stores
            assert alone.numbers.tolist() == mine.numbers.tolist()


def _dates(first: int, last: int) -> str:
    days = [np.datetime64(START_DAY + day, "D") for day in (first, last)]
    return f"{days[0]}..{days[1]}"


def _must_be_walked(
    rows: PeriodRows, span: Span, polls: Polls, settings: Settings
) -> None:
    rules, seen = settings.rules, 0
    first_us = min(time for _, time, _ in polls)
    for number, named in enumerate(rows.stores):
        store_id = named.store_id.encode()
        zone = (ZONES.get(store_id) or CHICAGO).decode()
        mine = [(time, up) for store, time, up in polls if store == store_id]
        hours = {b"b": SHOP, b"silent": weekly((0, "09:00", "09:00"))}.get(store_id)
        for slice_, (begin_us, end_us) in enumerate(_edges(span, zone, first_us)):
            if begin_us == end_us:
                continue
            opened = open_spans(hours, zone, begin_us, end_us)
            if store_id == b"silent":
                opened = []
            row = (rows.of("store") == number) & (rows.of("slice") == slice_)
            assert row.sum() == 1
            one = rows.chosen(np.flatnonzero(row))
            amounts = [int(one.of(name)[0]) for name in ("up", "down", "open")]
            told = slice_figures(
                *(mine, opened, opened, (begin_us, end_us), span.as_of_us),
                *(rules.hold_us, rules.backfill, BRIDGE_US),
            )
            assert told.figures == Figures(
                amounts[0], amounts[1], int(one.unknown[0]), amounts[2]
            )
            assert (begin_us, end_us) == (one.of("from_us")[0], one.of("to_us")[0])
            assert told.incidents == one.of("incidents")[0]
            assert told.longest_us == one.of("longest")[0]
            seen += 1
    assert seen == len(rows)


def _edges(span: Span, zone: str, first_us: int) -> list[tuple[int, int]]:
    """The ends of the slices, clipped to what is kept and known."""
    starts_s = span.day_starts_s
    days = [part.first_day for part in span.slices()]
    days.append(span.slices()[-1].end_day)
    around = range(first_us // DAY_US - 3, first_us // DAY_US + 3)
    begin_us = max(
        edge for day in around if (edge := date_edge(zone, day, starts_s)) <= first_us
    )
    edges = [
        min(max(date_edge(zone, day, starts_s), begin_us), span.as_of_us)
        for day in days
    ]
    return list(pairwise(edges))


async def test_only_stores_whose_label_has_the_value_have_rows(
    tables: Tables, make_settings: MakeSettings
) -> None:
    """Or those that lack it, when no value is asked for."""
    await tables.add([(store_id, START_DAY * DAY_US, True) for store_id in STORES])
    as_of_us, zones = (START_DAY + 1) * DAY_US, ["UTC"]
    span = span_of(parse_period(_dates(0, 0)), None, None, Kept(0), as_of_us, zones)
    for value, expected in (("West", ["b", "silent"]), ("", ["a", "a1", "store-10"])):
        where = Where("region", value)
        found = snapshot(tables, span, make_settings(), where).rows()
        rows = join_period_rows(list(found))
        assert [named.store_id for named in rows.stores] == expected


async def test_since_when_polls_are_kept(tables: Tables) -> None:
    """The first poll of all, or any that lies before what is asked for."""
    assert kept(tables.histories, PARTITION) is None
    polls = [
        (store_id, (START_DAY + day) * DAY_US + number * HOUR_US, True)
        for day in range(40)
        for number, store_id in enumerate(reversed(STORES))
    ]
    for some in batches(polls, 20):
        await tables.add(some)
    first_us = START_DAY * DAY_US
    found = kept(tables.histories, PARTITION)
    assert found is not None
    assert found.first_us == first_us
    near = kept(tables.histories, PARTITION, first_us + 9 * DAY_US)
    assert near is not None
    assert first_us <= near.first_us < first_us + 9 * DAY_US
    assert kept(tables.histories, PARTITION, first_us) == found


async def test_what_was_let_go_is_before_history(tables: Tables) -> None:
    """Also where one store's old polls are still at hand."""
    await tables.add([(b"gone", START_DAY * DAY_US, True)])
    for day in range(0, 140, 3):
        await tables.add([(b"a", (START_DAY + day) * DAY_US, True)])
    found = kept(tables.histories, PARTITION)
    assert found is not None
    assert found.first_us == START_DAY * DAY_US
    assert found.whole_us == tables.archive.kept_since(PARTITION) * DAY_US
    assert found.begin_us("UTC") == found.whole_us
    with pytest.raises(InvalidInput, match="polls are kept since"):
        span_of(
            parse_period(_dates(0, 20)), None, None, found, 2 * found.whole_us, ["UTC"]
        )


async def test_the_zones_of_the_stores_are_those_in_use(tables: Tables) -> None:
    """The default one only when a store has none."""

    class _Zones:
        def scan(self, *_: Any) -> Any:
            return iter({b"a": b"Asia/Tokyo", b"b": b"UTC"}.items())

    zones: Any = _Zones()
    await tables.add(
        [(store_id, START_DAY * DAY_US, True) for store_id in (b"a", b"b")]
    )
    assert zones_in_use(tables.histories, zones, PARTITION) == {"Asia/Tokyo", "UTC"}
    await tables.add([(b"c", START_DAY * DAY_US, True)])
    assert zones_in_use(tables.histories, zones, PARTITION) == {
        *("Asia/Tokyo", "UTC", "America/Chicago")
    }


async def test_a_segment_in_both_tables_counts_once(
    tables: Tables, make_settings: MakeSettings
) -> None:
    """As a crash in the middle of a move leaves it."""
    polls = [(b"a", (START_DAY + day) * DAY_US, bool(day % 2)) for day in range(20)]
    for poll in polls:
        await tables.add([poll])
    _, value = next(tables.archive.scan(PARTITION, b"\1"))
    async with tables.histories.exclusive(PARTITION):
        segment = history.segment_key(b"a", START_DAY)
        await tables.histories.write(PARTITION, {segment: value})
    as_of_us, zones = (START_DAY + 20) * DAY_US, ["UTC"]
    span = span_of(parse_period(_dates(0, 9)), None, None, Kept(0), as_of_us, zones)
    rows = row(tables, b"a", [span], make_settings(hold="none"))[0]
    dates = _edges(span, "Asia/Tokyo", 0)
    mine = [(time, up) for _, time, up in polls]
    told = slice_figures(
        *(mine, dates, dates, dates[0], as_of_us), None, False, BRIDGE_US
    ).figures
    assert (rows.of("up")[0], rows.of("down")[0]) == (told.up_us, told.down_us)


async def test_a_status_holds_into_the_first_date_of_the_period(
    tables: Tables, make_settings: MakeSettings
) -> None:
    """From the evening before, which lies in the archive, too."""
    evening_us = (START_DAY + 10) * DAY_US - HOUR_US // 2
    await tables.add([(b"a", evening_us, True)])
    for day in range(11, 57):
        await tables.add([(b"a", (START_DAY + day) * DAY_US, True)])
    as_of_us = (START_DAY + 57) * DAY_US
    asked = parse_period(_dates(10, 10))
    span = span_of(asked, None, "UTC", Kept(0), as_of_us, [])
    rows = row(tables, b"a", [span], make_settings())[0]
    assert rows.of("up").tolist() == [HOUR_US // 2]


async def test_with_backfill_a_first_poll_after_the_period_counts_into_it(
    tables: Tables, make_settings: MakeSettings
) -> None:
    """Also when it is archived; not when it lies after as_of."""
    for day in range(30, 57):
        await tables.add([(b"a", (START_DAY + day) * DAY_US, True)])
    settings, asked = make_settings(backfill="on"), parse_period(_dates(3, 3))
    for as_of_day, up_us in ((29, 0), (40, DAY_US), (57, DAY_US)):
        as_of_us = (START_DAY + as_of_day) * DAY_US
        span = span_of(asked, None, "UTC", Kept(0), as_of_us, [])
        rows = row(tables, b"a", [span], settings)[0]
        assert rows.of("up").tolist() == [up_us]
