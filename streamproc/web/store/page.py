"""What a store's page and its sheet of paper show, of one question to its owner."""

import asyncio
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from streamproc.report.messages import LATEST, NOW
from streamproc.rules.calendar import local_day
from streamproc.rules.days import day_of_date
from streamproc.rules.periods import Asked, parse_period
from streamproc.rules.timeline import UNKNOWN
from streamproc.rules.units import DAY_US
from streamproc.web import requests
from streamproc.web.as_of import AsOf, as_of_text
from streamproc.web.changes.log import Asked as AskedLog
from streamproc.web.changes.log_answers import ChangesPage
from streamproc.web.incidents.asking import ordered
from streamproc.web.now.states import StoreState
from streamproc.web.periods.choice import Chosen, chosen_of
from streamproc.web.refusal import Refusal
from streamproc.web.site import Site
from streamproc.web.store.day import poll_marks, polls_of
from streamproc.web.store.months import (
    Figures,
    Month,
    figures_by_slice,
    months_before,
    months_of,
)
from streamproc.web.store.names import Directory
from streamproc.web.store.told import exclusions, special_days
from streamproc.web.store.view import DayRow, StoreView
from streamproc.web.store.whole import WholeStore
from streamproc.web.templating import goal_of

DEFAULT_PERIOD = "this-week"
POLLS_PER_PAGE = 25
MOST_CHANGES = 8
NO_CHANGES = ChangesPage(0, 1, 1, [])
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
    """A store, and all that is shown of it; to be worked out in a thread.

    ``now``: what it is, where the page is of now and somebody has told of it.
    ``changes``: None while a worker does not answer.
    """

    site: Site
    view: StoreView
    whole: WholeStore
    asked: Asked
    as_of: AsOf
    now: StoreState | None
    names: Directory
    changes: ChangesPage | None

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
        own = self.names.of(self.view.store_id).target
        return own or self.site.program.settings.target

    def context(self, number: int) -> dict[str, Any]:
        """What the templates show; ``number``: which page of its polls."""
        view, names, period = self.view, self.names, self.period
        at = as_of_text(self.as_of)
        return {
            "store": view,
            "one": self.now or self._state(),
            "figures": self.figures,
            "period": period,
            "why": self.whole.why,
            "months": self._months(),
            "names": names,
            "target": self.target,
            "budget": self.whole.budget,
            "special_days": special_days(view, self.today),
            "exclusions": exclusions(view),
            "changes": self.changes,
            "labels": names.of(view.store_id).labels,
            "as_of": at,
            "as_of_us": view.as_of_us,
            "is_now": self.as_of == NOW,
            "today": self.today,
            "rules": view.rules,
            "page": number,
            "pages": requests.pages(view.poll_count, POLLS_PER_PAGE),
            "polls": view.polls((number - 1) * POLLS_PER_PAGE, POLLS_PER_PAGE),
            "now_us": self.site.program.now_us(),
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


class StorePages:
    """Asks for what is shown of stores."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def shown(self, store_id: str, asked: Asked, as_of: AsOf) -> StoreShown:
        """A store; raises a 404 Refusal when nothing is known of it."""
        site = self._site
        as_of_us = await site.instants.resolve(as_of)
        # A day before that of any zone: not the last month's begin, or before it.
        months = parse_period(months_before(as_of_us // DAY_US - 1))
        names, known = await asyncio.gather(
            site.names.all(),
            site.periods.kept_since((asked, months), as_of_us, site.gone),
        )
        whole = await site.stores.whole(store_id, asked, known, as_of_us)
        changes = await self._changes(store_id, whole.is_changed)
        now = self._now(store_id, as_of)
        view = site.stores.view_of(store_id, whole.data, as_of_us)
        return StoreShown(site, view, whole, asked, as_of, now, names, changes)

    def _now(self, store_id: str, as_of: AsOf) -> StoreState | None:
        """What the store is, where that of all stores is at hand.

        Else, and of other instants than now, its own polls tell: one store's page does
        not wait for what all are to be worked out.
        """
        if as_of not in (NOW, LATEST):
            return None
        everyone = self._site.everybody.kept.peek(as_of)
        return None if everyone is None else everyone.of(store_id)

    async def _changes(self, store_id: str, is_changed: bool) -> ChangesPage | None:
        """What was changed of it and of all; None while a worker does not answer."""
        log, asked = self._site.log, AskedLog(store=store_id, per_page=MOST_CHANGES)
        try:
            if not is_changed and not await log.any_of_all.get(""):
                return NO_CHANGES
            return await log.page(asked)
        except Refusal:
            return None
