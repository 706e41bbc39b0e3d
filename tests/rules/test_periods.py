"""Periods: how they are named, which dates they have, where those begin and end."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.errors import InvalidInput
from streamproc.rules.period_edges import Kept, Span, date_at
from streamproc.rules.periods import (
    UNITS,
    Period,
    check_by,
    edge_us,
    parse_period,
    slices,
)
from streamproc.rules.units import DAY_S, DAY_US, HOUR_US
from tests.reference import date_edge
from tests.rules.test_reference import utc
from tests.rules.test_uptime import THOROUGH

ZONES = (
    "UTC",
    "America/Chicago",
    "Asia/Tokyo",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/St_Johns",
)
EVER = Kept(0)
FAR_US = utc("2031-01-01 00:00")


def day_of(text: str) -> int:
    """Days since 1970 of a date."""
    return date.fromisoformat(text).toordinal() - date(1970, 1, 1).toordinal()


def span(period: str, by: str | None = None, **fields: object) -> Span:
    """A period that is named by its dates, told in full unless said otherwise."""
    asked = parse_period(period).period
    assert asked is not None
    told = {"kept": EVER, "as_of_us": FAR_US} | fields
    return Span(asked, by, **told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("day:2026-10-31", "2026-10-31", "2026-10-31"),
        ("week:2026-W44", "2026-10-26", "2026-11-01"),
        ("week:2026-W01", "2025-12-29", "2026-01-04"),
        ("week:2026-W53", "2026-12-28", "2027-01-03"),
        ("month:2026-10", "2026-10-01", "2026-10-31"),
        ("month:2028-02", "2028-02-01", "2028-02-29"),
        ("quarter:2026-Q4", "2026-10-01", "2026-12-31"),
        ("year:2026", "2026-01-01", "2026-12-31"),
        ("2026-10-01..2026-10-15", "2026-10-01", "2026-10-15"),
        ("2026-10-01..2026-10-01", "2026-10-01", "2026-10-01"),
    ],
)
def test_a_period_is_named_by_its_dates(text: str, first: str, last: str) -> None:
    """Both ends of a range are in it; weeks are those of ISO 8601."""
    period = Period(text, day_of(first), day_of(last) + 1)
    assert parse_period(f" {text} ").resolve(0, ["UTC"]) == period


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026-10", "month:2026-13", "month:2026-1", "week:2025-W53"),
        *("week:2026-W00", "quarter:2026-Q5", "day:2026-02-30", "year:1969"),
        *("2026-10-15..2026-10-01", "2026-10-01..2026-10-32", "year:2200", "lastmonth"),
        *("month:2026-10..2026-11", "next-month", "x" * 4_000, None, 2026),
    ],
)
def test_what_is_no_period_is_refused(text: object) -> None:
    """The refusal has a reason of its own."""
    with pytest.raises(InvalidInput) as refused:
        parse_period(text)
    assert refused.value.reason == "bad-period"
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("year", ["2200", "9999"])
@pytest.mark.parametrize(
    "text", ["day:{}-12-31", "week:{}-W52", "month:{}-12", "quarter:{}-Q4", "year:{}"]
)
def test_the_last_years_there_are_are_refused_as_others_are(
    text: str, year: str
) -> None:
    """The period after them has no date at all."""
    with pytest.raises(InvalidInput, match="expected 1970 to 2199"):
        parse_period(text.format(year))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("last-mnth", "last-month"),
        ("mouth:2026-10", "month:2026-10"),
        ("month:2026-W44", "week:2026-W44"),
        ("2026-10", "month:2026-10"),
        ("2026-10-31", "day:2026-10-31"),
    ],
)
def test_a_refusal_says_what_there_is_and_what_may_be_meant(
    text: str, meant: str
) -> None:
    """A slip of the pen is seen at once."""
    with pytest.raises(InvalidInput, match=f"month:2026-10.*did you mean {meant}[?]"):
        parse_period(text)


def test_of_what_is_no_date_nothing_is_guessed() -> None:
    """There is no fifth quarter, and no word that is like it."""
    with pytest.raises(InvalidInput) as refused:
        parse_period("quarter:2026-Q5")
    assert "did you mean" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("today", "day:2026-11-01"),
        ("yesterday", "day:2026-10-31"),
        ("this-week", "week:2026-W44"),
        ("last-week", "week:2026-W43"),
        ("this-month", "month:2026-11"),
        ("last-month", "month:2026-10"),
        ("this-quarter", "quarter:2026-Q4"),
        ("last-quarter", "quarter:2026-Q3"),
        ("this-year", "year:2026"),
        ("last-year", "year:2025"),
    ],
)
def test_words_name_the_newest_that_is_over_and_the_one_after_it(
    text: str, name: str
) -> None:
    """In Chicago, 2026-11-01 05:00Z is the first instant of November."""
    begun_us = utc("2026-11-01 05:00")
    assert parse_period(text).resolve(begun_us, ["America/Chicago"]).name == name
    month = parse_period("last-month")
    assert month.resolve(begun_us - 1, ["America/Chicago"]).name == "month:2026-09"


def test_a_month_is_over_when_it_is_over_in_every_zone() -> None:
    """So all rows of a report are of one month."""
    both, asked = ["Asia/Tokyo", "America/Chicago"], parse_period("last-month")
    over_us = utc("2026-11-01 05:00")
    assert asked.resolve(over_us, both).name == "month:2026-10"
    assert asked.resolve(over_us - 1, both).name == "month:2026-09"
    assert asked.resolve(over_us - 1, both[:1]).name == "month:2026-10"
    assert asked.resolve(over_us + 6 * HOUR_US - 1, both, 6 * 3600).name[-2:] == "09"


@given(
    st.sampled_from(["today", "last-week", "this-month", "last-quarter", "last-year"]),
    st.integers(0, FAR_US),
    st.integers(0, 400 * DAY_US),
    st.lists(st.sampled_from(ZONES), min_size=1),
    st.integers(0, DAY_S - 60),
)
@THOROUGH
def test_a_period_never_begins_before_its_bound(
    text: str, as_of_us: int, later_us: int, zones: list[str], starts_s: int
) -> None:
    """Whatever the zones are, as of then or later."""
    asked = parse_period(text)
    found = asked.resolve(as_of_us + later_us, zones, starts_s)
    begins = [edge_us(zone, found.first_day, starts_s) for zone in zones]
    assert asked.not_before_us(as_of_us) <= min(begins)


@pytest.mark.parametrize(
    ("period", "by", "names"),
    [
        ("month:2026-10", None, ["month:2026-10"]),
        ("2026-10-31..2026-11-01", "day", ["day:2026-10-31", "day:2026-11-01"]),
        ("2026-10-31..2026-11-01", "month", ["month:2026-10", "month:2026-11"]),
        ("month:2026-10", "week", [f"week:2026-W{week}" for week in range(40, 45)]),
        ("quarter:2026-Q4", "month", [f"month:2026-{m}" for m in (10, 11, 12)]),
        ("week:2026-W53", "month", ["month:2026-12", "month:2027-01"]),
    ],
)
def test_slices_have_the_names_of_what_they_are_of(
    period: str, by: str | None, names: list[str]
) -> None:
    """Also those that are cut at the ends of the period."""
    asked = parse_period(period).resolve(0, ["UTC"])
    found = slices(asked, by)
    assert [part.name for part in found] == names
    assert (found[0].first_day, found[-1].end_day) == (asked.first_day, asked.end_day)


@given(
    st.integers(day_of("1999-01-01"), day_of("2035-01-01")),
    st.integers(1, 800),
    st.sampled_from(["day", "week", "month"]),
)
@THOROUGH
def test_slices_follow_one_another_and_bear_their_names(
    first: int, days: int, by: str
) -> None:
    """Without a gap; each holds the dates of the unit that it is named after."""
    parts = slices(Period("", first, first + days), by)
    assert [part.first_day for part in parts[1:]] == [p.end_day for p in parts[:-1]]
    for part in parts:
        whole = parse_period(part.name).period
        assert whole is not None
        assert whole.cut(Period("", first, first + days)) == part
        assert whole == UNITS[by].holding(part.end_day - 1)


def test_what_a_period_is_sliced_by_is_checked() -> None:
    """Nothing, or one of three words."""
    assert [check_by(by) for by in (None, "", "week")] == [None, None, "week"]
    with pytest.raises(InvalidInput, match="by is 'hour', expected one of day, week"):
        check_by("hour")


@pytest.mark.parametrize(
    ("zone", "begins"),
    [
        ("Asia/Tokyo", "2026-09-30 15:00"),
        ("America/Chicago", "2026-10-01 05:00"),
        ("UTC", "2026-10-01 00:00"),
    ],
)
def test_october_begins_when_it_begins_in_the_stores_zone(
    zone: str, begins: str
) -> None:
    """Or in the one zone that is asked for, for all stores."""
    october = span("month:2026-10")
    assert october.edges_us([zone]).tolist()[0][0] == utc(begins)
    asked = span("month:2026-10", zone=zone)
    assert asked.edges_us(["Pacific/Apia"]).tolist()[0][0] == utc(begins)


@pytest.mark.parametrize(
    ("period", "hours"), [("month:2026-11", 721), ("month:2027-03", 743)]
)
def test_the_months_of_chicago_in_which_clocks_change(period: str, hours: int) -> None:
    """An hour more in November, one less in March."""
    ((begin, end),) = span(period).edges_us(["America/Chicago"]).tolist()
    assert end - begin == hours * HOUR_US


def test_a_date_that_its_zone_skips_has_no_length() -> None:
    """Apia went from 2011-12-29 to 2011-12-31."""
    told = span("2011-12-29..2011-12-31", "day")
    edges = told.edges_us(["Pacific/Apia"]).tolist()[0]
    lengths = [end - begin for begin, end in pairwise(edges)]
    assert lengths == [24 * HOUR_US, 0, 24 * HOUR_US]


@given(
    st.sampled_from(ZONES),
    st.integers(day_of("2010-01-01"), day_of("2030-01-01")),
    st.sampled_from([0, 60, 1800, 7_200, 9_000, 6 * 3600, 86_340]),
)
@THOROUGH
def test_edges_are_where_the_wall_clock_shows_day_starts_first(
    zone: str, day: int, starts_s: int
) -> None:
    """Forward by the gap where it never does; each instant is of one date."""
    edge = edge_us(zone, day, starts_s)
    assert edge == date_edge(zone, day, starts_s)
    assert edge <= edge_us(zone, day + 1, starts_s)
    if edge < edge_us(zone, day + 1, starts_s):
        assert date_at(zone, edge, starts_s) == day
    assert date_at(zone, edge - 1, starts_s) < day


def test_a_period_that_is_not_over_counts_up_to_as_of() -> None:
    """Slices after it have no length, and are not even listed when far away."""
    told = span("year:2026", "day", as_of_us=utc("2026-01-02 12:00"))
    edges = told.edges_us(["UTC"]).tolist()[0]
    assert edges[:4] == [
        *(utc("2026-01-01 00:00"), utc("2026-01-02 00:00")),
        *(utc("2026-01-02 12:00"), utc("2026-01-02 12:00")),
    ]
    assert len(edges) < 10


def test_before_the_date_of_the_first_poll_is_before_history() -> None:
    """Its whole date counts, in each store's own zone; it is told since when."""
    told = span("month:2026-11", kept=Kept(utc("2026-11-15 09:00")))
    zones = ["America/Chicago", "Asia/Tokyo"]
    begins = told.edges_us(zones)[:, 0].tolist()
    assert begins == [utc("2026-11-15 06:00"), utc("2026-11-14 15:00")]
    assert told.since_us(zones) == utc("2026-11-14 15:00")
    assert told.since_us(zones[:1]) == utc("2026-11-15 06:00")
    assert span("month:2026-12", kept=told.kept).since_us(zones) is None


def test_a_date_of_which_polls_were_let_go_is_before_history() -> None:
    """The first date told is the first one that is whole."""
    kept = Kept(utc("2026-09-28 12:00"), utc("2026-10-01 00:00"))
    told = span("year:2026", kept=kept)
    begins = told.edges_us(["UTC", "America/Chicago"])[:, 0].tolist()
    assert begins == [utc("2026-10-01 00:00"), utc("2026-10-01 05:00")]
    joined = kept.joined(Kept(utc("2026-09-02 00:00"), utc("2026-09-01 00:00")))
    assert joined == Kept(utc("2026-09-02 00:00"), utc("2026-10-01 00:00"))


def test_a_period_outside_of_what_is_kept_has_no_length() -> None:
    """Before history, and after as_of."""
    kept = Kept(utc("2026-10-10 00:00"))
    told = {"kept": kept, "as_of_us": utc("2026-11-10 00:00")}
    for period in ("month:2026-08", "month:2026-12", "year:2020"):
        for by in (None, "day"):
            edges = span(period, by, **told).edges_us(["UTC"])
            assert edges.shape[0] == 1
            assert edges.min() == edges.max()
