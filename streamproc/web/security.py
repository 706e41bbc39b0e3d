"""Who may ask, who may change something, and what every answer carries.

* The Host header must name this server: a page of another site that lets its own
  name point here (DNS rebinding) is turned away.
* Changes need the token. Without a configured one it is the worker's own, which is
  good on this machine only, and not through a proxy.
* Browsers sign in once and get a cookie that is no token, for a session that ends.
"""

import hmac
import time
from urllib.parse import urlsplit

from aiohttp import web

from streamproc.errors import shown
from streamproc.settings import Settings
from streamproc.web.connections import peer_of
from streamproc.web.guesses import Guesses
from streamproc.web.open_sessions import SESSION_S, OpenSessions, digest_of
from streamproc.web.origins import LOCAL_NAMES, host_name, is_local, is_same_site
from streamproc.web.own_token import link_key
from streamproc.web.refusal import Refusal

READ, CHANGE, PUBLIC, PROBE, CLUSTER = "read", "change", "public", "probe", "cluster"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Server": "streamproc",
}


class Guard:
    """Decides on every request before its handler sees it."""

    def __init__(self, settings: Settings, own_token: str) -> None:
        """``own_token``: the worker's, used where none is configured."""
        configured = settings.api_token
        self._is_own = not configured
        self._token = configured or own_token
        self._read_token = settings.web_read_token
        self._hosts = _names(settings)
        self._any_host = "*" in self._hosts
        self._secure = settings.advertised_url.startswith("https:")
        # Cookies do not tell ports apart: several workers may share a name.
        self._cookie = f"streamproc_{settings.web_port}"
        self._sessions = OpenSessions()
        self._guesses = Guesses()

    def check(self, request: web.Request, policy: str) -> None:
        """Raise Refusal unless the request may go on."""
        if policy in (PUBLIC, PROBE, CLUSTER):
            return
        self.check_host(request)
        if policy == CHANGE:
            self._check_change(request)
        elif self._read_token and not self._is_known(request):
            raise Refusal(401, "token-required", "Reading needs the token here.")

    def check_host(self, request: web.Request) -> None:
        """Only names of this server may be in the Host header."""
        name = host_name(request.headers.get("Host", ""))
        if not self._any_host and name not in self._hosts:
            raise Refusal(
                421,
                "wrong-host",
                f"This server is not {shown(name)}; the setting web_hosts names those"
                " under which it may be asked.",
            )

    # -- changes -----

    def _check_change(self, request: web.Request) -> None:
        self.require_place(request)
        if self._has_bearer(request):
            return
        if not self._has_session(request):
            raise Refusal(401, "token-required", _WHERE_IT_IS[self._is_own])
        self.check_same_origin(request)

    def require_place(self, request: web.Request) -> None:
        """Refuse to look at a token from where it would not be believed."""
        if not self.can_sign_in(request):
            raise Refusal(
                403,
                "local-only",
                "Without a configured token, changes are allowed from the same"
                " machine only, and not through a proxy; see the setting web_token.",
            )

    def check_same_origin(self, request: web.Request) -> None:
        """Refuse what a browser sends on behalf of another site."""
        if not is_same_site(request):
            raise Refusal(403, "cross-site", "Another site may not change things here.")

    def can_sign_in(self, request: web.Request) -> bool:
        """Whether a token would be believed from there."""
        return not self._is_own or is_local(request)

    @property
    def token_is_own(self) -> bool:
        """Whether the token is the worker's own: none is configured."""
        return self._is_own

    @property
    def is_private(self) -> bool:
        """Whether reading needs the token, too."""
        return self._read_token

    # -- token and session -----

    def is_signed_in(self, request: web.Request) -> bool:
        """Whether it is of a browser with a session, which may change things."""
        return self.can_sign_in(request) and self._has_session(request)

    def _is_known(self, request: web.Request) -> bool:
        """Whether the request carries the token or a session."""
        return self.is_signed_in(request) or (
            self.can_sign_in(request) and self._has_bearer(request)
        )

    def _has_bearer(self, request: web.Request) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not given.strip():
            return False
        return self.is_token(request, given.strip())

    def is_token(self, request: web.Request, given: str) -> bool:
        """Whether this is the token; raise a 429 Refusal to who guesses too often."""
        return self._is_right(request, given, self._token)

    def is_link_key(self, request: web.Request, given: str) -> bool:
        """Whether this is what opens the pages by a link; limited like the token."""
        return self._is_own and self._is_right(request, given, link_key(self._token))

    def _is_right(self, request: web.Request, given: str, secret: str) -> bool:
        """Compare in constant time, whatever the length."""
        peer, now_s = peer_of(request.remote or ""), time.monotonic()
        wait_s = self._guesses.wait_s(peer, now_s)
        if wait_s:
            why = "Too many wrong tokens came from there."
            raise Refusal(429, "too-many-guesses", why, retry_after_s=wait_s)
        if hmac.compare_digest(digest_of(given), digest_of(secret)):
            self._guesses.right(peer, now_s)
            return True
        self._guesses.wrong(peer, now_s)
        return False

    def _has_session(self, request: web.Request) -> bool:
        return self._sessions.is_open(request.cookies.get(self._cookie, ""))

    def author_of(self, request: web.Request) -> str:
        """The name that a signed-in reader has given himself; empty for none."""
        return self._sessions.name_of(request.cookies.get(self._cookie, ""))

    def remember_author(self, request: web.Request, name: str) -> None:
        """Keep it as long as the session lasts."""
        self._sessions.call(request.cookies.get(self._cookie, ""), name)

    def open_session(self, response: web.Response) -> None:
        """Sign the browser in; the cookie holds no token and ends by itself."""
        response.set_cookie(
            self._cookie,
            self._sessions.open(),
            max_age=SESSION_S,
            httponly=True,
            samesite="Strict",
            secure=self._secure,
        )

    def end_session(self, request: web.Request, response: web.Response) -> None:
        """Sign the browser out; a copy of its cookie is worth nothing, either."""
        self._sessions.end(request.cookies.get(self._cookie, ""))
        response.del_cookie(self._cookie, httponly=True, samesite="Strict")


_WHERE_IT_IS = {
    False: "Changes need the token.",
    True: "Changes need the token. None is configured, so it is the worker's own: in"
    " the file web-token of its data directory.",
}


def _names(settings: Settings) -> set[str]:
    """The names that this server has, and * for any."""
    names = [name.strip() for name in settings.web_hosts.split(",")]
    own = host_name(urlsplit(settings.advertised_url).netloc)
    found = {
        host_name(f"[{name}]" if name.count(":") > 1 else name)
        for name in (*names, *LOCAL_NAMES, settings.web_host)
    }
    return (found | {own}) - {""}
