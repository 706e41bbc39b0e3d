"""The handler of the front page: what is down now, and how the fleet has done."""

import asyncio
from typing import Any

from aiohttp import web

from streamproc.cells import Ints
from streamproc.report.messages import NOW
from streamproc.rules.units import HOUR_US
from streamproc.web.as_of import AsOf, as_of_text
from streamproc.web.connect.view import how_to
from streamproc.web.fleet.overview import Overview
from streamproc.web.fleet.pages import Pages, late_us
from streamproc.web.parameters import AS_OF
from streamproc.web.responses import html, page, see_other
from streamproc.web.security import Guard
from streamproc.web.site import Site
from streamproc.web.store.view import StoreView
from streamproc.web.templating import text

MOST_DOWN = 25
"""Stores that are listed by name; the others are a link away."""

MOST_UNHEARD = 10
OUTDATED_US = 24 * HOUR_US
LISTED = frozenset(("q", "now", "sort", "order", "page", "per_page"))
"""Parameters of the list of stores, which once was this page."""


class NowHandlers:
    """Show who is down, and who was not heard."""

    def __init__(self, site: Site, guard: Guard) -> None:
        self._site = site
        self._pages = Pages(guard)

    async def page(self, request: web.Request) -> web.Response:
        """The front page; rendered once for all who ask for the same."""
        if not LISTED.isdisjoint(request.query):
            return see_other(f"/stores?{request.rel_url.raw_query_string}")
        as_of = AS_OF.read(request.query)
        overview = await self._site.overviews.get(as_of)
        if not overview.counts["known"] and as_of == NOW:
            return page(request, "empty.html", **how_to(request, self._site))

        async def make() -> bytes:
            context = await self._context(overview, as_of)
            return await asyncio.to_thread(text, request, "now.html", **context)

        return html(await self._pages.get(request, overview, f"now {as_of}", make))

    async def _context(self, overview: Overview, as_of: AsOf) -> dict[str, Any]:
        site = self._site
        names, down, unheard, flow, newest_us = await asyncio.gather(
            site.names.all(),
            self._longest(overview, overview.find("", "down"), MOST_DOWN),
            self._longest(overview, overview.find("", "unknown"), MOST_UNHEARD),
            site.flow.of_all(),
            site.instants.newest_us(),
        )
        now_us = site.program.now_us()
        is_old = newest_us is not None and newest_us < now_us - OUTDATED_US
        return {
            "overview": overview,
            "asked_as_of": as_of,
            "as_of": as_of_text(as_of),
            "counts": overview.counts,
            "totals": {total.window: total for total in overview.totals},
            "names": names,
            "down": down,
            "unheard": unheard,
            "flow": flow,
            "newest_us": newest_us,
            "is_outdated": is_old and as_of == NOW,
            "now_us": now_us,
            "late_us": late_us(overview, as_of, now_us),
            "bridge_us": site.program.settings.bridge_us,
        }

    async def _longest(
        self, overview: Overview, rows: Ints, most: int
    ) -> list[StoreView]:
        """Some of the rows' stores, those first that are so for the longest time."""
        by_down = overview.ordered(rows, "down_week", descending=True)
        ids = [overview.rows.store_ids[row] for row in by_down[: 4 * most].tolist()]
        views = await self._site.stores.views(ids, overview.as_of_us)
        return sorted(views, key=lambda v: (v.since_us or 0, v.store_id))[:most]
