"""The error budgets of all stores together, month by month."""

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from streamproc.cells import Ints
from streamproc.rules.days import date_of, day_of_date
from streamproc.rules.now import UP
from streamproc.rules.periods import parse_period
from streamproc.rules.units import HOUR_US
from streamproc.web.fleet.months import (
    FleetMonth,
    budget_picture,
    days_shown,
    month_going_on,
    months_of,
)
from streamproc.web.fleet.performance import Amounts, Performance
from streamproc.web.fleet.standing import Standing
from streamproc.web.now.everyone import Everyone
from streamproc.web.now.states import StoreState
from streamproc.web.store.names import NOBODY
from tests.web.live_site import LiveSite
from tests.web.states import states

HOURS_OPEN = 10
STORES = 2
ROWS = np.arange(STORES)


def fleet(
    period: str, first_told: str, down_h: dict[str, float], target: float | None = 98
) -> Standing:
    """Two stores, each open ten hours a day and up but for what one of them is down."""
    span = parse_period(period).period
    assert span is not None
    days = [
        parse_period(f"day:{date_of(day)}").period
        for day in range(span.first_day, span.end_day)
    ]
    told = np.array([str(date_of(day.first_day)) >= first_told for day in days if day])
    opened = np.where(told, HOURS_OPEN * HOUR_US, 0) * np.ones((STORES, 1), np.int64)
    down = np.zeros_like(opened)
    for name, hours in down_h.items():
        down[0, day_of_date(date.fromisoformat(name)) - span.first_day] = round(
            hours * HOUR_US
        )
    none = np.zeros_like(opened)
    daily = Amounts(opened - down, down, none, opened)
    zeros = np.zeros(STORES, np.int64)
    flags = np.repeat(told[None], STORES, axis=0)
    ids = ["a", "b"]
    whole = Amounts(zeros, zeros, zeros, zeros)
    shape = (span, 0, None, ids, whole, zeros, zeros)
    figures = Performance(*shape, [day for day in days if day], daily, flags)
    stores = [StoreState(store_id, UP, None, None, "UTC", None) for store_id in ids]
    return Standing(Everyone(0, states(*stores)), NOBODY, figures, target)


def told(
    standing: Standing, whole_us: int | None, rows: Ints = ROWS
) -> list[FleetMonth]:
    """The months of some of the stores."""
    return months_of(standing, rows, whole_us)


@pytest.mark.parametrize(
    ("today", "first"),
    [
        ("2026-11-25", "2026-08-28"),
        ("2026-12-31", "2026-10-01"),
        ("2027-01-01", "2026-10-04"),
        ("2026-03-31", "2026-01-01"),
    ],
)
def test_ninety_days_and_three_whole_months_are_looked_at(
    today: str, first: str
) -> None:
    """Whichever begins before; no month is told of by half."""
    last = day_of_date(date.fromisoformat(today))
    assert days_shown(last) == f"{first}..{today}"


def test_a_months_budget_is_what_the_target_leaves_of_its_business_time() -> None:
    """Of two stores that are open 620 h in October: 12.4 h at 98 percent."""
    down = {"2026-10-03": 5.0, "2026-10-09": 9.0, "2026-11-01": 1.5}
    figures = fleet("2026-08-28..2026-11-10", "2026-08-28", down)
    whole_us = 30 * HOURS_OPEN * STORES * HOUR_US
    september, october, november = told(figures, whole_us)
    assert (september.name, september.period) == ("September", "month:2026-09")
    assert september.text == "0.00 h of 12.00 h down time used, 12.00 h left"
    assert october.text == "14.00 h of 12.40 h down time used, 1.60 h over"
    assert november.goes_on
    assert november.text == (
        "13\u00a0% of 12.00 h used after 33\u00a0% of the month: burn\u00a00.38"
    )
    assert month_going_on(day_of_date(date(2026, 11, 10))) == november.period


