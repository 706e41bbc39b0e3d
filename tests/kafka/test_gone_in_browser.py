"""One of two workers on Kafka is killed while a page is open at the other one."""

import asyncio

import orjson
import pytest

from streamproc.rules.poll import Poll
from streamproc.transport.partitioner import partition_for
from tests.kafka.test_web import SECRET, ask, owners
from tests.kafka.workers import Start, Worker
from tests.system.events import MINUTE_US, now_us
from tests.system.harness import publish
from tests.waiting import until
from tests.web.browser import CONTRAST, Tab, launched
from tests.web.live_site import free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STORES = [f"store-{number}" for number in range(40)]
DOWN = STORES[::4]
TAKEN_OVER_S = 45
"""Long enough for the page to be looked at before the partitions have moved."""


LISTED = """rows => rows.map(
  row => [row.querySelector("a.id").innerText, row.classList.contains("stale")])"""
"""Each row's store, and whether it is dimmed: all at one moment."""


def _partitions(port: int, url: str) -> set[int]:
    """Those that a worker owns."""
    status, body = ask(port, "/api/v1/tables/histories")
    assert status == 200, body
    parts = orjson.loads(body)["partitions"]
    return {part["partition"] for part in parts if part["owner"] == url}


def test_an_open_page_names_the_worker_that_is_killed_and_dims_its_stores_only(
    worker: Start,
) -> None:
    """Until the other one has its partitions; the page is never loaded again."""
    ports = [free_port(), free_port()]
    options = {"web": "on", "web_cluster_secret": SECRET}
    options["session_timeout"] = str(TAKEN_OVER_S)
    workers = [worker(n, web_port=port, **options) for n, port in enumerate(ports, 1)]
    for one in workers:
        one.start()
    for one in workers:
        one.ready()
    until(lambda: len(owners(ports[0])) == 2)
    begin_us = now_us()
    polls = [Poll(i, begin_us - 10 * MINUTE_US, i not in DOWN) for i in STORES]
    asyncio.run(publish(workers[0].settings, polls))
    until(lambda: _down(ports[0]) == len(DOWN))
    gone = f"http://127.0.0.1:{ports[1]}"
    theirs = _partitions(ports[0], gone)
    is_theirs = {i: partition_for(i.encode(), 4) in theirs for i in STORES}
    with launched() as browser:
        tab = Tab(browser, f"http://127.0.0.1:{ports[0]}")
        try:
            _walk(tab, workers[1], is_theirs)
        finally:
            tab.close()


def _down(port: int) -> int:
    status, body = ask(port, "/api/v1/now")
    return int(orjson.loads(body)["counts"]["down"]) if status == 200 else -1


def _walk(tab: Tab, gone: Worker, is_theirs: dict[str, bool]) -> None:
    page = tab.open("/")
    page.evaluate("window.stayed = true")
    rows = page.locator("#down tbody tr")
    pause = page.wait_for_timeout
    until(lambda: rows.count() == len(DOWN), pause_ms=pause)
    assert page.locator("#down tr.stale").count() == 0
    gone.kill()
    banner = page.locator("[data-lost]")
    banner.wait_for()
    said = banner.inner_text()
    assert f"127.0.0.1:{gone.options['web_port']} has not answered since" in said
    count = sum(is_theirs.values())
    assert f"The {count} stores of its partition" in said
    assert "No poll is lost" in said
    assert sorted(rows.evaluate_all(LISTED)) == sorted([i, is_theirs[i]] for i in DOWN)
    assert page.locator("body.stale").count() == 0
    assert page.evaluate(CONTRAST) == []
    banner.wait_for(state="hidden", timeout=4 * 1000 * TAKEN_OVER_S)
    until(lambda: page.locator("#down tr.stale").count() == 0, pause_ms=pause)
    assert rows.count() == len(DOWN)
    assert page.evaluate("window.stayed") is True
