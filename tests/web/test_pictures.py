"""Fragments that stay as they are, held against pictures of them.

They have no words in them, so they are the same whatever fonts a machine has. What is
meant to look otherwise is taken anew with ``make pictures``, and looked at.
"""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.browser import Tab, launched
from tests.web.live_site import LiveSite

pytestmark = pytest.mark.browser

PICTURES = Path(__file__).with_name("pictures")
RENEWED = os.environ.get("RENEW_PICTURES") == "1"

OTHER_PIXELS = 0.002
"""Which part of the pixels may be others, by more than a shade."""

STILL = Path(__file__).with_name("still.js").read_text()

COMPARED = Path(__file__).with_name("compared.js").read_text()

FRAGMENTS = {
    "marks": ("/", "", "svg use[href^='#m-']", 6),
    "legend": ("/stores/1017", "", ".legend svg.swatch", 12),
    "day": ("/stores/1017?period=day:2025-10-09", "480px", "svg.strip", 1),
    "week": ("/stores/1019?period=last-week", "480px", ".day svg.strip", 8),
    "months": ("/stores/1017", "480px", ".year svg.days", 13),
    "card": ("/", "361px", "table.worst tbody tr", 1),
    "sheet": ("/reports/last-month/page", "700px", ".sheet .worst svg.days", 3),
}
"""Where each is, how wide it is made, what it consists of, and how many of these."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests here."""
    with launched() as found:
        yield found


def taken(browser: Any, site: LiveSite, name: str, scheme: str) -> bytes:
    """A picture of a fragment as it is now."""
    path, width, what, most = FRAGMENTS[name]
    is_card = name == "card"
    view = {"width": 390 if is_card else 1024, "height": 844}
    tab = Tab(browser, site.url, viewport=view, color_scheme=scheme)
    page = tab.open(path)
    page.evaluate(STILL, [what, most, width])
    picture: bytes = page.locator("#still").screenshot(animations="disabled")
    tab.close()
    return picture


def part_that_differs(browser: Any, one: bytes, other: bytes) -> float:
    """Which part of the pixels of two pictures differs; 1 when their sizes do."""
    page = browser.new_page()
    told = [base64.b64encode(each).decode() for each in (one, other)]
    part: float = page.evaluate(COMPARED, told)
    page.close()
    return part


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", FRAGMENTS)
def test_what_is_drawn_looks_as_it_did(
    browser: Any, managed: LiveSite, name: str, scheme: str, tmp_path: Path
) -> None:
    """Marks, swatches, strips, bars of days, a card on a phone: shapes and colours."""
    now = taken(browser, managed, name, scheme)
    file = PICTURES / f"{name}-{scheme}.png"
    if RENEWED:
        PICTURES.mkdir(exist_ok=True)
        file.write_bytes(now)
    (tmp_path / file.name).write_bytes(now)
    part = part_that_differs(browser, file.read_bytes(), now)
    assert part <= OTHER_PIXELS, f"{part:.1%} of {tmp_path / file.name}"


def test_light_and_dark_are_not_taken_for_each_other(browser: Any) -> None:
    """What compares can find a difference."""
    light, dark = (
        (PICTURES / f"week-{scheme}.png").read_bytes() for scheme in ("light", "dark")
    )
    assert part_that_differs(browser, light, dark) > OTHER_PIXELS
    assert part_that_differs(browser, light, light) == 0
