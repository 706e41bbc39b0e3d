"""The API's figures are those of the accounting."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

from streamproc.rules.poll import encode_poll
from tests.reference import reference
from tests.web.live_site import (
    CHICAGO,
    HOSTILE,
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


def test_the_totals_are_the_sums_of_all_stores(site: LiveSite) -> None:
    """The fleet's figures are what its stores add up to."""
    overview = site.get("/api/v1/overview").json
    sums: defaultdict[tuple[str, str], float] = defaultdict(float)
    stores = site.get("/api/v1/stores?per_page=500").json["stores"]
    for store in stores:
        for window, figures in store["windows"].items():
            for name in ("up_s", "down_s", "unknown_s", "open_s"):
                sums[window, name] += figures[name]
    assert overview["stores"]["known"] == len(stores) == 66 + len(HOSTILE)
    for (window, name), total in sums.items():
        assert overview["windows"][window][name] == pytest.approx(total)


def test_paging_shows_every_store_once(site: LiveSite) -> None:
    """Pages follow each other without gap or repeat, in any order."""
    for sort in ("down_day", "store", "percent_week", "last_poll", "zone", "now"):
        seen: list[str] = []
        first = site.get(f"/api/v1/stores?sort={sort}&per_page=10").json
        for page in range(1, first["pages"] + 1):
            path = f"/api/v1/stores?sort={sort}&per_page=10&page={page}"
            seen += [store["store_id"] for store in site.get(path).json["stores"]]
        assert len(seen) == len(set(seen)) == first["total"]


def test_sorting_follows_the_column_and_puts_no_value_last(site: LiveSite) -> None:
    """Both ways, a store without a percentage comes after those that have one."""
    for order, sign in (("asc", 1), ("desc", -1)):
        path = f"/api/v1/stores?sort=percent_week&order={order}&per_page=500"
        stores = site.get(path).json["stores"]
        exact = [
            None
            if (w := s["windows"]["week"])["up_s"] + w["down_s"] == 0
            else sign * w["up_s"] / (w["up_s"] + w["down_s"])
            for s in stores
        ]
        known = [value for value in exact if value is not None]
        assert known == sorted(known)
        assert exact[len(known) :] == [None] * (len(exact) - len(known))
        assert len(exact) > len(known)


def test_the_export_has_the_filter_and_every_row(site: LiveSite) -> None:
    """A CSV of a search holds all that match, not a page of them."""
    answer = site.get("/api/v1/stores?q=store-&format=csv&per_page=5")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert len(rows) == 60
    assert all(row["store_id"].startswith("store-") for row in rows)
    assert {"unknown_last_day(in hours)", "now", "zone", "as_of_utc"} <= set(rows[0])


def test_cells_that_a_spreadsheet_would_run_are_neutralised(site: LiveSite) -> None:
    """A store id that looks like a formula is text in every CSV."""
    answer = site.get("/api/v1/stores?q=HYPERLINK&format=csv")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert row["store_id"].startswith("'=")


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


# -- tables -----


def test_tables_tell_what_they_are_for_and_who_owns_them(site: LiveSite) -> None:
    """Every table has its help, partitions, owners and changelog offsets."""
    tables = {t["name"]: t for t in site.get("/api/v1/tables").json["tables"]}
    facts = {"hours", "zones", "special_hours", "exclusions", "labels"}
    others = {"histories", "archive", "reports", "announced", "changes"}
    assert set(tables) == others | facts
    histories = tables["histories"]
    assert histories["help"]
    assert [p["owner"] for p in histories["partitions"]] == [site.url] * 4
    assert all(p["changelog_offset"] is not None for p in histories["partitions"])
    assert tables["hours"]["keys"] == 3


def test_keys_are_in_order_over_all_partitions(site: LiveSite) -> None:
    """Going from page to page shows every key once, in order."""
    keys: list[str] = []
    path = "/api/v1/tables/histories?limit=40"
    page = site.get(path).json
    while True:
        keys += [entry["key"] for entry in page["entries"]]
        if page["next"] is None:
            break
        page = site.get(f"{path}&after={page['next']}").json
    assert len(keys) == len(set(keys)) > 400
    stores = [key.split(" · ")[0].encode() for key in keys]
    assert stores == sorted(stores)


