"""All that a store's page tells, worked out of what was read of the store. Pure."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from streamproc.errors import ReportFailedError
from streamproc.rules.calendar import local_day
from streamproc.rules.period_edges import Kept
from streamproc.rules.periods import Asked, Period, edge_us, parse_period
from streamproc.rules.windows import LONGEST_US
from streamproc.web.counting import Counting
from streamproc.web.store.data import StoreData
from streamproc.web.store.months import months_before
from streamproc.web.store.period import Slicing, StorePeriod, Whose, store_periods
from streamproc.web.store.reading import StoreReading
from tables.budgets import MonthBudget
from tables.outage import Outages
from tables.outages import OutageSpan
from tables.past import Past

MOST_DAYS = 31
"""Days of a period that are drawn as strips; of a longer one the newest."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Packed polls that tell of ``[begin_us, end_us)``, and the incidents in it."""

    packed: Ints
    begin_us: int
    end_us: int
    outages: Outages


@dataclass(frozen=True, slots=True)
class WholeStore:
    """A store as its page shows it.

    ``period``: its figures of the period; None, and ``why``, when nothing of it is
    known. ``by_day``, ``by_month``: the last months up to its today, None where
    nothing of them is. ``days``: the newest days of the period, likewise.
    """

    data: StoreData
    period: StorePeriod | None
    why: str
    by_day: StorePeriod | None
    by_month: StorePeriod | None
    budget: MonthBudget | None
    days: Stretch | None


@dataclass(frozen=True, slots=True)
class StoreCount:
    """Counts a store's time, as of an instant; ``known``: since when polls are kept."""

    read: StoreReading
    known: Kept | None
    as_of_us: int
    by: Counting

    def whole(self, asked: Asked) -> WholeStore:
        """All of it; raises ReportFailedError when its last week is not kept."""
        one, zone = self.read.one, self.read.one.facts.zone_name
        today = local_day(zone, self.as_of_us)
        months = parse_period(months_before(today))
        slicings = (
            Slicing(asked, as_polled=True),
            *(Slicing(months, "day"), Slicing(months, "month")),
        )
        data = StoreData(self._before(self.as_of_us), one.own, one.of_all)
        period, by_day, by_month = self._periods(slicings)
        told = _or_none(period)
        dates = asked.resolve(self.as_of_us, [zone]) if told is None else told.period
        return WholeStore(
            data,
            told,
            str(period) if told is None else "",
            _or_none(by_day),
            _or_none(by_month),
            self.by.budgets(self.read.archive, self.as_of_us).of(one),
            self._days(dates, today),
        )

    def _periods(
        self, slicings: tuple[Slicing, ...]
    ) -> list[StorePeriod | ReportFailedError]:
        one, periods = self.read.one, self.by.periods(self.read.archive)
        at = self.by.day_starts_s, self.known, self.as_of_us
        return store_periods(periods, one, slicings, Whose(one.facts.zone_name, *at))

    def _days(self, period: Period, today: int) -> Stretch | None:
        """The newest local days of a period; None when nothing of them is kept."""
        one, zone = self.read.one, self.read.one.facts.zone_name
        end = min(period.end_day, today + 1)
        first = max(period.first_day, end - MOST_DAYS)
        begin_us, end_us = edge_us(zone, first), min(edge_us(zone, end), self.as_of_us)
        if begin_us >= end_us:
            return None
        ends = range(end_us, begin_us, -LONGEST_US)
        found = list(self._as_kept(ends))
        if not found:
            return None
        span = OutageSpan(
            *(self.read.archive, one.partition, self.as_of_us, begin_us, end_us),
            *(self.by.rules, self.by.bridge_us),
        )
        return Stretch(
            found[0] if len(found) == 1 else np.unique(np.concatenate(found)),
            max(begin_us, ends[len(found) - 1] - LONGEST_US),
            end_us,
            span.of_one(one),
        )

    def _as_kept(self, ends_us: range) -> Iterator[Ints]:
        """Its polls of the weeks before some instants, as far back as they are kept."""
        with suppress(ReportFailedError):
            for end_us in ends_us:
                yield self._before(end_us)

    def _before(self, as_of_us: int) -> Ints:
        """Its polls of the week before an instant; raises ReportFailedError."""
        one = self.read.one
        past = Past(self.read.archive, one.partition, as_of_us)
        return past.completed(one.store_id, one.polls)


def _or_none(found: StorePeriod | ReportFailedError) -> StorePeriod | None:
    return None if isinstance(found, ReportFailedError) else found
