"""Handlers of one store: its figures, timeline, polls and badge."""

import asyncio

from aiohttp import web

from streamproc.report.record import time_text
from streamproc.rules.percent import percent
from streamproc.rules.windows import NAMES
from streamproc.web import requests, words
from streamproc.web.described import described
from streamproc.web.files import CSV, XLSX
from streamproc.web.parameters import AS_OF, FORMAT, PAGE, Choice, Whole, wanted_form
from streamproc.web.refusal import unknown
from streamproc.web.responses import json
from streamproc.web.sheets import Sheet, at
from streamproc.web.site import Site
from streamproc.web.store.answers import (
    PollsPage,
    StoreDetail,
    Timeline,
    poll_of,
    store_of,
    store_rows,
    timeline_of,
)
from streamproc.web.store.badge import percent_badge, state_badge
from streamproc.web.store.labels import StoreLabels, answer_of
from streamproc.web.store.view import StoreView

SVG = "image/svg+xml"
PER_PAGE = Whole("per_page", 50, 1, 1_000)
STATE = "now"
WINDOW = Choice("window", (*NAMES, STATE), "day")


class StoreHandlers:
    """Tell of one store."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @described(StoreDetail, AS_OF, FORMAT, media=(CSV, XLSX))
    async def one(self, request: web.Request) -> web.StreamResponse:
        """One store's figures, or its row of a report as CSV."""
        form = wanted_form(request)
        view = await self._view(request)
        if form != FORMAT.default:
            name = at(view.store_id, view.as_of_us)
            rules = self._site.rules
            return Sheet(name, lambda: store_rows(view), view.as_of_us, rules).export(
                form
            )
        [budget] = await self._site.stores.budgets([view.store_id], view.as_of_us)
        return json(await asyncio.to_thread(store_of, view, budget))

    @described(StoreLabels)
    async def labels(self, request: web.Request) -> web.Response:
        """One store's name, labels and target."""
        store_id = requests.store_id(request.match_info["store_id"])
        found = await self._site.stores.labels(store_id)
        if found is None:
            raise unknown("store", store_id)
        return json(answer_of(store_id, found))

    @described(Timeline, AS_OF)
    async def timeline(self, request: web.Request) -> web.Response:
        """One store's last seven days as spans without gap."""
        return json(timeline_of(await self._view(request)))

    @described(PollsPage, AS_OF, PAGE, PER_PAGE)
    async def polls(self, request: web.Request) -> web.Response:
        """One store's polls, newest first."""
        per_page, number = PER_PAGE.read(request.query), PAGE.read(request.query)
        view = await self._view(request)
        chosen = view.polls((number - 1) * per_page, per_page)
        as_of = time_text(view.as_of_us)
        polls = [poll_of(poll) for poll in chosen]
        total = view.poll_count
        return json(PollsPage(view.store_id, as_of, total, number, per_page, polls))

    @described(None, AS_OF, WINDOW, media=(SVG,))
    async def badge(self, request: web.Request) -> web.Response:
        """A picture of one window's percentage, or of the state now."""
        window = WINDOW.read(request.query)
        view = await self._view(request)
        response = web.Response(text=_badge(view, window), content_type=SVG)
        response.headers["Cache-Control"] = "max-age=60"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    async def _view(self, request: web.Request) -> StoreView:
        return await self._site.stores.known(
            request.match_info["store_id"], AS_OF.read(request.query)
        )


def _badge(view: StoreView, window: str) -> str:
    if window == STATE:
        return state_badge(view.state)
    figures = view.windows[window]
    shown = percent(figures.up_us, figures.down_us)
    return percent_badge(f"uptime {words.WINDOW_NAMES[window]}", shown)
