"""Whatever is sent, it is answered: refused perhaps, but never with a 500."""

import logging
import re
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamproc.web.cluster import signing
from streamproc.web.tracebacks import FewTracebacks
from tests import hostile
from tests.waiting import LIMIT_S
from tests.web.live_site import LiveSite

JSON = b"application/json"
KINDS = (JSON, b"application/x-ndjson", b"application/x-www-form-urlencoded", b"\xff")
CHANGES = (
    b"POST /trigger_report",
    b"POST /42/trigger_report",
    b"POST /get_report",
    b"POST /api/v1/polls",
    b"POST /connect",
    b"POST /change",
    b"POST /upload",
    b"POST /upload/42",
    b"POST /system/rejected/42",
    b"POST /system/webhook/test",
    b"POST /api/v1/webhook/test",
    b"PUT /api/v1/stores/42/hours",
    b"PUT /api/v1/stores/42/zone",
    b"PUT /api/v1/stores/42/labels",
    b"DELETE /api/v1/stores/42/labels",
    b"DELETE /api/v1/stores/42/hours",
    b"DELETE /api/v1/stores/42/hours/2025-05-06",
    b"PUT /api/v1/stores/42/special-hours/2025-05-06",
    b"DELETE /api/v1/stores/42/special-hours/2025-05-06",
    b"PUT /api/v1/stores/42/exclusions/m-1",
    b"DELETE /api/v1/stores/42/exclusions/m-1",
    b"POST /changes/42",
    b"POST /api/v1/changes/42/undo",
    b"POST /login",
    b"POST /logout",
    b"POST /_cluster/call",
)
READS = (
    "/",
    "/find",
    "/stores",
    "/stores.csv",
    "/store",
    "/stores/{}",
    "/stores/{}/badge.svg",
    "/connect",
    "/change",
    "/upload",
    "/upload/{}",
    "/upload/{}/rejects.csv",
    "/system",
    "/stores.xlsx",
    "/stores/{}/page",
    "/changes",
    "/changes/{}",
    "/incidents",
    "/incidents.csv",
    "/incidents.xlsx",
    "/reports",
    "/reports/{}.csv",
    "/reports/{}/page",
    "/reports/{}.xlsx",
    "/combined_report.csv",
    "/combined_report.xlsx",
    "/monthly_report.csv",
    "/monthly_report.xlsx",
    "/tables",
    "/tables/{}",
    "/tables/histories",
    "/rejected",
    "/rejected.csv",
    "/rejected.xlsx",
    "/login",
    "/{}",
    "/get_report",
    "/api/v1/overview",
    "/api/v1/stores",
    "/api/v1/stores/{}",
    "/api/v1/stores/alpha/timeline",
    "/api/v1/stores/alpha/polls",
    "/api/v1/stores/{}/labels",
    "/api/v1/stores/{}/changes",
    "/api/v1/stores/{}/hours",
    "/api/v1/stores/{}/special-hours",
    "/api/v1/stores/{}/special-hours/{}",
    "/api/v1/stores/{}/exclusions",
    "/api/v1/stores/{}/exclusions/{}",
    "/api/v1/stores/{}/periods",
    "/api/v1/periods/{}",
    "/api/v1/changes",
    "/api/v1/changes/{}",
    "/api/v1/webhook",
    "/api/v1/suspects",
    "/api/v1/incidents",
    "/api/v1/now",
    "/api/v1/status",
    "/api/v1/tables",
    "/open",
    "/api/v1/reports",
    "/api/v1/reports/{}",
    "/api/v1/tables/{}",
    "/api/v1/tables/histories",
    "/api/v1/rejected",
    "/openapi.json",
    "/health",
    "/ready",
    "/metrics",
)
NAMES = (
    b"Origin",
    b"Cookie",
    b"Authorization",
    b"X-Streamproc-Signature",
    b"Sec-Fetch-Site",
    b"Accept",
    b"Content-Encoding",
    b"X-Forwarded-For",
    b"If-None-Match",
    b"If-Modified-Since",
    b"Range",
    b"Expect",
    b"Transfer-Encoding",
    b"Upgrade",
    b"TE",
    b"Referer",
)
PARAMETERS = (
    *("as_of", "page", "per_page", "sort", "q", "now", "window", "limit"),
    *("from", "to", "store", "by", "period", "where", "zone", "view", "edit"),
    *("prefix", "after", "reason", "state", "format", "id", "report_id", "next"),
)

