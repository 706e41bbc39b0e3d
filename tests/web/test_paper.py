"""What is handed on: one sheet of A4 each, with the figures that the pages have."""

import io
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.waiting import LIMIT_S
from tests.web.browser import Tab, launched, needed
from tests.web.known_answers import Amounts, amounts, dates, pooled
from tests.web.live_site import LiveSite
from tests.web.managed_fleet import STORES, Store

pytestmark = pytest.mark.browser

A4 = 595, 842
"""Points, at 72 to the inch."""

OCTOBER = "2025-10-01", "2025-10-31"
MOUNTAIN = [store for store in STORES.values() if store.region == "Mountain"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests here."""
    with launched() as found:
        yield found


def of_dates(first: str, last: str, stores: list[Store]) -> Amounts:
    """The figures of some stores in their own dates, all together."""
    return pooled(amounts(store, dates(first, last, store)) for store in stores)


def printed(browser: Any, site: LiveSite, path: str) -> list[Any]:
    """The pages that come out of the printer."""
    reader = needed("pypdf")
    tab = Tab(browser, site.url, viewport={"width": 1440, "height": 900})
    page = tab.open(path)
    content = page.pdf(prefer_css_page_size=True)
    assert tab.errors == []
    tab.close()
    return list(reader.PdfReader(io.BytesIO(content)).pages)


def words_of(sheets: list[Any]) -> list[str]:
    """The text of each."""
    return [" ".join(sheet.extract_text().split()) for sheet in sheets]


def test_a_page_that_is_printed_has_its_list_at_once_and_ends_with_the_rules(
    browser: Any, managed: LiveSite
) -> None:
    """A long table begins on the sheet of its heading; no link is left for the last."""
    sheets = words_of(printed(browser, managed, "/stores?period=last-month"))
    assert "Flagstaff Mountain" in sheets[0]
    assert "Percent = up / (up + down)" in sheets[-1]
    assert "combined_report.csv" not in "".join(sheets)


def test_a_table_that_scrolls_is_printed_whole(browser: Any, managed: LiveSite) -> None:
    """The days of all stores, down to the first."""
    deadline = time.monotonic() + LIMIT_S
    while "being counted" in managed.page("/?view=table"):
        assert time.monotonic() < deadline
    text = " ".join(words_of(printed(browser, managed, "/?view=table")))
    assert "Tue 4 Nov 2025" in text
    assert "Mon 29 Sep 2025" in text


@pytest.mark.parametrize(
    ("path", "title", "stores", "period"),
    [
        (
            "/reports/yesterday/page",
            "Uptime",
            list(STORES.values()),
            ("2025-11-04", "2025-11-04"),
        ),
        (
            "/reports/last-month/page?where=region%3DMountain",
            "Mountain",
            MOUNTAIN,
            OCTOBER,
        ),
        ("/stores/1017/page?period=last-month", "Aspen", [STORES["Aspen"]], OCTOBER),
    ],
    ids=["fleet", "region", "store"],
)
def test_a_fleet_a_region_and_a_store_are_one_sheet_of_a4_each(
    browser: Any,
    managed: LiveSite,
    path: str,
    title: str,
    stores: list[Store],
    period: tuple[str, str],
) -> None:
    """With the percentage that comes of the polls, and the rules; no navigation."""
    (sheet,) = printed(browser, managed, path)
    assert abs(float(sheet.mediabox.width) - A4[0]) < 2
    assert abs(float(sheet.mediabox.height) - A4[1]) < 2
    text = " ".join(sheet.extract_text().split())
    assert title in text
    assert of_dates(*period, stores).percent in text
    assert "Rules." in text
    assert "Connect" not in text
    assert "Find a store" not in text


@pytest.mark.parametrize("path", ["/", "/stores?period=last-month", "/incidents"])
def test_a_page_that_is_printed_has_all_of_it_and_no_controls(
    browser: Any, managed: LiveSite, path: str
) -> None:
    """On as many sheets as it takes: each store's name, nothing to press."""
    sheets = printed(browser, managed, path)
    assert 1 <= len(sheets) <= 4
    text = " ".join(" ".join(sheet.extract_text().split()) for sheet in sheets)
    named = {name for name in STORES if name in text}
    assert named == set(STORES) or path != "/stores?period=last-month"
    assert len(named) >= 3
    for control in ("Custom…", "Find a store", "Sign in", "Skip to content"):
        assert control not in text
