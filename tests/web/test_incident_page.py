"""The page Incidents: what was down, the longest above, in each store's own time."""

import html
import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from streamproc.rules.poll import encode_poll
from streamproc.web.incidents.summary import curve, summary
from tables.outages import Outage
from tests.web.live_site import MINUTE_US, LiveSite, ago
from tests.web.test_pages import text_of
from tests.web.test_system import signed_in


def outage(start: int, end: int | None, store_id: str = "a", **fields: Any) -> Outage:
    """An incident of so many minutes after a beginning."""
    down = 10 if end is None else end - start
    told = {
        "after_us": None,
        "down_us": down * MINUTE_US,
        "unknown_us": 0,
        "wall_us": down * MINUTE_US,
        "by_up": True,
    }
    end_us = None if end is None else end * MINUTE_US
    return Outage(store_id, start * MINUTE_US, end_us, **{**told, **fields})


def test_the_figures_of_a_list() -> None:
    """Means of what has ended, the gap before in the mean, and who has it again."""
    found = [
        outage(0, 10, after_us=-30 * MINUTE_US),
        outage(60, 90, by_up=False),
        outage(100, 104),
        outage(5, None, "b", down_us=100 * MINUTE_US),
    ]
    told = summary(found, 400 * MINUTE_US, begin_us=1)
    assert (told.count, told.stores, told.begun, told.ongoing) == (4, 2, 3, 1)
    assert told.down_us == 144 * MINUTE_US
    assert told.longest == found[3]
    assert told.mttr_us == pytest.approx(44 / 3 * MINUTE_US, abs=1)
    assert told.median_us == 10 * MINUTE_US
    assert told.mtbf_us == 100 * MINUTE_US
    assert told.seen_us == 30 * MINUTE_US
    assert (told.without_data, told.again) == (1, 1)


def test_of_nothing_there_are_no_figures() -> None:
    """No zero for what is not known."""
    told = summary([], 0, 0)
    assert (told.mttr_us, told.median_us, told.mtbf_us, told.seen_us) == (None,) * 4
    assert curve([], 0, 10).most_at_us is None


def test_the_curve_counts_stores_at_once() -> None:
    """An end and a begin at the same instant are not both there; cut at the span."""
    begin_us, end_us = 5 * MINUTE_US, 60 * MINUTE_US
    found = [outage(0, 20), outage(20, 30, "b"), outage(10, 25, "c"), outage(40, None)]
    told = curve(found, begin_us, end_us)
    minutes = [(at // MINUTE_US, count) for at, count in told.steps]
    assert minutes == [
        *(
            (5, 0),
            (5, 1),
            (10, 2),
            (20, 2),
            (25, 1),
            (30, 0),
            (40, 1),
            (60, 0),
            (60, 0),
        ),
    ]
    assert (told.most, told.most_at_us) == (2, 10 * MINUTE_US)
    assert told.path(55, 10).startswith("M0 10H0.0V10.0H0.0V5.0H5.0V0.0")


def test_what_goes_on_comes_first_and_the_longest_above(site: LiveSite) -> None:
    """Then what has ended, newest first; the sentence says how many."""
    text = text_of(site.page("/incidents?period=today"))
    assert "9 go on now" in text
    assert text.index("Going on alpha 30 min") < text.index("10 min")
    week = text_of(site.page("/incidents"))
    assert "Ended gamma 1 h Mon 5 May 14:30 after 13:30 CDT Mon 5 May 15:30" in week


def test_the_filters_choose_and_the_figures_stay(site: LiveSite) -> None:
    """Shorter ones are hidden, not forgotten; the CSV has the same filter."""
    page = site.page("/incidents?period=this-week&min_minutes=15&ongoing=true")
    text = text_of(page)
    assert "10 incidents in 10 stores" in text
    assert "8 shorter stay in the figures" in text
    assert text.count("still down") == 1
    (link,) = re.findall(r'href="([^"]*format=csv[^"]*)"', page)
    rows = site.get(link.replace("&amp;", "&")).text.splitlines()
    assert [row.split(",")[1] for row in rows] == ["store_id", "alpha"]


def test_a_store_is_called_by_its_name(start_site: Callable[..., LiveSite]) -> None:
    """And stands with what it is grouped by."""
    site = start_site()
    polls = [ago(60, "7", True), ago(30, "7", False)]
    told = [(poll.store_id, encode_poll(poll)) for poll in polls]
    site.publish(site.program.topics.polls, told)
    labels = {"store_id": "7", "name": "Denver", "labels": {"region": "West"}}
    site.publish(site.program.topics.labels, [("7", orjson.dumps(labels))])
    site.settle()
    assert "Denver West 30 min" in text_of(site.page("/incidents?period=today"))


def test_an_incident_leads_to_its_correction(site: LiveSite) -> None:
    """With its times on the store's clock in the form; for who is signed in."""
    assert "/change" not in site.page("/incidents")
    cookie = signed_in(site)
    page = site.get("/incidents?store=gamma", Accept="text/html", Cookie=cookie).text
    link = html.unescape(re.findall(r'href="(/change[^"]*)"', page)[0])
    form = site.get(link, Accept="text/html", Cookie=cookie).text
    assert 'name="from_local" value="2025-05-05T14:30"' in form
    assert 'name="to_local" value="2025-05-05T15:30"' in form


def test_without_incidents_it_says_so(start_site: Callable[..., LiveSite]) -> None:
    """No store was down is a sentence, not a row of zeros."""
    text = text_of(start_site().page("/incidents"))
    assert "No store was down in this span." in text


@pytest.mark.parametrize("query", ["period=someday", "min_minutes=x", "sort=colour"])
def test_what_cannot_be_asked_is_a_400(site: LiveSite, query: str) -> None:
    """It names the parameter."""
    answer = site.get(f"/incidents?{query}", Accept="text/html")
    assert answer.status == 400
    assert query.partition("=")[0] in answer.text
