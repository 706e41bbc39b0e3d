"""A real Chromium for the tests of the pages; skipped with a reason without one."""

import importlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest

REQUIRED = os.environ.get("BROWSER_TESTS_REQUIRED") == "1"
NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PATIENCE_MS = 60_000
"""How long anything is waited for, on a machine that has much else to do."""

OFTEN_S = 1.0
"""How often a page looks for news where a test waits for them.

A page takes the worker for lost after three times as long, and gives an answer four.
"""

REFRESH = "meta[http-equiv=refresh]"
"""What has a page without script read again by itself."""

CONTRAST = Path(__file__).with_name("contrast.js").read_text()

STRUCTURE = Path(__file__).with_name("structure.js").read_text()

SMALL_TARGETS = Path(__file__).with_name("targets.js").read_text()


def executable() -> str:
    """Path of a Chromium; skips, or fails where one is required."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        _missing("there is no Chromium")
    return str(found)


def _missing(why: str) -> NoReturn:
    if REQUIRED:
        pytest.fail(f"BROWSER_TESTS_REQUIRED=1, but {why}")
    pytest.skip(why)


def needed(name: str) -> Any:
    """A module that the tests in a browser need; skips, or fails, without it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        _missing(f"{name} is not installed (pip install '.[browser]')")


@contextmanager
def launched() -> Iterator[Any]:
    """A headless Chromium."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed (pip install '.[browser]')")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(), args=ARGUMENTS
        )
        yield browser
        browser.close()


class Tab:
    """A page that notes what goes wrong in it."""

    def __init__(self, browser: Any, base: str, **options: Any) -> None:
        self.base = base
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        self._context = browser.new_context(**options)
        self._context.set_default_timeout(PATIENCE_MS)
        self.page = self._context.new_page()
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "request", lambda r: self.hosts.add(urlsplit(r.url).netloc or r.url[:20])
        )

    def _on_console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def open(self, path: str) -> Any:
        """Go to a path; returns the page."""
        self.page.goto(self.base + path, wait_until="load")
        return self.page

    def press(self, where: Any) -> Any:
        """Press what leads to another page; returns the page when all of it is there.

        ``where``: a locator, or a selector, of which the first is pressed.
        """
        target = self.page.locator(where).first if isinstance(where, str) else where
        with self.page.expect_navigation():
            target.click()
        return self.page

    def close(self) -> None:
        """Close it."""
        self._context.close()
