"""Periods by HTTP: one store's, the fleet's, in JSON and as CSV."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.reference import DAY_US, HOUR_US, date_edge, open_spans, slice_figures
from tests.web.live_site import (
    CHICAGO,
    MINUTE_US,
    NOW_US,
    WORKDAY,
    LiveSite,
    filler_polls,
    known_polls,
)

TODAY = NOW_US // DAY_US
FIRST_US = min(poll.time_us for poll in [*known_polls(), *filler_polls()])


def text(time_us: int) -> str:
    """A time as the API writes it."""
    moment = datetime.fromtimestamp(time_us / 1e6, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}".rstrip("0").rstrip(".") + "Z"


def walked(store_id: str, day: int, zone: str = CHICAGO) -> dict[str, Any]:
    """What the oracle says of a store's local date."""
    span = date_edge(zone, day, 0), min(date_edge(zone, day + 1, 0), NOW_US)
    hours = WORKDAY if store_id == "gamma" else None
    opened = open_spans(hours, zone, *span)
    polls = [
        (poll.time_us, poll.active)
        for poll in [*known_polls(), *filler_polls()]
        if poll.store_id == store_id
    ]
    told = slice_figures(
        polls, opened, opened, span, NOW_US, HOUR_US, False, 10 * MINUTE_US
    )
    return {
        "from": text(span[0]),
        "to": text(span[1]),
        "up_s": told.figures.up_us / 1e6,
        "down_s": told.figures.down_us / 1e6,
        "unknown_s": told.figures.unknown_us / 1e6,
        "open_s": told.figures.open_us / 1e6,
        "incidents": told.incidents,
        "longest_incident_s": told.longest_us / 1e6,
    }


def subset(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """The fields that are expected."""
    return {name: found[name] for name in expected}


def test_a_stores_days_are_those_of_the_walk(site: LiveSite) -> None:
    """Today up to now; each date with its real ends in the store's zone."""
    period = "2025-05-01..2025-05-06"
    answer = site.get(f"/api/v1/stores/gamma/periods?period={period}&by=day").json
    assert (answer["store_id"], answer["period"], answer["zone"]) == (
        *("gamma", period),
        CHICAGO,
    )
    assert [one["period"] for one in answer["slices"]] == [
        f"day:2025-05-0{day}" for day in range(1, 7)
    ]
    for ago, found in enumerate(reversed(answer["slices"])):
        expected = walked("gamma", TODAY - ago)
        assert subset(found, expected) == expected
    for name in ("up_s", "down_s", "unknown_s", "open_s", "excluded_s"):
        assert answer["total"][name] == sum(one[name] for one in answer["slices"])
    assert answer["known_since"] is None


def test_a_period_that_reaches_before_history_says_since_when(site: LiveSite) -> None:
    """It is answered for what there is."""
    answer = site.get("/api/v1/stores/gamma/periods?period=year:2025&by=month").json
    begins = max(
        edge
        for day in range(TODAY - 20, TODAY)
        if (edge := date_edge(CHICAGO, day, 0)) <= FIRST_US
    )
    assert answer["known_since"] == answer["total"]["from"] == text(begins)
    assert answer["total"]["to"] == text(NOW_US)
    assert [one["period"] for one in answer["slices"]] == [
        *("month:2025-04", "month:2025-05")
    ]


def test_words_are_of_the_stores_own_zone(site: LiveSite) -> None:
    """Today is 6 May in Chicago, already over in Tokyo."""
    today = site.get("/api/v1/stores/gamma/periods?period=today").json
    assert today["period"] == "day:2025-05-06"
    late = f"as_of={text(NOW_US - 9 * HOUR_US)}"
    path = f"/api/v1/stores/gamma/periods?period=today&{late}"
    assert site.get(path).json["period"] == "day:2025-05-06"
    tokyo = site.get(f"{path}&zone=asia/tokyo").json
    assert (tokyo["period"], tokyo["zone"]) == ("day:2025-05-06", "Asia/Tokyo")
    assert tokyo["total"]["from"] == "2025-05-05T15:00:00Z"


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ("period=next-week", 400, "bad-period"),
        ("by=hour", 400, "bad-by"),
        ("zone=Mars", 400, "unknown-zone"),
        ("period=month:2024-01", 422, "too-old"),
        ("period=month:2026-01", 422, "too-old"),
    ],
)
def test_what_cannot_be_told_of_a_store_is_refused(
    site: LiveSite, query: str, status: int, error: str
) -> None:
    """With what is wrong, or why nothing is known of it."""
    answer = site.get(f"/api/v1/stores/gamma/periods?{query}")
    assert (answer.status, answer.json["error"]) == (status, error)


