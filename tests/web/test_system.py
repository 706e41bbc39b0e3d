"""System: who works, what was refused and can be mended, settings without secrets."""

import asyncio
import html
from collections.abc import Callable
from urllib.parse import urlencode

import orjson
import pytest

from streamproc import rejected, settings
from streamproc.rejected import GATEWAY, LOAD, Rejected
from streamproc.web.rejected.groups import MANY_MESSAGES, groups
from streamproc.web.system.attention import Attention
from streamproc.web.system.settings import shown
from tests.web.live_site import LiveSite
from tests.web.test_connect import FORM
from tests.web.test_pages import text_of


def refused(
    message: str, value: bytes = b"{}", reason: str = "unknown-status"
) -> Rejected:
    """A record that the gateway refused."""
    return Rejected(GATEWAY, reason, message, "store-polls", value=value)


def test_one_fault_of_a_producer_is_one_group() -> None:
    """By topic, reason and message; newest first, as the records are."""
    off, gone = refused("status is 'OFF'"), refused("status is 'GONE'")
    found = groups([off, gone, off, off])
    assert [(one.newest, one.count) for one in found] == [(off, 3), (gone, 1)]


def test_many_messages_of_a_reason_are_one_group() -> None:
    """Each quotes another time: four hundred groups of one would help nobody."""
    many = [
        refused(f"it is {n}", reason="in-the-future") for n in range(MANY_MESSAGES + 1)
    ]
    (one,) = groups(many)
    assert one.count == len(many)
    assert not one.alike
    assert one.wrong_text == ""
    assert len(groups(many[:-1])) == MANY_MESSAGES


def test_the_text_that_is_wrong_is_offered_for_replacing() -> None:
    """The value of the field that the reason is about."""
    (one,) = groups([refused("…", b'{"status": "OFFLINE"}')])
    assert (one.wrong_text, one.choices) == ("OFFLINE", ("inactive", "active"))


def test_rows_of_files_cannot_be_sent_again_from_here() -> None:
    """They are counted, not kept."""
    (one,) = groups(
        [Rejected(LOAD, "bad-time", "…", "store-hours", count=7, file="h.csv")]
    )
    assert (one.count, one.can_be_sent) == (7, False)


def test_what_is_done_with_is_left_out_with_its_note() -> None:
    """A note names the record by its place in the topic, and belongs beside it."""
    kept = [
        Rejected(GATEWAY, "r", "m", "store-polls", kept_at=f"rejected/{p}/7")
        for p in range(2)
    ]
    partition, note = rejected.settled(kept[1], rejected.LET_GO, "ops")
    assert partition == 1
    assert rejected.unsettled([*kept, note]) == kept[:1]


def test_settings_show_neither_secrets_nor_what_may_be_one() -> None:
    """Tokens are stars; of an address only where it leads."""
    made = settings.load(
        {"web_token": "a-token-of-some-length", "web_url": "https://u:p@a.b/secret?x"},
        {},
    )
    found = {one.name: one for one in shown(made)}
    assert found["web_url"].value == "https://a.b/…"
    assert found["web_url"].changed
    assert "token-of" not in str(found)


BAD = [
    (
        store_id,
        orjson.dumps({"store_id": store_id, "status": "OFFLINE", "timestamp_utc": at}),
    )
    for store_id, at in (("s1", "2025-05-06 14:00:00"), ("s2", "2025-05-06 14:30:00"))
]


@pytest.fixture
def broken(start_site: Callable[..., LiveSite]) -> LiveSite:
    """A program whose producer sends OFFLINE for inactive."""
    site = start_site()
    site.publish(site.program.topics.polls, BAD)
    site.settle()
    return site


def mend(site: LiveSite, key: str, **fields: str) -> tuple[int, str]:
    """Post a group's form; the status and the words of the answer."""
    body = urlencode(fields).encode()
    answer = site.ask("POST", f"/system/rejected/{key}", body, **FORM)
    return answer.status, html.unescape(text_of(answer.text))


def key_on(site: LiveSite) -> str:
    """The key of the first group on the page."""
    return site.page("/system").split('id="g-', 1)[1].split('"', 1)[0]


def test_a_check_changes_nothing(broken: LiveSite) -> None:
    """It says how many would be accepted, and shows them."""
    status, text = mend(
        broken, key_on(broken), old="OFFLINE", new="inactive", do="check"
    )
    assert status == 200
    assert "2 would be accepted." in text
    assert '"status":"inactive"' in text
    assert broken.get("/api/v1/rejected").json["kept"] == 2
    assert broken.get("/api/v1/stores/s1").status == 404


