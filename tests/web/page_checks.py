"""What holds of every page that a walk comes by, looked at in the browser."""

from pathlib import Path
from typing import Any

from tests.web.browser import needed

WIDTHS = (1440, 1024, 820, 720, 640, 390)
"""Of windows, in pixels; 720 and 640: 1440 and 1280 at 200 percent."""

CUT_OFF = Path(__file__).with_name("cut_off.js").read_text()

ORDER = Path(__file__).with_name("order.js").read_text()


def cut_off(page: Any) -> list[str]:
    """What is wider than where it stands and cannot be scrolled."""
    found: list[str] = page.evaluate(CUT_OFF)
    return found


def out_of_order(page: Any) -> list[str]:
    """What the focus comes to that lies before what it comes from."""
    found: list[str] = page.evaluate(ORDER)
    return found


def axe_violations(page: Any) -> list[tuple[str, list[str]]]:
    """What axe-core finds: the rule, and where."""
    axe = needed("axe_playwright_python.sync_playwright").Axe()
    violations = axe.run(page).response["violations"]
    return [(v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in violations]
