"""The pages in a real Chromium, on data whose answers are known."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from streamproc.web import own_token
from tests.web.browser import CONTRAST, OFTEN_S, SMALL_TARGETS, STRUCTURE, Tab, launched
from tests.web.live_site import SCRIPT, LiveSite

pytestmark = pytest.mark.browser

PATHS = (
    "/",
    "/stores",
    "/stores?now=down",
    "/stores?q=nothing-like-it",
    "/stores?page=99",
    "/stores?period=yesterday&where=region%3DWest",
    "/stores/gamma?period=day:2025-05-05",
    "/stores/gamma?period=this-month",
    "/stores/gamma?period=this-month&view=table",
    "/stores?period=this-week&view=table",
    "/?view=table",
    "/?as_of=latest",
    "/stores/alpha",
    "/stores/gamma",
    "/stores/unpolled",
    "/stores/nobody",
    "/reports",
    "/tables",
    "/tables/histories",
    "/tables/hours",
    "/rejected",
    "/connect",
    "/system",
    "/upload",
    "/change?what=hours&store=alpha",
    "/change?what=exclusion&store=*",
    "/incidents",
    "/incidents?period=last-month",
    "/incidents?period=this-week",
    "/changes",
    "/reports/this-month/page",
    "/stores/gamma/page?period=this-month",
    "/login",
)
A_PRESS_MS = 300
"""How long a hand keeps a button down, a slow one."""

SIZES = {
    "wide": (1600, 900),
    "laptop": (1024, 768),
    "tablet": (820, 1180),
    "phone": (390, 844),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests here."""
    with launched() as found:
        yield found


@pytest.fixture
def tab(browser: Any, site: LiveSite) -> Iterator[Tab]:
    """A tab on the known fleet, 1280 pixels wide."""
    opened = Tab(browser, site.url, viewport={"width": 1280, "height": 860})
    yield opened
    opened.close()


def ids_shown(page: Any) -> list[str]:
    """Store ids of the listing, from top to bottom."""
    found: list[str] = page.locator("table.stores a.id").all_inner_texts()
    return found


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        *(("wide", "dark"), ("laptop", "light"), ("tablet", "light")),
        *(("phone", "light"), ("phone", "dark")),
    ],
)
def test_every_page_is_readable_and_quiet(
    browser: Any, site: LiveSite, scheme: str, size: str
) -> None:
    """No error, no other host, contrast AA, everything labelled, nothing cut off."""
    width, height = SIZES[size]
    tab = Tab(
        browser,
        site.url,
        viewport={"width": width, "height": height},
        color_scheme=scheme,
    )
    for path in PATHS:
        page = tab.open(path)
        assert page.evaluate(CONTRAST) == [], path
        assert page.evaluate(STRUCTURE) == [], path
        too_wide = "document.documentElement.scrollWidth > innerWidth"
        assert page.evaluate(too_wide) is False, path
    expected = [e for e in tab.errors if "404" not in e]
    assert expected == []
    assert tab.hosts == {urlsplit(site.url).netloc}
    tab.close()


@pytest.mark.parametrize(
    ("size", "scheme"), [("wide", "light"), ("wide", "dark"), ("phone", "light")]
)
def test_axe_finds_nothing(
    browser: Any, site: LiveSite, size: str, scheme: str
) -> None:
    """Names, roles, contrast, order: what the usual tool for it looks at."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    width, height = SIZES[size]
    view = {"width": width, "height": height}
    tab = Tab(browser, site.url, viewport=view, color_scheme=scheme)
    for path in (
        *("/", "/stores", "/stores?period=yesterday", "/stores/gamma"),
        *("/stores/gamma?period=day:2025-05-05", "/stores/nobody"),
    ):
        violations = axe.run(tab.open(path)).response["violations"]
        told = [
            (v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in violations
        ]
        assert told == [], path
    tab.close()


def test_dark_and_light_differ_only_in_their_values(
    browser: Any, site: LiveSite
) -> None:
    """The reader's scheme decides the colours, from the same variables."""
    colours = set()
    for scheme in ("light", "dark"):
        tab = Tab(browser, site.url, color_scheme=scheme)
        page = tab.open("/")
        colours.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        tab.close()
    assert len(colours) == 2


