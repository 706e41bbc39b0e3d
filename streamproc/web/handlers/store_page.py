"""The page of one store: what it is, its figures of a period, its days and months."""

import asyncio

from aiohttp import web

from streamproc.report.messages import NOW
from streamproc.web.as_of import as_of_text
from streamproc.web.parameters import AS_OF, PAGE, VIEW
from streamproc.web.periods.choice import asked_period
from streamproc.web.refusal import Refusal
from streamproc.web.responses import html, see_other
from streamproc.web.site import Site
from streamproc.web.store.page import StorePages
from streamproc.web.store.shown import DEFAULT_PERIOD, StorePage, rendered
from streamproc.web.templating import Frame, store_url


class StorePageHandlers:
    """Show one store."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._stores = StorePages(site)

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
            shown = await self._stores.shown(store_id, asked, as_of)
            how = number, shown_as, live_url, Frame.of(request)
            return await self._site.aside.run(rendered, StorePage(shown, *how))

        key = ("store", store_id, as_of, asked.text, number, shown_as)
        try:
            return html(await self._site.pages.get(request, key, make))
        except Refusal as exc:
            if exc.status == 404:
                exc.offers = await self._close_to(store_id)
            raise

    async def _close_to(self, wanted: str) -> list[tuple[str, str]]:
        """Stores whose names or ids are much like one that nobody has, with links."""
        everyone = await self._site.everybody.cache.get(NOW)
        names, known = await self._site.names.all(), everyone.rows
        close = await asyncio.to_thread(names.close_to, wanted, known)
        return [(names.name(each), store_url(each)) for each in close]
