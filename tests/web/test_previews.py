"""A preview tells what the figures are once the change is made."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamproc.rules.exclusions import KINDS
from tests.reference import DAY_US, slice_figures
from tests.web.live_site import HOUR_US, MINUTE_US, NOW_US, SECOND_US, LiveSite
from tests.web.test_reports import follow, rows_of

STORES = ("a", "b", "c")
ALL = "*"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """Three stores that are changed again and again."""
    live = filled(LiveSite(tmp_path_factory.mktemp("previews")).start())
    yield live
    live.stop()


POLLS = {
    store_id: [
        (
            NOW_US - (60 + step * 120 + 37 * (step % (n + 2))) * MINUTE_US,
            step % (5 + n) > 0,
        )
        for step in range(40 * 12)
    ]
    for n, store_id in enumerate(STORES)
}


def filled(live: LiveSite) -> LiveSite:
    """They are polled irregularly for forty days."""
    polls = [
        {"store_id": store_id, "timestamp_utc": text(time_us), "status": status}
        for store_id, mine in POLLS.items()
        for time_us, up in mine
        for status in ["active" if up else "inactive"]
    ]
    assert live.post_json("/api/v1/polls", polls).status == 200
    live.settle()
    return live


def text(time_us: int) -> str:
    """A time as producers write it."""
    return f"{datetime.fromtimestamp(time_us / 1e6, UTC):%Y-%m-%dT%H:%M:%SZ}"


CLOCKS = st.integers(0, 47).map(lambda half: f"{half // 2:02d}:{half % 2 * 30:02d}")
OPENING = st.fixed_dictionaries({"start_time_local": CLOCKS, "end_time_local": CLOCKS})
OPENINGS = st.lists(OPENING, max_size=2)
DAYS = st.integers(1, 6).map(lambda day: f"2025-05-{day:02d}")
INSTANTS = st.integers(0, 9 * 24).map(lambda back: NOW_US - back * HOUR_US)
SPANS = st.tuples(INSTANTS, st.integers(1, 50)).map(
    lambda span: {"from": text(span[0]), "to": text(span[0] + span[1] * HOUR_US // 4)}
)
EXCLUSION = st.builds(
    lambda kind, span: {"kind": kind, **span}, st.sampled_from(KINDS), SPANS
)
WEEK = st.lists(
    st.builds(
        lambda day, opening: {"dayOfWeek": day, **opening}, st.integers(0, 6), OPENING
    ),
    max_size=4,
)
HOURS = st.fixed_dictionaries({"hours": WEEK}, optional={"valid_from": DAYS})
ZONE = st.sampled_from(["UTC", "Asia/Tokyo", "America/Chicago"])
EITHER = st.sampled_from([*STORES, ALL])
ONE = st.sampled_from(STORES)
PUT = st.one_of(
    st.tuples(EITHER, st.just("exclusions/x"), EXCLUSION),
    st.tuples(EITHER, st.just("exclusions/y"), EXCLUSION),
    st.tuples(EITHER, DAYS.map("special-hours/{}".format), OPENINGS.map(
        lambda rows: {"openings": rows})),
    st.tuples(ONE, st.just("hours"), HOURS),
    st.tuples(ONE, st.just("zone"), ZONE.map(lambda zone: {"timezone_str": zone})),
)  # fmt: skip
FORGOTTEN = st.sampled_from(["exclusions/x", "hours"]) | DAYS.map(
    "special-hours/{}".format
)
DELETE = st.tuples(EITHER, FORGOTTEN, st.none())


def change(site: LiveSite, store_id: str, fact: str, body: Any, query: str = "") -> Any:
    """Put a fact, or delete it; None when there is none to be deleted."""
    method = "DELETE" if body is None else "PUT"
    sent = None if body is None else json.dumps(body).encode()
    path = f"/api/v1/stores/{store_id}/{fact}{query}"
    answer = site.ask(method, path, sent, Content_Type="application/json")
    if body is None and answer.status in (400, 404):
        return None  # * has no hours
    assert answer.status == 200, answer.text
    return answer.json


def shown(site: LiveSite, store_id: str) -> dict[str, dict[str, Any]]:
    """Figures that the store's page shows, or the sums of all of them."""
    names = STORES if store_id == ALL else (store_id,)
    told = [site.get(f"/api/v1/stores/{name}").json["windows"] for name in names]
    return {
        window: {
            amount: sum(one[window][amount] for one in told)
            for amount in ("up_s", "down_s", "unknown_s", "open_s", "excluded_s")
        }
        for window in told[0]
    }


