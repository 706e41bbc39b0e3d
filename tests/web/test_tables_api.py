"""The API of the tables and of what was refused."""

from tests.web.live_site import CHICAGO, LiveSite


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