def test_a_click_on_a_column_sorts_and_a_second_turns_it_round(
    tab: Tab, site: LiveSite
) -> None:
    """The listing follows; the column says which way."""
    page = tab.open("/stores?q=store-")
    worst = ids_shown(page)
    lines = site.get("/stores.csv?q=store-").text.splitlines()[1:26]
    assert worst == [line.split(",")[0] for line in lines]
    tab.press("thead a:has-text('Store')")
    assert ids_shown(page)[:3] == ["store-0", "store-1", "store-10"]
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("Store")
    tab.press("thead a:has-text('Store')")
    assert ids_shown(page)[0] == "store-9"
    assert page.locator("th[aria-sort=descending]").count() == 1


def test_pages_follow_each_other(tab: Tab) -> None:
    """Next and previous, without a store twice."""
    page = tab.open("/stores?q=store-&sort=store")
    first = ids_shown(page)
    tab.press("a[rel=next]")
    second = ids_shown(page)
    assert len(first) == len(second) == 25
    assert not set(first) & set(second)
    tab.press("a[rel=next]")
    assert len(ids_shown(page)) == 10
    assert page.locator("a[rel=next]").count() == 0
    tab.press("a[rel=prev]")
    assert ids_shown(page) == second


def test_search_finds_a_store_and_leads_to_its_page(tab: Tab) -> None:
    """By keyboard alone: / goes to the search, Enter opens the only hit."""
    page = tab.open("/")
    page.keyboard.press("/")
    page.keyboard.type("gamm")
    page.keyboard.press("Enter")
    page.wait_for_url("**/stores/gamma*")
    assert page.locator("h1").inner_text() == "gamma"


def test_in_a_narrow_window_slash_leads_to_the_search_of_the_stores(
    browser: Any, site: LiveSite
) -> None:
    """Where the search of every page has no room, the key still finds one."""
    tab = Tab(browser, site.url, viewport={"width": 1024, "height": 768})
    page = tab.open("/")
    page.keyboard.press("/")
    page.wait_for_url("**/stores#q")
    page.locator("#q:focus").wait_for()
    tab.close()


def test_facts_lead_to_the_stores_they_count(tab: Tab, site: LiveSite) -> None:
    """A click on the number of stores down lists exactly those."""
    page = tab.open("/")
    tab.press(".states a:has-text('down')")
    chips = page.locator("table.stores .chip").all_inner_texts()
    assert chips
    assert all(chip.startswith("down") for chip in chips)
    assert len(chips) == site.get("/api/v1/now").json["counts"]["down"]


def test_the_timeline_says_its_times_on_hover(tab: Tab) -> None:
    """At once, in local time, with the length."""
    page = tab.open("/stores/alpha")
    page.locator(".day .strip rect.down").first.hover()
    tip = page.locator(".tip")
    tip.wait_for(state="visible")
    assert tip.inner_text() == "down · Tue 14:30–15:00 · 30 min"


def test_the_timeline_is_drawn_as_long_as_it_was(tab: Tab) -> None:
    """Half an hour of a day of 24 is 2.083 percent of the row."""
    page = tab.open("/stores/alpha")
    down = page.locator(".day .strip rect.down").first
    assert float(down.get_attribute("width").rstrip("%")) == pytest.approx(2.083)
    assert float(down.get_attribute("x").rstrip("%")) == pytest.approx(60.417)


def test_status_is_told_by_more_than_colour(tab: Tab) -> None:
    """Down and no data have patterns, and words beside them."""
    page = tab.open("/")
    fills = {
        state: page.locator(f".strip rect.{state}").first.get_attribute("fill")
        for state in ("up", "down", "unknown")
    }
    assert len(set(fills.values())) == 3
    page = tab.open("/stores?sort=now&per_page=100")
    texts = set(page.locator("table.stores .chip").all_inner_texts())
    assert {text.split()[0] for text in texts} >= {"down", "up"}


