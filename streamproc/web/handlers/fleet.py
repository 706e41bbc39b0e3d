"""Handlers of the fleet: its page, its totals, its stores."""

import asyncio
import time
from typing import Any

from aiohttp import web

from streamproc.report import record
from streamproc.report.messages import NOW, STORE
from streamproc.report.record import Report, time_text
from streamproc.rules.units import HOUR_US
from streamproc.web import requests
from streamproc.web.as_of import AsOf, as_of_text
from streamproc.web.connect.view import how_to
from streamproc.web.described import CSV, described
from streamproc.web.exports import Export, aside, csv_pieces
from streamproc.web.fleet import listing
from streamproc.web.fleet.answers import (
    Fleet,
    StoresPage,
    fleet_of,
    store_of,
    stores_csv,
)
from streamproc.web.fleet.overview import Overview
from streamproc.web.fleet.refreshing import FRESH_S
from streamproc.web.parameters import AS_OF, FORMAT, wants_csv
from streamproc.web.responses import html, json, page
from streamproc.web.security import Guard
from streamproc.web.site import Site
from streamproc.web.templating import text

KEPT_PAGES = 64
OUTDATED_US = 24 * HOUR_US


class FleetHandlers:
    """Show all stores."""

    def __init__(self, site: Site, guard: Guard) -> None:
        self._site = site
        self._guard = guard

    async def page(self, request: web.Request) -> web.Response:
        """The overview; rendered once for all who ask for the same."""
        asked = listing.listing_of(request.query)
        overview = await self._site.overviews.get(asked.as_of)
        if not overview.counts["known"] and asked.as_of == NOW:
            return page(request, "empty.html", **how_to(request, self._site))
        who = (self._guard.can_sign_in(request), self._guard.is_signed_in(request))
        key = f"{asked} {who}"
        made_at, making = overview.pages.get(key, (0.0, None))
        if making is None or time.monotonic() - made_at > FRESH_S:
            making = asyncio.create_task(self._text(request, overview, asked))
            overview.pages[key] = (time.monotonic(), making)
            if len(overview.pages) > KEPT_PAGES:
                overview.pages.popitem(last=False)
        try:
            return html(await asyncio.shield(making))
        except Exception:
            overview.pages.pop(key, None)
            raise

    async def _text(
        self, request: web.Request, overview: Overview, asked: listing.Listing
    ) -> bytes:
        context = await self._context(overview, asked)
        return await asyncio.to_thread(text, request, "fleet.html", **context)

    async def _context(
        self, overview: Overview, asked: listing.Listing
    ) -> dict[str, Any]:
        rows = await asyncio.to_thread(listing.chosen, overview, asked)
        shown = listing.on_page(rows, asked).tolist()
        ids = [overview.rows.store_ids[row] for row in shown]
        views, reports, flow, newest_us = await asyncio.gather(
            self._site.stores.views(ids, overview.as_of_us),
            self._site.reports.all(),
            self._site.flow.of_all(),
            self._site.instants.newest_us(),
        )
        now_us = self._site.program.now_us()
        return {
            "overview": overview,
            "asked": asked,
            "stores": views,
            "total": len(rows),
            "pages": requests.pages(len(rows), asked.per_page),
            "flow": flow,
            "newest_us": newest_us,
            "is_outdated": newest_us is not None
            and asked.as_of == NOW
            and newest_us < now_us - OUTDATED_US,
            "report": newest_complete(reports),
            "running": sum(r.state == record.RUNNING for r in reports),
            "next_report_us": self._next_report_us(now_us),
            "now_us": now_us,
            "late_us": late_us(overview, asked.as_of, now_us),
            "as_of": as_of_text(asked.as_of),
            "rules": overview.rules,
        }

    def _next_report_us(self, now_us: int) -> int | None:
        if not self._site.program.settings.hourly:
            return None
        return (now_us // HOUR_US + 1) * HOUR_US

    @described(Fleet, AS_OF)
    async def overview(self, request: web.Request) -> web.Response:
        """Totals of the fleet, and what its stores are now."""
        found = await self._site.overviews.get(AS_OF.read(request.query))
        return json(fleet_of(found, await self._site.flow.of_all()))

    @described(
        StoresPage,
        *listing.PARAMETERS,
        FORMAT,
        media=(CSV,),
    )
    async def stores(self, request: web.Request) -> web.StreamResponse:
        """Stores: searched, filtered, sorted, paged; as CSV all that match."""
        asked = listing.listing_of(request.query)
        as_csv = wants_csv(request)
        overview = await self._site.overviews.get(asked.as_of)
        rows = await asyncio.to_thread(listing.chosen, overview, asked)
        if as_csv:
            return Export(
                lambda: aside(csv_pieces(stores_csv(overview, rows))), "stores.csv"
            )
        shown = listing.on_page(rows, asked).tolist()
        return json(
            StoresPage(
                time_text(overview.as_of_us),
                len(rows),
                asked.page,
                asked.per_page,
                requests.pages(len(rows), asked.per_page),
                [store_of(overview, row) for row in shown],
            )
        )


def late_us(overview: Overview, as_of: AsOf, now_us: int) -> int:
    """Age of figures of now that are older than twice their refresh, else 0."""
    age_us = now_us - overview.as_of_us
    is_late = as_of == NOW and age_us > 2 * overview.lasts_s * 1_000_000
    return age_us if is_late else 0


def newest_complete(reports: list[Report]) -> Report | None:
    """The newest finished report of all stores."""
    return next(
        (r for r in reports if r.state == record.COMPLETE and r.kind != STORE),
        None,
    )
