"""The focus is seen wherever it comes, on every page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streamproc.web import own_token
from tests.web.browser import Tab, launched
from tests.web.keyboard import FOCUS
from tests.web.live_site import LiveSite

pytestmark = pytest.mark.browser

SWEEP = Path(__file__).with_name("sweep.js").read_text()

PAGES = (
    "/",
    "/?view=table",
    "/stores",
    "/stores?where=region=East",
    "/stores?view=table&period=last-week",
    "/stores/1010",
    "/stores/1010?period=day:2025-11-04",
    "/stores/1010?view=table",
    "/incidents?period=last-week",
    "/reports",
    "/reports/last-month/page",
    "/system",
    "/connect",
    "/upload",
    "/changes",
    "/change?what=hours&store=1010",
    "/change?what=special-hours&store=*",
    "/change?what=exclusion&store=1010",
    "/change?what=labels&store=1010",
    "/tables",
    "/tables/hours",
    "/rejected",
    "/no-such-page",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests here."""
    with launched() as found:
        yield found


@pytest.mark.parametrize("width", [1440, 820])
def test_the_focus_is_seen_wherever_it_comes(
    browser: Any, managed: LiveSite, width: int
) -> None:
    """A ring of two pixels, in the window, under nothing, cut off by nothing."""
    tab = Tab(browser, managed.url, viewport={"width": width, "height": 900})
    tab.open(own_token.link(managed.settings).removeprefix(managed.url))
    tab.page.wait_for_url(f"{managed.url}/")
    wrong, stops = [], 0
    for path in PAGES:
        page = tab.open(path)
        page.keyboard.press("Tab")  # from here on what has the focus is shown as such
        found = page.evaluate(SWEEP, FOCUS)
        stops += found["stops"]
        wrong += [f"{path}: {each}" for each in found["wrong"]]
    assert not wrong, "\n".join(wrong)
    assert stops > 20 * len(PAGES)
    tab.close()


def test_a_ring_that_is_missing_or_cut_off_is_seen(browser: Any) -> None:
    """So that the test above can fail."""
    page = browser.new_page()
    page.set_content(
        """<style>:focus { outline: 2px solid red; outline-offset: 2px }
        #none:focus { outline: none } div { overflow: hidden; width: 80px }</style>
        <a href="#a" id="none">none</a> <div><a href="#b">cut</a></div>
        <p><a href="#c">well</a></p>"""
    )
    page.keyboard.press("Tab")
    found = page.evaluate(SWEEP, FOCUS)
    assert found["stops"] == 3
    said = [" ".join(each.split()[:4]) for each in found["wrong"]]
    assert said[0] == "a none: no ring"
    assert {"a cut: ring cut"} == set(said[1:])
    page.close()
