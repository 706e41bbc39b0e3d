"""Somebody at the pages without a mouse: Tab, Enter, Space, arrows and "/" only.

What is reached is reached key by key, and each place the focus comes by is looked at.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.web.walking import Walk

FOCUS = Path(__file__).with_name("focus.js").read_text()

MOST_STOPS = 130
"""Presses of Tab from where the focus is to where it is wanted."""

WHERE = """(target) => {
  const focus = document.activeElement;
  const from = focus === document.body ? document.querySelector(":target") : focus;
  if (!from) return target.closest("main") ? "skip" : "ahead";
  const following = Node.DOCUMENT_POSITION_FOLLOWING;
  return from.compareDocumentPosition(target) & following ? "ahead" : "back";
}"""
"""Where something is, as seen from the focus, or from the place that was opened."""

ANSWERS = ("preview", "made")
"""Places that forms lead to."""

IS_HERE = "(target) => document.activeElement === target"


@dataclass
class KeyboardWalk(Walk):
    """A walk by keys; ``keys``: how many were pressed, letters of texts not counted."""

    def open(self, words: str, within: Any = None) -> None:
        """Unfold what these words stand on."""
        scope = within or self.page
        self._reach(scope.locator("summary:visible", has_text=words))
        self._key("Enter")
        self.clicks += 1

    def choose(self, label: str, option: str) -> None:
        """Go through the list by arrows, to the first option that begins so."""
        found = self._list(label)
        self._reach(found)
        texts = found.locator("option").all_inner_texts()
        wanted = next(n for n, text in enumerate(texts) if text.startswith(option))
        steps = wanted - found.evaluate("e => e.selectedIndex")
        for _ in range(abs(steps)):
            self._key("ArrowDown" if steps > 0 else "ArrowUp")
        assert found.evaluate("e => e.selectedIndex") == wanted
        self.clicks += 1

    def fill(self, label: str | re.Pattern[str], text: str, within: Any = None) -> None:
        """Type into the field that is named so."""
        field = self._field(label, within)
        self._reach(field)
        kind = field.get_attribute("type")
        if kind in ("date", "datetime-local"):
            self._type_time(text)
        else:
            self._key("Control+A")
            self.page.keyboard.insert_text(text)
        assert field.input_value().startswith(text)

    def _type_time(self, text: str) -> None:
        """A date, or a date and a time, as this browser's fields ask for it."""
        date, _, clock = text.partition("T")
        year, month, day = date.split("-")
        self.page.keyboard.type(f"{month}{day}{year}")
        if clock:
            hour, minute = clock.split(":")[:2]
            self._key("ArrowRight")
            half = "A" if int(hour) < 12 else "P"
            self.page.keyboard.type(f"{int(hour) % 12 or 12:02}{minute}00{half}")

    def attach(self, label: str, file: Path) -> None:
        """Choose a file, by the key that opens the chooser."""
        # Chromium is told to hand choosers over while the field is being reached: told
        # together with the key, it may be too late.
        self.page.on("filechooser", lambda chooser: None)
        self._reach(self._field(label, None))
        with self.page.expect_file_chooser() as caught:
            self._key("Enter")
        caught.value.set_files(file)

    def download(self, name: str | re.Pattern[str], within: Any = None) -> bytes:
        """Take a link to a file; what is in it."""
        self._reach(self._named("link", name, within))
        with self.page.expect_download() as caught:
            self._key("Enter")
        self.clicks += 1
        content: bytes = caught.value.path().read_bytes()
        return content

    def search(self, words: str) -> None:
        """Look for a store by the search that "/" goes to."""
        self._key("/")
        self.page.keyboard.type(words)
        with self.page.expect_navigation():
            self._key("Enter")
        self.clicks += 1
        self._look()

    # -- how -----

    def _go(self, target: Any) -> None:
        self._reach(target)
        with self.page.expect_navigation():
            self._key("Enter")
        self.clicks += 1
        self._look()

    def _reach(self, target: Any) -> None:
        """Bring the focus to it, over the link to the content where it is in there."""
        where = target.evaluate(WHERE)
        if where == "skip":
            self._step("Tab")
            self._key("Enter")
        key = "Shift+Tab" if where == "back" else "Tab"
        stops = 0
        while not target.evaluate(IS_HERE):
            assert stops < MOST_STOPS, f"{target} is not reached by {key}"
            self._step(key)
            stops += 1

    def _step(self, key: str) -> None:
        self._key(key)
        self._note(self.page.evaluate(FOCUS))

    def _key(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.keys += 1

    def _look(self) -> None:
        """The pages are looked at by others; here is looked at the focus.

        After a preview, a save and whatever else a form leads to it is at the answer.
        """
        self.page.wait_for_load_state("load")
        place = urlsplit(self.page.url).fragment
        if place in ANSWERS:  # the browser goes there when it draws the page
            self.page.locator(f"#{place}:focus").wait_for()
