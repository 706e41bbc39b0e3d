"""Hours, special hours and exclusions by the API: set, told, forgotten, withdrawn."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from streamproc.rules.poll import Poll, encode_poll
from tests.web.facts import STORES, offer, put
from tests.web.live_site import HOUR_US, NOW_US, WORKDAY, LiveSite

NOON = {"kind": "maintenance", "from": "2025-05-06T12:00:00Z"}
MAINTENANCE = {**NOON, "to": "2025-05-06T13:00:00Z"}
CLOSED_MONDAY = [{"dayOfWeek": 0, "closed": True}]


@pytest.fixture
def site(start_site: Callable[..., LiveSite]) -> LiveSite:
    """Two stores that a test may change as it likes."""
    return filled(start_site())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """The same, for all tests that leave them as they are."""
    live = LiveSite(tmp_path_factory.mktemp("changes")).start()
    yield filled(live)
    live.stop()


def filled(live: LiveSite) -> LiveSite:
    """Both are polled every half hour for a day; the second is always down."""
    times = range(NOW_US - 24 * HOUR_US, NOW_US, HOUR_US // 2)
    polls = [Poll(s, at, s == "up") for s in ("up", "down") for at in times]
    live.publish(
        live.program.topics.polls, [(p.store_id, encode_poll(p)) for p in polls]
    )
    live.settle()
    return live


def get(site: LiveSite, path: str) -> Any:
    """What is told of a store."""
    return site.get(f"{STORES}/{path}").json


def day(site: LiveSite, store_id: str) -> Any:
    """A store's figures of the last day."""
    return get(site, store_id)["windows"]["day"]


def test_an_exclusion_counts_from_the_answer_on(site: LiveSite) -> None:
    """It is told with its record's time, and the next figures are without its time."""
    told = put(site, "down/exclusions/m-1", {**MAINTENANCE, "note": "x", "by": "Ann"})
    assert told.status == 200
    assert day(site, "down")["excluded_s"] == 3600
    [one] = get(site, "down/exclusions")["exclusions"]
    assert told.json == one
    assert one.pop("at").startswith("20")
    assert one == {
        **{"id": "m-1", **MAINTENANCE, "from_local": None, "to_local": None},
        **{"note": "x", "by": "Ann", "withdrawn": False, "of_all": False},
    }
    assert get(site, "down/exclusions/m-1")["id"] == "m-1"
    assert day(site, "up")["excluded_s"] == 0


def test_a_withdrawn_exclusion_stays_listed_and_counts_no_more(site: LiveSite) -> None:
    """Withdrawing it again changes nothing; one that never was is a 404."""
    put(site, "down/exclusions/m-1", MAINTENANCE)
    path = f"{STORES}/down/exclusions/m-1?by=Bob"
    for _ in range(2):
        gone = site.ask("DELETE", path)
        assert (gone.status, gone.json["withdrawn"]) == (200, True)
    [one] = get(site, "down/exclusions")["exclusions"]
    assert (one["id"], one["withdrawn"]) == ("m-1", True)
    assert day(site, "down")["excluded_s"] == 0
    missing = site.ask("DELETE", f"{STORES}/down/exclusions/m-2")
    assert (missing.status, missing.json["error"]) == (404, "unknown-exclusion")


def test_the_ends_of_an_exclusion_may_be_local(site: LiveSite) -> None:
    """They stay local, and are read in the store's own zone (Chicago)."""
    ends = {"from_local": "2025-05-06 07:00", "to_local": "2025-05-06 08:00:00"}
    one = put(site, "up/exclusions/l", {"kind": "correction-down", **ends}).json
    assert (one["from"], one["from_local"]) == (None, "2025-05-06 07:00:00")
    assert day(site, "up")["down_s"] == 3600
    gone = site.ask("DELETE", f"{STORES}/up/exclusions/l").json
    assert (gone["to_local"], gone["withdrawn"]) == ("2025-05-06 08:00:00", True)


def test_an_exclusion_of_all_stores_is_in_place_for_each(site: LiveSite) -> None:
    """On every partition; each store lists it as one of all."""
    put(site, "*/exclusions/all", MAINTENANCE)
    assert [day(site, s)["excluded_s"] for s in ("up", "down")] == [3600, 3600]
    [one] = get(site, "up/exclusions")["exclusions"]
    assert (one["id"], one["of_all"]) == ("all", True)
    assert site.get(f"{STORES}/up/exclusions/all").status == 404
    assert get(site, "*/exclusions")["exclusions"] == [one]
    assert site.ask("DELETE", f"{STORES}/*/exclusions/all").status == 200
    assert [day(site, s)["excluded_s"] for s in ("up", "down")] == [0, 0]


