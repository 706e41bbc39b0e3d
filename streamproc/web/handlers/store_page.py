"""The page of one store: what it is, its figures of a period, its days and months."""

import asyncio
from dataclasses import replace
from typing import Any

from aiohttp import web

from streamproc.errors import ReportFailedError
from streamproc.report.messages import LATEST, NOW
from streamproc.rules.calendar import local_day
from streamproc.rules.periods import Asked, edge_us, parse_period
from streamproc.rules.timeline import UNKNOWN
from streamproc.web import requests
from streamproc.web.as_of import AsOf, as_of_text
from streamproc.web.changes.log import Asked as AskedLog
from streamproc.web.changes.log_answers import ChangesPage
from streamproc.web.incidents.asking import incidents_of
from streamproc.web.kept import Kept
from streamproc.web.now.calls import StoreNow
from streamproc.web.parameters import AS_OF, PAGE, VIEW
from streamproc.web.periods.choice import Chosen, asked_period, chosen_of
from streamproc.web.refusal import Refusal
from streamproc.web.responses import html, see_other
from streamproc.web.site import Site
from streamproc.web.store.day import poll_marks, polls_of
from streamproc.web.store.months import (
    Figures,
    Month,
    figures_by_slice,
    months_before,
    months_of,
)
from streamproc.web.store.told import exclusions, special_days
from streamproc.web.store.view import StoreView
from streamproc.web.templating import goal_of, store_url, text

DEFAULT_PERIOD = "this-week"
MOST_DAYS = 31
"""Days of a period that are drawn as strips; of a longer one the newest."""

POLLS_PER_PAGE = 25
NO_DAYS: dict[str, Any] = {
    "days": [],
    "incidents": [],
    "gaps": [],
    "day": None,
    "day_polls": [],
}
"""What the page shows of a period of which nothing is kept, or that has not begun."""

MOST_CHANGES = 8
"""Changes that the page shows; all of them are a press away."""

MONTHS_FRESH_S = 20.0
MOST_MONTHS = 200
"""Stores whose months are kept; as many readers may look at stores at once."""