def amounts(told: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """A preview's sums of the windows that every answer has."""
    return {
        window: {name: value for name, value in one.items() if name.endswith("_s")}
        for window, one in told.items()
        if window != "month"
    }


@given(steps=st.lists(PUT | DELETE, min_size=1, max_size=4))
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_preview_is_what_the_figures_are_after_the_change(
    site: LiveSite, steps: list[tuple[str, str, Any]]
) -> None:
    """Whatever was changed before, and of all windows."""
    for store_id, fact, body in steps:
        before = shown(site, store_id)
        told = change(site, store_id, fact, body, "?preview=true")
        assert shown(site, store_id) == before
        if told is None:
            continue
        assert amounts(told["before"]) == before
        change(site, store_id, fact, body)
        assert amounts(told["after"]) == shown(site, store_id)
        again = change(site, store_id, fact, body, "?preview=true")
        if again is not None:
            assert again["before"] == told["after"]


def test_a_preview_is_what_the_next_report_says(
    start_site: Callable[..., LiveSite],
) -> None:
    """Minutes and hours of the file, made at once after the answer."""
    site = filled(start_site())
    span = {"from": text(NOW_US - 3 * HOUR_US), "to": text(NOW_US - HOUR_US // 2)}
    body = {"kind": "correction-down", **span}
    told = change(site, "a", "exclusions/r", body, "?preview=true")["after"]
    change(site, "a", "exclusions/r", body)
    report_id = site.post_json("/a/trigger_report", {}).json["report_id"]
    assert follow(site, report_id)["status"] == "Complete"
    answer = site.get(f"/get_report?report_id={report_id}", Accept="text/csv")
    row = rows_of(answer.text)["a"]
    for window, unit_s in (("hour", 60), ("day", 3600), ("week", 3600)):
        unit = "minutes" if unit_s == 60 else "hours"
        shown = row[f"downtime_last_{window}(in {unit})"]
        assert abs(float(shown) - told[window]["down_s"] / unit_s) < 0.006
    assert told["day"]["down_s"] > 2 * HOUR_US / SECOND_US


def test_the_month_of_a_preview_is_the_last_thirty_days(
    start_site: Callable[..., LiveSite],
) -> None:
    """With the archived polls, as a walk counts them; before and after."""
    site = filled(start_site())
    begin_us, hole_us = NOW_US - 30 * DAY_US, NOW_US - 20 * DAY_US
    hole = hole_us, hole_us + 5 * HOUR_US
    body = {"kind": "maintenance", "from": text(hole[0]), "to": text(hole[1])}
    told = change(site, "b", "exclusions/old", body, "?preview=true")
    always, cut = [(begin_us, NOW_US)], [(begin_us, hole[0]), (hole[1], NOW_US)]
    for name, business, excluded_s in (("before", always, 0), ("after", cut, 18_000)):
        rules = NOW_US, HOUR_US, False, 0
        walk = slice_figures(POLLS["b"], always, business, always[0], *rules).figures
        month = told[name]["month"]
        assert month["up_s"] == walk.up_us / 1e6
        assert month["down_s"] == walk.down_us / 1e6
        assert (month["open_s"], month["excluded_s"]) == (30 * 86_400, excluded_s)
    assert told["after"]["week"] == told["before"]["week"]