def test_special_hours_of_all_stores_are_told_as_such(site: LiveSite) -> None:
    """By whoever asks, for ``*`` or for a store."""
    one = put(site, "*/special-hours/2025-05-06", {"openings": []}).json
    assert (one["date"], one["of_all"]) == ("2025-05-06", True)
    for store in ("*", "up"):
        assert get(site, f"{store}/special-hours")["special_hours"] == [one]
    assert get(site, "*/special-hours/2025-05-06") == one


def test_special_hours_of_a_date_are_set_told_and_forgotten(site: LiveSite) -> None:
    """A store's own go before those of all."""
    opening = {"start_time_local": "10:00:00", "end_time_local": "15:00:00"}
    one = {"date": "2025-05-06", "openings": [opening], "note": "fair", "of_all": False}
    body = {"openings": [opening], "note": "fair"}
    assert put(site, "up/special-hours/2025-05-06", body).json == one
    put(site, "*/special-hours/2025-05-06", {"openings": []})
    assert get(site, "up/special-hours")["special_hours"] == [one]
    assert get(site, "up/special-hours/2025-05-06") == one
    [of_all] = get(site, "down/special-hours")["special_hours"]
    assert (of_all["openings"], of_all["of_all"]) == ([], True)
    assert get(site, "down")["now"] == "closed"
    path = f"{STORES}/up/special-hours/2025-05-06"
    gone = site.ask("DELETE", path)
    assert (gone.status, gone.json) == (200, one)
    assert get(site, "up/special-hours")["special_hours"] == [of_all]
    assert (site.get(path).status, site.ask("DELETE", path).status) == (404, 404)


def test_dated_weeks_are_listed_and_forgotten(site: LiveSite) -> None:
    """The undated week first; setting it forgets the dated ones before it."""
    assert get(site, "up/hours") == {"store_id": "up", "weeks": []}
    put(site, "up/hours", {"hours": WORKDAY})
    put(site, "up/hours", {"hours": CLOSED_MONDAY, "valid_from": "2025-05-05"})
    put(site, "up/hours", {"hours": [], "valid_from": "2025-06-01"})
    weeks = get(site, "up/hours")["weeks"]
    assert [(w["valid_from"], w["open_24x7"]) for w in weeks] == [
        (None, False),
        ("2025-05-05", False),
        ("2025-06-01", True),
    ]
    assert weeks[0]["hours"][4:] == [
        {"dayOfWeek": 4, "start_time_local": "09:00:00", "end_time_local": "17:00:00"},
        {"dayOfWeek": 5, "closed": True},
        {"dayOfWeek": 6, "closed": True},
    ]
    assert get(site, "up")["now"] == "closed"
    gone = site.ask("DELETE", f"{STORES}/up/hours/2025-05-05")
    assert [w["valid_from"] for w in gone.json["weeks"]] == [None, "2025-06-01"]
    assert site.ask("DELETE", f"{STORES}/up/hours/2025-05-05").status == 404
    put(site, "up/hours", {"hours": CLOSED_MONDAY})
    assert [w["valid_from"] for w in get(site, "up/hours")["weeks"]] == [None]
    assert site.ask("DELETE", f"{STORES}/up/hours").json["weeks"] == []


def test_a_store_whose_first_poll_was_accepted_before_is_known(site: LiveSite) -> None:
    """However far behind the worker is at that moment."""
    for number in range(5):
        poll = {"timestamp_utc": "2025-05-06 14:59:00 UTC", "status": "active"}
        site.post_json("/api/v1/polls", {"store_id": f"fresh-{number}", **poll})
        put(site, f"fresh-{number}/labels", {"labels": {}})


BODIES: dict[str, dict[str, Any]] = {
    "hours": {"hours": CLOSED_MONDAY},
    "zone": {"timezone_str": "UTC"},
    "labels": {"labels": {"region": "West"}},
    "special-hours/2025-12-25": {"openings": []},
    "exclusions/m-1": MAINTENANCE,
}


