"""A period on one page of paper: what stands on it is what the API says."""

import re
from collections.abc import Callable

import pytest

from streamproc.web import words
from tests.web.live_site import LiveSite
from tests.web.test_pages import text_of


def hours(seconds: float) -> str:
    """An amount of seconds as pages write it."""
    return words.hours(round(seconds * 1e6))


def test_the_figures_are_those_of_the_period(site: LiveSite) -> None:
    """Percent, down, no data, incidents: as the API has them of all stores together."""
    text = text_of(site.page("/reports/this-month/page"))
    told = site.get("/api/v1/periods/this-month?sort=down_s").json
    fleet = told["fleet"][0]["figures"]
    assert f"up of observed {fleet['uptime_percent']:.2f}" in text
    assert f"down {hours(fleet['down_s'])}" in text
    assert f"no data {hours(fleet['unknown_s'])}" in text
    incidents = site.get(
        "/api/v1/incidents?from=2025-04-30T10:00:00Z&per_page=500"
    ).json
    counted = re.search(r"incidents ([\d,]+) to recover", text)
    assert counted is not None
    assert 0 < int(counted[1].replace(",", "")) <= incidents["total"]


def test_those_with_most_down_time_come_first(site: LiveSite) -> None:
    """Ten of them, worst first; who was not down is not among them."""
    page = site.page("/reports/this-month/page")
    told = site.get("/api/v1/periods/this-month?sort=down_s&per_page=10").json
    table = page.split('<table class="p worst">')[1].split("</table>")[0]
    rows = re.findall(r'scope="row" class="l clip">([^<]*)<', table)
    amounts = [one["figures"]["down_s"] for one in told["stores"]]
    assert len(rows) == 10
    assert [hours(one) for one in amounts] == re.findall(
        r"<td>([\d.,]+ h)</td><td>[\d.,]+ h</td>", table
    )
    assert amounts == sorted(amounts, reverse=True)


def test_a_label_chooses_whose_page_it_is(site: LiveSite) -> None:
    """The heading says so, and no other store is on it."""
    text = text_of(site.page("/reports/this-week/page?where=region%3DWest"))
    assert "Uptime of West" in text
    assert "1 stores" in text
    assert "store-" not in text


def test_quality_and_rules_stand_below(site: LiveSite) -> None:
    """Coverage, what nobody saw, and how it was counted."""
    text = text_of(site.page("/reports/yesterday/page"))
    for told in ("coverage", "stores without any data", "rejected, waiting", "Rules."):
        assert told in text
    assert "Percent = up / (up + down)" in text


@pytest.mark.parametrize(
    ("path", "status"),
    [("someday", 400), ("month:2019-01", 422), ("today/page?where=West", 400)],
)
def test_what_cannot_be_told_is_no_page_of_zeros(
    site: LiveSite, path: str, status: int
) -> None:
    """No such period, nothing kept of it, no such condition."""
    path = path if "/page" in path else f"{path}/page"
    answer = site.get(f"/reports/{path}", Accept="text/html")
    assert answer.status == status


def test_an_empty_program_has_no_page(start_site: Callable[..., LiveSite]) -> None:
    """It says that no store is known."""
    answer = start_site().get("/reports/today/page", Accept="text/html")
    assert answer.status == 422


def test_the_reports_page_offers_what_can_be_made(site: LiveSite) -> None:
    """Pages of A4 to everybody; the forms to who is signed in."""
    page = site.page("/reports")
    assert 'href="/reports/last-month/page"' in page
    assert "<form method" not in page
    assert "Sign in to trigger a report" in text_of(page)
