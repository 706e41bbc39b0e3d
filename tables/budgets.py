"""Error budgets of stores, of the calendar month that holds an instant."""

from dataclasses import dataclass

from streamproc.rules.business import Interval, clipped
from streamproc.rules.period_edges import Kept, Span, date_at
from streamproc.rules.periods import UNITS, Period, edge_us
from streamproc.rules.targets import ErrorBudget
from streamproc.rules.units import DAY_US
from streamproc.rules.uptime import Rules
from tables.one_archive import Archived
from tables.one_period import OnePeriods
from tables.one_store import OneStore

_NAME = "month:"


@dataclass(frozen=True, slots=True)
class MonthBudget:
    """A store's error budget of a local month, ``2026-11``."""

    month: str
    budget: ErrorBudget


@dataclass(frozen=True, slots=True)
class Budgets:
    """The budgets of stores, as of an instant.

    ``target``: of who has none of its own, in percent; None for none.
    """

    archive: Archived
    as_of_us: int
    rules: Rules
    bridge_us: int
    day_starts_s: int = 0
    target: float | None = None

    def of(self, one: OneStore) -> MonthBudget | None:
        """A store's budget; None without a target, or when its month is not kept."""
        target = self.target if one.labels.target is None else one.labels.target
        if target is None:
            return None
        facts = one.facts
        zone = facts.zone_name
        month = UNITS["month"].holding(date_at(zone, self.as_of_us, self.day_starts_s))
        begin_us, end_us = (
            edge_us(zone, day, self.day_starts_s)
            for day in (month.first_day, month.end_day)
        )
        if begin_us < self.archive.kept_since(one.partition) * DAY_US:
            return None
        business = facts.business_between(begin_us, end_us)
        gone = clipped(business, begin_us, self.as_of_us)
        down_us = self._down_us(one, month)
        budget = ErrorBudget(target, _length(business), _length(gone), down_us)
        return MonthBudget(month.name.removeprefix(_NAME), budget)

    def _down_us(self, one: OneStore, month: Period) -> int:
        """How long it was down in the month, up to now."""
        span = Span(month, None, Kept(0), self.as_of_us, None, self.day_starts_s)
        periods = OnePeriods(self.archive, self.rules, self.bridge_us)
        return int(periods.rows(one, [span])[0].of("down").sum())


def _length(intervals: list[Interval]) -> int:
    return sum(end - begin for begin, end in intervals)
