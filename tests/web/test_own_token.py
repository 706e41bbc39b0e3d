"""Without a configured token: the worker's own opens changes, on this machine only."""

import http.client
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streamproc import settings
from streamproc.web import guesses, own_token
from streamproc.web.guesses import Guesses
from tests.waiting import LIMIT_S
from tests.web.live_site import Answer, LiveSite

POLL = (
    b'{"store_id": "s", "timestamp_utc": "2025-05-06 14:00:00 UTC", "status": "active"}'
)
NOBODY = {"Authorization": ""}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """A worker without a configured token, which answers to another name, too."""
    options = {"web_hosts": "status.example"}
    live = LiveSite(tmp_path_factory.mktemp("bare"), options).start()
    assert live.ask("POST", "/api/v1/polls", POLL).status == 200
    yield live
    live.stop()


def opened(site: LiveSite) -> str:
    """Cookie of a browser that opened the link."""
    path = own_token.link(site.settings).removeprefix(site.url)
    answer = site.get(path, Accept="text/html")
    assert answer.status == 200, answer.text
    return answer.headers["Set-Cookie"].split(";")[0]


# -- the file -----


def test_the_token_is_in_a_file_that_only_its_owner_reads(bare: LiveSite) -> None:
    """Mode 0600, and as long as a key."""
    path = bare.settings.data_dir / own_token.FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(bare.own_token) >= 43


def test_each_start_makes_another_token(tmp_path: Path) -> None:
    """What was read off once is worth nothing after a restart."""
    given = settings.load({"data_dir": tmp_path}, {})
    first, second = own_token.make(), own_token.make()
    assert first != second
    for token in (first, second):
        own_token.write(given, token)
        assert own_token.read(tmp_path) == token


def test_what_was_put_in_the_tokens_place_is_replaced_not_followed(
    tmp_path: Path,
) -> None:
    """A link to another file, or a file that everybody reads."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    path = tmp_path / own_token.FILE
    path.symlink_to(elsewhere)
    given = settings.load({"data_dir": tmp_path}, {})
    own_token.write(given, "a token")
    assert elsewhere.read_text() == "mine"
    assert not path.is_symlink()
    path.chmod(0o644)
    own_token.write(given, "a token")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {p.name for p in tmp_path.iterdir()} == {"elsewhere", own_token.FILE}


def test_with_a_configured_token_there_is_no_own_one(
    start_site: Callable[..., LiveSite], tmp_path: Path
) -> None:
    """An old file goes, and the link is the plain address."""
    (tmp_path / "site-0").mkdir()
    (tmp_path / "site-0" / own_token.FILE).write_text("old")
    site = start_site(web_token="a token of sixteen")
    assert not (site.settings.data_dir / own_token.FILE).exists()
    assert own_token.link(site.settings) == site.url
    assert site.get("/open?key=x").status == 401


# -- who may change -----


@pytest.mark.parametrize(
    ("headers", "status", "error"),
    [
        ({}, 200, None),
        (NOBODY, 401, "token-required"),
        ({"Authorization": "Bearer"}, 401, "token-required"),
        ({"Authorization": "Bearer wrong-wrong-wrong-wrong"}, 401, "token-required"),
        ({"X_Forwarded_For": "203.0.113.9"}, 403, "local-only"),
        ({"X_Forwarded_Proto": "https"}, 403, "local-only"),
        ({"X_Forwarded_Host": "status.example"}, 403, "local-only"),
        ({"Forwarded": "for=203.0.113.9"}, 403, "local-only"),
        ({"Via": "1.1 proxy"}, 403, "local-only"),
        ({"X_Real_IP": "203.0.113.9"}, 403, "local-only"),
        ({"CF_Connecting_IP": "203.0.113.9"}, 403, "local-only"),
        ({"Host": "status.example"}, 403, "local-only"),
        ({"Host": "localhost:99"}, 200, None),
    ],
)
def test_without_a_token_only_commands_of_this_machine_change_things(
    bare: LiveSite, headers: dict[str, str], status: int, error: str | None
) -> None:
    """With the worker's own token, and not through a proxy."""
    answer = bare.ask("POST", "/api/v1/polls", POLL, **headers)
    assert (answer.status, answer.json.get("error")) == (status, error)


@pytest.mark.parametrize("path", ["/api/v1/polls", "/trigger_report"])
def test_a_bare_proxy_opens_nothing(bare: LiveSite, path: str) -> None:
    """One that adds no header and hides behind this machine's address."""
    assert bare.ask("POST", path, POLL, **NOBODY).status == 401


def test_a_proxy_that_speaks_an_old_http_opens_nothing(bare: LiveSite) -> None:
    """As some do towards the server behind them unless told otherwise."""
    link = http.client.HTTPConnection("127.0.0.1", bare.port, timeout=LIMIT_S)
    link._http_vsn, link._http_vsn_str = 10, "HTTP/1.0"  # type: ignore[attr-defined]
    bearer = {"Authorization": f"Bearer {bare.own_token}", "Host": "localhost"}
    link.request("POST", "/api/v1/polls", POLL, bearer)
    assert link.getresponse().status == 403
    link.close()


def test_reading_stays_open_on_this_machine(bare: LiveSite) -> None:
    """Pages, figures and files, also through a proxy."""
    for path in ("/", "/reports", "/api/v1/stores", "/metrics"):
        assert bare.get(path).status == 200
        assert bare.get(path, Via="1.1 proxy").status == 200


# -- the link -----


