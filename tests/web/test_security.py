"""Hostile input: what was tried, and what came back."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from streamproc import settings
from streamproc.errors import SettingsError
from streamproc.settings import described
from streamproc.web import connections
from streamproc.web.open_sessions import MAX_SESSIONS, SESSION_S, OpenSessions
from tests.waiting import LIMIT_S
from tests.web.live_site import ATTRIBUTE, HOSTILE, SCRIPT, LiveSite

TOKEN = "correct-horse-battery-staple"
FORM = "application/x-www-form-urlencoded"
POLL = (
    b'{"store_id": "s", "timestamp_utc": "2025-05-06 14:00:00 UTC", "status": "active"}'
)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A worker with a token, needed for reading, too."""
    token_file = tmp_path_factory.mktemp("secret") / "token"
    token_file.write_text(TOKEN + "\n")
    options = {"web_token_file": token_file, "web_read_token": "on"}
    live = LiveSite(tmp_path_factory.mktemp("locked"), options).start()
    # Who has shown the right token once is not kept waiting after wrong ones.
    assert live.get("/metrics", Authorization=f"Bearer {TOKEN}").status == 200
    yield live
    live.stop()


# -- what every answer carries -----


@pytest.mark.parametrize(
    "path", ["/", "/stores/alpha", "/nothing", "/api/v1/stores", "/static/app.css"]
)
def test_every_answer_carries_the_security_headers(site: LiveSite, path: str) -> None:
    """No script but our own file, no framing, no sniffing."""
    headers = site.get(path, Accept="text/html").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Python" not in headers.get("Server", "")
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("path", ["/", "/reports", "/tables/histories", "/rejected"])
def test_no_page_holds_inline_script_or_style(site: LiveSite, path: str) -> None:
    """What the policy would block is not there to begin with."""
    page = site.page(path)
    assert "<script>" not in page
    assert "style=" not in page
    assert "onclick" not in page


# -- text from outside -----


@pytest.mark.parametrize("store_id", HOSTILE)
def test_a_hostile_store_id_is_text_on_every_page(
    site: LiveSite, store_id: str
) -> None:
    """Listed, opened, searched and browsed, it is shown and never run."""
    pages = [
        site.page("/stores?per_page=500"),
        site.page(f"/stores?q={quote(store_id)}"),
        site.page(f"/store?id={quote(store_id)}"),
        site.page(f"/tables/histories?prefix={quote(store_id)}"),
    ]
    if store_id not in (".", ".."):
        pages.append(site.page(f"/stores/{quote(store_id, safe='')}"))
    for page in pages:
        assert SCRIPT not in page
        assert "<img src=x" not in page
        assert "49" not in page or store_id != "{{ 7*7 }}" or "{{ 7*7 }}" in page


def test_what_was_rejected_is_shown_as_text(site: LiveSite) -> None:
    """A refused record's bytes are escaped, control characters spelt out."""
    page = site.page("/rejected")
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page
    assert "\\xff" in page


@pytest.mark.parametrize(
    "path",
    [
        f"/{quote(SCRIPT, safe='')}",
        f"/stores?q={quote(ATTRIBUTE)}",
        f"/stores/{quote(SCRIPT, safe='')}x",
        f"/tables/{quote(SCRIPT, safe='')}",
        f"/rejected?reason={quote(SCRIPT)}",
        f"/stores?sort={quote(SCRIPT)}",
        f"/login?next={quote(ATTRIBUTE)}",
    ],
)
def test_what_is_asked_for_is_echoed_as_text(site: LiveSite, path: str) -> None:
    """Paths, searches and parameters come back escaped."""
    page = site.get(path, Accept="text/html").text
    assert SCRIPT not in page
    assert "<img" not in page


# -- paths -----


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/static/../words.py",
        "/static/..%2f..%2fwords.py",
        "/static/%2e%2e/%2e%2e/words.py",
        "/reports/../log.db",
        "/reports/..%2flog.db.csv",
        "/reports/%2e%2e%2fcombined_report.csv",
        "/reports/a%00.csv",
        "/reports/%ff%fe.csv",
        "/tables/..%2f..%2fetc",
        "//evil.example/",
    ],
)
def test_no_path_leads_out_of_what_is_served(site: LiveSite, path: str) -> None:
    """Ids are looked up, never joined into paths."""
    answer = site.get(path)
    assert answer.status in (400, 404)
    assert b"SQLite" not in answer.body
    assert b"root:" not in answer.body


