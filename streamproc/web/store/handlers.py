"""Handlers of one store: its page, figures, timeline, polls and badge."""

import asyncio

from aiohttp import web

from streamproc.report.record import time_text
from streamproc.rules.percent import percent
from streamproc.rules.timeline import local_time
from streamproc.rules.windows import LONGEST_US, NAMES
from streamproc.web import requests, words
from streamproc.web.as_of import AsOf, as_of_text
from streamproc.web.responses import csv_of, html, json
from streamproc.web.site import Site
from streamproc.web.store.answers import store_csv, store_json
from streamproc.web.store.badge import badge_svg
from streamproc.web.store.view import StoreView
from streamproc.web.templating import text

POLLS_PER_PAGE = 25


class StoreHandlers:
    """Show one store."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def page(self, request: web.Request) -> web.Response:
        """One store, or a 404 page that says that nothing is known of it."""
        store_id = request.match_info.get("store_id") or request.query.get("id", "")
        as_of = requests.as_of(request.query)
        number = requests.integer(request.query, "page", 1, 1, requests.MAX_PAGE)
        view = await self._site.stores.known(store_id, as_of)
        return html(self._text(request, view, as_of, number))

    def _text(
        self, request: web.Request, view: StoreView, as_of: AsOf, number: int
    ) -> bytes:
        return text(
            request,
            "store.html",
            store=view,
            as_of=as_of_text(as_of),
            page=number,
            pages=requests.pages(view.poll_count, POLLS_PER_PAGE),
            polls=view.polls((number - 1) * POLLS_PER_PAGE, POLLS_PER_PAGE),
            rules=view.rules,
            begin_us=view.as_of_us - LONGEST_US,
            longest_h=max(round(day.hours) for day in view.days),
            now_us=self._site.program.now_us(),
        )

    async def one(self, request: web.Request) -> web.Response:
        """One store's figures, or its row of a report as CSV."""
        wants_csv = requests.wants_csv(request)
        view = await self._view(request)
        if wants_csv:
            return csv_of(await asyncio.to_thread(store_csv, view), "store.csv")
        return json(await asyncio.to_thread(store_json, view))

    async def timeline(self, request: web.Request) -> web.Response:
        """One store's last seven days as spans."""
        view = await self._view(request)
        return json(
            {
                "store_id": view.store_id,
                "as_of": time_text(view.as_of_us),
                "from": time_text(view.as_of_us - LONGEST_US),
                "zone": view.zone,
                "spans": [
                    {
                        "state": span.state,
                        "from": time_text(span.start_us),
                        "to": time_text(span.end_us),
                        "seconds": span.length_us / 1e6,
                        "local_from": local_time(view.zone, span.start_us).isoformat(),
                    }
                    for span in view.spans
                ],
            }
        )

    async def polls(self, request: web.Request) -> web.Response:
        """One store's polls, newest first."""
        per_page = requests.integer(request.query, "per_page", 50, 1, 1_000)
        number = requests.integer(request.query, "page", 1, 1, requests.MAX_PAGE)
        view = await self._view(request)
        return json(
            {
                "store_id": view.store_id,
                "as_of": time_text(view.as_of_us),
                "total": view.poll_count,
                "page": number,
                "per_page": per_page,
                "polls": [
                    {
                        "time": time_text(poll.time_us),
                        "status": "active" if poll.active else "inactive",
                        "holds_until": time_text(poll.until_us),
                        "thinned": poll.thinned,
                    }
                    for poll in view.polls((number - 1) * per_page, per_page)
                ],
            }
        )

    async def badge(self, request: web.Request) -> web.Response:
        """A picture of one window's percentage, to be embedded elsewhere."""
        window = requests.choice(request.query, "window", NAMES, "day")
        view = await self._view(request)
        figures = view.windows[window]
        shown = percent(figures.up_us, figures.down_us)
        response = web.Response(
            text=badge_svg(f"uptime {words.WINDOW_NAMES[window]}", shown),
            content_type="image/svg+xml",
        )
        response.headers["Cache-Control"] = "max-age=60"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    async def _view(self, request: web.Request) -> StoreView:
        return await self._site.stores.known(
            request.match_info["store_id"], requests.as_of(request.query)
        )