def test_an_unknown_store_has_no_periods(site: LiveSite) -> None:
    """Told apart from one without figures."""
    answer = site.get("/api/v1/stores/nobody/periods?period=today")
    assert (answer.status, answer.json["error"]) == (404, "unknown-store")


def pages(site: LiveSite, query: str) -> list[dict[str, Any]]:
    """All rows of all pages."""
    found: list[dict[str, Any]] = []
    number = 1
    while True:
        path = f"/api/v1/periods/day:2025-05-05?per_page=25&page={number}&{query}"
        answer = site.get(path).json
        found += answer["stores"] or answer["groups"]
        if number >= answer["pages"]:
            assert len(found) == answer["total"]
            return found
        number += 1


def test_every_store_of_the_fleet_has_its_row(site: LiveSite) -> None:
    """By id; each as the walk has it, and as the store's own answer has it."""
    rows = pages(site, "")
    ids = [row["store_id"] for row in rows]
    assert ids == sorted(ids)
    assert {poll.store_id for poll in filler_polls()} <= set(ids)
    for row in rows:
        if row["store_id"] in ("gamma", *(p.store_id for p in filler_polls()[:9])):
            expected = walked(row["store_id"], TODAY - 1)
            assert subset(row["figures"], expected) == expected
    fleet = site.get("/api/v1/periods/day:2025-05-05").json["fleet"][0]
    assert fleet["stores"] == len(rows)
    assert fleet["figures"]["up_s"] == pytest.approx(
        sum(row["figures"]["up_s"] for row in rows)
    )


def test_the_worst_come_first_and_who_was_not_observed_last(site: LiveSite) -> None:
    """In the order that is asked for."""
    rows = [row["figures"] for row in pages(site, "sort=uptime_percent")]
    shown = [row["uptime_percent"] for row in rows]
    observed = [percent for percent in shown if percent is not None]
    assert shown == [*sorted(observed), *[None] * (len(shown) - len(observed))]
    downs = [row["figures"]["down_s"] for row in pages(site, "sort=down_s")]
    assert downs == sorted(downs, reverse=True)


def test_the_csv_has_the_rows_of_all_pages(site: LiveSite) -> None:
    """The columns are those of the report."""
    answer = site.get("/api/v1/periods/day:2025-05-05?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert 'filename="uptime-2025-05-05.csv"' in answer.headers["Content-Disposition"]
    told = {row["store_id"]: row["figures"] for row in pages(site, "")}
    assert len(rows) == len(told)
    gamma = next(row for row in rows if row["store_id"] == "gamma")
    assert float(gamma["open(in hours)"]) * 3_600 == told["gamma"]["open_s"]
    assert gamma["from_utc"] == told["gamma"]["from"]


def test_a_range_of_dates_is_one_part_of_the_path(site: LiveSite) -> None:
    """Its dots are no way up."""
    path = "/api/v1/periods/2025-05-04..2025-05-05?by=day&zone=UTC"
    answer = site.get(path).json
    assert answer["period"] == "2025-05-04..2025-05-05"
    assert [one["figures"]["period"] for one in answer["fleet"]] == [
        *("day:2025-05-04", "day:2025-05-05")
    ]


def test_a_label_that_nobody_has_makes_one_group_of_all(site: LiveSite) -> None:
    """Of the empty value; a condition on it leaves nobody."""
    [group] = pages(site, "group_by=franchise")
    assert (group["group"], group["stores"]) == ("", len(pages(site, "")))
    assert pages(site, "where=franchise%3DWest") == []
    answer = site.get("/api/v1/periods/today?where=franchise")
    assert (answer.status, answer.json["error"]) == (400, "bad-where")