@pytest.mark.parametrize(
    "goal", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nX: y"]
)
def test_signing_in_never_leads_to_another_site(locked: LiveSite, goal: str) -> None:
    """The goal after signing in is a path here."""
    answer = locked.ask(
        "POST",
        f"/login?next={quote(goal)}",
        f"token={TOKEN}".encode(),
        Content_Type=FORM,
    )
    assert (answer.status, answer.headers["Location"]) == (303, "/")


# -- Host, other sites -----


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("evil.example:6066", 421),
        ("127.0.0.1.evil.example", 421),
        ("user@127.0.0.1", 421),
        ("127.0.0.1/evil", 421),
        ("[::1", 421),
        ("", 421),
        ("localhost", 200),
        ("LOCALHOST:99", 200),
        ("localhost.", 200),
        ("[::1]:6066", 200),
        ("127.0.0.1", 200),
    ],
)
def test_only_this_servers_names_are_answered(
    site: LiveSite, host: str, status: int
) -> None:
    """DNS rebinding: another name that points here is turned away."""
    assert site.get("/api/v1/overview", Host=host).status == status


def test_more_names_can_be_allowed(start_site: Callable[..., LiveSite]) -> None:
    """The setting web_hosts adds to the allowlist; others stay out."""
    site = start_site(web_hosts="up.example, status.example")
    assert site.get("/", Host="status.example").status == 200
    assert site.get("/", Host="evil.example").status == 421


# -- token -----


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/trigger_report"),
        ("POST", "/s/trigger_report"),
        ("POST", "/api/v1/polls"),
        ("PUT", "/api/v1/stores/s/hours"),
        ("PUT", "/api/v1/stores/s/zone"),
        ("PUT", "/api/v1/stores/s/labels"),
        ("PUT", "/api/v1/stores/s/exclusions/m"),
        ("PUT", "/api/v1/stores/*/exclusions/m?preview=true"),
        ("DELETE", "/api/v1/stores/s/exclusions/m"),
        ("PUT", "/api/v1/stores/*/special-hours/2025-12-25"),
        ("DELETE", "/api/v1/stores/s/special-hours/2025-12-25"),
        ("DELETE", "/api/v1/stores/s/hours/2025-12-25"),
        ("GET", "/api/v1/stores/s/changes"),
        ("GET", "/api/v1/incidents"),
        ("GET", "/api/v1/stores"),
        ("GET", "/combined_report.csv"),
        ("GET", "/metrics"),
        ("GET", "/live"),
    ],
)
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Bearer",
        "Bearer wrong-wrong-wrong-wrong",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer \xe9\xff",
    ],
)
def test_a_missing_or_wrong_token_is_refused(
    locked: LiveSite, method: str, path: str, authorization: str | None
) -> None:
    """401 with the way to do it right; nothing is read or changed."""
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = locked.ask(method, path, b"{}" if method != "GET" else None, **headers)
    assert (answer.status, answer.json["error"]) == (401, "token-required")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_right_token_reads_and_changes(locked: LiveSite) -> None:
    """From anywhere: a bearer token is no cookie that another site could use."""
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert locked.get("/api/v1/overview", **bearer).status == 200
    sent = locked.ask(
        "POST", "/api/v1/polls", POLL, Sec_Fetch_Site="cross-site", **bearer
    )
    assert sent.status == 200


def test_probes_need_no_token(locked: LiveSite) -> None:
    """A supervisor asks for /health and /ready under any name."""
    assert locked.get("/health", Host="10.1.2.3").status == 200
    assert locked.get("/ready", Host="10.1.2.3").status == 200


def sign_in(site: LiveSite, token: str) -> Any:
    """Send the sign-in form."""
    return site.ask("POST", "/login", f"token={token}".encode(), Content_Type=FORM)


def test_a_browser_signs_in_and_the_cookie_is_no_token(locked: LiveSite) -> None:
    """The session reads and changes, from this site only."""
    assert sign_in(locked, "wrong-wrong-wrong-wrong").status == 401
    answer = sign_in(locked, TOKEN)
    cookie = answer.headers["Set-Cookie"]
    assert TOKEN not in cookie
    assert {"HttpOnly", "SameSite=Strict"} <= {p.strip() for p in cookie.split(";")}
    session = {"Cookie": cookie.split(";")[0]}
    assert locked.get("/", **session).status == 200
    assert locked.ask("POST", "/api/v1/polls", POLL, **session).status == 200
    crossing = locked.ask(
        "POST", "/api/v1/polls", POLL, Sec_Fetch_Site="cross-site", **session
    )
    assert crossing.status == 403


