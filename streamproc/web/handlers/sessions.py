"""Signing in and out: a browser gets a session for the token, or by the link."""

from aiohttp import web

from streamproc.web import requests
from streamproc.web.bodies import form_of
from streamproc.web.responses import page, see_other
from streamproc.web.security import Guard

MAX_LOGIN = 4 << 10
"""Bytes of the form, which holds a token."""


class Sessions:
    """Handlers of the form that asks for the token, and of the link."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def login(self, request: web.Request) -> web.Response:
        """The form that asks for the token."""
        self._guard.check_host(request)
        return self._form(request)

    def _form(
        self, request: web.Request, status: int = 200, wrong: str = ""
    ) -> web.Response:
        goal = requests.goal_of(request)
        own = self._guard.token_is_own
        return page(request, "login.html", status, goal=goal, wrong=wrong, own=own)

    def check_form(self, request: web.Request) -> None:
        """Only this server's own pages sign in and out; raises Refusal."""
        self._guard.check_host(request)
        self._guard.check_same_origin(request)

    async def sign_in(self, request: web.Request) -> web.Response:
        """Check the token and give the browser a session."""
        self._guard.require_place(request)
        if not self._guard.is_token(request, form_of(request).get("token", "")):
            return self._form(request, 401, "That is not the token.")
        response = see_other(requests.goal_of(request))
        self._guard.open_session(response)
        return response

    async def open(self, request: web.Request) -> web.Response:
        """Give the browser a session for the key in the link that was printed.

        The page leads on by itself: a redirect would still be on behalf of wherever
        the link stood, and the cookie is not sent on behalf of others.
        """
        self._guard.check_host(request)
        self._guard.require_place(request)
        if not self._guard.is_link_key(request, request.query.get("key", "")):
            return self._form(request, 401, "That link is of an earlier start.")
        response = page(request, "opened.html", may_change=True)
        response.headers["Refresh"] = "0; url=/"
        self._guard.open_session(response)
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """End the browser's session."""
        response = see_other("/")
        self._guard.end_session(request, response)
        return response
