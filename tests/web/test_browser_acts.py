"""Acting from the pages in a real Chromium: each task from its page to done."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from streamproc.web import own_token
from tests.waiting import until
from tests.web.browser import CONTRAST, OFTEN_S, STRUCTURE, Tab, launched
from tests.web.live_site import LiveSite

pytestmark = pytest.mark.browser

SIZES = {"wide": (1440, 900), "phone": (390, 844)}
CUT = """[...document.querySelectorAll("main .card, main table")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1)
  .filter((one) => !one.closest(".scroll"))
  .map((one) => one.className + " " + one.scrollWidth + " " + one.clientWidth)"""
"""What is wider than where it stands, and cannot be scrolled."""

TOO_WIDE = "document.documentElement.scrollWidth > innerWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests here."""
    with launched() as found:
        yield found


@pytest.fixture(params=[(size, js) for size in SIZES for js in (True, False)], ids=str)
def tab(
    request: pytest.FixtureRequest, browser: Any, start_site: Callable[..., LiveSite]
) -> Iterator[Tab]:
    """A signed-in tab on a fleet of its own, with and without JavaScript."""
    size, with_js = request.param
    width, height = SIZES[size]
    site = start_site().fill()
    opened = Tab(
        browser,
        site.url,
        viewport={"width": width, "height": height},
        java_script_enabled=with_js,
    )
    opened.open(own_token.link(site.settings).removeprefix(site.url))
    opened.page.wait_for_url(f"{site.url}/")
    yield opened
    opened.close()


def quiet(tab: Tab) -> None:
    """Nothing went wrong, nothing is cut off, all of it can be read."""
    assert tab.page.evaluate(TOO_WIDE) is False
    assert tab.page.evaluate(CUT) == []
    assert tab.page.evaluate(CONTRAST) == []
    assert tab.page.evaluate(STRUCTURE) == []
    assert [one for one in tab.errors if "422" not in one] == []


def test_hours_are_changed_and_the_change_is_undone(tab: Tab) -> None:
    """Preview, save, undo: seven clicks from the form."""
    page = tab.open("/change?what=hours&store=gamma")
    page.fill("input[name=day1]", "09:00-12:00")
    page.fill("input[name=by]", "eve")
    tab.press("button[value=preview]")
    assert "Figures change." in page.inner_text(".preview")
    quiet(tab)
    tab.press("button[value=save]")
    assert "Saved." in page.inner_text("main")
    assert page.input_value("input[name=day1]") == "09:00–12:00"
    assert page.input_value("input[name=by]") == "eve"
    tab.press("button:has-text('Undo')")
    quiet(tab)
    tab.press("button[value=save]")
    assert "It undoes another change." in page.inner_text("main")
    quiet(tab)
    tab.open("/change?what=hours&store=gamma")
    assert page.input_value("input[name=day1]") == "09:00–17:00"
    quiet(tab)


def test_a_correction_is_previewed_with_what_browsers_send(
    tab: Tab, request: Any
) -> None:
    """Date and time fields with weekdays; what is wrong is said beside the form."""
    page = tab.open("/change?what=exclusion&store=alpha")
    page.select_option("select[name=kind]", "correction-up")
    page.fill("input[name=from_local]", "2025-05-06T14:30")
    page.fill("input[name=to_local]", "2025-05-06T14:00")
    tab.press("button[value=preview]")
    assert "from_local is not before to_local" in page.inner_text(".preview")
    beside = ".field:has([name=to_local]) span"
    word = "getComputedStyle(one, '::after').content"
    assert "Tuesday" in page.eval_on_selector(beside, f"one => {word}")
    page.fill("input[name=to_local]", "2025-05-07T15:00")
    _, with_js = request.node.callspec.params["tab"]
    if with_js:
        assert "Wednesday" in page.eval_on_selector(beside, f"one => {word}")
    page.fill("input[name=to_local]", "2025-05-06T15:00")
    tab.press("button[value=preview]")
    assert "Figures change." in page.inner_text(".preview")
    quiet(tab)


def test_rejected_records_are_mended_from_the_page(tab: Tab) -> None:
    """From the badge to sent again."""
    page = tab.open("/system")
    group = page.locator(".reject", has_text="status is 'up'")
    group.locator("summary").click()
    mended = '{"store_id": "x", "status": "active", "timestamp_utc": "2025-05-06"}'
    group.locator("textarea").fill(mended)
    tab.press(group.locator("button[value=check]"))
    assert "None would be accepted." in page.inner_text(".preview-line")
    group.locator("textarea").fill(mended.replace("-06", "-06 12:00:00"))
    tab.press(group.locator("button[value=send]"))
    assert "1 sent again." in page.inner_text("main")
    quiet(tab)


