"""A store's page: what is told of it stands beside what follows from it."""

import asyncio
import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from streamproc.rules.periods import parse_period
from streamproc.transport.partitioner import partition_for
from streamproc.web.as_of import AsOf
from streamproc.web.cluster.calls import Call
from streamproc.web.cluster.peers import Cluster
from streamproc.web.counting import Counting
from streamproc.web.store.reading import STORE_READING
from streamproc.web.store.whole import StoreCount
from tables.kept import kept
from tests.web.live_site import NOW_US, LiveSite

STORE = "/api/v1/stores/gamma"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """A store with a maintenance, a correction, special hours; one is withdrawn."""
    live = LiveSite(tmp_path_factory.mktemp("store")).start().fill()
    day = {"from_local": "2025-05-05 10:00", "to_local": "2025-05-05 11:30"}
    made = (
        ("exclusions/till", {"kind": "maintenance", **day, "note": "Till update"}),
        (
            "exclusions/wrong",
            {
                "kind": "correction-down",
                "from": "2025-05-02T15:00:00Z",
                "to": "2025-05-03T01:00:00Z",
            },
        ),
        ("special-hours/2025-05-26", {"openings": [], "note": "Memorial Day"}),
        (
            "special-hours/2025-05-01",
            {"openings": [{"start_time_local": "10:00", "end_time_local": "14:00"}]},
        ),
    )
    for path, body in made:
        told = json.dumps({**body, "by": "Ann"}).encode()
        kind = "application/json"
        answer = live.ask("PUT", f"{STORE}/{path}", told, Content_Type=kind)
        assert answer.status == 200, answer.text
    for date, openings in (("2025-05-26", "10:00"), ("2025-07-04", "")):
        rows = [{"start_time_local": openings, "end_time_local": "12:00"}]
        told = json.dumps({"openings": rows if openings else []}).encode()
        path = f"/api/v1/stores/*/special-hours/{date}"
        assert live.ask("PUT", path, told, Content_Type=kind).status == 200
    assert live.ask("DELETE", f"{STORE}/exclusions/wrong?by=Ann").status == 200
    yield live
    live.stop()


@pytest.fixture
def page(site: LiveSite) -> str:
    """The store's page of the day of the maintenance."""
    return site.page("/stores/gamma?period=day:2025-05-05")


def part(page: str, name: str) -> str:
    """A live part of a page, as text."""
    inner = page.split(f'data-live="{name}"')[1].split("<!--/live-->")[0]
    text = re.sub(r"<svg.*?</svg>|<[^>]*>", " ", inner.partition(">")[2])
    return " ".join(html.unescape(text).split())


def test_special_hours_to_come_are_first(page: str) -> None:
    """Then those gone by; a date of its own goes before that of all stores."""
    assert part(page, "special") == (
        "Mon 26 May 2025 closed \u00b7 Memorial Day Fri 4 Jul 2025 closed all stores"
        " Thu 1 May 2025 10:00\u201314:00"
    )
    assert "Coming" in page


def test_exclusions_are_listed_in_local_time_with_who_made_them(page: str) -> None:
    """The newest first; what is withdrawn says so."""
    assert part(page, "exclusions") == (
        "Mon 5 May 2025 10:00\u201311:30 maintenance \u00b7 Till update Ann"
        " Fri 2 May 2025 10:00\u201320:00 corrected: it was down withdrawn Ann"
    )


def test_what_was_polled_stands_beside_what_is_corrected(
    page: str, site: LiveSite
) -> None:
    """Where the two differ; the five figures add up to what is open."""
    shown = part(page, "figures")
    assert "excluded 1.50 h as polled 87.50 % up" in shown
    hours = [float(text) for text in re.findall(r"([\d.]+) h", shown)]
    up, seen, down, unknown, excluded, opened = hours[:6]
    assert up + down + unknown + excluded == opened == 8
    assert seen == up + down
    other = part(site.page("/stores/gamma?period=day:2025-05-02"), "figures")
    assert "as polled" not in other


