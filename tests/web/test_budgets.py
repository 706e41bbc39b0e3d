"""Targets and error budgets of stores by the API."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from streamproc.rules.poll import Poll, encode_poll
from tests.web.facts import put
from tests.web.live_site import HOUR_US, LiveSite

STORE = "/api/v1/stores/shop"
HALF_TIME = "2025-04-16T00:00:00Z"
DAILY = [
    {"dayOfWeek": day, "start_time_local": "12:00", "end_time_local": "24:00"}
    for day in range(7)
]


def at(text: str) -> int:
    """Microseconds of a time in April 2025."""
    moment = datetime.fromisoformat(f"2025-04-{text}").replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000


@pytest.fixture
def site(start_site: Callable[..., LiveSite]) -> LiveSite:
    """A store that is open for 360 hours in April, and was down for 1.80 of them."""
    live = start_site(hold="none", target="99")
    times = ((at("01 12:00"), True), (at("02 12:00"), False), (at("02 13:48"), True))
    polls = [Poll("shop", time_us, up) for time_us, up in times]
    live.publish(
        live.program.topics.polls, [(p.store_id, encode_poll(p)) for p in polls]
    )
    put(live, "shop/hours", {"hours": DAILY})
    put(live, "shop/zone", {"timezone_str": "UTC"})
    return live


def budget(site: LiveSite, as_of: str = HALF_TIME) -> Any:
    """What is told of the store's budget."""
    return site.get(f"{STORE}?as_of={as_of}").json["budget"]


def test_a_store_has_the_budget_of_its_calendar_month(site: LiveSite) -> None:
    """99 % of 360 h leave 3.60 h; 1.80 h are used after 180 h: burn 1.00."""
    assert budget(site) == {
        "target": 99.0,
        "month": "2025-04",
        "budget_s": 3.6 * 3600,
        "used_s": 1.8 * 3600,
        "left_s": 1.8 * 3600,
        "burn": 1.0,
    }
    listed = site.get(f"/api/v1/stores?as_of={HALF_TIME}").json["stores"]
    assert [one["budget"] for one in listed] == [budget(site)]


def test_excluded_time_is_taken_out_of_the_budget(site: LiveSite) -> None:
    """Ten hours: 3.50 h are left of 3.60, though they are still to come."""
    ends = {"from": "2025-04-20T12:00:00Z", "to": "2025-04-20T22:00:00Z"}
    put(site, "shop/exclusions/m", {"kind": "maintenance", **ends})
    told = budget(site)
    assert (told["budget_s"], told["used_s"]) == (3.5 * 3600, 1.8 * 3600)
    assert told["burn"] == pytest.approx((1.8 / 3.5) / (180 / 350))


def test_maintenance_of_all_stores_is_neither_budget_nor_used(site: LiveSite) -> None:
    """The outage lies in it: nothing is used, and 358.20 h leave 3.58."""
    body = {
        "kind": "maintenance",
        "from": "2025-04-02T12:00Z",
        "to": "2025-04-02 13:48",
    }
    path = "/api/v1/stores/*/exclusions/m"
    told = json.dumps(body).encode()
    answer = site.ask("PUT", path, told, Content_Type="application/json")
    assert answer.status == 200, answer.text
    found = budget(site)
    assert (found["used_s"], found["budget_s"]) == (0, 12_895.2)
    days = site.get(f"{STORE}/periods?period=month:2025-04&by=day&as_of={HALF_TIME}")
    assert days.json["total"]["down_s"] == 0
    assert days.json["total"]["excluded_s"] == 1.8 * 3600


def test_a_store_s_own_target_goes_before_the_setting(site: LiveSite) -> None:
    """100 leaves nothing, and then there is no burn."""
    put(site, "shop/labels", {"labels": {}, "target": 95})
    assert budget(site)["budget_s"] == 18 * 3600
    put(site, "shop/labels", {"labels": {}, "target": 100})
    told = budget(site)
    assert (told["budget_s"], told["left_s"], told["burn"]) == (0, -1.8 * 3600, None)


def test_a_month_is_of_the_store_s_zone_and_begins_with_nothing_gone(
    site: LiveSite,
) -> None:
    """In Tokyo April is over nine hours earlier."""
    last_hour = "2025-04-30T14:59:59Z"
    assert budget(site, "2025-04-01T00:00:00Z")["burn"] is None
    put(site, "shop/zone", {"timezone_str": "Asia/Tokyo"})
    assert budget(site, last_hour)["month"] == "2025-04"
    assert budget(site, "2025-04-30T15:00:00Z")["month"] == "2025-05"


def test_without_a_target_there_is_no_budget(
    start_site: Callable[..., LiveSite],
) -> None:
    """Null."""
    site = start_site()
    poll = Poll("shop", at("01 12:00") + HOUR_US, True)
    site.publish(site.program.topics.polls, [("shop", encode_poll(poll))])
    site.settle()
    assert site.get(STORE).json["budget"] is None


def test_stores_are_listed_by_the_value_of_a_label(site: LiveSite) -> None:
    """Those without it by an empty value."""
    put(site, "shop/labels", {"labels": {"region": "West"}})
    for where, total in (("West", 1), ("East", 0), ("", 0)):
        path = f"/api/v1/stores?as_of={HALF_TIME}&where=region={where}"
        assert site.get(path).json["total"] == total
        rows = site.get(f"{path}&format=csv").text.splitlines()[1:]
        assert len(rows) == total
    assert site.get("/api/v1/stores?where=West").json["error"] == "bad-where"
