"""All stores' figures of a period, whole and by day, as columns."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from streamproc.cells import Ints
from streamproc.report.period_rows import PeriodRows
from streamproc.rules.days import date_of
from streamproc.rules.periods import Asked, Period, parse_period
from streamproc.web.as_of import AsOf, Instants
from streamproc.web.bars import Bar
from streamproc.web.cache import Cache
from streamproc.web.fleet.refreshing import FRESH_S
from streamproc.web.periods.choice import day_text
from streamproc.web.periods.reading import FleetPeriod, Periods

Flags = npt.NDArray[np.bool_]

AT_ONCE = frozenset(
    (
        *("today", "yesterday", "this-week", "last-week"),
        *("this-month", "last-month"),
    )
)
"""Periods that are most asked for; there are few, so making them cannot be abused."""

MOST_BARS = 93
"""Days that are drawn; of a longer period the newest. As many as three months have."""

BUSINESS_FRESH_S = 60.0
AMOUNTS = ("up", "down", "excluded", "open")


@dataclass(frozen=True, slots=True)
class Amounts:
    """Microseconds of stores, as columns of one shape."""

    up: Ints
    down: Ints
    excluded: Ints
    open: Ints

    @property
    def unknown(self) -> Ints:
        """Open time that nothing is known of."""
        return self.open - self.excluded - self.up - self.down

    def each(self, made: Callable[[Ints], Ints]) -> "Amounts":
        """What is made of each column."""
        return Amounts(*(made(getattr(self, name)) for name in AMOUNTS))

    def chosen(self, rows: Ints | int) -> "Amounts":
        """Those of some stores."""
        return self.each(lambda column: column[rows])

    def pooled(self) -> "Amounts":
        """All stores together."""
        return self.each(lambda column: column.sum(axis=0))

    def of(self, *place: int) -> tuple[int, int, int, int, int]:
        """Up, down, no data, excluded and open at a place."""
        unknown = self.unknown
        columns = (self.up, self.down, unknown, self.excluded, self.open)
        up, down, unknown_us, excluded, opened = (int(each[place]) for each in columns)
        return up, down, unknown_us, excluded, opened


@dataclass
class Performance:
    """Figures of a period: ``whole`` of shape (n,), ``daily`` of shape (n, days).

    ``incidents`` and ``longest``: shape (n,). ``days``: those of ``daily``; ``told``:
    of which of them anything is told, of the same shape. ``without``: partitions whose
    stores are not in it, as their owner did not answer.
    """

    period: Period
    as_of_us: int
    since_us: int | None
    store_ids: list[str]
    whole: Amounts
    incidents: Ints
    longest: Ints
    days: Sequence[Period]
    daily: Amounts
    told: Flags
    without: frozenset[int] = frozenset()

    @cached_property
    def rows(self) -> dict[str, int]:
        """Each store's row."""
        return {store_id: row for row, store_id in enumerate(self.store_ids)}

    @property
    def newest_day(self) -> int | None:
        """The newest local date of which anything is told."""
        return self.days[-1].first_day if self.days else None

    @property
    def goes_on(self) -> bool:
        """Whether the last of its days is not over."""
        return bool(self.days) and self.period.end_day > self.days[-1].first_day + 1

    def last_days(self, count: int) -> "Performance":
        """These figures with the last of their days only."""
        return replace(
            self,
            days=self.days[-count:],
            daily=self.daily.each(lambda column: column[:, -count:]),
            told=self.told[:, -count:],
        )

    def bars_of(
        self, amounts: Amounts, told: Flags | None = None, goal: str = ""
    ) -> list[Bar]:
        """Its days as bars, the last ones; ``amounts``, ``told``: shape (days,).

        ``goal``: a link to a day, with ``{}`` in place of the period.
        """
        last = len(self.days) - 1
        return [
            Bar(
                slice_text(self.days[at]),
                *amounts.of(at),
                is_told=bool(self.told[:, at].any() if told is None else told[at]),
                goal=goal.format(quote(self.days[at].name)) if goal else "",
                so_far=at == last and self.goes_on,
                tick=_tick(self.days[at]),
            )
            for at in range(max(last + 1 - MOST_BARS, 0), last + 1)
        ]