def test_a_group_is_mended_and_sent_again_at_once(broken: LiveSite) -> None:
    """The polls count, and nothing waits any more, on any page."""
    key = key_on(broken)
    status, text = mend(broken, key, old="OFFLINE", new="inactive", do="send", by="eve")
    assert status == 200
    assert "2 sent again." in text
    broken.settle()
    assert broken.get("/api/v1/stores/s2").json["last_status"] == "inactive"
    assert broken.get("/api/v1/rejected").json["kept"] == 0
    assert "Nothing that was rejected waits." in text_of(broken.page("/system"))
    assert 'class="badge"' not in broken.page("/connect")
    assert mend(broken, key, do="let-go")[0] == 404


def test_what_would_be_refused_again_is_not_sent(broken: LiveSite) -> None:
    """422, with the reason; the records stay."""
    status, text = mend(broken, key_on(broken), old="OFFLINE", new="OFF", do="send")
    assert status == 422
    assert "None would be accepted. 2 refused: status is 'OFF', expected" in text
    assert broken.get("/api/v1/rejected").json["kept"] == 2


def test_what_is_let_go_waits_no_longer(broken: LiveSite) -> None:
    """It stays on record until it expires, and is not listed."""
    status, text = mend(broken, key_on(broken), do="let-go")
    assert (status, "2 let go" in text) == (200, True)
    assert broken.get("/api/v1/rejected").json == {
        "kept": 0,
        "reasons": {},
        "records": [],
    }


def test_one_record_is_edited_as_it_is(start_site: Callable[..., LiveSite]) -> None:
    """Its whole text may be another one; a zone as well as a poll."""
    site = start_site()
    zone = {"store_id": "7", "timezone_str": "America/Chicgo"}
    site.publish(site.program.topics.zones, [("7", orjson.dumps(zone))])
    site.settle()
    mended = '{"store_id": "7",\r\n "timezone_str": "America/Chicago"}'
    status, text = mend(site, key_on(site), value=mended, do="send")
    assert (status, "1 sent again." in text) == (200, True)
    site.settle()
    assert site.get("/api/v1/stores/7").json["zone"] == "America/Chicago"


def test_the_badge_says_how_many_records_wait(broken: LiveSite) -> None:
    """On every page, as soon as somebody has looked."""
    web = broken.program.app.web_service
    looking = web._site.watch.look()
    asyncio.run_coroutine_threadsafe(looking, web._web_loop).result(30)
    assert '<span class="badge">2<span class="quiet"> need attention' in broken.page(
        "/connect"
    )


def test_the_workers_are_told_with_what_they_own(site: LiveSite) -> None:
    """One worker: all partitions; tables and settings below."""
    text = text_of(site.page("/system"))
    assert "The worker answers" in text
    assert "answers 0, 1, 2, 3" in text
    assert "histories" in text
    assert "data_dir" in text


def test_how_the_webhook_goes_is_told(start_site: Callable[..., LiveSite]) -> None:
    """Where it goes, without what lets anybody post there; or that there is none."""
    assert "No webhook is set" in text_of(start_site().page("/system"))
    url = "http://127.0.0.1:9/secret-path"
    page = start_site(webhook_url=url).page("/system")
    assert "goes to http://127.0.0.1:9" in text_of(page)
    assert "secret-path" not in page


def test_what_was_given_up_wants_attention() -> None:
    """As a rejected record does."""
    assert Attention(2, 3).total == 5
    assert not Attention()


def test_who_is_not_signed_in_has_nothing_to_press(site: LiveSite) -> None:
    """What was refused is read; a way to sign in stands above it."""
    page = site.page("/system")
    assert "/system/rejected/" not in page
    assert "Sign in to mend what was rejected" in text_of(page)


def test_the_name_of_who_changes_is_asked_for_once(
    start_site: Callable[..., LiveSite],
) -> None:
    """A session keeps it until it ends; another session does not have it."""
    site = start_site()
    cookies = [signed_in(site) for _ in range(2)]
    site.publish(site.program.topics.polls, BAD)
    site.settle()
    path = f"/system/rejected/{key_on(site)}"
    body = urlencode({"do": "check", "by": "eve"}).encode()
    site.ask("POST", path, body, Authorization="", Cookie=cookies[0], **FORM)
    pages = [site.get("/system", Accept="text/html", Cookie=c).text for c in cookies]
    assert ['value="eve"' in page for page in pages] == [True, False]


def signed_in(site: LiveSite) -> str:
    """The cookie of a new session."""
    body = urlencode({"token": site.own_token}).encode()
    answer = site.ask("POST", "/login", body, **FORM)
    return answer.headers["Set-Cookie"].partition(";")[0]