odd_bytes = st.sampled_from(
    [
        b"\xff",
        b"http://[",
        b"//[::1",
        b"a\xffb.c",
        b"streamproc_session=\xff.\xff",
        b"streamproc_session=9999999999.\xff",
        b"streamproc_session=\xb2.a",
        b"1 \xff \xff \xff",
        b"\xb2 a b c",
        b"Bearer \xff",
        b"Mon, 99 Foo 99999 99:99:99 GMT",
        b"Thu, 01 Jan 0000 00:00:00 +9999",
        b"gzip",
        b"br, deflate",
        b"text/html, \xff",
        b"9" * 40,
        "²".encode(),
        b"-1",
        b"0001-01-01T00:00:00Z",
        b"9999-12-31T23:59:59.999999Z",
        b"2025-05-06T15:00:00+99:99",
        b"2025-05-06T15:00:00Z",
        b"latest",
        b"%",
        b"..",
        b"\x01",
        b"=1+1",
        b"\xed\xa0\x80",
    ]
) | st.binary(max_size=12)


def header_value(value: bytes) -> bytes:
    """Bytes that may stand in a header without ending it."""
    return value.translate(None, b"\r\n\0").strip()


headers = st.dictionaries(
    st.sampled_from(NAMES), odd_bytes.map(header_value), max_size=3
)
queries = st.dictionaries(st.sampled_from(PARAMETERS), odd_bytes, max_size=3)


def test_every_route_is_among_those_that_are_tried(target: LiveSite) -> None:
    """A route that is added is to be added here; its store's id is 42, or odd."""
    routes = target.program.app.web_service._runner.app.router.routes()
    served = {
        f"{route.method} {re.sub(r'{[^}]*}', '{}', route.resource.canonical)}"
        for route in routes
        if route.method not in ("HEAD", "*")
    }
    tried = {
        re.sub(r"/(42|2025-05-06|m-1)\b", "/{}", line.decode()) for line in CHANGES
    }
    tried |= {"GET " + path.replace("alpha", "{}") for path in READS}
    aside = {name for name in served if "/static/" in name or name.endswith("/")}
    assert served - aside - {"GET /live"} <= tried


def send(
    site: LiveSite, line: bytes, more: dict[bytes, bytes], body: bytes = b""
) -> int:
    """Send a request as it is; its status, 0 when there is no answer."""
    named = {b"Host": b"localhost", b"Connection": b"close", **more}
    if body:
        named[b"Content-Length"] = b"%d" % len(body)
    head = b"".join(b"%b: %b\r\n" % item for item in named.items())
    with socket.create_connection(("127.0.0.1", site.port), timeout=LIMIT_S) as link:
        link.sendall(line + b" HTTP/1.1\r\n" + head + b"\r\n" + body)
        answer = link.makefile("rb").readline()
    return int(answer.split(b" ")[1]) if answer else 0


def is_answer(status: int) -> bool:
    """Whether a request got what it may get: no 500, and not nothing."""
    return 200 <= status < 500 or status in (501, 503)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """A worker whose routes among workers are on, too."""
    options = {"web_cluster_secret": SECRET, "web_token": TOKEN}
    live = LiveSite(tmp_path_factory.mktemp("hostile"), options).start().fill()
    yield live
    live.stop()


SECRET = "the workers' own secret"
TOKEN = "correct-horse-battery-staple"
BEARER = {b"Authorization": b"Bearer " + TOKEN.encode()}

quick = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize(
    ("line", "more", "body"),
    [
        (b"POST /logout", {b"Origin": b"http://["}, b""),
        (b"POST /login", {b"Origin": b"http://["}, b"token=x"),
        (b"GET /", {b"Cookie": b"streamproc_session=9999999999.\xff"}, b""),
        (b"POST /api/v1/polls", {b"Cookie": b"streamproc_session=1.\xff"}, b"{}"),
        (b"POST /_cluster/call", {b"X-Streamproc-Signature": b"1 \xff \xff \xff"}, b""),
        (
            b"POST /_cluster/call",
            {b"X-Streamproc-Signature": "\u00b2 a b c".encode()},
            b"{}",
        ),
        (b"GET /\xff", {b"Accept": b"text/html"}, b""),
        (b"GET /stores/\xff?as_of=\xff", {b"Accept": b"text/html"}, b""),
        (b"GET /?q=\xed\xa0\x80", {b"Accept": b"text/html"}, b""),
        (b"GET /login?next=/\xff", {b"Accept": b"text/html"}, b""),
    ],
)
def test_an_input_that_once_failed_is_answered(
    target: LiveSite, line: bytes, more: dict[bytes, bytes], body: bytes
) -> None:
    """Each of them was a 500."""
    assert is_answer(send(target, line, more, body))


