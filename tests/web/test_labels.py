"""Labels by the API: set, told, forgotten; an unknown store needs a word."""

from collections.abc import Callable
from typing import Any

import pytest

from streamproc.rules.poll import Poll
from tests.web.facts import offer, put
from tests.web.live_site import NOW_US, LiveSite

WEST: dict[str, Any] = {"name": "Main St", "labels": {"region": "West"}, "target": 98.5}


@pytest.fixture
def site(start_site: Callable[..., LiveSite]) -> LiveSite:
    """A worker that knows one store by a poll."""
    live = start_site()
    poll = Poll("shop", NOW_US - 60_000_000, True)
    live.post_json(
        "/api/v1/polls",
        {"store_id": poll.store_id, "timestamp_utc": "2025-05-06 14:59:00 UTC"}
        | {"status": "active"},
    )
    live.settle()
    return live


def told(site: LiveSite, store_id: str) -> Any:
    """What is told of a store's labels."""
    site.settle()
    return site.get(f"/api/v1/stores/{store_id}/labels")


def test_labels_are_set_told_and_forgotten(site: LiveSite) -> None:
    """All of them at once; a store without any has none."""
    assert told(site, "shop").json == {
        "store_id": "shop", "name": None, "labels": {}, "target": None
    }  # fmt: skip
    assert put(site, "shop/labels", WEST).json == {"store_id": "shop", **WEST}
    assert told(site, "shop").json == {"store_id": "shop", **WEST}
    put(site, "shop/labels", {"labels": {}})
    assert told(site, "shop").json["name"] is None
    put(site, "shop/labels", WEST)
    forgotten = site.ask("DELETE", "/api/v1/stores/shop/labels")
    assert (forgotten.status, forgotten.json["labels"]) == (200, {})
    assert told(site, "shop").json["labels"] == {}
    table = site.get("/api/v1/tables/labels").json
    assert table["entries"] == []


def test_an_unknown_store_is_not_made_by_a_typo(site: LiveSite) -> None:
    """404, unless the body says that it is new."""
    assert told(site, "shpo").status == 404
    assert offer(site, "shpo/labels", WEST).status == 404
    assert offer(site, "shpo/labels", {**WEST, "create": False}).status == 404
    assert site.ask("DELETE", "/api/v1/stores/shpo/labels").status == 404
    put(site, "new/labels", {**WEST, "create": True})
    assert told(site, "new").json == {"store_id": "new", **WEST}
    put(site, "new/labels", {"labels": {}})
    entry = site.get("/api/v1/tables/labels?prefix=new").json["entries"][0]
    assert entry["key"] == "new"


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"name": "x"}, 400, "bad-json"),
        ([], 400, "bad-json"),
        ({"labels": {}, "store_id": "other"}, 400, "bad-store-id"),
        ({"labels": {}, "create": "yes"}, 400, "bad-create"),
        ({"labels": {"floor": 3}}, 422, "bad-labels"),
        ({"labels": {}, "target": 101}, 422, "bad-target"),
        ({"labels": {}, "name": 7}, 422, "bad-name"),
    ],
)
def test_what_is_no_label_is_refused_at_the_door(
    site: LiveSite, body: object, status: int, error: str
) -> None:
    """And kept with everything else that is refused."""
    answer = offer(site, "shop/labels", body)
    assert (answer.status, answer.json["error"]) == (status, error)
    kept = site.get("/api/v1/rejected").json["records"]
    assert [(one["topic"], one["reason"]) for one in kept] == [("store-labels", error)]
