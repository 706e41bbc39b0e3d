"""A test of the webhook from the page and the API: posted as all events are."""

import asyncio
from collections.abc import Callable
from typing import Any

from streamproc.web.webhook import calls
from streamproc.webhook.calling import Outcome
from tests.web.live_site import Answer, LiveSite
from tests.web.test_connect import FORM
from tests.web.test_pages import text_of
from tests.web.test_system import signed_in
from tests.webhook.receiver import Receiver, receiving

SECRET = "a-secret-of-some-length"
TRIAL = "/api/v1/webhook/test"


async def started(
    start_site: Callable[..., LiveSite], receiver: Receiver, **options: Any
) -> LiveSite:
    """A site whose webhook is the receiver."""
    url = receiver.url
    return await asyncio.to_thread(start_site, webhook_url=url, **options)


async def asked(site: LiveSite, method: str, path: str, **headers: str) -> Answer:
    """What came back, while the receiver goes on in this thread."""
    return await asyncio.to_thread(site.ask, method, path, b"", **headers)


async def test_a_test_event_is_posted_signed_and_what_came_of_it_is_told(
    start_site: Callable[..., LiveSite],
) -> None:
    """Status and time; it counts for nothing of what is told of events."""
    async with receiving() as receiver:
        site = await started(start_site, receiver, webhook_secret=SECRET)
        told = (await asked(site, "POST", TRIAL)).json
        status = (await asked(site, "GET", "/api/v1/webhook")).json
    (post,) = receiver.posts
    assert [event["store_id"] for event in post.json] == ["streamproc-webhook-test"]
    assert "X-Streamproc-Signature" in post.headers
    assert (told["delivered"], told["signed"], told["post"]["status"]) == (
        *(True, True),
        200,
    )
    assert told["post"]["took_ms"] >= 0
    assert (status["posts"], status["recent"]) == (0, [])


async def test_the_page_sends_a_test_and_says_why_it_was_not_taken(
    start_site: Callable[..., LiveSite],
) -> None:
    """In a sentence; the address is not shown whole."""
    async with receiving(404) as receiver:
        site = await started(start_site, receiver)
        headers = {**FORM, "Authorization": "", "Cookie": signed_in(site)}
        answer = await asked(site, "POST", "/system/webhook/test", **headers)
    text = text_of(answer.text)
    assert answer.status == 200
    assert "The test was not taken: answered 404 after" in text
    assert "not signed, as no secret is set" in text
    assert "hook/" not in answer.text.replace("webhook/test", "")


def test_without_a_webhook_there_is_nothing_to_test(
    start_site: Callable[..., LiveSite],
) -> None:
    """409 that names the variable; who may not change anything is turned away."""
    site = start_site()
    answer = site.ask("POST", TRIAL, b"")
    assert (answer.status, answer.json["error"]) == (409, "no-webhook")
    assert "STREAMPROC_WEBHOOK_URL" in answer.json["message"]
    for path in (TRIAL, "/system/webhook/test"):
        assert site.ask("POST", path, b"", Authorization="").status == 401
    assert "Send a test" not in site.page("/system")


def test_the_last_posts_are_told_the_newest_first(
    start_site: Callable[..., LiveSite],
) -> None:
    """With what came of each; also when another worker is the one that posts."""
    site = start_site(webhook_url="http://127.0.0.1:9/x")
    note = site.program.webhook.note_outcome
    note([], Outcome(200, took_s=0.25))
    note([], Outcome(None, "no answer within 10 s", took_s=10))
    told = site.get("/api/v1/webhook").json["recent"]
    assert [(one["status"], one["error"], one["took_ms"]) for one in told] == [
        (None, "no answer within 10 s", 10_000),
        (200, None, 250),
    ]
    text = text_of(site.page("/system"))
    assert "The last 2 posts, 1 not taken" in text
    assert "no answer within 10 s" in text
    here = calls.WEBHOOK.run(site.program, {})
    assert calls._decode(calls._encode(here)) == here
