"""Incidents of the fleet, asked for by HTTP."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from streamproc.rules.poll import Poll, encode_poll
from tests.reference import DAY_US, HOUR_US, outages
from tests.web.live_site import (
    MINUTE_US,
    NOW_US,
    LiveSite,
    filler_polls,
)

BRIDGE_US = 10 * MINUTE_US


def text(time_us: int) -> str:
    """A time as the API writes it."""
    moment = datetime.fromtimestamp(time_us / 1e6, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def listed(site: LiveSite, query: str = "") -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    number = 1
    while True:
        path = f"/api/v1/incidents?per_page=7&page={number}&{query}"
        page = site.get(path).json
        found += page["incidents"]
        if number >= page["pages"]:
            assert len(found) == page["total"]
            return found
        number += 1


def test_an_ongoing_incident_has_no_end(site: LiveSite) -> None:
    """Active an hour ago, inactive half an hour ago."""
    [one] = site.get("/api/v1/incidents?store=alpha").json["incidents"]
    assert one == {
        "id": f"alpha@{text(NOW_US - 30 * MINUTE_US)}",
        "store_id": "alpha",
        "start": text(NOW_US - 30 * MINUTE_US),
        "started_after": text(NOW_US - 60 * MINUTE_US),
        "end": None,
        "down_s": 1800.0,
        "unknown_s": 0.0,
        "wall_s": 1800.0,
        "ended_by": None,
    }
    detail = site.get("/api/v1/stores/alpha").json
    assert (detail["now"], detail["since"]) == ("down", one["start"])


def test_all_incidents_of_the_fleet_are_those_of_the_walk(site: LiveSite) -> None:
    """Of sixty stores that are always open; by start, the newest first."""
    polls: defaultdict[str, list[tuple[int, bool]]] = defaultdict(list)
    fillers: list[Poll] = filler_polls()
    for poll in fillers:
        polls[poll.store_id].append((poll.time_us, poll.active))
    begin_us = NOW_US - 8 * DAY_US
    always = [(begin_us, NOW_US)]
    expected = sorted(
        (store_id, text(o.start_us), o.down_us / 1e6, o.unknown_us / 1e6, o.ended_by)
        for store_id, mine in polls.items()
        for o in outages(mine, always, begin_us, NOW_US, HOUR_US, False, BRIDGE_US)
    )
    found = listed(site, f"from={text(begin_us)}")
    assert [one["start"] for one in found] == sorted(
        (one["start"] for one in found), reverse=True
    )
    mine = sorted(
        (
            one["store_id"],
            one["start"].partition(".")[0].rstrip("Z") + "Z",
            one["down_s"],
            one["unknown_s"],
            one["ended_by"],
        )
        for one in found
        if one["store_id"] in polls
    )
    assert len(expected) > 20
    assert mine == expected


def test_short_incidents_are_hidden_from_the_list_not_from_the_figures(
    site: LiveSite,
) -> None:
    """MTTR and MTBF are of all that match, whatever is shown."""
    every = site.get("/api/v1/incidents").json
    some = site.get("/api/v1/incidents?min_down=3600&sort=down_s").json
    assert 0 < some["total"] < every["total"]
    assert (some["mttr_s"], some["mtbf_s"]) == (every["mttr_s"], every["mtbf_s"])
    lengths = [one["down_s"] for one in some["incidents"]]
    assert lengths == sorted(lengths, reverse=True)
    assert min(lengths) >= 3600


@pytest.mark.parametrize(("ongoing", "ends"), [("true", False), ("false", True)])
def test_ongoing_incidents_are_told_from_ended_ones(
    site: LiveSite, ongoing: str, ends: bool
) -> None:
    """By whether they have an end."""
    found = listed(site, f"ongoing={ongoing}")
    assert found
    assert {one["end"] is not None for one in found} == {ends}


def test_a_list_holds_what_overlaps_its_span_whole(site: LiveSite) -> None:
    """An incident that began before is not cut at its begin."""
    now = text(NOW_US)
    query = f"store=alpha&from={text(NOW_US - 10 * MINUTE_US)}&to={now}"
    [one] = listed(site, query)
    assert one["start"] == text(NOW_US - 30 * MINUTE_US)
    early = f"store=alpha&to={text(NOW_US - 45 * MINUTE_US)}"
    assert listed(site, early) == []


def test_a_list_without_incidents_has_no_means(site: LiveSite) -> None:
    """Null, not zero."""
    page = site.get("/api/v1/incidents?store=beta").json
    assert (page["total"], page["mttr_s"], page["mtbf_s"]) == (0, None, None)


def test_incidents_are_exported_as_csv(site: LiveSite) -> None:
    """All that match, on one page."""
    answer = site.get("/api/v1/incidents?format=csv&ongoing=true")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == len(listed(site, "ongoing=true"))
    assert {row["end"] for row in rows} == {""}


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("from=yesterday", "bad-from"),
        ("to=25/01/2023", "bad-to"),
        ("from=2025-05-06T14:00:00Z&to=2025-05-06T13:00:00Z", "bad-from"),
        ("ongoing=maybe", "bad-ongoing"),
        ("per_page=501", "bad-per_page"),
        ("where=West", "bad-where"),
        ("wher=region=West", "unknown-parameter"),
    ],
)
def test_a_question_that_cannot_be_understood_is_refused(
    site: LiveSite, query: str, error: str
) -> None:
    """With the parameter's name."""
    answer = site.get(f"/api/v1/incidents?{query}")
    assert (answer.status, answer.json["error"]) == (400, error)


