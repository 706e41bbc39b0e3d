"""What all stores are now, asked for by HTTP."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
import pytest

from streamproc.rules.now import STATES, WORST_FIRST
from streamproc.rules.poll import Poll, encode_poll
from tests.web.live_site import HOUR_US, MINUTE_US, NOW_US, LiveSite, ago
from tests.web.test_incidents import text

PATH = "/api/v1/now"


def put_polls(site: LiveSite, polls: list[Poll]) -> None:
    """Publish polls, and wait until they are in the tables."""
    messages = [(poll.store_id, encode_poll(poll)) for poll in polls]
    site.publish(site.program.topics.polls, messages)
    site.settle()


def listed(site: LiveSite, query: str = "") -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    number = 1
    while True:
        page = site.get(f"{PATH}?per_page=7&page={number}&{query}").json
        found += page["stores"]
        if number >= page["pages"]:
            assert len(found) == page["total"]
            return found
        number += 1


def test_a_store_that_is_down_says_since_when_and_which_incident(
    site: LiveSite,
) -> None:
    """Active an hour ago, inactive half an hour ago."""
    [one] = site.get(f"{PATH}?q=alpha").json["stores"]
    since = text(NOW_US - 30 * MINUTE_US)
    assert one == {
        "store_id": "alpha",
        "name": None,
        "labels": {},
        "now": "down",
        "since": since,
        "for_s": 1800.0,
        "last_poll": since,
        "last_status": "inactive",
        "zone": "UTC",
        "incident": f"alpha@{since}",
        "usual_s": 1800.0,
        "silent_at": text(NOW_US + 40 * MINUTE_US),
    }
    incident = site.get("/api/v1/incidents?store=alpha").json["incidents"][0]
    assert one["incident"] == incident["id"]


def test_every_store_is_in_one_state_and_all_are_counted(site: LiveSite) -> None:
    """The list, over all pages, is what the counts say."""
    answer, stores = site.get(PATH).json, listed(site)
    counts = answer["counts"]
    assert counts["known"] == len({store["store_id"] for store in stores})
    assert counts["known"] == sum(counts[state] for state in STATES)
    assert counts["open"] == counts["known"] - counts["closed"]
    assert Counter(store["now"] for store in stores) == Counter(
        {state: counts[state] for state in STATES if counts[state]}
    )
    assert answer["as_of"] == text(NOW_US)


def test_the_worst_come_first_and_then_what_is_so_for_longest(site: LiveSite) -> None:
    """What is so for longer than anybody knows is so for longest of all."""
    order = [STATES[state] for state in WORST_FIRST]
    keys = [
        (order.index(store["now"]), store["since"] or "", store["store_id"])
        for store in listed(site)
    ]
    assert keys == sorted(keys)


@pytest.mark.parametrize("states", ["down", "down,silent", "closed, up"])
def test_a_list_of_some_states_leaves_the_counts_alone(
    site: LiveSite, states: str
) -> None:
    """The counts are of all stores that match but for their state."""
    wanted = {state.strip() for state in states.split(",")}
    query = f"now={states.replace(' ', '%20')}"
    stores = listed(site, query)
    assert {store["now"] for store in stores} <= wanted
    every = site.get(PATH).json["counts"]
    answer = site.get(f"{PATH}?{query}").json
    assert answer["counts"] == every
    assert answer["total"] == sum(every[state] for state in wanted)


def test_labels_filter_and_are_counted(start_site: Callable[..., LiveSite]) -> None:
    """A store has a name and labels as soon as its record is in place."""
    site = start_site()
    put_polls(site, [ago(5, "a", False), ago(5, "b", True), ago(5, "c", True)])
    assert site.get(PATH).json["counts"]["up"] == 2
    labels = {"a": "West", "b": "West", "c": "East"}
    site.publish(
        site.program.topics.labels,
        [
            (i, orjson.dumps({"store_id": i, "name": i * 3, "labels": {"region": r}}))
            for i, r in labels.items()
        ],
    )
    site.settle()
    west = site.get(f"{PATH}?where=region%3DWest&by=region").json
    assert [(s["store_id"], s["name"]) for s in west["stores"]] == [
        ("a", "aaa"),
        ("b", "bbb"),
    ]
    assert (west["counts"]["down"], west["counts"]["up"]) == (1, 1)
    counted = west["by"]["values"]
    assert {value: counts["known"] for value, counts in counted.items()} == {"West": 2}
    every = site.get(f"{PATH}?by=region").json["by"]
    assert every["label"] == "region"
    assert {v: c["known"] for v, c in every["values"].items()} == {"West": 2, "East": 1}
    assert [s["store_id"] for s in site.get(f"{PATH}?q=ccc").json["stores"]] == ["c"]


def test_a_poll_is_visible_as_soon_as_it_is_in_place(
    start_site: Callable[..., LiveSite],
) -> None:
    """Also one that comes late, and hours that close a store."""
    site = start_site()
    put_polls(site, [ago(50, "a", False)])
    assert site.get(PATH).json["stores"][0]["now"] == "down"
    put_polls(site, [ago(5, "a", True), ago(300, "new", True)])
    states = {s["store_id"]: s["now"] for s in site.get(PATH).json["stores"]}
    assert states == {"a": "up", "new": "silent"}
    put_polls(site, [ago(70, "a", False)])
    [one] = site.get(f"{PATH}?q=a").json["stores"]
    assert (one["now"], one["since"]) == ("up", text(NOW_US - 5 * MINUTE_US))
    site.publish(
        site.program.topics.hours,
        [("a", b'{"store_id": "a", "hours": [{"dayOfWeek": 0, "closed": true}]}')],
    )
    site.settle()
    assert site.get(f"{PATH}?q=a").json["stores"][0]["now"] == "closed"


def test_opening_and_closing_times_move_states_by_themselves(
    start_site: Callable[..., LiveSite],
) -> None:
    """Nothing comes, but the clock goes on."""
    site = start_site()
    put_polls(site, [ago(5, "a", True)])
    site.publish(
        site.program.topics.special_hours,
        [
            (
                "a\0" + "2025-05-06",
                b'{"store_id": "a", "date": "2025-05-06", "openings": [{'
                b'"start_time_local": "09:00", "end_time_local": "10:30"}]}',
            )
        ],
    )
    site.settle()
    told = []
    for minutes in (0, 29, 30):
        site.program.now_us = partial(int, NOW_US + minutes * MINUTE_US)
        [one] = site.get(f"{PATH}?q=a").json["stores"]
        told.append((one["now"], one["since"]))
    site.program.now_us = lambda: NOW_US
    begin = text(NOW_US - 5 * MINUTE_US)
    assert told == [
        ("up", begin),
        ("up", begin),
        ("closed", text(NOW_US + HOUR_US // 2)),
    ]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("now=open", "bad-now"),
        ("where=West", "bad-where"),
        ("where=%3DWest", "bad-where"),
        ("page=100000&per_page=500", "bad-page"),
    ],
)
def test_what_cannot_be_asked_is_named(site: LiveSite, query: str, reason: str) -> None:
    """A 400 that says what was expected."""
    answer = site.get(f"{PATH}?{query}")
    assert answer.status == 400
    assert answer.json["error"] == reason


def test_every_door_says_the_same_state(site: LiveSite) -> None:
    """The list of now, of stores, a store itself, its badge, counts, any instant."""
    told = {one["store_id"]: (one["now"], one["since"]) for one in listed(site)}
    for as_of in ("now", text(NOW_US)):
        path = f"/api/v1/stores?per_page=500&as_of={as_of}"
        stores = site.get(path).json["stores"]
        assert {one["store_id"]: one["now"] for one in stores} == {
            store_id: state for store_id, (state, _) in told.items()
        }
        counts = site.get(f"/api/v1/overview?as_of={as_of}").json["stores"]
        assert counts == site.get(PATH).json["counts"]
    for store_id in ("alpha", "beta", "gamma", "quiet", "sleeper", "unpolled"):
        one = site.get(f"/api/v1/stores/{store_id}").json
        assert (one["now"], one["since"]) == told[store_id]
        badge = site.get(f"/stores/{store_id}/badge.svg?window=now").text
        assert f"<title>now: {one['now']}</title>" in badge
