"""The log of changes: who changed what, through which door, and what it was before."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from streamproc.rules.poll import Poll, encode_poll
from streamproc.rules.timestamp import parse_timestamp
from streamproc.transport.partitioner import partition_for
from streamproc.web.changes.log import Log
from streamproc.web.changes.log_calls import PARTS
from streamproc.web.cluster.peers import Cluster
from streamproc.web.templating import LIVE_EVERY_S
from tests.web.facts import load_zones, put
from tests.web.live_site import NOW_US, LiveSite
from tests.web.test_cluster import hand_over

CHANGES = "/api/v1/changes"


@pytest.fixture
def site(start_site: Callable[..., LiveSite]) -> LiveSite:
    """A worker that knows one store, by its zone."""
    live = start_site()
    put(live, "shop/zone", {"timezone_str": "UTC", "create": True, "by": "Ann"})
    return live


def listed(site: LiveSite, query: str = "") -> list[dict[str, Any]]:
    """The changes of a list."""
    found: list[dict[str, Any]] = site.get(f"{CHANGES}?{query}").json["changes"]
    return found


def test_a_change_says_who_when_why_and_what_it_was_before(site: LiveSite) -> None:
    """Newest first; ``note`` of the body is why."""
    body = {"timezone_str": "Asia/Tokyo", "by": "Bob", "note": "It has moved."}
    put(site, "shop/zone", body)
    newest, first = listed(site)
    assert parse_timestamp(newest["at"], "at") >= parse_timestamp(first["at"], "at")
    fact = {"store_id": "shop", "kind": "zone", "key": ""}
    assert {**newest, "at": "", "id": ""} == {
        "id": "",
        "at": "",
        "door": "api",
        "by": "Bob",
        "note": "It has moved.",
        "kinds": ["zone"],
        "stores": 1,
        "of_all": False,
        "words": "zone of shop",
        "undoes": None,
        "undone_by": None,
        "facts": [
            {
                **fact,
                "before": {"timezone_str": "UTC"},
                "after": {"timezone_str": "Asia/Tokyo"},
            }
        ],
    }
    assert first["facts"] == [
        {**fact, "before": None, "after": {"timezone_str": "UTC"}}
    ]


def test_a_change_that_changes_nothing_is_none(site: LiveSite) -> None:
    """The same again."""
    put(site, "shop/zone", {"timezone_str": "utc", "by": "Bob"})
    assert [one["by"] for one in listed(site)] == ["Ann"]


def test_a_load_is_one_change_of_all_its_stores(site: LiveSite, tmp_path: Path) -> None:
    """Over all partitions; its facts a page at a time, those of one store alone."""
    load_zones(site, tmp_path, dict.fromkeys(range(250), "Asia/Tokyo"))
    newest = listed(site)[0]
    assert (newest["door"], newest["by"], newest["stores"]) == ("load", None, 250)
    assert newest["words"] == "zone of 250 stores"
    assert len(newest["facts"]) == 3
    path = f"{CHANGES}/{newest['id']}"
    pages = [site.get(f"{path}?page={page}").json for page in (1, 2, 3)]
    assert {(p["total"], p["pages"]) for p in pages} == {(250, 3)}
    stores = [fact["store_id"] for page in pages for fact in page["facts"]]
    assert sorted(stores, key=int) == list(map(str, range(250)))
    (fact,) = site.get(f"{path}?store=42").json["facts"]
    assert fact["after"] == {"timezone_str": "Asia/Tokyo"}
    assert listed(site, "store=42") == [{**newest, "facts": [fact]}]


def test_of_a_large_change_a_page_is_sent_by_each_worker(
    site: LiveSite, tmp_path: Path
) -> None:
    """No more facts than the page may show, and how many there are."""
    load_zones(site, tmp_path, dict.fromkeys(range(60), "UTC"))
    asked = {"changes": [listed(site)[0]["id"]], "begin_ms": 0, "store": ""}
    for counted in (True, False):
        parts = [
            PARTS.decode(PARTS.encode(PARTS.run(site.program, {**asked, **of})))[0]
            for of in (
                {"partition": number, "most": 5, "counted": counted}
                for number in range(4)
            )
        ]
        assert [len(part.facts) for part in parts] == [5] * 4
        totals = [part.total for part in parts]
        assert sum(filter(None, totals)) == (60 if counted else 0)


def test_a_producer_s_records_of_a_minute_are_one_change(site: LiveSite) -> None:
    """Its door is the topic; who it is it does not say."""
    topic = site.program.topics.zones
    some = [
        (str(n), orjson.dumps({"store_id": str(n), "timezone_str": "UTC"}))
        for n in range(9)
    ]
    site.publish(topic, some)
    site.settle()
    told = [one for one in listed(site) if one["door"] == "topic"]
    assert sum(one["stores"] for one in told) == 9
    assert len(told) <= 2  # a minute may have ended meanwhile
    assert {one["by"] for one in told} == {None}


def test_changes_are_found_by_store_author_and_time(site: LiveSite) -> None:
    """Those of all stores are of each; ``from`` is in, ``to`` is not."""
    put(site, "*/special-hours/2026-12-25", {"openings": [], "by": "Cleo"})
    put(site, "other/labels", {"labels": {}, "create": True, "by": "Ann"})
    other, of_all, zone = listed(site)
    assert (of_all["of_all"], of_all["stores"]) == (True, 0)
    assert of_all["words"] == "special hours of all stores"
    assert of_all["facts"][0]["after"] == {"date": "2026-12-25", "openings": []}
    assert listed(site, "store=shop") == [of_all, zone]
    assert listed(site, "store=other") == [other, of_all]
    assert listed(site, "by=Ann") == [other, zone]
    assert listed(site, "by=Nobody") == []
    assert listed(site, f"from={of_all['at']}") == [other, of_all]
    assert listed(site, f"to={of_all['at']}") == [zone]


@pytest.mark.parametrize("path", ["/nothing", "/..%2fx", "?from=noon", "?page=0"])
def test_what_is_asked_for_and_is_not_is_refused(site: LiveSite, path: str) -> None:
    """404 for a change that nobody made, 400 for what cannot be read."""
    answer = site.get(CHANGES + path)
    assert answer.status == (404 if path.startswith("/") else 400)


def test_pages_of_changes_go_on(site: LiveSite) -> None:
    """Fifty on each."""
    for number in range(52):
        value = {"store_id": "shop", "timezone_str": ("UTC", "Asia/Tokyo")[number % 2]}
        headers = (("change", b"c%d" % number),)
        site.publish(
            site.program.topics.zones, [("shop", orjson.dumps(value))], headers
        )
    site.settle()
    first, second = (site.get(f"{CHANGES}?page={n}").json for n in (1, 2))
    assert (first["total"], first["pages"]) == (52, 2)
    ids = [one["id"] for page in (first, second) for one in page["changes"]]
    assert len(ids) == len(set(ids)) == 52


def test_a_store_s_changes_are_asked_where_they_lie(site: LiveSite) -> None:
    """Where the store is, and where what is of all stores is noted; nowhere else."""
    put(site, "*/special-hours/2026-12-25", {"openings": [], "by": "Cleo"})
    homes = {partition_for(key, 4) for key in (b"shop", b"*")}
    hand_over(site, "http://127.0.0.1:9", {0, 1, 2, 3} - homes)
    changes = site.get("/api/v1/stores/shop/changes").json["changes"]
    assert [(one["by"], one["of_all"]) for one in changes] == [
        ("Cleo", True),
        ("Ann", False),
    ]
    assert site.get(f"{CHANGES}?store=shop").status == 503


def test_a_store_s_page_has_changes_of_all_stores(site: LiveSite) -> None:
    """Wherever the store is, though nothing of its own was ever changed."""
    put(site, "*/special-hours/2026-12-25", {"openings": [], "by": "Cleo"})
    ids = [f"n{number}" for number in range(9)]
    assert len({partition_for(each.encode(), 4) for each in ids}) == 4
    polls = [(each, encode_poll(Poll(each, NOW_US, active=True))) for each in ids]
    site.publish(site.program.topics.polls, polls)
    site.settle()
    for store_id in ids:
        assert "special hours of all stores" in site.page(f"/stores/{store_id}")


class OtherWorker:
    """It owns the partition of changes of all stores; ``known``: there is one."""

    known = False

    def home(self, _: str) -> int:
        """Where everything lies."""
        return 0

    async def ask(self, *_: object) -> bool:
        """Whether there is one."""
        return self.known


async def test_the_first_change_of_all_stores_is_soon_seen_at_other_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As soon as any other news: who follows a store's page sees it next time."""
    now = [100.0]
    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr("streamproc.web.cache.time", clock)
    other = OtherWorker()
    log = Log(cast(Cluster, other), 1)
    assert not await log.any_of_all.get("")
    other.known = True
    now[0] += LIVE_EVERY_S
    assert await log.any_of_all.get("")


def test_the_log_is_a_table_like_any_other(site: LiveSite) -> None:
    """Its keys are times, its values are readable."""
    found = site.get("/api/v1/tables/changes").json
    (entry,) = found["entries"]
    assert entry["value"]["by"] == "Ann"
    assert entry["value"]["facts"][0]["after"] == {"timezone_str": "UTC"}
    text = site.get("/tables/changes", Accept="text/html").text
    assert "zones, 1 fact, by Ann" in text
