"""The error budgets of all stores together, month by month. Pure."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from markupsafe import Markup, escape

from streamproc.cells import Ints
from streamproc.rules.days import date_of
from streamproc.rules.periods import UNITS, Period, months_on
from streamproc.rules.targets import ErrorBudget
from streamproc.web import words
from streamproc.web.chart import DAYS
from streamproc.web.fleet.performance import Amounts, Performance
from streamproc.web.fleet.standing import Standing
from streamproc.web.periods.choice import day_text

MONTHS = 3

_FULL = 0.8
"""How much of a picture's width the whole budget is; beyond is what was too much."""


@dataclass(frozen=True, slots=True)
class FleetMonth:
    """Some stores in a calendar month, each in its own local dates.

    ``since``: from which date on anything is told, where that is not its first.
    ``budget``: None without a target, and of a month that goes on as long as the
    business time still to come is not at hand.
    """

    name: str
    period: str
    goes_on: bool
    since: str
    up_us: int
    down_us: int
    budget: ErrorBudget | None

    @property
    def text(self) -> str:
        """What of the budget is used, in words."""
        budget = self.budget
        if budget is None:
            return f"{words.hours(self.down_us)} down"
        if self.goes_on and budget.burn is not None:
            used = words.share(budget.down_us, budget.budget_us)
            gone = words.share(budget.gone_us, budget.business_us)
            return (
                f"{used} of {words.hours(budget.budget_us)} used"
                f" after {gone} of the month: {words.burn(budget.burn)}"
            )
        over = budget.left_us < 0
        left = f"{words.hours(abs(budget.left_us))} {'over' if over else 'left'}"
        used_of = f"{words.hours(budget.down_us)} of {words.hours(budget.budget_us)}"
        return f"{used_of} down time used, {left}"


def days_shown(last_day: int) -> str:
    """The days of which charts and months are made, as a period."""
    last = date_of(last_day)
    first = months_on(last, 1 - MONTHS)
    return f"{min(first, last - timedelta(days=DAYS - 1))}..{last}"


def months_of(shown: Standing, rows: Ints, whole_us: int | None) -> list[FleetMonth]:
    """The last months of some stores, the oldest first.

    ``shown``: their figures of ``days_shown``. ``whole_us``: their business time of all
    of the month that goes on, when it is at hand.
    """
    figures, target = shown.figures, shown.fleet_target
    assert figures is not None
    daily = shown.daily.chosen(rows).pooled()
    by_month: dict[Period, list[int]] = {}
    for at in np.flatnonzero(shown.told_of(rows)).tolist():
        month = UNITS["month"].holding(figures.days[at].first_day)
        by_month.setdefault(month, []).append(at)
    months = list(by_month.items())[-MONTHS:]
    return [
        _month(figures, daily.chosen(np.array(told)), month, told[0], target, whole_us)
        for month, told in months
    ]


def _month(
    figures: Performance,
    daily: Amounts,
    month: Period,
    first: int,
    target: float | None,
    whole_us: int | None,
) -> FleetMonth:
    """A month; ``daily``: of its days that are told of, ``first``: where they begin."""
    first_day = figures.days[first].first_day
    goes_on = month.end_day >= figures.period.end_day
    up_us, down_us, _, excluded_us, open_us = daily.pooled().of()
    gone_us = open_us - excluded_us
    budget = None
    if target is not None and not goes_on:
        budget = ErrorBudget(target, gone_us, gone_us, down_us)
    elif target is not None and whole_us is not None:
        budget = ErrorBudget(target, max(whole_us, gone_us), gone_us, down_us)
    return FleetMonth(
        f"{date_of(month.first_day):%B}",
        month.name,
        goes_on,
        day_text(first_day) if first_day > month.first_day else "",
        up_us,
        down_us,
        budget,
    )


def month_going_on(last_day: int) -> str:
    """The name of the month of a date."""
    return UNITS["month"].holding(last_day).name


def budget_picture(month: FleetMonth) -> Markup:
    """What is used of a budget: pale within it, full beyond; a mark at its end.

    Of a month that goes on a second mark says how much of it is gone.
    """
    budget = month.budget
    if budget is None or not budget.budget_us:
        return Markup()
    scale = (
        100 * min(_FULL, budget.budget_us / max(budget.down_us, 1)) / budget.budget_us
    )
    end = scale * budget.budget_us
    used = scale * min(budget.down_us, budget.budget_us)
    over = scale * max(-budget.left_us, 0)
    gone = budget.gone_us / max(budget.business_us, 1)
    marks = [end, end * gone] if month.goes_on else [end]
    drawn = "".join(
        f'<rect class="f-ink" x="{mark:.2f}%" y="-2" width="1" height="12"/>'
        for mark in marks
    )
    return Markup(
        '<svg class="budget" width="100%" height="8" role="img"'
        f' aria-label="{escape(month.text)}">'
        f'<rect class="track edge" width="{end:.2f}%" height="8"/>'
        f'<rect class="lost" fill="url(#pale)" width="{used:.2f}%" height="8"/>'
        f'<rect class="down" fill="url(#hatch)" x="{end:.2f}%" width="{over:.2f}%"'
        f' height="8"/>{drawn}</svg>'
    )