@pytest.mark.parametrize("fact", BODIES)
def test_an_unknown_store_is_not_made_by_a_typo(shared: LiveSite, fact: str) -> None:
    """404, unless the body says that it is new."""
    site, store_id = shared, f"new-{fact[:6]}"
    path, body = f"{store_id}/{fact}", BODIES[fact]
    for told in (body, {**body, "create": False}):
        answer = offer(site, path, told)
        assert (answer.status, answer.json["error"]) == (404, "unknown-store")
    assert offer(site, path + "?preview=true", body).status == 404
    assert site.get(f"{STORES}/{store_id}/exclusions").status == 404
    put(site, path, {**body, "create": True})
    assert site.get(f"{STORES}/{store_id}/exclusions").status == 200
    put(site, path, body)


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("up/hours", {"hours": [], "valid_form": "2025-01-01"}, 400, "unknown-field"),
        ("up/hours", {"valid_from": "2025-01-01"}, 400, "bad-json"),
        ("up/hours", {"hours": [], "valid_from": "1 May"}, 422, "bad-date"),
        ("up/hours", {"hours": CLOSED_MONDAY, "create": 1}, 400, "bad-create"),
        ("up/hours", {"hours": CLOSED_MONDAY, "by": "a\nb"}, 422, "bad-by"),
        ("*/hours", {"hours": []}, 400, "bad-store-id"),
        ("up/special-hours/monday", {"openings": []}, 422, "bad-date"),
        (
            "up/special-hours/2025-05-06",
            {"openings": [], "date": "2025-05-07"},
            400,
            "bad-date",
        ),
        ("up/exclusions/a%20b", MAINTENANCE, 422, "bad-exclusion-id"),
        ("up/exclusions/a", NOON, 422, "bad-exclusion"),
        ("up/exclusions/a", {**MAINTENANCE, "kind": "holiday"}, 422, "bad-kind"),
        ("up/exclusions/a", {**MAINTENANCE, "store_id": "x"}, 400, "bad-store-id"),
        ("up/exclusions/a?previw=true", MAINTENANCE, 400, "unknown-parameter"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name(
    shared: LiveSite, path: str, body: object, status: int, error: str
) -> None:
    """Nothing is changed."""
    answer = offer(shared, path, body)
    assert (answer.status, answer.json["error"]) == (status, error)
    assert get(shared, "up/exclusions")["exclusions"] == []
    assert get(shared, "up/hours")["weeks"] == []


def test_a_refused_body_is_kept_and_a_refused_preview_is_not(site: LiveSite) -> None:
    """A preview changes nothing, not even that."""
    offer(site, "up/exclusions/a?preview=true", NOON)
    offer(site, "up/exclusions/b", NOON)
    kept = site.get("/api/v1/rejected").json["records"]
    assert [one["topic"] for one in kept] == ["store-exclusions"]


def test_a_preview_tells_figures_before_and_after_and_changes_nothing(
    site: LiveSite,
) -> None:
    """Of the last hour, day, week and 30 days."""
    found = put(site, "down/exclusions/m?preview=true", MAINTENANCE)
    assert found.status == 200
    told = found.json
    assert (told["store_id"], told["stores"], told["changed"]) == ("down", 1, 1)
    assert list(told["after"]) == ["hour", "day", "week", "month"]
    assert told["before"]["day"] == day(site, "down")
    assert told["after"]["day"]["excluded_s"] == 3600
    assert told["after"]["day"]["down_s"] == told["before"]["day"]["down_s"] - 3600
    assert told["after"]["hour"] == told["before"]["hour"]
    assert get(site, "down/exclusions")["exclusions"] == []
    put(site, "down/exclusions/m", MAINTENANCE)
    assert day(site, "down") == told["after"]["day"]
    back = site.ask("DELETE", f"{STORES}/down/exclusions/m?preview=true").json
    assert back["after"]["day"] == told["before"]["day"]
    assert get(site, "down/exclusions/m")["withdrawn"] is False


def test_a_preview_for_all_stores_is_the_sum_of_the_fleet(site: LiveSite) -> None:
    """And says of how many stores a figure changes; the month is not worked out."""
    told = put(site, "*/exclusions/m?preview=true", MAINTENANCE).json
    assert (told["stores"], told["changed"]) == (2, 2)
    assert told["before"]["month"] is None
    put(site, "up/exclusions/own", MAINTENANCE)
    told = put(site, "*/exclusions/m?preview=true", MAINTENANCE).json
    assert (told["stores"], told["changed"]) == (2, 1)
    assert told["before"]["day"]["excluded_s"] == 3600
    assert told["after"]["day"]["excluded_s"] == 7200
    put(site, "*/exclusions/m", MAINTENANCE)
    site.settle()
    assert site.get("/api/v1/overview").json["windows"]["day"] == told["after"]["day"]


def test_a_preview_of_a_new_store_has_nothing_before(site: LiveSite) -> None:
    """Null, not zero: nothing is known of it."""
    body = {"hours": CLOSED_MONDAY, "create": True}
    told = put(site, "new/hours?preview=true", body).json
    assert told["before"] is None
    assert told["after"]["week"]["open_s"] == 0
    assert site.get(f"{STORES}/new").status == 404