def test_a_report_is_triggered_followed_and_downloaded(
    browser: Any, start_site: Callable[..., LiveSite], tmp_path: Path
) -> None:
    """Trigger, progress, download: the whole walk with the mouse."""
    site = start_site().fill()
    tab = Tab(browser, site.url, accept_downloads=True)
    page = tab.open(own_token.link(site.settings).removeprefix(site.url))
    page.wait_for_url(site.url + "/")
    page = tab.open("/reports")
    assert page.locator("td.empty").count() == 1
    page.click("button:has-text('Trigger report')")
    page.wait_for_url("**/reports#made")
    page.locator("tbody .word.up:has-text('Complete')").wait_for()
    with page.expect_download() as caught:
        page.click("tbody a:has-text('CSV')")
    saved = tmp_path / "saved.csv"
    caught.value.save_as(saved)
    lines = saved.read_text().splitlines()
    assert lines[0].startswith("store_id,uptime_last_hour(in minutes)")
    assert any(line.startswith("alpha,30.00,") for line in lines)
    assert tab.errors == []
    tab.close()


def test_a_token_is_asked_for_once(
    browser: Any, start_site: Callable[..., LiveSite]
) -> None:
    """Signed in, the buttons are there; signed out, they are not."""
    token = "a token that is long enough"
    site = start_site(web_token=token)
    tab = Tab(browser, site.url)
    page = tab.open("/reports")
    assert page.locator("button:has-text('Trigger report')").count() == 0
    page.click(".banner a:has-text('Sign in')")
    page.fill("#token", "wrong")
    page.keyboard.press("Enter")
    page.locator("[role=alert]").wait_for()
    page.fill("#token", token)
    page.keyboard.press("Enter")
    page.wait_for_url("**/reports")
    page.locator("button:has-text('Trigger report')").wait_for()
    page.click("button:has-text('Sign out')")
    page.wait_for_url(re.compile(r"/$"))
    assert page.locator(".side a:has-text('Sign in')").count() == 1
    tab.close()


