"""The handler of the front page: what is down now, and how the fleet has done."""

import asyncio
from dataclasses import replace
from typing import Any

from aiohttp import web

from streamproc.cells import Ints
from streamproc.report.messages import NOW
from streamproc.rules.now import DOWN, NO_DATA, SILENT
from streamproc.rules.units import HOUR_US
from streamproc.web.as_of import AsOf, as_of_text
from streamproc.web.cache import Cache
from streamproc.web.connect.view import how_to
from streamproc.web.fleet import ranking
from streamproc.web.fleet.groups import Group, groups_of
from streamproc.web.fleet.many_days import ManyDays, many_days
from streamproc.web.fleet.standing import Standing
from streamproc.web.handlers.stores import period_of, strips_of, summary
from streamproc.web.incidents.asking import incidents_of
from streamproc.web.now.everyone import Everyone
from streamproc.web.parameters import AS_OF, VIEW
from streamproc.web.periods.choice import asked_period
from streamproc.web.refusal import Refusal
from streamproc.web.responses import html, page, see_other
from streamproc.web.site import Site
from streamproc.web.standings import standing_of
from streamproc.web.store.names import POLLED_BY
from streamproc.web.templating import text, url
from tables.outage import Outage

MOST_DOWN = 25
"""Stores that are listed by name; the others are a link away."""

MOST_UNHEARD = 8
MOST_BACK = 8
BACK_FRESH_S = 10.0
WORST = 10
GROUP_DAYS = 14
DEFAULT_PERIOD = "yesterday"
OUTDATED_US = 24 * HOUR_US
LISTED = frozenset(("q", "now", "sort", "order", "page", "per_page"))
"""Parameters of the list of stores, which once was this page."""


class NowHandlers:
    """Show who is down, and who was not heard."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._back: Cache[AsOf, list[Outage]] = Cache(self._came_back, BACK_FRESH_S)

    async def page(self, request: web.Request) -> web.Response:
        """The front page; rendered once for all who ask for the same."""
        if not LISTED.isdisjoint(request.query):
            return see_other(f"/stores?{request.rel_url.raw_query_string}")
        self._site.cluster.require_ready()
        as_of = AS_OF.read(request.query)
        period = asked_period(request.query, DEFAULT_PERIOD).text
        view = VIEW.read(request.query)
        if "from" in request.query or "to" in request.query:
            at = as_of_text(as_of)
            return see_other(url("/", period=period, as_of=at, view=view))
        everyone = await self._site.everybody.cache.get(as_of)
        if not everyone.stores and as_of == NOW:
            return page(request, "empty.html", **how_to(request, self._site))

        async def make(live_url: str) -> bytes:
            context = {**await self._context(period, as_of), "view": view}
            return await asyncio.to_thread(
                text, request, "now.html", live_url=live_url, **context
            )

        asked = ("now", period, as_of, view)
        return html(await self._site.pages.get(request, asked, make))

    async def _context(self, period: str, as_of: AsOf) -> dict[str, Any]:
        site = self._site
        (standing, why), flow, left, newest_us = await asyncio.gather(
            standing_of(site, period, as_of, whole=False),
            site.flow.of_all(),
            site.flow.catching_up(),
            self._newest_us(),
        )
        everyone = standing.everyone
        now_us = site.program.now_us()
        is_old = newest_us is not None and newest_us < now_us - OUTDATED_US
        return {
            "as_of": as_of_text(as_of),
            "as_of_us": everyone.as_of_us,
            "is_now": as_of == NOW,
            "suspects": await site.suspicions.shown(as_of),
            "counts": everyone.counts,
            "names": standing.names,
            "flow": flow,
            "left": left,
            "newest_us": newest_us,
            "is_outdated": is_old and as_of == NOW,
            "now_us": now_us,
            "why": why,
            "rules": site.program.settings.rules,
            "bridge_us": site.program.settings.bridge_us,
            **await self._lists(everyone, as_of),
            **await self._figures(standing, period, as_of),
        }

    async def _newest_us(self) -> int | None:
        """When the newest poll was; None when it is not known, as a worker is gone."""
        try:
            return await self._site.instants.newest_us()
        except Refusal:
            return None

    async def _lists(self, everyone: Everyone, as_of: AsOf) -> dict[str, Any]:
        """Who is down, and who was not heard, the longest first."""
        down = everyone.in_state(MOST_DOWN, DOWN)
        views = await self._site.stores.views(
            [one.store_id for one in down if one.store_id not in everyone.stale],
            everyone.as_of_us,
        )
        back = self._back.peek(as_of)
        return {
            "down": down,
            "zone_of": everyone.zone_of,
            "views": {view.store_id: view for view in views},
            "back": None if back is None else back[:MOST_BACK],
            "unheard": everyone.in_state(MOST_UNHEARD, SILENT, NO_DATA),
        }

    async def _came_back(self, as_of: AsOf) -> list[Outage]:
        """Incidents that have ended within the last hour, the newest first."""
        as_of_us = await self._site.instants.resolve(as_of)
        span = as_of_us, as_of_us - HOUR_US, as_of_us
        at_leisure = isinstance(as_of, int)
        asked = await incidents_of(self._site, *span, at_leisure=at_leisure)
        ended = [one for one in asked.found if one.end_us is not None and one.by_up]
        return sorted(ended, key=lambda one: one.end_us or 0, reverse=True)

    async def _figures(
        self, standing: Standing, text: str, as_of: AsOf
    ) -> dict[str, Any]:
        """The period's: pooled, by labels, the worst stores; and many days."""
        asked = ranking.asked_for(text, as_of)
        rows = await asyncio.to_thread(ranking.chosen, standing, asked)
        period = period_of(standing, text, DEFAULT_PERIOD)
        worst = [row for row in rows[:WORST].tolist() if standing.whole.down[row] > 0]
        shown = self._site.performances
        many = many_days(shown, standing, rows, as_of)
        groups = await asyncio.to_thread(_groups, standing, rows, many)
        return {
            "standing": standing,
            "figures": standing.figures,
            "period": period,
            "target": standing.fleet_target,
            "summary": summary(standing, rows),
            "groups": {k: v for k, v in groups.items() if k != POLLED_BY},
            "pollers": groups.get(POLLED_BY, []),
            "worst": worst,
            "strips": await strips_of(self._site, standing, worst, period),
            "chart_of": None if many is None else many.standing.figures,
            "months": [] if many is None else many.months,
            "kept": {"as_of": as_of_text(as_of), "period": period.in_url},
        }


def _groups(
    standing: Standing, rows: Ints, many: ManyDays | None
) -> dict[str, list[Group]]:
    """Groups by each label, their last days as pictures, when they are at hand."""
    if standing.figures is None:
        return {}
    none = replace(standing, figures=None)
    shown = none if many is None else many.last(GROUP_DAYS)
    labels = standing.names.values
    return {label: groups_of(standing, rows, label, shown, 20) for label in labels}
