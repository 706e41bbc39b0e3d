"""Signing in and out: a browser gets a session for the token."""

from aiohttp import web

from streamproc.web import requests
from streamproc.web.bodies import form_of
from streamproc.web.responses import page, see_other
from streamproc.web.security import COOKIE, Guard

MAX_LOGIN = 4 << 10
"""Bytes of the form, which holds a token."""


class Sessions:
    """Handlers of the form that asks for the token."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def login(self, request: web.Request) -> web.Response:
        """The form that asks for the token."""
        self._guard.check_host(request)
        return page(request, "login.html", goal=requests.goal_of(request), wrong=False)

    def check_form(self, request: web.Request) -> None:
        """Only this server's own pages sign in and out; raises Refusal."""
        self._guard.check_host(request)
        self._guard.check_same_origin(request)

    async def sign_in(self, request: web.Request) -> web.Response:
        """Check the token and give the browser a session."""
        given = form_of(request).get("token", "")
        if not self._guard.is_token(given):
            return page(
                request, "login.html", 401, goal=requests.goal_of(request), wrong=True
            )
        response = see_other(requests.goal_of(request))
        self._guard.open_session(response)
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """End the browser's session."""
        response = see_other("/")
        response.del_cookie(COOKIE, httponly=True, samesite="Strict")
        return response