class StorePageHandlers:
    """Show one store."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._months: Kept[tuple[str, int, AsOf], list[Month]] = Kept(
            self._make_months, MONTHS_FRESH_S, most=MOST_MONTHS
        )

    async def page(self, request: web.Request) -> web.Response:
        """One store, or a 404 page that says that nothing is known of it."""
        query = request.query
        store_id = request.match_info.get("store_id") or query.get("id", "")
        as_of, number = AS_OF.read(query), PAGE.read(query)
        shown_as = VIEW.read(query)
        asked = asked_period(query, DEFAULT_PERIOD)
        if "from" in query or "to" in query:
            at = as_of_text(as_of)
            to = store_url(store_id, as_of=at, period=asked.text, view=shown_as)
            return see_other(to)
        self._site.cluster.require_ready()

        async def make(live_url: str) -> bytes:
            view = await self._site.stores.known(store_id, as_of)
            context = await self._context(view, asked, as_of, number)
            context["shown_as"] = shown_as
            return await asyncio.to_thread(
                text, request, "store.html", live_url=live_url, **context
            )

        key = ("store", store_id, as_of, asked.text, number, shown_as)
        try:
            return html(await self._site.pages.get(request, key, make))
        except Refusal as exc:
            if exc.status == 404:
                exc.offers = await self._close_to(store_id)
            raise

    async def _close_to(self, wanted: str) -> list[tuple[str, str]]:
        """Stores whose names or ids are much like one that nobody has, with links."""
        everyone = await self._site.everybody.kept.get(NOW)
        names, known = await self._site.names.all(), everyone.of
        close = await asyncio.to_thread(names.close_to, wanted, known)
        return [(names.name(each), store_url(each)) for each in close]

    async def _context(
        self, view: StoreView, asked: Asked, as_of: AsOf, number: int
    ) -> dict[str, Any]:
        site, zone = self._site, view.zone
        today = local_day(zone, view.as_of_us)
        (
            (figures, period, why),
            one,
            months,
            names,
            [budget],
            changes,
        ) = await asyncio.gather(
            self._figures(view, asked, today),
            self._now(view, as_of),
            self._all_months(view, today, as_of),
            site.names.all(),
            site.stores.budgets([view.store_id], view.as_of_us),
            self._changes(view.store_id),
        )
        target = names.of(view.store_id).target or site.program.settings.target
        return {
            "store": view,
            "one": one,
            "figures": figures,
            "period": period,
            "why": why,
            "months": months,
            "names": names,
            "target": target,
            "budget": budget,
            "special_days": special_days(view, today),
            "exclusions": exclusions(view),
            "changes": changes,
            "labels": names.of(view.store_id).labels,
            "as_of": as_of_text(as_of),
            "as_of_us": view.as_of_us,
            "is_now": as_of == NOW,
            "today_row": view.on_day(today),
            "today": today,
            "rules": view.rules,
            "page": number,
            "pages": requests.pages(view.poll_count, POLLS_PER_PAGE),
            "polls": view.polls((number - 1) * POLLS_PER_PAGE, POLLS_PER_PAGE),
            "now_us": site.program.now_us(),
            "kept": {"as_of": as_of_text(as_of), "period": period.in_url},
            **await self._days(view, period, today),
        }

    async def _changes(self, store_id: str) -> ChangesPage | None:
        """What was changed of it last; None while a worker does not answer."""
        try:
            return await self._site.log.page(
                AskedLog(store=store_id, per_page=MOST_CHANGES)
            )
        except Refusal:
            return None

    async def _figures(
        self, view: StoreView, asked: Asked, today: int
    ) -> tuple[Figures | None, Chosen, str]:
        """The period's figures; None and why, when nothing of it is known."""
        at_us = view.as_of_us
        try:
            _, found = await self._site.periods.store(
                *(view.store_id, asked, None, None, at_us, self._site.gone)
            )
        except ReportFailedError as exc:
            known = asked.resolve(at_us, [view.zone])
            period = chosen_of(asked.text, known, today, at_us, DEFAULT_PERIOD)
            return None, period, str(exc)
        assert found is not None  # the store is known
        period = chosen_of(asked.text, found.period, today, at_us, DEFAULT_PERIOD)
        told = figures_by_slice(found.total).get(0, Figures((0, 0, 0, 0, 0), 0, 0))
        as_polled = figures_by_slice(found.as_polled).get(0)
        since_us = found.since_us
        return replace(told, as_polled=as_polled, since_us=since_us), period, ""

    async def _now(self, view: StoreView, as_of: AsOf) -> StoreNow:
        """What the store is; of other instants than now, by its own polls."""
        if as_of in (NOW, LATEST):
            everyone = await self._site.everybody.kept.get(as_of)
            if view.store_id in everyone.of:
                return everyone.of[view.store_id]
        state = view.state_number
        labels = (await self._site.names.all()).of(view.store_id)
        return StoreNow(
            *(view.store_id, state, view.since_us, view.last, view.zone),
            *(None, None, labels.name, dict(labels.labels)),
        )

    async def _days(
        self, view: StoreView, period: Chosen, today: int
    ) -> dict[str, Any]:
        """The local days of the period, as strips; of one day its polls as well."""
        end = min(period.period.end_day, today + 1)
        first = max(period.period.first_day, end - MOST_DAYS)
        begin_us, end_us = edge_us(view.zone, first), edge_us(view.zone, end)
        end_us = min(end_us, view.as_of_us)
        if begin_us >= end_us:
            return NO_DAYS
        try:
            found = await self._site.stores.stretch(view.store_id, begin_us, end_us)
        except ReportFailedError:
            return NO_DAYS
        asked = await incidents_of(
            self._site, view.as_of_us, begin_us, end_us, view.store_id
        )
        day = found.days[-1] if period.is_day and found.days else None
        polls = [] if day is None else polls_of(found, day.day)
        return {
            "days": found.days,
            "incidents": asked.ordered(0, by_start=True),
            "gaps": [one for one in found.incidents if one.state == UNKNOWN],
            "day": day,
            "day_polls": polls,
            "marks": "" if day is None else poll_marks(polls, day.day, view.zone),
        }

    async def _all_months(
        self, view: StoreView, today: int, as_of: AsOf
    ) -> list[Month]:
        try:
            return await self._months.get((view.store_id, today, as_of))
        except ReportFailedError:
            return []

    async def _make_months(self, key: tuple[str, int, AsOf]) -> list[Month]:
        store_id, today, as_of = key
        asked = parse_period(months_before(today))
        as_of_us = await self._site.instants.resolve(as_of)
        ask = self._site.periods.store
        (_, daily), (_, monthly) = await asyncio.gather(
            *(
                ask(store_id, asked, by, None, as_of_us, self._site.gone)
                for by in ("day", "month")
            )
        )
        if daily is None or monthly is None:
            return []
        return months_of(daily, monthly, goal_of(store_id, as_of_text(as_of)))