def test_what_is_accepted_before_the_question_is_in_the_answer(
    start_site: Callable[..., LiveSite],
) -> None:
    """However far behind the worker is at that moment."""
    site = start_site()
    minute = text(NOW_US - 3 * MINUTE_US)
    for number in range(5):
        store_id = f"fresh-{number}"
        poll = {"store_id": store_id, "timestamp_utc": minute, "status": "inactive"}
        sent = site.post_json("/api/v1/polls", [poll])
        assert sent.status == 200
        found = site.get(f"/api/v1/incidents?store={store_id}").json
        assert found["total"] == 1


def test_incidents_of_a_month_long_ago_are_found_whole(
    start_site: Callable[..., LiveSite],
) -> None:
    """From the archive; only of the stores with a label, when that is asked for."""
    site = start_site(hold="none")
    days = [NOW_US - day * DAY_US for day in range(100, -1, -1)]
    for store_id in ("east", "west"):
        polls = [Poll(store_id, at, not 40 <= n < 60) for n, at in enumerate(days)]
        records = [(store_id, encode_poll(poll)) for poll in polls]
        site.publish(site.program.topics.polls, records)
    labels = {"store_id": "west", "labels": {"region": "West"}}
    site.publish(site.program.topics.labels, [("west", orjson.dumps(labels))])
    span = f"from={text(days[50])}&to={text(days[51])}"
    every = listed(site, span)
    assert sorted(one["store_id"] for one in every) == ["east", "west"]
    for one in every:
        assert (one["start"], one["end"]) == (text(days[40]), text(days[60]))
        assert one["started_after"] == text(days[39])
        assert one["down_s"] == 20 * DAY_US / 1e6
    [west] = listed(site, f"{span}&where=region%3DWest")
    assert west["store_id"] == "west"
    assert [one["store_id"] for one in listed(site, f"{span}&where=region=")] == [
        "east"
    ]
    assert listed(site, f"{span}&store=east&where=region=West") == []
    page = site.get(f"/api/v1/incidents?{span}&where=region=West").json
    assert (page["mttr_s"], page["mtbf_s"]) == (20 * DAY_US / 1e6, 0.0)
    assert page["known_since"] < text(days[0])