def test_what_is_excluded_allows_no_down_time() -> None:
    """A tenth of October is taken out: its budget is of the other nine."""
    standing = fleet("2026-09-01..2026-11-10", "2026-09-01", {})
    figures = standing.figures
    assert figures is not None
    opened = figures.daily.open
    daily = Amounts(opened * 9 // 10, opened * 0, opened // 10, opened)
    standing = replace(standing, figures=replace(figures, daily=daily))
    _, october, _ = told(standing, None)
    assert october.text == "0.00 h of 11.16 h down time used, 11.16 h left"


def test_a_month_that_goes_on_has_no_budget_before_its_business_time_is_known() -> None:
    """What was down is told all the same."""
    figures = fleet("2026-09-01..2026-11-30", "2026-09-01", {"2026-11-01": 1.5})
    *_, november = told(figures, None)
    assert november.goes_on
    assert november.budget is None
    assert november.text == "1.50 h down"
    assert budget_picture(november) == ""


def test_a_month_before_which_nothing_is_kept_says_since_when() -> None:
    """And months of which nothing is told are not there."""
    figures = fleet("2026-08-28..2026-11-10", "2026-10-18", {})
    october, november = told(figures, 1)
    assert october.since == "Sun 18 Oct 2026"
    assert october.budget is not None
    assert october.budget.business_us == 14 * HOURS_OPEN * STORES * HOUR_US
    assert november.since == ""
    assert told(fleet("2026-11-01..2026-11-10", "2027", {}), 1) == []


def test_a_fleet_without_a_target_has_months_without_budgets() -> None:
    """Nothing is measured by what nobody has asked for."""
    figures = fleet("2026-09-01..2026-11-10", "2026-09-01", {}, None)
    assert [month.budget for month in told(figures, 1)] == [None] * 3


def test_a_groups_months_are_of_its_stores_only() -> None:
    """What another store is down uses none of its budget."""
    down = {"2026-09-03": 5.0}
    figures = fleet("2026-09-01..2026-11-10", "2026-09-01", down)
    texts = [told(figures, None, np.array(rows))[0].text for rows in ([0], [1], [0, 1])]
    assert texts == [
        "5.00 h of 6.00 h down time used, 1.00 h left",
        "0.00 h of 6.00 h down time used, 6.00 h left",
        "5.00 h of 12.00 h down time used, 7.00 h left",
    ]


def test_a_day_that_has_not_begun_for_a_group_is_not_told_of() -> None:
    """Although it has for stores that are farther east."""
    standing = fleet("2026-11-01..2026-11-10", "2026-11-01", {})
    figures = standing.figures
    assert figures is not None
    flags = figures.told.copy()
    flags[1, -1] = False
    standing = replace(standing, figures=replace(figures, told=flags))
    east, west, both = (
        standing.pooled_bars(np.array(rows))[-1].is_told for rows in ([0], [1], [0, 1])
    )
    assert (east, west, both) == (True, False, True)


def drawn(down_h: float, goes_on: bool = False) -> dict[str, list[float]]:
    """Where a budget's marks stand, and how wide its parts are, in percent."""
    daily = {"2026-11-01": down_h}
    figures = fleet("2026-09-01..2026-11-30", "2026-09-01", daily)
    whole_us = 30 * HOURS_OPEN * STORES * HOUR_US
    *_, month = told(figures, whole_us)
    picture = budget_picture(FleetMonth("", "", goes_on, "", 0, 0, month.budget))
    found: dict[str, list[float]] = {}
    for name, rest in re.findall(r'<rect class="([\w-]+)"([^>]*)', picture):
        key = "x" if name == "f-ink" else "width"
        value = re.search(rf' {key}="([\d.]+)%"', rest)
        assert value is not None
        found.setdefault(name, []).append(float(value[1]))
    return found


def test_a_budget_is_pale_within_and_full_beyond() -> None:
    """Its end has a mark; of a month that goes on, what is gone has one as well."""
    assert drawn(6)["lost"] == [40]
    assert (drawn(6)["down"], drawn(6)["f-ink"]) == ([0], [80])
    over = drawn(24, goes_on=True)
    assert (over["lost"], over["down"], over["f-ink"]) == ([50], [50], [50, 50])


def test_the_front_page_has_the_months_with_links(site: LiveSite) -> None:
    """As soon as the days are counted: a page that is asked for later has them."""
    days = [f"day:2025-05-0{day}" for day in range(1, 7)]
    pages = (site.page(f"/?period={text}") for text in (*days, "this-week", *days))
    page = next(page for page in pages if 'class="budgets"' in page)
    assert 'href="/?period=month%3A2025-05"' in page
    assert "May</a> so far" in page


def test_a_group_that_is_the_filter_has_its_days_and_months(site: LiveSite) -> None:
    """In place of the groups; a click on a day keeps the filter."""
    spans = [f"day:2025-05-0{day}" for day in range(1, 7)]
    path = "/stores?where=region=West&period="
    pages = (site.page(path + text) for text in (*spans, "this-week", *spans))
    page = next(page for page in pages if "group-days" in page)
    assert "days, these stores" in page
    assert 'class="budgets"' in page
    assert "where=region%3DWest&amp;period=day%3A2025-05-05" in page
    assert 'class="groups' not in page
    assert "group-days" not in site.page("/stores?group=brand&where=region=West")
