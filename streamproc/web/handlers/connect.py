"""Handlers of the page Connect: how to send polls, and a poll to try it with."""

from aiohttp import web

from streamproc.rules.poll_batch import parse_polls
from streamproc.web.bodies import form_of
from streamproc.web.connect.trying import Tried, poll_in
from streamproc.web.connect.view import came_in, how_to
from streamproc.web.handlers.gateway import Gateway
from streamproc.web.responses import page
from streamproc.web.site import Site

CHECK = "check"
"""Value of the button that sends nothing."""


class ConnectHandlers:
    """Show producers the way in."""

    def __init__(self, site: Site, gateway: Gateway) -> None:
        self._site = site
        self._gateway = gateway

    async def page(self, request: web.Request) -> web.Response:
        """How polls come in, what came last, and a form to try it."""
        return await self._page(request, None)

    async def try_it(self, request: web.Request) -> web.Response:
        """Check the form's poll, and unless only that was asked for, send it."""
        tried = await self._tried(form_of(request))
        return await self._page(request, tried, 200 if tried.accepted else 422)

    async def _tried(self, form: dict[str, str]) -> Tried:
        now_us = self._site.program.now_us()
        body = poll_in(form, now_us)
        sent = form.get("do") != CHECK
        if sent:
            answer = await self._gateway.take(body, "application/json")
            refused = [one.message for one in answer.rejected]
        else:
            refused = [str(exc) for _, exc in parse_polls([body], now_us).rejected]
        store_id = form.get("store_id", "").strip()
        return Tried(
            store_id,
            form.get("status", ""),
            form.get("when", "").strip(),
            sent,
            not refused,
            self._site.cluster.home(store_id) if not refused else 0,
            refused[0] if refused else "",
        )

    async def _page(
        self, request: web.Request, tried: Tried | None, status: int = 200
    ) -> web.Response:
        context = {**how_to(request, self._site), **await came_in(self._site)}
        return page(request, "connect.html", status, tried=tried, **context)
