"""Who may ask, who may change something, and what every answer carries.

* The Host header must name this server: a page of another site that lets its own
  name point here (DNS rebinding) is turned away.
* Changes need the token. Without a configured one they are allowed from this
  machine only, and not on behalf of another site's page.
* Browsers sign in once and get a cookie that is no token: it is made from it.
"""

import hashlib
import hmac
import ipaddress
import time
from urllib.parse import urlsplit

from aiohttp import web

from streamproc.errors import shown
from streamproc.settings import Settings
from streamproc.web.refusal import Refusal

READ, CHANGE, PUBLIC, PROBE, CLUSTER = "read", "change", "public", "probe", "cluster"

COOKIE = "streamproc_session"
SESSION_S = 12 * 3600
_PROXIED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")

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


def host_name(netloc: str) -> str:
    """Name of a Host header, without port, in lower case; empty when it is none."""
    try:
        name = urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""
    return name.rstrip(".") if "@" not in netloc and "/" not in netloc else ""


class Guard:
    """Decides on every request before its handler sees it."""

    def __init__(self, settings: Settings) -> None:
        self._token = settings.api_token.encode()
        self._read_token = settings.web_read_token
        names = [name.strip() for name in settings.web_hosts.split(",")]
        self._any_host = "*" in names
        own = host_name(urlsplit(settings.advertised_url).netloc)
        self._hosts = {
            host_name(f"[{name}]" if name.count(":") > 1 else name)
            for name in (*names, *_LOCAL_NAMES, settings.web_host)
        } | {own}
        self._hosts.discard("")
        self._secure = settings.advertised_url.startswith("https:")
        self._session_key = hmac.digest(self._token, b"streamproc session", "sha256")

    @property
    def has_token(self) -> bool:
        """Whether a token is configured."""
        return bool(self._token)

    def check(self, request: web.Request, policy: str) -> None:
        """Raise Refusal unless the request may go on."""
        if policy in (PUBLIC, PROBE, CLUSTER):
            return
        self.check_host(request)
        if policy == CHANGE:
            self._check_change(request)
        elif self._read_token and not self.is_known(request):
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
        if self._has_bearer(request):
            return
        if self._token:
            if not self._has_session(request):
                raise Refusal(401, "token-required", "Changes need the token.")
        elif not is_local(request):
            raise Refusal(
                403,
                "local-only",
                "Without a configured token, changes are allowed from the same"
                " machine only; see the setting web_token.",
            )
        self.check_same_origin(request)

    def check_same_origin(self, request: web.Request) -> None:
        """Refuse what a browser sends on behalf of another site."""
        site = request.headers.get("Sec-Fetch-Site", "none")
        origin = request.headers.get("Origin")
        same = origin is None or (
            origin.partition("://")[2].lower()
            == request.headers.get("Host", "").lower()
        )
        if site not in ("same-origin", "none") or not same:
            raise Refusal(403, "cross-site", "Another site may not change things here.")

    def may_change(self, request: web.Request) -> bool:
        """Whether this reader could change something, for the pages' buttons."""
        return self.is_known(request) if self._token else is_local(request)

    # -- token and session -----

    def is_known(self, request: web.Request) -> bool:
        """Whether the request carries the token or a session made from it."""
        return self._has_bearer(request) or self._has_session(request)

    def _has_bearer(self, request: web.Request) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.is_token(given.strip())

    def is_token(self, given: str) -> bool:
        """Compare in constant time, whatever the length."""
        wanted = hashlib.sha256(self._token).digest()
        found = hashlib.sha256(_bytes(given)).digest()
        return bool(self._token) and hmac.compare_digest(found, wanted)

    def _has_session(self, request: web.Request) -> bool:
        until, _, proof = request.cookies.get(COOKIE, "").partition(".")
        if not self._token or not _is_number(until):
            return False
        good = hmac.compare_digest(_bytes(proof), self._proof(until).encode())
        return good and int(until) > time.time()

    def _proof(self, until: str) -> str:
        return hmac.new(self._session_key, until.encode(), hashlib.sha256).hexdigest()

    def open_session(self, response: web.Response) -> None:
        """Sign the browser in; the cookie holds no token and ends by itself."""
        until = str(int(time.time()) + SESSION_S)
        response.set_cookie(
            COOKIE,
            f"{until}.{self._proof(until)}",
            max_age=SESSION_S,
            httponly=True,
            samesite="Strict",
            secure=self._secure,
        )


def is_local(request: web.Request) -> bool:
    """Whether the request comes from this machine, and not through a proxy on it."""
    if any(name in request.headers for name in _PROXIED):
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


def _is_number(text: str) -> bool:
    return len(text) <= 12 and text.isascii() and text.isdecimal()


def _bytes(header: str) -> bytes:
    """A header's text as it came, whatever bytes it has."""
    return header.encode(errors="surrogateescape")