def test_the_overview_follows_what_arrives(
    browser: Any, start_site: Callable[..., LiveSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Live: a new store appears without a reload, told by server-sent events."""
    monkeypatch.setattr("streamproc.web.templating.LIVE_EVERY_S", OFTEN_S)
    monkeypatch.setattr("streamproc.web.fleet.refreshing.FRESH_S", 0.1)
    site = start_site()
    tab = Tab(browser, site.url)
    page = tab.open("/stores")
    page.evaluate("window.stayed = true")
    poll = {"store_id": "newcomer", "status": "active"}
    site.post_json("/api/v1/polls", {**poll, "timestamp_utc": "2025-05-06T14:59:00Z"})
    page.locator("table.stores a.id:has-text('newcomer')").wait_for()
    assert page.evaluate("window.stayed") is True
    page.locator("[data-live-now]:has-text('live · ')").wait_for()
    tab.close()


def test_a_lost_connection_is_said_and_so_is_until_when_the_figures_were_true(
    browser: Any,
    start_site: Callable[..., LiveSite],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A banner, not old figures in silence; it goes when the worker is back."""
    monkeypatch.setattr("streamproc.web.templating.LIVE_EVERY_S", OFTEN_S)
    first = LiveSite(tmp_path / "first").start()
    tab = Tab(browser, first.url)
    page = tab.open("/stores")
    page.locator("[data-banner]").wait_for(state="hidden")
    first.stop()
    banner = page.locator("[data-banner]:has-text('connection to the worker is lost')")
    banner.wait_for()
    assert "What is shown is of" in banner.inner_text()
    second = LiveSite(tmp_path / "second", {"web_port": first.port}).start()
    banner.wait_for(state="hidden")
    page.locator("[data-live-now]").first.wait_for()
    second.stop()
    tab.close()


def test_nothing_moves_under_a_hand(
    browser: Any, start_site: Callable[..., LiveSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list with the focus in it waits, says so, and goes on when the focus leaves."""
    monkeypatch.setattr("streamproc.web.templating.LIVE_EVERY_S", OFTEN_S)
    monkeypatch.setattr("streamproc.web.pages.FRESH_S", 0.1)
    site = start_site()
    poll = {"status": "active", "timestamp_utc": "2025-05-06T14:59:00Z"}
    site.post_json("/api/v1/polls", {**poll, "store_id": "first"})
    site.settle()
    tab = Tab(browser, site.url)
    page = tab.open("/stores?sort=store")
    page.locator("table.stores a.id:has-text('first')").focus()
    site.post_json("/api/v1/polls", {**poll, "store_id": "another"})
    note = page.locator(".pause")
    note.wait_for()
    said = r"Paused while you are in the list: \d+ changes? since \d\d:\d\d"
    assert re.match(said, note.inner_text())
    assert ids_shown(page) == ["first"]
    assert page.evaluate("document.activeElement.textContent.trim()") == "first"
    page.focus("#q")
    page.locator("table.stores a.id:has-text('another')").wait_for()
    assert note.count() == 0
    assert tab.errors == []
    tab.close()


def press_slowly(page: Any) -> None:
    """Press the note's button; meanwhile the focus stays where it is.

    There are browsers in which a press gives a button none: it would go to the page.
    """
    page.locator(".pause button").hover()
    page.mouse.down()
    page.wait_for_timeout(A_PRESS_MS)
    assert page.locator(".pause button:focus").count() == 0
    page.mouse.up()


def focus_and_press(page: Any) -> Iterator[None]:
    """Hold a list back by the focus; then press the button, as slowly as hands."""
    page.locator("#down a.id:has-text('first')").focus()
    yield
    press_slowly(page)


def focus_and_keys(page: Any) -> Iterator[None]:
    """Hold it back by the focus; then go to the note's button by keys."""
    page.locator("#down a.id:has-text('first')").focus()
    yield
    page.locator(".pause").wait_for()
    while not page.locator(".pause button:focus").count():
        page.keyboard.press("Shift+Tab")
        assert page.locator(".pause").count() == 1
    page.keyboard.press("Enter")


def selection_and_press(page: Any) -> Iterator[None]:
    """Hold it back by words that are selected, perhaps to be copied."""
    page.locator("#down tbody tr").first.select_text()
    yield
    press_slowly(page)


@pytest.mark.parametrize("hand", [focus_and_press, focus_and_keys, selection_and_press])
def test_what_is_held_back_can_be_shown_at_once(
    browser: Any,
    start_site: Callable[..., LiveSite],
    monkeypatch: pytest.MonkeyPatch,
    hand: Callable[[Any], Iterator[None]],
) -> None:
    """By the note's button, which stays until it was pressed."""
    monkeypatch.setattr("streamproc.web.templating.LIVE_EVERY_S", OFTEN_S)
    monkeypatch.setattr("streamproc.web.pages.FRESH_S", 0.1)
    site = start_site()
    poll = {"status": "inactive", "timestamp_utc": "2025-05-06T14:59:00Z"}
    site.post_json("/api/v1/polls", {**poll, "store_id": "first"})
    site.settle()
    tab = Tab(browser, site.url)
    page = tab.open("/")
    steps = hand(page)
    next(steps)
    site.post_json("/api/v1/polls", {**poll, "store_id": "another"})
    assert next(steps, None) is None
    page.locator("#down a.id:has-text('another')").wait_for()
    assert page.locator(".pause").count() == 0
    assert page.evaluate("document.activeElement.dataset.live") == "down"
    tab.close()


@pytest.mark.parametrize("script", [True, False])
def test_tasks_are_done_in_few_clicks(
    browser: Any, site: LiveSite, script: bool
) -> None:
    """From the start page to who is down, a store's day, a group, an export."""
    tab = Tab(browser, site.url, java_script_enabled=script)
    clicks = 0

    def click(where: str) -> None:
        nonlocal clicks
        tab.press(where)
        clicks += 1

    page = tab.open("/")  # which stores are down, and for how long: no click
    assert page.locator("#down tbody tr").first.inner_text().startswith("alpha")
    assert "30 min" in page.locator("#down tbody tr").first.inner_text()
    click("#down a.id:has-text('alpha')")  # one of them
    assert page.locator("h1").inner_text() == "alpha"
    assert clicks == 1

    page, clicks = tab.open("/"), 0  # how was a store yesterday, poll by poll
    click(".worst a.id:has-text('gamma')")
    assert "Mon 5 May 2025" in page.locator("#days").inner_text()
    assert page.locator(".pollrow svg").count() == 24
    assert clicks == 1

    page, clicks = tab.open("/"), 0  # a region last month: worst first
    click("nav[aria-label=Main] a:has-text('Stores')")
    click(".seg a:has-text('Last month')")
    click(".groups a:has-text('West')")
    assert ids_shown(page) == ["Beta Square"]
    assert clicks == 3
    with page.expect_download() as caught:
        page.click("a:has-text('CSV')")
    assert (
        caught.value.path().read_text().splitlines()[1].startswith("beta,Beta Square")
    )
    tab.close()


def test_a_bar_opens_its_day(tab: Tab) -> None:
    """From a month of day bars to every poll of one."""
    page = tab.open("/stores/gamma")
    page.locator(".year .days a").nth(4).click()
    page.wait_for_url("**/stores/gamma?period=day*")
    assert page.locator(".pollrow").count() == 1


def test_the_picker_leads_to_two_dates_and_the_steps_from_there(tab: Tab) -> None:
    """Heading, figures and export follow; the address has it all."""
    page = tab.open("/stores")
    page.click("summary:has-text('Custom')")
    page.fill("#from", "2025-05-05")
    page.fill("#to", "2025-05-05")
    page.click(".pick .btn")
    page.wait_for_url("**/stores?period=2025-05-05..2025-05-05")
    assert "Mon 5 May 2025" in page.locator(".head").first.inner_text()
    href = page.get_attribute("a:has-text('CSV')", "href")
    assert "period=2025-05-05..2025-05-05" in href
    tab.press(".step a >> nth=0")
    assert "Sun 4 May 2025" in page.locator(".head").first.inner_text()


def test_on_a_phone_targets_are_large_and_the_list_is_on_the_first_screen(
    browser: Any, site: LiveSite
) -> None:
    """44 pixels in one direction at least; who is down is seen without scrolling."""
    tab = Tab(
        browser,
        site.url,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
    )
    page = tab.open("/")
    assert page.locator("#down a.id").first.bounding_box()["y"] < 500
    for path in ("/", "/stores", "/stores/gamma"):
        page = tab.open(path)
        assert page.evaluate(SMALL_TARGETS) == [], path
    page = tab.open("/stores")
    page.select_option("#period-of", "yesterday")
    page.wait_for_url("**period=yesterday*")
    tab.close()


def test_twice_as_large_nothing_is_cut_off(browser: Any, site: LiveSite) -> None:
    """At 200 percent a window of 1280 pixels has 640 of the page's."""
    tab = Tab(browser, site.url, viewport={"width": 640, "height": 400})
    for path in ("/", "/stores", "/stores/gamma", "/stores/gamma?period=this-month"):
        page = tab.open(path)
        too_wide = "document.documentElement.scrollWidth > innerWidth"
        assert page.evaluate(too_wide) is False, path
    tab.close()


def test_a_hostile_store_id_runs_nothing(tab: Tab) -> None:
    """Opened from the listing, a script is a name."""
    ran: list[str] = []
    tab.page.on("dialog", lambda dialog: ran.append(dialog.message))
    page = tab.open("/stores?q=%3Cscript&sort=store")
    tab.press("table.stores a.id >> nth=0")
    assert page.locator("h1").inner_text() == SCRIPT
    assert ran == []
    assert tab.errors == []


def test_without_script_everything_but_live_works(browser: Any, site: LiveSite) -> None:
    """Sorting, search and paging are links and forms."""
    tab = Tab(browser, site.url, java_script_enabled=False)
    page = tab.open("/stores")
    page.fill("#q", "store-4")
    tab.press(".filters button")
    assert set(ids_shown(page)) >= {"store-4", "store-42"}
    tab.press("thead a:has-text('Store')")
    assert ids_shown(page)[0] == "store-4"
    tab.close()


def test_without_script_a_report_is_triggered_and_a_session_ended(
    browser: Any, start_site: Callable[..., LiveSite]
) -> None:
    """The link signs in and leads on, the buttons are forms."""
    site = start_site()
    tab = Tab(browser, site.url, java_script_enabled=False)
    page = tab.open(own_token.link(site.settings).removeprefix(site.url))
    page.wait_for_url(site.url + "/")
    tab.open("/reports")
    page.click("button:has-text('Trigger report')")
    page.locator(".made th[scope=row]:has-text('all stores')").wait_for()
    tab.press("button:has-text('Sign out')")
    tab.open("/reports")
    assert page.locator("button:has-text('Trigger report')").count() == 0
    tab.close()
