"""Handlers of all stores: their totals, search, list."""

import asyncio

from aiohttp import web

from streamproc.report.messages import NOW
from streamproc.report.record import time_text
from streamproc.web import requests
from streamproc.web.described import described
from streamproc.web.files import CSV, XLSX
from streamproc.web.fleet import listing
from streamproc.web.fleet.answers import (
    Fleet,
    StoresPage,
    fleet_of,
    store_of,
    stores_csv,
)
from streamproc.web.parameters import AS_OF, FORMAT, wanted_form
from streamproc.web.refusal import Refusal
from streamproc.web.responses import json, see_other
from streamproc.web.sheets import Sheet, at
from streamproc.web.site import Site
from streamproc.web.templating import store_url, url


async def is_known(site: Site, text: str) -> bool:
    """Whether it is a store's id, also of one that came after the list of all."""
    try:
        return (await site.changes.require(requests.store_id(text))).is_known
    except Refusal:
        return False


class FleetHandlers:
    """Show all stores."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def find(self, request: web.Request) -> web.Response:
        """Lead to the store of an id, or the only one that matches; else to all."""
        q = listing.Q.read(request.query)
        overview = await self._site.overviews.get(NOW)
        ids = overview.rows.store_ids
        if q in ids or await is_known(self._site, q):
            return see_other(store_url(q))
        names = await self._site.names.all()
        found = await asyncio.to_thread(overview.find, q, "", names)
        if q and len(found) == 1:
            return see_other(store_url(ids[int(found[0])]))
        return see_other(url("/stores", q=q))

    @described(Fleet, AS_OF)
    async def overview(self, request: web.Request) -> web.Response:
        """Totals of the fleet, and what its stores are now."""
        found = await self._site.overviews.get(AS_OF.read(request.query))
        return json(fleet_of(found, await self._site.flow.of_all()))

    @described(
        StoresPage,
        *listing.PARAMETERS,
        FORMAT,
        media=(CSV, XLSX),
    )
    async def stores(self, request: web.Request) -> web.StreamResponse:
        """Stores: searched, filtered, sorted, paged; as CSV all that match."""
        asked = listing.listing_of(request.query)
        form = wanted_form(request)
        overview = await self._site.overviews.get(asked.as_of)
        names = await self._site.names.all()
        rows = await asyncio.to_thread(listing.chosen, overview, asked, names)
        if form != FORMAT.default:
            return Sheet(
                at("stores", overview.as_of_us),
                lambda: stores_csv(overview, rows),
                overview.as_of_us,
                self._site.rules,
            ).export(form)
        shown = listing.on_page(rows, asked).tolist()
        ids = [overview.rows.store_ids[row] for row in shown]
        budgets = await self._site.stores.budgets(ids, overview.as_of_us)
        return json(
            StoresPage(
                time_text(overview.as_of_us),
                len(rows),
                asked.page,
                asked.per_page,
                requests.pages(len(rows), asked.per_page),
                [
                    store_of(overview, row, budget)
                    for row, budget in zip(shown, budgets, strict=True)
                ],
            )
        )