def test_the_printed_link_opens_the_pages_with_rights(bare: LiveSite) -> None:
    """One click: a session, and on to the fleet; reports can be triggered."""
    link = own_token.link(bare.settings)
    assert bare.own_token not in link
    answer = bare.get(link.removeprefix(bare.url), Accept="text/html")
    assert answer.headers["Refresh"] == "0; url=/"
    assert "Sign out" in answer.text
    assert "Sign in<" not in answer.text
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict"} <= {p.strip() for p in cookie.split(";")}
    session = {**NOBODY, "Cookie": cookie.split(";")[0]}
    page = bare.get("/reports", Accept="text/html", **session).text
    assert "Trigger report" in page
    assert "Sign out" in page
    assert bare.ask("POST", "/trigger_report", b"", **session).status == 200


def test_a_page_without_session_offers_to_sign_in(bare: LiveSite) -> None:
    """And says where the token is; through a proxy there is nothing to offer."""
    shown = re.sub(r"<[^>]*>", "", bare.page("/reports"))
    assert re.search(r"Sign in\s+to trigger a report", shown)
    assert "web-token" in bare.page("/login")
    for cookie in ("", opened(bare)):
        proxied = bare.get(
            "/reports", Accept="text/html", Via="1.1 proxy", Cookie=cookie
        ).text
        assert "Sign in" not in proxied
        assert "Trigger report" not in proxied


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec_Fetch_Site": "same-origin"}, 200),
        ({"Sec_Fetch_Site": "none"}, 200),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "own"}, 200),
        ({"Via": "1.1 proxy"}, 403),
        ({"Host": "status.example"}, 403),
    ],
)
def test_a_session_changes_things_from_this_sites_pages_only(
    bare: LiveSite, headers: dict[str, str], status: int
) -> None:
    """Not on behalf of another site's page, and not through a proxy."""
    named = {n: v if v != "own" else bare.url for n, v in headers.items()}
    named |= {**NOBODY, "Cookie": opened(bare)}
    answer = bare.ask("POST", "/api/v1/polls", POLL, **named)
    assert answer.status == status


@pytest.mark.parametrize(
    ("key", "headers", "status"),
    [
        ("", {}, 401),
        ("0" * 64, {}, 401),
        ("right", {"Via": "1.1 proxy"}, 403),
        ("right", {"Host": "status.example"}, 403),
        ("right", {"Host": "evil.example"}, 421),
    ],
)
def test_a_link_that_is_not_this_starts_opens_nothing(
    bare: LiveSite, key: str, headers: dict[str, str], status: int
) -> None:
    """Nor does the right one from elsewhere."""
    right = own_token.link_key(bare.own_token)
    answer = bare.get(f"/open?key={right if key == 'right' else key}", **headers)
    assert answer.status == status
    assert "Set-Cookie" not in answer.headers


def test_the_link_leads_to_where_the_web_listens() -> None:
    """This machine's own address, or the plain one where that is not served."""

    def link(host: str) -> bool:
        given = settings.load({"web_host": host, "data_dir": "/nowhere"}, {})
        try:
            return "key=" in own_token.link(given)
        except FileNotFoundError:
            return True  # there it would have read the token

    assert link("127.0.0.1")
    assert link("0.0.0.0")
    assert not link("192.0.2.7")


# -- guesses -----


def test_guesses_are_slowed(
    start_site: Callable[..., LiveSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten at once, by the form and the API; then even the right one has to wait."""
    monkeypatch.setattr(guesses, "A_MINUTE", 0.001)
    site = start_site(web_token="a token of sixteen")

    def guess(number: int) -> Answer:
        if number % 2:
            return site.ask("POST", "/trigger_report", Authorization="Bearer wrong")
        form = "application/x-www-form-urlencoded"
        return site.ask("POST", "/login", b"token=wrong", Content_Type=form)

    sent = [guess(number) for number in range(guesses.AT_ONCE)]
    assert {answer.status for answer in sent} == {401}
    late = [guess(0), guess(1)]
    assert {answer.status for answer in late} == {429}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in late)
    right = "Bearer a token of sixteen"
    assert site.ask("POST", "/trigger_report", Authorization=right).status == 429
    assert site.get("/metrics").status == 200


def test_wrong_tokens_of_one_peer_do_not_keep_another_waiting() -> None:
    """Nor one that has shown the right token: a proxy has many behind it."""
    found = Guesses()
    for _ in range(guesses.AT_ONCE):
        assert found.wait_s("a", 100.0) == 0
        found.wrong("a", 100.0)
    assert found.wait_s("a", 100.0) == 60 / guesses.A_MINUTE
    assert found.wait_s("b", 100.0) == 0
    found.right("a", 100.0)
    assert found.wait_s("a", 100.0) == 0


def test_guesses_of_many_peers_take_bounded_memory() -> None:
    """The longest unheard of is forgotten."""
    found = Guesses()
    for number in range(guesses.MAX_PEERS + 10):
        found.wrong(str(number), 0.0)
        found.right(str(number), 0.0)
    assert len(found._left) == len(found._trusted) == guesses.MAX_PEERS


# -- what is private -----


def test_under_a_read_token_nothing_is_left_in_a_shared_cache(
    start_site: Callable[..., LiveSite],
) -> None:
    """Badges and files as well, and no other site shows them."""
    site = start_site(web_token="a token of sixteen", web_read_token="on").fill()
    bearer = {"Authorization": "Bearer a token of sixteen"}
    assert site.get("/stores/alpha/badge.svg").status == 401
    for path in ("/stores/alpha/badge.svg", "/api/v1/stores", "/"):
        headers = site.get(path, **bearer).headers
        assert re.match(r"private, ", headers["Cache-Control"])
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_badge_is_embedded_elsewhere_where_reading_is_open(site: LiveSite) -> None:
    """That is what it is for."""
    headers = site.get("/stores/alpha/badge.svg").headers
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "private" not in headers["Cache-Control"]
