"""A store, and all that its page and its sheet of paper show of it. Pure."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from streamproc.report.messages import NOW
from streamproc.rules.calendar import local_day
from streamproc.rules.days import day_of_date
from streamproc.rules.labels import Labels
from streamproc.rules.periods import Asked
from streamproc.rules.timeline import UNKNOWN
from streamproc.web import requests
from streamproc.web.as_of import AsOf, as_of_text
from streamproc.web.changes.log_answers import ChangesPage
from streamproc.web.incidents.asking import ordered
from streamproc.web.now.states import StoreState
from streamproc.web.periods.choice import Chosen, chosen_of
from streamproc.web.store.day import poll_marks, polls_of
from streamproc.web.store.facts import exclusions, special_days
from streamproc.web.store.months import Figures, Month, figures_by_slice, months_of
from streamproc.web.store.names import Directory
from streamproc.web.store.view import DayRow, StoreView
from streamproc.web.store.whole import StoreCount, WholeStore
from streamproc.web.templating import Frame, goal_of

DEFAULT_PERIOD = "this-week"
POLLS_PER_PAGE = 25
NO_DAYS: dict[str, Any] = {
    "days": [],
    "incidents": [],
    "gaps": [],
    "day": None,
    "day_polls": [],
}
"""What the page shows of a period of which nothing is kept, or that has not begun."""


@dataclass(frozen=True)
class StoreShown:
    """A store, and all that is shown of it; worked out when it is asked for.

    ``now``: what it is, where the page is of now and somebody has told of it.
    ``changes``: None while a worker does not answer. ``clock_us``: what time it is.
    """

    count: StoreCount
    asked: Asked
    as_of: AsOf
    now: StoreState | None
    changes: ChangesPage | None
    clock_us: int

    @cached_property
    def whole(self) -> WholeStore:
        """All that its polls come to; raises ReportFailedError."""
        return self.count.whole(self.asked)

    @cached_property
    def view(self) -> StoreView:
        """Its last week."""
        count, by = self.count, self.count.by
        of = count.read.store_id, self.whole.data, count.as_of_us
        return StoreView(*of, by.rules, by.bridge_us)

    @property
    def labels(self) -> Labels:
        """What it is called and grouped by."""
        return self.count.read.one.labels

    @cached_property
    def today(self) -> int:
        """Its local date."""
        return local_day(self.view.zone, self.view.as_of_us)

    @cached_property
    def period(self) -> Chosen:
        """The period, by its dates."""
        found, at_us = self.whole.period, self.view.as_of_us
        known = (
            self.asked.resolve(at_us, [self.view.zone])
            if found is None
            else found.period
        )
        return chosen_of(self.asked.text, known, self.today, at_us, DEFAULT_PERIOD)

    @cached_property
    def figures(self) -> Figures | None:
        """The period's figures; None when nothing of it is known."""
        found = self.whole.period
        if found is None:
            return None
        told = figures_by_slice(found.total).get(0, Figures((0, 0, 0, 0, 0), 0, 0))
        as_polled = figures_by_slice(found.as_polled).get(0)
        return replace(told, as_polled=as_polled, since_us=found.since_us)

    @cached_property
    def target(self) -> float | None:
        """Its own target, or everybody's."""
        return self.labels.target or self.count.by.target

    def context(self, number: int) -> dict[str, Any]:
        """What the templates show; ``number``: which page of its polls."""
        view, period = self.view, self.period
        at = as_of_text(self.as_of)
        return {
            "store": view,
            "one": self.now or self._state(),
            "figures": self.figures,
            "period": period,
            "why": self.whole.why,
            "months": self._months(),
            "names": Directory({view.store_id: self.labels}),
            "target": self.target,
            "budget": self.whole.budget,
            "special_days": special_days(view, self.today),
            "exclusions": exclusions(view),
            "changes": self.changes,
            "labels": self.labels.labels,
            "as_of": at,
            "as_of_us": view.as_of_us,
            "is_now": self.as_of == NOW,
            "today": self.today,
            "rules": view.rules,
            "page": number,
            "pages": requests.pages(view.poll_count, POLLS_PER_PAGE),
            "polls": view.polls((number - 1) * POLLS_PER_PAGE, POLLS_PER_PAGE),
            "now_us": self.clock_us,
            "kept": {"as_of": at, "period": period.in_url},
            **self._days(),
        }

    def _state(self) -> StoreState:
        """What it is by its own polls."""
        view = self.view
        return StoreState(
            view.store_id, view.state_number, view.since_us, view.last, view.zone, None
        )

    def _months(self) -> list[Month]:
        daily, monthly = self.whole.by_day, self.whole.by_month
        if daily is None or monthly is None:
            return []
        goal = goal_of(self.view.store_id, as_of_text(self.as_of))
        return months_of(daily, monthly, goal)

    def _days(self) -> dict[str, Any]:
        """The local days of the period, as strips; of one day its polls as well."""
        told, view = self.whole.days, self.view
        if told is None:
            return NO_DAYS | {"today_row": self._today([])}
        found = replace(
            view,
            data=replace(view.data, packed=told.packed),
            as_of_us=told.end_us,
            length_us=told.end_us - told.begin_us,
        )
        day = found.days[-1] if self.period.is_day and found.days else None
        polls = [] if day is None else polls_of(found, day.day)
        return {
            "days": found.days,
            "incidents": ordered(told.outages.found, by_start=True),
            "gaps": [one for one in found.incidents if one.state == UNKNOWN],
            "day": day,
            "day_polls": polls,
            "today_row": self._today(found.days),
            "marks": "" if day is None else poll_marks(polls, day.day, view.zone),
        }

    def _today(self, shown: list[DayRow]) -> DayRow | None:
        """Its local date, so far, where it is not among the days that are shown."""
        is_shown = any(day_of_date(row.day.date) == self.today for row in shown)
        return None if is_shown else self.view.on_day(self.today)


@dataclass(frozen=True, slots=True)
class StorePage:
    """A store's page as it is asked for.

    ``number``: which page of its polls. ``shown_as``: pictures, or a table.
    """

    shown: StoreShown
    number: int
    shown_as: str
    live_url: str
    frame: Frame


def rendered(page: StorePage) -> bytes:
    """The page; raises ReportFailedError when the store's last week is not kept."""
    found = page.shown.context(page.number)
    how = {"live_url": page.live_url, "shown_as": page.shown_as}
    return page.frame.around("store.html", **how, **found)
