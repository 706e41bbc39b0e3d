"""A period on one page of paper: what stands on it is what the API says."""

import html
import re
from collections.abc import Callable

import orjson
import pytest

from streamproc.rules.poll import Poll, encode_poll
from streamproc.rules.units import DAY_US
from streamproc.web import words
from tests.web.live_site import HOUR_US, NOW_US, LiveSite
from tests.web.test_pages import text_of

PERIOD_OF_GAMMA = "/api/v1/stores/gamma/periods?period=this-month"


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
    assert "1 store ·" in text
    assert "store-" not in text


def test_quality_and_rules_stand_below(site: LiveSite) -> None:
    """Coverage, what nobody saw, and how it was counted."""
    text = text_of(site.page("/reports/yesterday/page"))
    for told in ("coverage", "stores without any data", "rejected, waiting", "Rules."):
        assert told in text
    assert "Percent = up / (up + down)" in text


def test_the_pages_lead_to_their_paper(site: LiveSite) -> None:
    """With the period and the filter that they show."""
    west = "period=yesterday&where=region%3DWest"
    for path, goal in (
        ("/?period=this-month", "/reports/this-month/page"),
        (f"/stores?{west}", "/reports/yesterday/page?where=region%3DWest"),
        ("/stores/gamma?period=this-month", "/stores/gamma/page?period=this-month"),
    ):
        assert f'href="{goal}"' in html.unescape(site.page(path))
        assert site.get(goal, Accept="text/html").status == 200


def test_the_whole_table_comes_when_it_is_asked_for(site: LiveSite) -> None:
    """All stores that were open, on the pages after the first; as many as there are."""
    page = site.page("/reports/this-week/page")
    assert "All stores, those with" not in page
    assert 'href="/reports/this-week/page?stores=all"' in page
    page = site.page("/reports/this-week/page?stores=all")
    text = text_of(page)
    count = re.search(r"([\d,]+) stores · Mon", text)
    assert count is not None
    table = page.split("All stores, those with")[1]
    assert table.count('scope="row"') == int(count[1])


def test_several_labels_choose_whose_page_it_is(site: LiveSite) -> None:
    """All of them hold."""
    path = "/reports/this-week/page?where=region%3DWest&where=brand%3Dnone"
    assert "0 stores" in text_of(site.page(path))


def test_it_says_what_changed_since_the_period_before(
    start_site: Callable[..., LiveSite],
) -> None:
    """Where all of that is known: 18 of 24 hours up on Sunday, 12 on Monday."""
    site = start_site(hold="60")
    begin_us = NOW_US - NOW_US % DAY_US
    polls = [
        Poll("a", begin_us + (24 * day + hour) * HOUR_US, hour >= down)
        for day, down in ((-3, 0), (-2, 6), (-1, 12))
        for hour in range(24)
    ]
    told = [(poll.store_id, encode_poll(poll)) for poll in polls]
    site.publish(site.program.topics.polls, told)
    zone = {"store_id": "a", "timezone_str": "UTC"}
    site.publish(site.program.topics.zones, [("a", orjson.dumps(zone))])
    labels = {"store_id": "a", "labels": {"region": "West"}, "target": 80}
    site.publish(site.program.topics.labels, [("a", orjson.dumps(labels))])
    site.settle()
    text = text_of(site.page("/reports/yesterday/page"))
    assert "50.00 % up of the observed business time, target 80 %," in text
    assert "Sun 4 May 2025 75.00 %" in text
    assert "West 1 50.00 % \u221225.00 12.0" in text
    assert "budget 4.80 h" in text  # a fifth of the day
    assert "0 of 1 stores met the target" in text


def test_a_budget_is_of_the_open_time_whoever_looked(
    start_site: Callable[..., LiveSite],
) -> None:
    """A fifth of 24 open hours of which half were observed, as it is on other pages."""
    site = start_site(hold="60")
    begin_us = NOW_US - NOW_US % DAY_US - DAY_US
    told = [
        ("a", encode_poll(Poll("a", begin_us + hour * HOUR_US, True)))
        for hour in range(12)
    ]
    site.publish(site.program.topics.polls, told)
    zone = {"store_id": "a", "timezone_str": "UTC"}
    site.publish(site.program.topics.zones, [("a", orjson.dumps(zone))])
    labels = {"store_id": "a", "labels": {}, "target": 80}
    site.publish(site.program.topics.labels, [("a", orjson.dumps(labels))])
    site.settle()
    assert "budget 4.80 h" in text_of(site.page("/reports/yesterday/page"))
    assert "budget 4.80 h" in text_of(site.page("/stores/a/page?period=yesterday"))
    assert "budget so far 3.00 h" in text_of(site.page("/stores/a/page?period=today"))


def test_a_store_has_a_page_of_its_own(site: LiveSite) -> None:
    """Its figures are those of the API; the longest incidents, hours and months."""
    text = text_of(site.page("/stores/gamma/page?period=this-month"))
    figures = site.get(PERIOD_OF_GAMMA).json["total"]
    assert "gamma in May 2025 so far" in text
    for name in ("up", "down", "excluded", "open"):
        assert f"{name} {hours(figures[f'{name}_s'])}" in text
    assert f"no data {hours(figures['unknown_s'])}" in text
    assert f"{figures['uptime_percent']:.2f} % up of the observed" in text
    assert "1 incident, 1.00 h down, the longest 1 h." in text
    assert "Mon 5 May 14:30 13:30 15:30 1 h 0 1 h" in text
    assert "May 2025 so far" in text.split("Month by month")[1]


def test_a_stores_page_has_the_incidents_of_its_own_yesterday(
    start_site: Callable[..., LiveSite],
) -> None:
    """It is Wednesday in Tokyo; in Chicago Tuesday, and yesterday Monday."""
    site = start_site()
    begin = NOW_US - 8 * HOUR_US
    told = [(begin - HOUR_US, True), (begin, False), (begin + HOUR_US, True)]
    for store, zone in (("chicago", "America/Chicago"), ("tokyo", "Asia/Tokyo")):
        polls = [(store, encode_poll(Poll(store, at, up))) for at, up in told]
        site.publish(site.program.topics.polls, polls)
        row = orjson.dumps({"store_id": store, "timezone_str": zone})
        site.publish(site.program.topics.zones, [(store, row)])
    site.settle()
    text = text_of(site.page("/stores/tokyo/page?period=yesterday"))
    assert "Tue 6 May 2025" in text
    assert "1 incident, 1.00 h down, the longest 1 h." in text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/stores/nobody/page", 404),
        ("/stores/gamma/page?period=month:2020-01", 422),
        ("/stores/gamma/page?period=someday", 400),
    ],
)
def test_a_store_without_figures_has_no_page(
    site: LiveSite, path: str, status: int
) -> None:
    """It says why, instead of zeros."""
    assert site.get(path, Accept="text/html").status == status


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