def test_what_came_of_a_form_stays_while_its_page_is_followed(
    browser: Any, start_site: Callable[..., LiveSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other parts go on as those of the page that the form stands on."""
    monkeypatch.setattr("streamproc.web.templating.LIVE_EVERY_S", OFTEN_S)
    site = start_site().fill()
    tab = Tab(browser, site.url)
    page = tab.open(own_token.link(site.settings).removeprefix(site.url))
    page.wait_for_url(f"{site.url}/")
    tab.open("/system")
    group = page.locator(".reject", has_text="status is 'up'")
    group.locator("summary").click()
    tab.press(group.locator("button[value=check]"))
    page.evaluate("document.activeElement.blur()")
    for _ in range(2):  # at the second one the first has been put in its place
        with page.expect_response(f"{site.url}/system") as followed:
            pass
        assert followed.value.status == 200
    assert "None would be accepted." in page.inner_text(".preview-line")
    assert tab.errors == []
    tab.close()


def test_a_poll_is_tried(tab: Tab) -> None:
    """Connect says what came of it."""
    page = tab.open("/connect")
    page.fill("#try-store", "new-one")
    tab.press("button[value=send]")
    assert "Accepted" in page.inner_text(".preview-line")
    quiet(tab)


def test_a_report_is_made_and_followed(tab: Tab) -> None:
    """It runs, and then its files are there."""
    page = tab.open("/reports")
    tab.press("button:has-text('Trigger report')")
    page.wait_for_url("**/reports#made")
    page.select_option("select[name=period]", "this-week")
    page.select_option("select[name=group_by]", "region")
    tab.press("button:has-text('Make it')")
    page.wait_for_url("**/reports#made")
    made = page.locator("tr", has_text="one row per region")
    done = made.locator("text=Complete")
    until(lambda: tab.open("/reports") and done.count(), pause_ms=page.wait_for_timeout)
    assert done.count() == 1
    quiet(tab)


def pages_of(page: Any, folder: Path) -> int:
    """How many sheets it is when it is printed."""
    file = folder / "page.pdf"
    page.pdf(path=str(file), prefer_css_page_size=True)
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", file.read_bytes()))


def test_the_report_is_one_page_of_paper(
    browser: Any, start_site: Callable[..., LiveSite], tmp_path: Path
) -> None:
    """However long the names are, and however many groups there are."""
    site = start_site().fill()
    long = "A very long name of a store that nobody would cut short "
    labels = [
        (
            f"store-{n}",
            orjson.dumps(
                {
                    "store_id": f"store-{n}",
                    "name": f"{long}{n}",
                    "labels": {"region": f"Region {n % 20}", "brand": f"{long}{n % 9}"},
                }
            ),
        )
        for n in range(60)
    ]
    site.publish(site.program.topics.labels, labels)
    site.settle()
    tab = Tab(browser, site.url, viewport={"width": 1440, "height": 900})
    page = tab.open("/reports/this-month/page")
    page.emulate_media(media="print")
    text = page.inner_text("body")
    for told in ("Uptime in May", "most down time", "longest incidents", "Rules."):
        assert told in text
    assert "Stores" not in page.inner_text("body").splitlines()  # no navigation
    assert pages_of(page, tmp_path) == 1
    page = tab.open("/reports/this-month/page?stores=all")
    assert pages_of(page, tmp_path) > 1
    page = tab.open("/stores/store-3/page?period=this-month")
    page.emulate_media(media="print")
    for told in ("By day", "longest incidents", "Hours", "Month by month", "Rules."):
        assert told in page.inner_text("body")
    assert pages_of(page, tmp_path) == 1
    assert tab.errors == []
    tab.close()


def test_an_empty_programs_page_gives_way_to_the_first_poll(
    browser: Any, start_site: Callable[..., LiveSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself, but not under the hand of somebody who fills a form in."""
    monkeypatch.setattr("streamproc.web.templating.LIVE_EVERY_S", OFTEN_S)
    site = start_site()
    tab = Tab(browser, site.url, viewport={"width": 1440, "height": 900})
    page = tab.open(own_token.link(site.settings).removeprefix(site.url))
    page.wait_for_url(f"{site.url}/")
    assert page.locator(".steps > li").count() == 3
    page.fill("#try-store", "1002")
    page.focus("#try-store")
    poll = {"store_id": "7", "status": "inactive", "timestamp_utc": "2025-05-06 14:59"}
    assert site.post_json("/api/v1/polls", poll).status == 200
    site.settle()
    with page.expect_response(lambda answer: answer.url == f"{site.url}/"):
        pass
    assert page.input_value("#try-store") == "1002"
    page.locator("#try-store").blur()
    page.wait_for_selector("h1:has-text('down')")
    assert tab.errors == []
    tab.close()