def _tick(part: Period) -> str:
    """What stands below a day in a chart: the first of a month."""
    first = date_of(part.first_day)
    return f"1 {first:%b}" if first.day == 1 else ""


def slice_text(part: Period) -> str:
    """A date or a month in words."""
    if part.end_day - part.first_day == 1:
        return day_text(part.first_day)
    return f"{date_of(part.first_day):%b %Y}"


def performance(whole: FleetPeriod, daily: FleetPeriod) -> Performance:
    """Figures of both answers, which are of the same period."""
    rows = whole.rows
    store_ids = [named.store_id for named in rows.stores]
    place = {store_id: at for at, store_id in enumerate(store_ids)}
    numbers = daily.rows.of("slice")
    days = daily.span.slices()[: int(numbers.max(initial=-1)) + 1]
    shape = len(store_ids), len(days)
    at, of_day = _places(rows, place), _places(daily.rows, place)
    return Performance(
        whole.span.period,
        whole.span.as_of_us,
        whole.since_us,
        store_ids,
        _spread(rows, at, (len(store_ids), 1)).each(lambda column: column[:, 0]),
        _column(rows, "incidents", at),
        _column(rows, "longest", at),
        days,
        _spread(daily.rows, of_day, shape),
        _told(daily.rows, of_day, shape),
    )


def _places(rows: PeriodRows, place: dict[str, int]) -> Ints:
    """Where each row goes; -1 for a store that is not meant."""
    of_store = [place.get(named.store_id, -1) for named in rows.stores]
    found: Ints = np.array(of_store, np.int64)[rows.of("store")]
    return found


def _spread(rows: PeriodRows, at: Ints, shape: tuple[int, int]) -> Amounts:
    number = rows.of("slice")
    known = (at >= 0) & (number < shape[1])
    columns = []
    for name in AMOUNTS:
        column = np.zeros(shape, np.int64)
        column[at[known], number[known]] = rows.of(name)[known]
        columns.append(column)
    return Amounts(*columns)


def _told(rows: PeriodRows, at: Ints, shape: tuple[int, int]) -> Flags:
    number = rows.of("slice")
    known = (at >= 0) & (number < shape[1])
    found = np.zeros(shape, np.bool_)
    found[at[known], number[known]] = True
    return found


def _column(rows: PeriodRows, name: str, at: Ints) -> Ints:
    column = np.zeros(len(rows.stores), np.int64)
    column[at] = rows.of(name)
    return column


def is_at_once(asked: Asked, as_of: AsOf) -> bool:
    """Whether it comes before all else: what pages show unasked, and such."""
    return asked.text in AT_ONCE and not isinstance(as_of, int)


class Performances:
    """Figures of periods that are being looked at."""

    def __init__(
        self,
        periods: Periods,
        instants: Instants,
        gone: Callable[[], frozenset[int]] = frozenset,
    ) -> None:
        self._periods = periods
        self._instants = instants
        self._gone = gone
        self.cache: Cache[tuple[str, AsOf], Performance] = Cache(
            self._make, FRESH_S, outlasts=True
        )
        #: Each store's business time of a month, of what is to come as well.
        self.business: Cache[tuple[str, AsOf], dict[str, int]] = Cache(
            self._business_us, BUSINESS_FRESH_S, outlasts=True
        )

    async def _business_us(self, key: tuple[str, AsOf]) -> dict[str, int]:
        month, as_of = key
        as_of_us = await self._instants.resolve(as_of)
        return await self._periods.business_us(parse_period(month), as_of_us)

    async def _make(self, key: tuple[str, AsOf]) -> Performance:
        text, as_of = key
        asked, as_of_us = parse_period(text), await self._instants.resolve(as_of)
        without, at_leisure = self._gone(), not is_at_once(asked, as_of)
        of, fleet = (None, None, as_of_us, without), self._periods.fleet
        whole = await fleet(asked, None, *of, at_leisure=at_leisure)
        period = whole.span.period
        by = "day" if period.end_day - period.first_day <= MOST_BARS else "month"
        daily = await fleet(asked, by, *of, at_leisure=at_leisure)
        found = await asyncio.to_thread(performance, whole, daily)
        return replace(found, without=without)
