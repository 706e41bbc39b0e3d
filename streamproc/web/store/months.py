"""Thirteen months of a store, a row each, a bar a day."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from streamproc.report.period_rows import PeriodRows
from streamproc.rules.days import date_of
from streamproc.rules.percent import percent
from streamproc.rules.periods import Period, months_on, parse_period
from streamproc.web.bars import Bar
from streamproc.web.fleet.performance import slice_text
from streamproc.web.periods.choice import day_text
from streamproc.web.store.period import StorePeriod

MONTHS = 13

Amounts = tuple[int, int, int, int, int]
"""Up, down, no data, excluded and open, in microseconds."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A store's figures of some time.

    ``as_polled``: as if nothing were excluded or corrected, where something may be.
    ``since_us``: when polls begin to be kept, where that is within the time.
    """

    amounts: Amounts
    incidents: int
    longest_us: int
    as_polled: "Figures | None" = None
    since_us: int | None = None

    @property
    def share_as_polled(self) -> str | None:
        """Percent as polled, where that is another; None where it is the same."""
        if self.as_polled is None or self.as_polled.amounts == self.amounts:
            return None
        return percent(*self.as_polled.amounts[:2])


@dataclass(frozen=True, slots=True)
class Month:
    """A month's figures; ``days``: 31 bars, those of no date are not told."""

    name: str
    period: str
    so_far: bool
    days: list[Bar]
    figures: Figures


def months_before(day: int) -> str:
    """The dates of the last months up to a date, as a period."""
    last = date_of(day)
    first = months_on(last, 1 - MONTHS)
    return f"{first}..{last}"


def figures_by_slice(rows: PeriodRows) -> dict[int, Figures]:
    """Figures by the number of their slice."""
    columns = (
        *(rows.of("slice"), rows.of("up"), rows.of("down"), rows.unknown),
        *(rows.of("excluded"), rows.of("open"), rows.of("incidents")),
        rows.of("longest"),
    )
    return {
        number: Figures((up, down, unknown, excluded, opened), incidents, longest)
        for number, up, down, unknown, excluded, opened, incidents, longest in zip(
            *(column.tolist() for column in columns), strict=True
        )
    }


def months_of(daily: StorePeriod, monthly: StorePeriod, goal: str) -> list[Month]:
    """The months, newest first; ``goal``: a day's link with ``{}`` for the period."""
    by_day = figures_by_day(daily)
    by_month = figures_by_slice(monthly.slices)
    last = max(by_month, default=0)
    found = []
    for number, figures in sorted(by_month.items(), reverse=True):
        name = monthly.names[number]
        whole = _month(name)
        days = list(bars_within(whole, by_day, goal))
        so_far = number == last and days[-1].is_told is False
        found.append(Month(slice_text(whole), name, so_far, days, figures))
    return found


def _month(name: str) -> Period:
    found = parse_period(name).period
    assert found is not None  # it is the name of a slice by month
    return found


def figures_by_day(daily: StorePeriod) -> dict[str, Figures]:
    """Figures by the name of their date."""
    found = figures_by_slice(daily.slices)
    return {daily.names[number]: figures for number, figures in found.items()}


def bars_within(
    month: Period, by_day: dict[str, Figures], goal: str = ""
) -> Iterator[Bar]:
    """A bar a date; ``goal``: a day's link with ``{}`` for the period."""
    days = [_named(day) for day in range(month.first_day, month.end_day)]
    told = [name for name, _, _ in days if name in by_day]
    for name, title, in_link in days:
        if name not in by_day:
            yield Bar(title, is_told=False)
            continue
        going_on = name == told[-1] and name != days[-1][0]
        link = goal.format(in_link)
        yield Bar(title, *by_day[name].amounts, goal=link, so_far=going_on)


@lru_cache(maxsize=1_000)
def _named(day: int) -> tuple[str, str, str]:
    """A date as a period, in words, and as a period in a link."""
    name = f"day:{date_of(day)}"
    return name, day_text(day), quote(name)
