"""What an open page says while its worker is killed, and comes back with a backlog."""

import asyncio
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from streamproc.rules.poll import Poll
from streamproc.settings import Settings, load
from streamproc.web.flow import BEHIND_S
from tests.system.events import SECOND_US, now_us
from tests.system.harness import publish
from tests.waiting import until
from tests.web.browser import CONTRAST, Tab, launched
from tests.web.live_site import free_port

pytestmark = pytest.mark.browser

LIMIT_S = 60
BACKLOG = 2_000
"""Polls: more than a worker that takes its time deals with while it is looked at."""

SLOWLY = """
import asyncio, sys
from pathlib import Path
from agents import polls
from streamproc.cli import main
keep, takes_its_time = polls.keep, Path(sys.argv[-1])
async def slowly(*given):
    if takes_its_time.exists():
        await asyncio.sleep(0.5)
    await keep(*given)
polls.keep = slowly
main(sys.argv[1:-1])
"""
"""A worker that waits before it deals with a few polls, while there is a file."""

LIVE = "[data-live-now]:has-text('live · ')"

DIMMED = """() => getComputedStyle(document.querySelector("main .figure")).color
  !== getComputedStyle(document.querySelector("h2")).color"""


@dataclass
class Killable:
    """A worker with pages in a process of its own, on an embedded log.

    While the file ``takes_its_time`` is there it does.
    """

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.takes_its_time = self.folder / "takes-its-time"

    @property
    def settings(self) -> Settings:
        """Of who publishes to it."""
        return load({"data_dir": self.folder / "data", "partitions": 1}, {})

    def start(self) -> None:
        """Start it."""
        options: Mapping[str, object] = {
            "--data-dir": self.folder / "data",
            "--web-port": self.port,
            "--partitions": 1,
            "--max-poll-records": 10,
        }
        words = [str(word) for pair in options.items() for word in pair]
        with (self.folder / "worker.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-c", SLOWLY, "worker", "--no-hourly"),
                    *(*words, str(self.takes_its_time)),
                ],
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(LIMIT_S)

    def answers(self, path: str) -> int:
        """The status of what it answers; 0 while nobody does."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=LIMIT_S) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as exc:
            return exc.code
        except OSError:
            return 0

    def until(self, path: str, status: int) -> None:
        """Wait for an answer."""
        until(lambda: self.answers(path), lambda found: found == status)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Killable]:
    """One that has polls of twenty stores, one of them down."""
    made = Killable(tmp_path)
    made.start()
    made.until("/ready", 200)
    asyncio.run(publish(made.settings, _polls(20)))
    yield made
    made.kill()


def _polls(count: int) -> list[Poll]:
    """Of twenty stores, a second apart up to now; the first store is down."""
    begin_us = now_us() - count * SECOND_US
    return [
        Poll(f"s{n % 20}", begin_us + n * SECOND_US, n % 20 > 0) for n in range(count)
    ]


@pytest.mark.slow
def test_a_page_says_that_its_worker_is_gone_and_that_it_catches_up(
    worker: Killable,
) -> None:
    """Then it is live again by itself; nothing that is old looks as if it were not."""
    with launched() as browser:
        tab = Tab(browser, worker.url)
        try:
            _walk(worker, tab)
        finally:
            tab.close()


def _walk(worker: Killable, tab: Tab) -> None:
    worker.until("/api/v1/stores/s0", 200)
    page = tab.open("/")
    page.evaluate("window.stayed = true")
    page.locator("#down a.id:has-text('s0')").wait_for()
    page.locator(LIVE).wait_for()
    assert page.evaluate(DIMMED) is False

    worker.kill()
    lost = page.locator("[data-banner]:has-text('connection to the worker is lost')")
    lost.wait_for()
    assert "What is shown is of" in lost.inner_text()
    assert page.locator("[data-livedot]").inner_text().startswith("not live · ")
    assert page.evaluate(DIMMED) is True
    assert page.evaluate(CONTRAST) == []

    with ThreadPoolExecutor(1) as aside:  # here runs the browser's loop
        work = publish(worker.settings, _polls(BACKLOG))
        aside.submit(asyncio.run, work).result(LIMIT_S)
    time.sleep(BEHIND_S)  # what waits for less is no backlog
    worker.takes_its_time.touch()
    worker.start()
    behind = page.locator("[data-behind]:has-text('Catching up')")
    behind.wait_for()
    assert worker.answers("/ready") == 503
    lost.wait_for(state="hidden")
    assert "polls left" in behind.inner_text()
    page.locator("[data-behind]:has-text('as of the polls that came up to')").wait_for()
    page.locator("[data-behind]:has-text(', about ')").wait_for()
    assert page.evaluate(DIMMED) is True
    assert page.evaluate(CONTRAST) == []

    worker.takes_its_time.unlink()
    worker.until("/ready", 200)
    behind.wait_for(state="hidden")
    page.locator(LIVE).wait_for()
    assert page.evaluate(DIMMED) is False
    assert page.evaluate("window.stayed") is True  # it was never loaded again
