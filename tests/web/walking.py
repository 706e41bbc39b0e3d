"""Somebody at the pages: follows links, presses buttons, fills in named fields.

No address is typed but the first. Every press is counted, and each page is looked at as
it comes: what is wrong with it fails the walk.
"""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.web.browser import PATIENCE_MS, REFRESH, Tab
from tests.web.page_checks import WIDTHS, axe_violations, cut_off, out_of_order

WIDE, TABLET, PHONE = (1440, 900), (820, 1180), (390, 844)
SLOW_S = 1.0


@dataclass(frozen=True, slots=True)
class Person:
    """Who walks: how large the screen is, which colours; with script, with a mouse."""

    size: tuple[int, int]
    scheme: str
    script: bool
    mouse: bool = True

    def __str__(self) -> str:
        how = "" if self.mouse else "-keys"
        return f"{self.size[0]}-{self.scheme}-{'js' if self.script else 'nojs'}{how}"

    @property
    def options(self) -> dict[str, Any]:
        """Of a browser's context."""
        width, height = self.size
        is_phone = self.size == PHONE
        return {
            "viewport": {"width": width, "height": height},
            "color_scheme": self.scheme,
            "java_script_enabled": self.script,
            "has_touch": is_phone,
            "is_mobile": is_phone,
            "accept_downloads": True,
        }


def _plain(text: str) -> str:
    return " ".join(text.split())


@dataclass
class Walk:
    """A walk of one person; ``seen``: pages that were looked at before, by anybody."""

    tab: Tab
    person: Person
    seen: set[object]
    clicks: int = 0
    keys: int = 0
    slow: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def page(self) -> Any:
        """The page as it is now."""
        return self.tab.page

    @property
    def heading(self) -> str:
        """What the page says it is."""
        return self.text("h1")

    def text(self, where: str = "main") -> str:
        """What stands in a part of the page, its blanks made one each."""
        return _plain(self.page.locator(where).first.inner_text())

    def rows(self, where: str) -> list[str]:
        """The same of each of several parts."""
        return [_plain(row) for row in self.page.locator(where).all_inner_texts()]

    # -- acting -----

    def follow(self, name: str | re.Pattern[str], within: Any = None) -> None:
        """Press a link that leads to another page, or to a place in this one."""
        self._go(self._named("link", name, within))

    def press(self, name: str | re.Pattern[str], within: Any = None) -> None:
        """Press a button that sends a form."""
        self._go(self._named("button", name, within))

    def open(self, words: str, within: Any = None) -> None:
        """Unfold what these words stand on."""
        scope = within or self.page
        scope.locator("summary:visible", has_text=words).click()
        self.clicks += 1

    def navigate(self, name: str) -> None:
        """Go to one of the six pages, by the navigation that each page has."""
        main = self.page.get_by_role("navigation", name="Main")
        self.follow(re.compile(f"^{name}"), main)

    def choose(self, label: str, option: str) -> None:
        """Take the first option that begins so, of a list that is named so."""
        found = self._list(label)
        named = found.locator("option").filter(has_text=re.compile(f"^{option}"))
        found.select_option(value=named.first.get_attribute("value"))
        self.clicks += 1

    def fill(self, label: str | re.Pattern[str], text: str, within: Any = None) -> None:
        """Write into the field that is named so."""
        self._field(label, within).fill(text)

    def value(self, label: str | re.Pattern[str], within: Any = None) -> str:
        """What stands in the field that is named so."""
        return str(self._field(label, within).input_value())

    def attach(self, label: str, file: Path) -> None:
        """Choose a file."""
        self._field(label, None).set_input_files(file)

    def download(self, name: str | re.Pattern[str], within: Any = None) -> bytes:
        """Press a link to a file; what is in it."""
        link = self._named("link", name, within)
        with self.page.expect_download() as caught:
            link.click()
        self.clicks += 1
        content: bytes = caught.value.path().read_bytes()
        return content

    def period(self, name: str) -> None:
        """Choose a period: a press, or on a phone an option of a list."""
        if self.person.size != PHONE:
            self.follow(name, self.page.get_by_role("navigation", name="Period"))
            return
        chosen = self._list("Period")
        if self.person.script:
            with self.page.expect_navigation():
                chosen.select_option(label=name)
            self.clicks += 1
            self._look()
            return
        chosen.select_option(label=name)
        self.press("Show", self.page.locator(".small-pick"))

    def search(self, words: str) -> None:
        """Look for a store by the search of every page, or of the page Stores."""
        if self.person.size == WIDE:
            field_ = self.page.get_by_role("search").get_by_role("searchbox")
        else:
            self.follow("Find a store")
            field_ = self.page.get_by_label("Name or id", exact=True)
        field_.fill(words)
        with self.page.expect_navigation():
            field_.press("Enter")
        self.clicks += 1
        self._look()

    def undo(self) -> None:
        """Take back what was just saved."""
        self.press("Undo…")
        self.press("Save the undoing")

    def wait_for(self, what: Any) -> None:
        """Until something is there; without script by coming to the page again."""
        if self.person.script or self.page.locator(REFRESH).count():
            what.first.wait_for()
            self.page.wait_for_load_state()
            return
        give_up = time.monotonic() + PATIENCE_MS / 1000
        while not what.count():
            assert time.monotonic() < give_up, f"{what} is not there"
            self.page.reload()

    # -- how -----

    def _named(self, role: str, name: str | re.Pattern[str], within: Any) -> Any:
        scope = self.page if within is None else within
        exact = isinstance(name, str)
        return scope.get_by_role(role, name=name, exact=exact).locator("visible=true")

    def _list(self, label: str) -> Any:
        found = self.page.get_by_role("combobox", name=label, exact=True)
        return found.locator("visible=true")

    def _field(self, label: str | re.Pattern[str], within: Any) -> Any:
        scope = self.page if within is None else within
        found = scope.get_by_label(label, exact=isinstance(label, str))
        return found.locator("visible=true")

    def _go(self, target: Any) -> None:
        begun = time.monotonic()
        with self.page.expect_navigation():
            target.click()
        self.page.wait_for_load_state("load")
        took = time.monotonic() - begun
        if took > SLOW_S:
            self.slow.append(f"{self.page.url}: {took:.2f} s")
        self.clicks += 1
        self._look()

    # -- looking -----

    def start(self) -> None:
        """Look at the page where it begins."""
        self._look()

    def _look(self) -> None:
        """Note what is wrong with the page, with its address."""
        self.page.wait_for_load_state("load")
        self._note(cut_off(self.page))
        if self._is_new():
            if self.person.script:  # it is one itself, and waits for timers
                self._note(axe_violations(self.page))
            self._note(out_of_order(self.page))
            self._look_at_all_widths()

    def _note(self, wrong: Iterable[object], width: int = 0) -> None:
        where = self.page.url, width or self.person.size[0]
        self.wrong += [f"{where}: {each}" for each in wrong]

    def _look_at_all_widths(self) -> None:
        if self.person.size == PHONE:  # a phone's window has one width
            return
        _, height = self.person.size
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": height})
            self._note(cut_off(self.page), width)
        self.page.set_viewport_size(self.person.options["viewport"])

    def _is_new(self) -> bool:
        address = urlsplit(self.page.url)
        asked = tuple(sorted(parse_qs(address.query)))
        kind = self.page.locator("main").get_attribute("class"), self.heading
        seen = (str(self.person), address.path, asked, kind, self._is_preview())
        is_new = seen not in self.seen
        self.seen.add(seen)
        return is_new

    def _is_preview(self) -> bool:
        return bool(self.page.locator(".preview, .preview-line").count())