def session_of(site: LiveSite) -> str:
    """The cookie of a browser that has just signed in."""
    return str(sign_in(site, TOKEN).headers["Set-Cookie"].split(";")[0])


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"token=" + b"\xff" * 40, FORM),
        (b"&".join(b"a=b" for _ in range(50)), FORM),
        (b"", "text/plain"),
    ],
)
def test_a_strange_form_does_not_sign_in(
    locked: LiveSite, body: bytes, content_type: str
) -> None:
    """Whatever is sent instead of the token."""
    answer = locked.ask("POST", "/login", body, Content_Type=content_type)
    assert answer.status in (400, 401)
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("change", ["nothing", "longer", "another", "nonsense"])
def test_a_forged_session_is_none(locked: LiveSite, change: str) -> None:
    """It is known by its whole secret, which cannot be made up."""
    name, _, secret = session_of(locked).partition("=")
    forged = {
        "nothing": "",
        "longer": secret + "x",
        "another": secret[:-1] + ("x" if secret[-1] != "x" else "y"),
        "nonsense": "'; drop table",
    }[change]
    answer = locked.get("/api/v1/overview", Cookie=f"{name}={forged}")
    assert answer.status == 401
    assert locked.get("/api/v1/overview", Cookie=f"{name}={secret}").status == 200


def test_signing_out_ends_the_session_wherever_its_cookie_is(locked: LiveSite) -> None:
    """A copy of the cookie opens nothing any more; other sessions go on."""
    session, other = session_of(locked), session_of(locked)
    answer = locked.ask("POST", "/logout", Cookie=session)
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert locked.get("/api/v1/overview", Cookie=session).status == 401
    assert locked.get("/api/v1/overview", Cookie=other).status == 200


def test_a_session_ends_by_itself_and_the_oldest_makes_room() -> None:
    """After twelve hours, or when there are too many."""
    now = 0.0
    sessions = OpenSessions(clock=lambda: now)
    first = sessions.open()
    now = SESSION_S - 1
    assert sessions.is_open(first)
    now = SESSION_S
    assert not sessions.is_open(first)
    second, *others = (sessions.open() for _ in range(MAX_SESSIONS + 1))
    assert not sessions.is_open(second)
    assert all(map(sessions.is_open, others))


def test_a_reader_without_session_is_sent_to_sign_in(locked: LiveSite) -> None:
    """A page redirects; the API says 401."""
    answer = locked.get("/stores/x?as_of=latest", Accept="text/html")
    assert answer.status == 303
    assert answer.headers["Location"] == "/login?next=%2Fstores%2Fx%3Fas_of%3Dlatest"


def test_a_short_token_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """A token that could be guessed is none; errors never show it."""
    with pytest.raises(SettingsError, match="16 characters") as caught:
        settings.load({"web_token": "secret"}, {})
    assert "'secret'" not in str(caught.value)
    short = tmp_path / "token"
    short.write_text("secret")
    with pytest.raises(SettingsError, match="web_token_file"):
        _ = settings.load({"web_token_file": short}, {}).api_token
    shown = described.describe(settings.load({"web_token": TOKEN}, {}))
    assert TOKEN not in str(shown)


# -- limits -----


