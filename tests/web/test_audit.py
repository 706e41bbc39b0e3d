"""Who changed what of a store, and when: told by the log of changes."""

from collections.abc import Callable
from typing import Any

import pytest

from streamproc.rules.timestamp import parse_timestamp
from streamproc.transport.partitioner import partition_for
from tests.web.facts import STORES, put
from tests.web.live_site import LiveSite

SPAN = {"from": "2025-05-06T12:00:00Z", "to": "2025-05-06T13:00:00Z"}
MAINTENANCE = {"kind": "maintenance", **SPAN}


@pytest.fixture
def site(start_site: Callable[..., LiveSite]) -> LiveSite:
    """A worker that knows one store, by its zone."""
    live = start_site()
    body = {"timezone_str": "UTC", "create": True, "by": "Ann"}
    put(live, "shop/zone", body)
    return live


def changes(site: LiveSite, store_id: str = "shop") -> list[dict[str, Any]]:
    """What is told of a store's changes, newest first, without their time."""
    told = site.get(f"{STORES}/{store_id}/changes").json["changes"]
    times = [parse_timestamp(one.pop("at"), "at") for one in told]
    assert times == sorted(times, reverse=True)
    found: list[dict[str, Any]] = told
    return found


def test_each_change_is_told_with_who_made_it(site: LiveSite) -> None:
    """Set, withdrawn, forgotten; by the body or by the query."""
    put(site, "shop/exclusions/m", {**MAINTENANCE, "by": "Bob"})
    site.ask("DELETE", f"{STORES}/shop/exclusions/m?by=Cleo")
    put(site, "shop/special-hours/2025-12-25", {"openings": []})
    site.ask("DELETE", f"{STORES}/shop/special-hours/2025-12-25?by=Dan%20D")
    exclusion = {"id": "m", **MAINTENANCE, "by": "Bob"}
    told = changes(site)
    kinds = [(one["kind"], one["key"], one["by"]) for one in told]
    assert kinds == [
        ("special-hours", "2025-12-25", "Dan D"),
        ("special-hours", "2025-12-25", None),
        ("exclusions", "m", "Cleo"),
        ("exclusions", "m", "Bob"),
        ("zone", "", "Ann"),
    ]
    assert told[0]["after"] is None
    assert told[0]["before"] == {"date": "2025-12-25", "openings": []}
    assert told[2]["after"]["withdrawn"] is True
    assert told[2]["before"] == told[3]["after"] == exclusion
    assert told[4]["before"] is None
    assert told[4]["after"] == {"timezone_str": "UTC"}


def test_changes_of_all_stores_are_told_with_each_store_s(site: LiveSite) -> None:
    """And alone, of the store *; those of other stores are not."""
    put(site, "*/exclusions/all", {**MAINTENANCE, "by": "Ann"})
    put(site, "other/labels", {"labels": {}, "create": True})
    of_all, zone = changes(site)
    assert (of_all["of_all"], of_all["key"], of_all["by"]) == (True, "all", "Ann")
    assert zone["of_all"] is False
    assert changes(site, "*") == [of_all]
    assert site.get(f"{STORES}/nobody/changes").status == 404


def test_changes_by_a_producer_of_the_topic_are_told_as_well(site: LiveSite) -> None:
    """Whatever key it gives, and however it writes the id; what was refused is not."""
    topic = site.program.topics.zones
    escaped = b'{"store_id": "\\u0073hop", "timezone_str": "Asia/Tokyo"}'
    home = partition_for(b"shop", topic.partitions)
    same = [b"%d" % n for n in range(99) if partition_for(b"%d" % n, 4) == home]
    refused = b'{"store_id": "shop", "timezone_str": "Mars"}'
    site.publish(topic, [(same[0].decode(), escaped), ("shop", refused)])
    site.settle()
    newest = changes(site)[0]
    assert (newest["kind"], newest["by"]) == ("zone", None)
    assert newest["after"]["timezone_str"] == "Asia/Tokyo"
    assert len(changes(site)) == 2
