"""The API's figures of one store are those of the accounting."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

from streamproc.rules.poll import encode_poll
from tests.reference import reference
from tests.web.live_site import (
    CHICAGO,
    NOW_US,
    SUNDAY,
    WORKDAY,
    LiveSite,
    ago,
    filler_polls,
    known_polls,
)

KNOWN = {"gamma": (WORKDAY, CHICAGO), "sleeper": (SUNDAY, "Europe/London")}


def expected(store_id: str) -> dict[str, Any]:
    """A store's figures by the tests' own oracle."""
    polls = [
        (poll.time_us, poll.active)
        for poll in known_polls() + filler_polls()
        if poll.store_id == store_id
    ]
    hours, zone = KNOWN.get(store_id, (None, None))
    return reference(polls, hours, zone, NOW_US, 3_600_000_000, False)


@pytest.mark.parametrize(
    "store_id", ["alpha", "beta", "gamma", "sleeper", "quiet", "store-7", "store-42"]
)
def test_a_stores_figures_are_the_references(site: LiveSite, store_id: str) -> None:
    """Page, listing and timeline of a store agree with the oracle."""
    windows = site.get(f"/api/v1/stores/{store_id}").json["windows"]
    spans = site.get(f"/api/v1/stores/{store_id}/timeline").json["spans"]
    (listed,) = [
        store
        for store in site.get(f"/api/v1/stores?q={store_id}&per_page=500").json[
            "stores"
        ]
        if store["store_id"] == store_id
    ]
    for window, figures in expected(store_id).items():
        found = windows[window]
        assert found["up_s"] == figures.up_us / 1e6
        assert found["down_s"] == figures.down_us / 1e6
        assert found["unknown_s"] == figures.unknown_us / 1e6
        assert found["open_s"] == figures.open_us / 1e6
    assert listed["windows"] == windows
    week = expected(store_id)["week"]
    for state, amount_us in (("up", week.up_us), ("unknown", week.unknown_us)):
        assert sum(s["seconds"] for s in spans if s["state"] == state) == pytest.approx(
            amount_us / 1e6
        )


@pytest.mark.parametrize(
    ("store_id", "now"),
    [
        ("alpha", "down"),
        ("beta", "up"),
        ("gamma", "up"),
        ("quiet", "silent"),
        ("sleeper", "closed"),
        ("unpolled", "no%20data"),
    ],
)
def test_what_a_store_is_now_is_told_apart(
    site: LiveSite, store_id: str, now: str
) -> None:
    """Down, silent and closed are three things; the listing says the same."""
    assert site.get(f"/api/v1/stores/{store_id}").json["now"] == unquote(now)
    listed = site.get(f"/api/v1/stores?q={store_id}&now={now}").json["stores"]
    assert [store["store_id"] for store in listed] == [store_id]


def test_no_observation_has_no_percentage(site: LiveSite) -> None:
    """A store that was never polled has null, not zero percent."""
    windows = site.get("/api/v1/stores/unpolled").json["windows"]
    assert [windows[w]["uptime_percent"] for w in windows] == [None] * 3


@pytest.mark.parametrize("as_of", ["latest", "2025-05-06T14:50:00Z", "now"])
def test_a_store_is_seen_as_of_any_recent_time(site: LiveSite, as_of: str) -> None:
    """as_of takes now, the newest poll's time, or a time."""
    told = site.get(f"/api/v1/stores/alpha?as_of={as_of}").json
    moments = {
        "latest": "2025-05-06T14:5",
        "now": "2025-05-06T15:00:00Z",
        "2025-05-06T14:50:00Z": "2025-05-06T14:50:00Z",
    }
    assert told["as_of"].startswith(moments[as_of])
    assert told["as_of"] == site.get(f"/api/v1/overview?as_of={as_of}").json["as_of"]


def test_history_that_is_not_kept_is_not_invented(
    start_site: Callable[..., LiveSite],
) -> None:
    """An as-of from before what is kept is refused, and says why."""
    site = start_site(history_days=8)
    polls = [ago(1440 * days, "old", True) for days in range(60, -1, -1)]
    site.publish(site.program.topics.polls, [("old", encode_poll(p)) for p in polls])
    site.settle()
    before = "as_of=2025-04-05T00:00:00Z"  # March was let go of
    for path in ("/api/v1/overview", "/api/v1/stores/old"):
        answer = site.get(f"{path}?{before}")
        assert (answer.status, answer.json["error"]) == (422, "too-old")


def test_polls_of_a_store_come_newest_first(site: LiveSite) -> None:
    """Each poll says until when it speaks."""
    told = site.get("/api/v1/stores/alpha/polls").json
    assert [poll["status"] for poll in told["polls"]] == ["inactive", "active"]
    assert told["polls"][1]["holds_until"] == told["polls"][0]["time"]
    assert told["polls"][0]["holds_until"] == "2025-05-06T15:00:00Z"
    assert told["total"] == 2


def test_the_badge_names_its_window(site: LiveSite) -> None:
    """A percentage never stands without the window it belongs to."""
    hour = site.get("/stores/alpha/badge.svg?window=hour")
    assert hour.headers["Content-Type"].startswith("image/svg+xml")
    assert "last hour: 50.00%" in hour.text
    assert "no data" in site.get("/stores/unpolled/badge.svg").text
    assert site.get("/stores/nobody/badge.svg").status == 404
