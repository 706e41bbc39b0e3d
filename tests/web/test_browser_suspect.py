"""From the banner of a suspected poller to its correction, in a real Chromium."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from streamproc.rules.poll import Poll, encode_poll
from streamproc.rules.units import HOUR_US, MINUTE_US
from streamproc.web import own_token
from tests.web.browser import CONTRAST, Tab, launched
from tests.web.live_site import NOW_US, LiveSite
from tests.web.test_suspicion import _labels

pytestmark = pytest.mark.browser

LIMIT_MS = 60_000
HEARD_US = NOW_US - 2 * HOUR_US
"""When the stores of the broken poller were heard last; they were polled hourly."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests here."""
    with launched() as found:
        yield found


def _silent(site: LiveSite) -> None:
    """Sixty stores of three pollers, one of which has polled nothing for two hours."""
    topics = site.program.topics
    pollers = {f"s{number}": f"p{number % 3}" for number in range(60)}
    labels = [(i, _labels(i, poller)) for i, poller in pollers.items()]
    polls = [
        Poll(store_id, HEARD_US + hour * HOUR_US, True)
        for store_id, poller in pollers.items()
        for hour in range(-12, 1 if poller == "p1" else 3)
    ]
    site.publish(topics.labels, labels)
    site.publish(topics.polls, [(poll.store_id, encode_poll(poll)) for poll in polls])
    site.settle()
    site.program.now_us = lambda: NOW_US + MINUTE_US


@pytest.mark.parametrize("script", [True, False])
def test_the_banner_of_a_poller_leads_to_its_correction_and_goes(
    browser: Any, start_site: Callable[..., LiveSite], script: bool
) -> None:
    """Preview, save: the stores are not silent any more, and nobody is suspected."""
    site = start_site()
    _silent(site)
    tab = Tab(browser, site.url, java_script_enabled=script)
    try:
        tab.open(own_token.link(site.settings).removeprefix(site.url))
        tab.page.wait_for_url(f"{site.url}/")
        _walk(tab, site)
        assert tab.errors == []
    finally:
        tab.close()


def _walk(tab: Tab, site: LiveSite) -> None:
    page, banner = tab.page, tab.page.locator("[data-suspect]")
    _reload_until(tab, banner, 1)
    said = "20 of 20 stores of poller p1 fell silent at once, since 15:00 UTC."
    assert said in banner.inner_text()
    assert page.evaluate(CONTRAST) == []
    assert page.locator("main .figure.stale, body.stale").count() == 0
    tab.press(banner.locator("a:has-text('to now to no data')"))
    assert "the 20 stores with poller p1" in page.inner_text("main")
    assert page.input_value("input[name=note]") == "what polls poller=p1 was broken"
    assert page.input_value("select[name=kind]") == "correction-unknown"
    tab.press("button[value=preview]")
    assert page.locator(".preview").count() == 1
    assert "Not like this" not in page.inner_text(".preview")
    tab.press("button[value=save]")
    assert "Saved." in page.inner_text("main")
    _reload_until(tab, banner, 0)
    path = "/api/v1/stores/s1/exclusions"
    (found,) = orjson.loads(site.get(path).body)["exclusions"]
    assert found["kind"] == "correction-unknown"
    assert (found["from"], found["to"]) == (
        "2025-05-06T15:00:00Z",
        "2025-05-06T15:01:00Z",
    )


def _reload_until(tab: Tab, banner: Any, count: int) -> None:
    """The page as it is read anew, also where no script keeps it up to date."""
    for _ in range(LIMIT_MS // 500):
        tab.open("/")
        if banner.count() == count:
            return
        tab.page.wait_for_timeout(500)
    raise AssertionError(tab.page.inner_text("main"))