@given(
    line=st.sampled_from(CHANGES), body=hostile.odd_bytes, kind=st.sampled_from(KINDS)
)
@quick
def test_any_body_is_answered(
    target: LiveSite, line: bytes, body: bytes, kind: bytes
) -> None:
    """By every route that takes one, deep, huge, broken or not text at all."""
    assert is_answer(send(target, line, BEARER | {b"Content-Type": kind}, body))


@given(line=st.sampled_from(CHANGES), more=headers, known=st.booleans())
@quick
def test_a_change_with_any_header_is_answered(
    target: LiveSite, line: bytes, more: dict[bytes, bytes], known: bool
) -> None:
    """With a token and without one."""
    more = {b"Content-Type": JSON, **(BEARER if known else {}), **more}
    assert is_answer(send(target, line, more, b"{}"))


@given(path=st.sampled_from(READS), name=odd_bytes, query=queries, more=headers)
@quick
def test_any_question_is_answered(
    target: LiveSite,
    path: str,
    name: bytes,
    query: dict[str, bytes],
    more: dict[bytes, bytes],
) -> None:
    """Whatever stands in the path, the parameters and the headers."""
    asked = path.replace("{}", quote_from_bytes(name, safe=b"") or "x")
    given = "&".join(f"{key}={quote_from_bytes(query[key])}" for key in query)
    assert is_answer(send(target, f"GET {asked}?{given}".encode(), more))


@given(question=hostile.json_bytes | hostile.objects({"call": b'"stores"'}))
@quick
def test_any_question_of_a_signed_worker_is_answered(
    target: LiveSite, question: bytes
) -> None:
    """A member of another version may ask for what does not exist here."""
    key, now_s = signing.key_of(SECRET), int(time.time())
    header = signing.question_header(key, target.url, question, now_s, "nonce")
    signature = {signing.HEADER.encode(): header.encode()}
    assert is_answer(send(target, b"POST /_cluster/call", signature, question))


def test_a_fault_of_ours_is_a_500_and_its_traceback_is_logged(
    start_site: Callable[..., LiveSite],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What should not happen is said so; the log has the place, a few times."""
    site = start_site()

    async def fail(*_: Any) -> Any:
        raise ZeroDivisionError("as planted")

    monkeypatch.setattr(site.program.app.web_service._site.reports, "all", fail)
    statuses = {site.get("/api/v1/reports").status for _ in range(50)}
    told = [r for r in caplog.records if r.exc_info and "as planted" in str(r.exc_info)]
    assert statuses == {500}
    assert 1 <= len(told) <= FewTracebacks.MOST


def test_what_is_not_even_http_leaves_nothing_in_the_log(
    site: LiveSite, caplog: pytest.LogCaptureFixture
) -> None:
    """It is refused; a port scan is no fault of ours, and fills no log."""
    assert send(site, b"\x16\x03\x01", {}) == 400
    assert send(site, b"GET /", {b"X": b"a\x01b"}) == 400
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_tracebacks_are_limited_in_rate_and_those_left_out_are_counted() -> None:
    """A flood of failures fills no disk; the next one tells how many there were."""
    now = 0.0
    few = FewTracebacks(clock=lambda: now)

    def record() -> logging.LogRecord:
        info = (ValueError, ValueError("x"), None)
        return logging.LogRecord("x", logging.ERROR, "x", 1, "%s failed", ("it",), info)

    assert [few.filter(record()) for _ in range(9)] == [True] * few.MOST + [False] * (
        9 - few.MOST
    )
    plain = logging.LogRecord("x", logging.ERROR, "x", 1, "no traceback", (), None)
    assert few.filter(plain)
    now = few.EVERY_S + 1
    late = record()
    assert few.filter(late)
    assert late.getMessage() == f"it failed ({9 - few.MOST} like it were left out)"
    again = record()
    assert few.filter(again)
    assert again.getMessage() == "it failed"
