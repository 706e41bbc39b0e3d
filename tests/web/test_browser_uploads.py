"""Files of every kind in a real Chromium: dry run, a refusal answered, loaded."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from streamproc.web import own_token
from streamproc.web.uploads import upload
from tests.web.browser import REFRESH, Tab, launched
from tests.web.live_site import LiveSite
from tests.web.test_browser_acts import quiet
from tests.web.test_upload_options import HOSTILE, HOURS, ZONES

pytestmark = pytest.mark.browser

FILES = {
    "polls": b"store_id,status,timestamp_utc\nalpha,active,2025-05-06 13:00:00 UTC\n",
    "hours": HOURS + b"alpha,1,09:00,17:00\nalpha,2,closed,closed\n",
    "zones": ZONES + b"alpha,Asia/Tokyo\n",
    "special_hours": b"store_id,date,start_time_local,end_time_local,note\n"
    b"*,2025-12-24,09:00,13:00,Christmas Eve\n",
    "exclusions": b"store_id,id,kind,from_utc,to_utc,note\n"
    b"alpha,m-1,maintenance,2025-05-06 14:00:00,2025-05-06 14:10:00,power\n",
    "labels": b"store_id,name,target,region\nalpha,Alpha Place,98.5,West\n",
}
READ_AGAIN = re.compile(r'<meta http-equiv="refresh"[^>]*>')

REFUSED = {
    "hours": HOURS + b"".join(b"alpha,%d,09:00,17:00\n" % day for day in range(1, 8)),
    "zones": ZONES + b"alpha,UTC\nbeta,Mars/Base\n",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests here."""
    with launched() as found:
        yield found


@pytest.fixture(params=[(1440, True), (390, False)], ids=["script", "phone, none"])
def tab(
    request: pytest.FixtureRequest, browser: Any, start_site: Callable[..., LiveSite]
) -> Iterator[Tab]:
    """A signed-in tab on a fleet of its own: wide with script, on a phone without."""
    width, script = request.param
    site = start_site().fill()
    size = {"width": width, "height": 900}
    opened = Tab(browser, site.url, viewport=size, java_script_enabled=script)
    opened.open(own_token.link(site.settings).removeprefix(site.url))
    opened.page.wait_for_url(f"{site.url}/")
    yield opened
    opened.close()


def tried(tab: Tab, tmp_path: Path, kind: str, content: bytes) -> Any:
    """The page of a file that was chosen and tried out."""
    file = tmp_path / f"{kind}.csv"
    file.write_bytes(content)
    page = tab.open("/upload")
    page.set_input_files("input[type=file]", file)
    page.select_option("form[enctype] select[name=kind]", kind)
    return tab.press("button:has-text('Dry run')")


def loaded(tab: Tab, name: str) -> None:
    """Press what publishes, and wait until all of the file is in the log."""
    page = tab.press("button[value=publish]")
    page.locator(f"text={name} is published:").wait_for()
    page.wait_for_load_state()  # without script it has just been read again
    assert page.locator("button[value=publish]").count() == 0


@contextmanager
def kept_still(page: Any) -> Iterator[None]:
    """A page that is read again and again without script is not, while looked at."""
    address = page.url

    def read_once(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=READ_AGAIN.sub("", answer.text()))

    page.route(address, read_once)
    page.reload()
    assert page.locator(REFRESH).count() == 0
    yield
    page.unroute(address)
    page.reload()


def test_every_kind_of_file_is_tried_and_loaded(tab: Tab, tmp_path: Path) -> None:
    """The number is said; nothing on the page is cut off or too pale."""
    for kind, content in FILES.items():
        page = tried(tab, tmp_path, kind, content)
        assert "1 " in page.inner_text("[role=status]:has-text('can go in')")
        quiet(tab)
        loaded(tab, f"{kind}.csv")
        quiet(tab)
    page = tab.open("/changes")
    assert page.inner_text("main").count("alpha") or "Alpha Place" in page.content()


def test_a_file_that_is_published_is_followed_in_place(
    tab: Tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any
) -> None:
    """The focus stays where it is; without script the page is read again."""
    go_on, publish = threading.Event(), upload._publish

    async def when_told(*given: Any) -> None:
        await asyncio.to_thread(go_on.wait, 30)
        await publish(*given)

    monkeypatch.setattr(upload, "_publish", when_told)
    content = FILES["polls"] + b"alpha,odd,2025-05-06 13:00:00 UTC\n"
    page = tried(tab, tmp_path, "polls", content)
    page.click("button[value=publish]")
    page.locator("text=is being published:").wait_for()
    with kept_still(page):
        quiet(tab)
    link = page.locator("a:has-text('Download the refused rows')")
    link.focus()
    go_on.set()
    page.locator("text=is published:").wait_for()
    page.locator("text=Another file").wait_for()
    _, script = request.node.callspec.params["tab"]
    assert link.evaluate("one => one === document.activeElement") is script


@pytest.mark.parametrize(("kind", "answer"), [("hours", "1-7"), ("zones", "")])
def test_a_refusal_is_answered_where_it_is_said_and_the_file_goes_in(
    tab: Tab, tmp_path: Path, kind: str, answer: str
) -> None:
    """By its field, which has the focus; the file is not chosen again."""
    page = tried(tab, tmp_path, kind, REFUSED[kind])
    assert "cannot go in" in page.inner_text("#why")
    assert "--" not in page.inner_text("#why")
    page.locator("#answer:focus").wait_for()
    quiet(tab)
    page.click("text=Answer it")
    if answer:
        page.select_option("#answer", answer)
    else:
        page.check("#answer")
    tab.press("button[value=again]")
    assert "can go in" in page.inner_text("main")
    quiet(tab)
    loaded(tab, f"{kind}.csv")


def test_no_file_is_too_hostile_for_the_page(tab: Tab, tmp_path: Path) -> None:
    """Each is answered in a sentence that fits."""
    for content, told in HOSTILE.values():
        page = tried(tab, tmp_path, "polls", content)
        assert told in " ".join(page.inner_text("main").split())
        quiet(tab)
        tab.press("button[value=forget]")


def test_many_stores_are_closed_from_their_list(tab: Tab) -> None:
    """Those that are down: from the list to saved, and undone together."""
    page = tab.open("/stores?now=down")
    tab.press("a:has-text('Change these')")
    assert "down now" in page.inner_text("main")
    page.fill("input[name=date]", "2025-05-06")
    tab.press("button[value=preview]")
    assert "Figures change" in page.inner_text(".preview")
    quiet(tab)
    tab.press("button[value=save]")
    assert "Saved." in page.inner_text("main")
    tab.press("button:has-text('Undo')")
    tab.press("button[value=save]")
    assert "It undoes another change." in page.inner_text("main")
    quiet(tab)