def test_a_prefix_finds_the_keys_that_begin_with_it(site: LiveSite) -> None:
    """The search is by prefix; values are shown decoded."""
    page = site.get("/api/v1/tables/histories?prefix=alpha").json
    assert [entry["key"] for entry in page["entries"]] == ["alpha · 2025-05-06"]
    assert page["entries"][0]["value"][0] == {
        "time": "2025-05-06T14:00:00Z",
        "status": "active",
    }
    zones = site.get("/api/v1/tables/zones?prefix=gam").json["entries"]
    assert [(entry["key"], entry["value"]) for entry in zones] == [("gamma", CHICAGO)]


def test_rejected_records_keep_their_reason(site: LiveSite) -> None:
    """What was refused is there, newest first, counted by reason."""
    told = site.get("/api/v1/rejected").json
    assert told["reasons"] == {"bad-json": 2, "unknown-status": 1}
    assert told["kept"] == 3
    one = site.get("/api/v1/rejected?reason=bad-json&limit=1").json["records"]
    assert [record["reason"] for record in one] == ["bad-json"]


# -- unknown things -----


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/stores/nobody",
        "/api/v1/stores/nobody/timeline",
        "/api/v1/stores/nobody/polls",
        "/api/v1/tables/nothing",
        "/api/v1/reports/nothing",
        "/get_report?report_id=nothing",
        "/reports/nothing.csv",
        "/reports/..%2f..%2fetc%2fpasswd.csv",
        "/api/v1/nothing",
        "/nothing",
    ],
)
def test_what_is_unknown_is_a_404_that_says_so(site: LiveSite, path: str) -> None:
    """Never a thing with zeros."""
    answer = site.get(path)
    assert answer.status == 404
    assert answer.json["message"]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/api/v1/stores?page=0", "bad-page"),
        ("/api/v1/stores?page=abc", "bad-page"),
        ("/api/v1/stores?per_page=501", "bad-per_page"),
        ("/api/v1/stores?sort=secret", "bad-sort"),
        ("/api/v1/stores?order=up", "bad-order"),
        ("/api/v1/stores?now=nowhere", "bad-now"),
        ("/api/v1/stores?as_of=yesterday", "bad-as-of"),
        ("/api/v1/stores?as_of=2025-05-32", "bad-as-of"),
        ("/api/v1/stores?as_of=9999-12-31T23:59:59-12:00", "bad-as-of"),
        ("/api/v1/stores/alpha?as_of=9999-12-31T23:59:59Z", "bad-as-of"),
        ("/api/v1/stores/alpha?as_of=1970-01-01T00:00:00Z", "bad-as-of"),
        ("/api/v1/stores?q=" + "x" * 129, "bad-q"),
        ("/api/v1/stores/" + "x" * 129, "long-store-id"),
        ("/api/v1/stores/a%00b", "bad-store-id"),
        ("/api/v1/tables/hours?after=zz", "bad-after"),
        ("/get_report", "no-report-id"),
        ("/stores/alpha/badge.svg?window=year", "bad-window"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(
    site: LiveSite, path: str, error: str
) -> None:
    """Each is a 400 that names the parameter."""
    answer = site.get(path)
    assert (answer.status, answer.json["error"]) == (400, error)


def test_a_wrong_method_names_the_right_ones(site: LiveSite) -> None:
    """405 with Allow; HEAD is answered wherever GET is."""
    answer = site.ask("DELETE", "/api/v1/stores/alpha")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")
    head = site.ask("HEAD", "/api/v1/stores/alpha")
    assert (head.status, head.body) == (200, b"")


# -- for operators -----


def test_health_ready_and_metrics_tell_how_it_is(site: LiveSite) -> None:
    """Alive, ready, and counted."""
    assert site.get("/health").json == {"status": "alive"}
    assert site.get("/ready").json == {"status": "ready"}
    text = site.get("/metrics").text
    for name in (
        'streamproc_polls_total{outcome="accepted"}',
        'streamproc_lag_records{partition="0",topic="store-polls"} 0.0',
        'streamproc_lag_seconds{partition="0",topic="store-polls"} 0.0',
        'streamproc_table_keys{partition="0",table="histories"}',
        "streamproc_recovery_remaining_records 0.0",
        "streamproc_ready 1.0",
        "streamproc_batch_seconds_bucket",
        "streamproc_report_seconds",
    ):
        assert name in text