def test_what_was_changed_is_listed_with_a_link(page: str) -> None:
    """The newest first: the withdrawal of what was wrong."""
    assert part(page, "changes").count("Ann") == 5
    assert page.count('href="/changes/') >= 5


def test_without_anything_told_that_is_said(site: LiveSite) -> None:
    """No empty lists; what is told of all stores is told of this one."""
    page = site.page("/stores/alpha")
    assert "10:00\u201312:00 all stores" in part(page, "special")
    assert part(page, "exclusions") == "None: all counts as it was polled."


def test_a_stores_page_asks_its_owner_once(
    site: LiveSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each question more would wait for the interpreter's lock beside an ingest."""
    asked: list[str] = []
    ask = Cluster.ask

    async def noted(cluster: Cluster, call: Call[Any], *args: Any, **kw: Any) -> Any:
        if kw.get("store_id") == "beta" or "beta" in kw.get("store_ids", ()):
            asked.append(call.name)
        return await ask(cluster, call, *args, **kw)

    monkeypatch.setattr(Cluster, "ask", noted)
    assert "Beta Square" in site.page("/stores/beta?period=last-month")
    assert asked == ["store-reading"]


@pytest.mark.parametrize("period", ["this-week", "day:2025-05-05", "day:2015-01-01"])
def test_another_workers_store_travels_whole(site: LiveSite, period: str) -> None:
    """What is decoded is what was encoded, and so is all that follows from it."""
    program, asked = site.program, parse_period(period)
    for store_id in ("gamma", "beta", "nobody"):
        partition = partition_for(store_id.encode(), program.settings.partitions)
        args = {"store_id": store_id, "partition": partition}
        here = STORE_READING.run(program, args)
        there = STORE_READING.decode(STORE_READING.encode(here))
        assert STORE_READING.encode(there) == STORE_READING.encode(here)
        assert there.archive == here.archive
        known = kept(program.histories, partition)
        by = Counting.of(program.settings)
        here_told, there_told = (
            repr(StoreCount(read, known, NOW_US, by).whole(asked))
            for read in (here, there)
        )
        assert here_told == there_told


def test_a_stores_page_does_not_wait_for_what_all_stores_are(
    start_site: Callable[..., LiveSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a backlog that takes long; its own polls tell the same."""
    sentence = re.compile(r"<h1.*?</h1>", re.DOTALL)
    site = start_site().fill()
    site.page("/")  # what all are is at hand then
    expected = sentence.findall(site.page("/stores/gamma"))

    is_over = asyncio.Event()

    async def late(as_of: AsOf) -> None:
        await is_over.wait()

    web = site.program.app.web_service
    monkeypatch.setattr(web._site.everybody.cache, "_make", late)
    site.settle()  # nothing is kept any more
    assert sentence.findall(site.page("/stores/gamma")) == expected
    web._web_loop.call_soon_threadsafe(is_over.set)


@pytest.mark.parametrize(
    ("period", "strips", "has_today_besides"),
    [
        ("this-week", ["Tue 6 May", "Mon 5 May"], False),
        ("2025-04-01..2025-04-02", ["Tue 6 May", "Wed 2 Apr", "Tue 1 Apr"], True),
        ("2025-01-01..2025-05-06", [], False),
    ],
)
def test_the_strips_are_the_days_of_the_period_up_to_today(
    site: LiveSite, period: str, strips: list[str], has_today_besides: bool
) -> None:
    """By local date, 31 at most, the newest first; today stands apart elsewhere."""
    page = site.page(f"/stores/gamma?period={period}")
    found = re.findall(r'<span class="name"><a [^>]*>([^<]*)</a>', page)
    if strips:
        assert found == strips
    else:
        assert (len(found), found[0], found[-1]) == (31, "Tue 6 May", "Sun 6 Apr")
    assert ("today, so far" in page) == has_today_besides


def test_a_period_of_one_day_is_drawn_large(site: LiveSite) -> None:
    """Today as far as it has come, and any day before."""
    for period, day in (("today", "Tue 6 May"), ("day:2025-05-05", "Mon 5 May")):
        assert f"Every poll of {day}" in site.page(f"/stores/gamma?period={period}")