def raw(site: LiveSite, data: bytes, wait_s: float = LIMIT_S) -> bytes:
    """Send bytes as they are; return what comes back until the end."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=wait_s) as link:
        link.sendall(data)
        answer = b""
        while chunk := link.recv(65_536):
            answer += chunk
    return answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9_000, b" 400 "),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b" 400 "),
        (
            b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            + b"".join(b"X%d: y\r\n" % n for n in range(500))
            + b"\r\n",
            b" 400 ",
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00", b" 400 "),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n", b" 4"),
        (
            b"POST /api/v1/polls HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b" 400 ",
        ),
    ],
)
def test_a_broken_or_oversized_header_is_refused(
    site: LiveSite, data: bytes, status: bytes
) -> None:
    """With a 4xx, and the connection ends."""
    data += b"\r\n\r\n" if not data.endswith(b"\n") else b""
    with socket.create_connection(("127.0.0.1", site.port), timeout=LIMIT_S) as link:
        link.sendall(data)
        first = link.recv(65_536).split(b"\r\n")[0]
    assert status in first + b" "


@pytest.mark.parametrize(
    ("extra", "first"),
    [
        (b"Content-Length: 2", b"100 Continue"),
        (b"Content-Length: 99999999", b"413 "),
        (b"Content-Length: 2\r\nOrigin: http://evil.example", b"403 "),
    ],
)
def test_only_a_body_that_will_be_read_is_asked_for(
    site: LiveSite, extra: bytes, first: bytes
) -> None:
    """Who waits for "100 Continue" is refused by the header, or told to go on."""
    head = b"POST /get_report HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
    if b"Origin" in extra:
        head = head.replace(b"/get_report", b"/logout")
    with socket.create_connection(("127.0.0.1", site.port), timeout=LIMIT_S) as link:
        link.sendall(head + extra + b"\r\n\r\n")
        assert first in link.recv(65_536).split(b"\r\n")[0]


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("DELETE", "/api/v1/polls", 405, "POST"),
        ("POST", "/health", 405, "GET,HEAD"),
        ("DELETE", "/nothing/at/all", 404, None),
        ("GET", "/nothing", 404, None),
    ],
)
def test_what_is_not_there_is_told_from_what_is_asked_in_a_wrong_way(
    site: LiveSite, method: str, path: str, status: int, allowed: str | None
) -> None:
    """404, or 405 with the methods that there are."""
    answer = site.ask(method, path)
    assert (answer.status, answer.headers.get("Allow")) == (status, allowed)


def test_an_oversized_body_is_refused(start_site: Callable[..., LiveSite]) -> None:
    """By its announced length already, and by what it is."""
    site = start_site(web_max_body="0.01")
    assert site.ask("POST", "/api/v1/polls", b" " * 20_000).status == 413
    small = site.ask("PUT", "/api/v1/stores/s/hours", b" " * (65 << 10))
    assert small.status == 413


def test_a_slow_header_is_cut_off(
    start_site: Callable[..., LiveSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who opens a connection and says too little is not waited for."""
    monkeypatch.setattr(connections, "HEADER_TIMEOUT_S", 0.3)
    site = start_site()
    assert raw(site, b"GET / HTTP/1.1\r\nHost: local") == b""


def test_a_slow_body_is_cut_off(
    start_site: Callable[..., LiveSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    """408, and the connection ends."""
    monkeypatch.setattr("streamproc.web.bodies.BODY_TIMEOUT_S", 0.3)
    site = start_site()
    head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"
    assert b" 408 " in raw(site, head).split(b"\r\n")[0]


async def test_ten_thousand_requests_at_once_are_survived(site: LiveSite) -> None:
    """Each gets an answer, 200 or a clear 503; then all is as before."""
    limit = asyncio.Semaphore(900)
    statuses: dict[int, int] = {}

    async def ask(client: aiohttp.ClientSession, number: int) -> None:
        path = ("/", "/stores/alpha", "/api/v1/stores", "/health")[number % 4]
        async with limit, client.get(site.url + path) as response:
            await response.read()
            statuses[response.status] = statuses.get(response.status, 0) + 1

    connector = aiohttp.TCPConnector(limit=900)
    timeout = aiohttp.ClientTimeout(total=2 * LIMIT_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as client:
        await asyncio.gather(*(ask(client, number) for number in range(10_000)))
    assert set(statuses) <= {200, 503}
    assert sum(statuses.values()) == 10_000
    assert (await asyncio.to_thread(site.get, "/api/v1/overview")).status == 200


# -- Faust's own pages -----


@pytest.mark.parametrize(
    "path", ["/table", "/table/histories", "/router", "/stats", "/graph", "/production"]
)
def test_fausts_own_pages_are_not_there(site: LiveSite, path: str) -> None:
    """They would show tables to anybody."""
    assert site.get(path).status == 404


# -- among workers -----


@pytest.mark.parametrize(
    "signature", [None, "", "1 2 3", "9999999999 abc " + "0" * 64, "x y z"]
)
def test_the_workers_own_route_needs_their_signature(
    locked: LiveSite, signature: str | None
) -> None:
    """Not even the token opens it."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    if signature is not None:
        headers["X_Streamproc_Signature"] = signature
    answer = locked.ask("POST", "/_cluster/call", b'{"call": "status"}', **headers)
    assert (answer.status, answer.json["error"]) == (401, "not-signed")
