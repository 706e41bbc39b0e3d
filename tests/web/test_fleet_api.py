"""The API's figures of the fleet: totals, pages of stores, sorting, export."""

import csv
import io
from collections import defaultdict

import pytest

from tests.web.live_site import HOSTILE, LiveSite


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
