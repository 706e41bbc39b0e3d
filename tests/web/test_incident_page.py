"""The page Incidents: what was down, the longest above, in each store's own time."""

import csv
import html
import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules.labels import Labels
from streamproc.rules.poll import Poll, encode_poll
from streamproc.web.incidents.picture import picture, scale_of
from streamproc.web.incidents.places import chosen_labels, places
from streamproc.web.incidents.summary import curve, half_of, summary
from streamproc.web.store.names import Directory
from tables.outage import Outage
from tests.web.live_site import HOUR_US, MINUTE_US, NOW_US, LiveSite, ago
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
    told = summary(found, 400 * MINUTE_US, lambda _: 1)
    assert (told.count, told.stores, told.begun, told.ongoing) == (4, 2, 3, 1)
    assert told.down_us == 144 * MINUTE_US
    assert told.longest == found[3]
    assert told.mttr_us == pytest.approx(44 / 3 * MINUTE_US, abs=1)
    assert told.median_us == 10 * MINUTE_US
    assert told.mtbf_us == 100 * MINUTE_US
    assert told.seen_us == 30 * MINUTE_US
    assert (told.without_data, told.again) == (1, 1)


def test_mttr_and_mtbf_of_the_worked_example() -> None:
    """30 and 90 min down in 100 h up: MTTR 60 min, MTBF 50 h."""
    found = [outage(0, 30), outage(600, 690)]
    told = summary(found, 100 * 60 * MINUTE_US, lambda _: 0)
    assert (told.mttr_us, told.mtbf_us) == (60 * MINUTE_US, 50 * 60 * MINUTE_US)


def test_of_nothing_there_are_no_figures() -> None:
    """No zero for what is not known."""
    told = summary([], 0, lambda _: 0)
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
    assert told.most_within(11) == [1, 2, 2, 2, 1, 0, 0, 1, 1, 1, 1]


def test_a_phone_keeps_the_dates_below_the_curve() -> None:
    """Every other time is left out there, never a date where only times would stay."""
    for begin_h in (4, 8, 20):
        span = begin_h * HOUR_US, (begin_h + 60) * HOUR_US
        ticks = re.findall(
            r'class="tick( no-phone)?"[^>]*dx="2">([^<]+)<',
            picture(curve([outage(begin_h * 60 + 90, None)], *span)),
        )
        dates = [text for _, text in ticks if ":" not in text]
        assert dates
        assert [text for left, text in ticks if not left] == dates


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(1, 60)), max_size=12),
    st.integers(1, 40),
)
def test_the_drawn_curve_is_as_high_as_the_most_in_each_part(
    spans: list[tuple[int, int]], count: int
) -> None:
    """Against counting at each instant at which something changes."""
    found = [outage(at, at + length, str(n)) for n, (at, length) in enumerate(spans)]
    drawn = curve(found, 0, 100 * MINUTE_US).most_within(count)
    minutes = [sum(at <= m < at + length for at, length in spans) for m in range(100)]
    parts = [
        range(100 * part // count, max(-(-100 * (part + 1) // count), 1))
        for part in range(count)
    ]
    assert drawn == [max(minutes[m] for m in part) for part in parts]


@given(st.dictionaries(st.integers(), st.integers(0, 9), max_size=6))
def test_half_of_it_is_in_the_fewest(amounts: dict[int, int]) -> None:
    """No fewer of them make half; none of nothing."""
    chosen, whole = half_of(amounts), sum(amounts.values())
    some = sum(amounts[key] for key in chosen)
    assert 2 * some >= whole
    best = [sum(sorted(amounts.values())[-n:]) for n in range(1, len(amounts) + 1)]
    fewest = [n for n, most in enumerate(best, 1) if 2 * most >= whole]
    assert len(chosen) == (fewest[0] if whole else 0)


def test_where_it_was_down_is_counted_by_two_labels() -> None:
    """Rows and columns by down time; who has no label stands as such."""
    names = Directory(
        {
            "a": Labels(labels={"region": "West", "brand": "Q"}),
            "b": Labels(labels={"region": "East", "brand": "Q"}),
            "c": Labels(labels={"region": "West"}),
        }
    )
    found = [
        *(outage(0, 30, "a"), outage(40, 45, "a"), outage(0, 10, "b")),
        *(outage(0, 20, "c"), outage(0, 1, "d")),
    ]
    told = places(found, names, "region", "brand")
    assert told is not None
    minutes = {place: us // MINUTE_US for place, us in told.cells.items()}
    west, east = ("West", "Q"), ("East", "Q")
    assert minutes == {west: 35, east: 10, ("West", ""): 20, ("", ""): 1}
    assert [us // MINUTE_US for us in told.rows.values()] == [55, 10, 1]
    assert list(told.rows) == ["West", "East", ""]
    assert list(told.columns) == ["Q", ""]
    assert told.heavy == {west}
    assert places(found, names, "", "") is None
    by_one = places(found, names, "region", "")
    assert by_one is not None
    assert set(by_one.cells) == {("West", ""), ("East", ""), ("", "")}


def test_what_has_no_row_is_said_and_still_counts() -> None:
    """Of more places than are shown those of most down time are, and half is of all."""
    stores = {str(n): Labels(labels={"region": f"R{n:02}"}) for n in range(15)}
    found = [outage(0, 60 - n, str(n)) for n in range(15)]
    told = places(found, Directory(stores), "region", "")
    assert told is not None
    assert list(told.rows) == [f"R{n:02}" for n in range(12)]
    assert told.hidden == (48 + 47 + 46) * MINUTE_US
    whole, half = sum(60 - n for n in range(15)), 0
    for count in range(1, 16):
        half += 61 - count
        if 2 * half >= whole:
            break
    assert len(told.heavy) == count


def test_labels_that_are_not_there_are_not_chosen() -> None:
    """The first two are, and no label twice."""
    names = Directory(
        {"a": Labels(labels={"brand": "Q", "region": "W", "poller": "p"})}
    )
    assert chosen_labels(names, "", "") == ("region", "brand")
    assert chosen_labels(names, "brand", "brand") == ("brand", "region")
    assert chosen_labels(names, "poller", "region") == ("poller", "region")
    assert chosen_labels(names, "color", "") == ("region", "brand")
    assert chosen_labels(Directory({}), "", "") == ("", "")


@pytest.mark.parametrize(
    ("most", "top"), [(1, 4), (5, 8), (9, 10), (17, 20), (21, 40), (14_000, 20_000)]
)
def test_the_scale_of_the_curve_is_round(most: int, top: int) -> None:
    """The most fits below it."""
    assert scale_of(most) == top


def labelled(start_site: Callable[..., LiveSite]) -> LiveSite:
    """Stores of two regions and brands, three of them down; one has closed since."""
    site = start_site()
    for store, region, brand in (("1", "W", "Q"), ("2", "W", "T"), ("3", "E", "Q")):
        polls = [ago(90, store, True), ago(60, store, False), ago(15, store, False)]
        told = [(store, encode_poll(poll)) for poll in polls]
        site.publish(site.program.topics.polls, told)
        row = {"store_id": store, "labels": {"region": region, "brand": brand}}
        site.publish(site.program.topics.labels, [(store, orjson.dumps(row))])
    zone = {"store_id": "3", "timezone_str": "UTC"}
    site.publish(site.program.topics.zones, [("3", orjson.dumps(zone))])
    day = {"dayOfWeek": 1, "start_time_local": "09:00", "end_time_local": "14:50"}
    hours = {"store_id": "3", "hours": [day]}
    site.publish(site.program.topics.hours, [("3", orjson.dumps(hours))])
    site.settle()
    return site


def test_who_waits_for_the_store_to_open_is_counted_apart(
    start_site: Callable[..., LiveSite],
) -> None:
    """It is not over, and nobody can see it end now: no "still down"."""
    text = text_of(labelled(start_site).page("/incidents?period=today"))
    assert "3 go on now ; 1 of them waits for its store to open" in text
    assert text.count("still down") == 2
    assert "not over closed; it goes on when the store opens" in text


def test_a_number_of_the_table_opens_its_incidents(
    start_site: Callable[..., LiveSite],
) -> None:
    """By both labels; the figures are of these stores, the file has the same."""
    site = labelled(start_site)
    page = html.unescape(site.page("/incidents?period=today"))
    table = "Region Q T all W 1.0 h, W, Q 1.0 h, W, T 2.0 h, W E 0.8 h, E, Q –"
    assert table in text_of(page)
    link = "/incidents?period=today&where=region%3DW&where=brand%3DQ"
    assert link in page
    text = text_of(site.page(link))
    assert "1 incident in 1 store" in text
    rows = list(
        csv.DictReader(site.get(f"{link}".replace("s?", "s.csv?")).text.split("\n"))
    )
    assert [(row["store_id"], row["region"], row["brand"]) for row in rows] == [
        ("1", "W", "Q")
    ]
    assert rows[0]["start_local"] == "2025-05-06 09:00:00"
    assert rows[0]["start_utc"] == "2025-05-06T14:00:00Z"
    assert float(rows[0]["down_s"]) == 3600
    book = site.get(link.replace("s?", "s.xlsx?"))
    assert (book.status, book.body[:2]) == (200, b"PK")
    name = book.headers["Content-Disposition"]
    assert name == 'attachment; filename="incidents-2025-05-06.xlsx"'


def test_yesterday_is_each_stores_own(start_site: Callable[..., LiveSite]) -> None:
    """What was over before a store's yesterday began is not of it, wherever others are.

    Chicago's Monday begins at 05:00 UTC, Tokyo's the afternoon before.
    """
    site = start_site()
    for store, zone in (("chicago", "America/Chicago"), ("tokyo", "Asia/Tokyo")):
        early = NOW_US - (15 + 24 - 2) * HOUR_US  # Monday, 02:00 UTC
        late = early + 6 * HOUR_US
        told = [
            Poll(store, at, up)
            for at, up in (
                *((early - HOUR_US, True), (early, False)),
                *((early + HOUR_US, True), (late, False), (late + HOUR_US, True)),
            )
        ]
        polls = [(store, encode_poll(poll)) for poll in told]
        site.publish(site.program.topics.polls, polls)
        row = {"store_id": store, "timezone_str": zone}
        site.publish(site.program.topics.zones, [(store, orjson.dumps(row))])
    site.settle()
    text = text_of(site.page("/incidents?period=yesterday"))
    assert "3 incidents in 2 stores: 3.00 h down." in text
    assert "incidents 3 3 began in it" in text
    rows = site.get("/incidents.csv?period=yesterday").text.splitlines()[1:]
    assert sorted(row.split(",")[0] for row in rows) == ["chicago", "tokyo", "tokyo"]


def test_each_incident_shows_its_local_day_and_how_often_it_was(
    site: LiveSite,
) -> None:
    """The picture says the day's amounts; the number leads to the store's incidents."""
    page = html.unescape(site.page("/incidents?store=gamma"))
    assert "Monday 05 May: up" in page
    text = text_of(page)
    assert "1 incident in 1 store" in text


def test_what_goes_on_comes_first_and_the_longest_above(site: LiveSite) -> None:
    """Then what has ended, newest first; the sentence says how many."""
    text = text_of(site.page("/incidents?period=today"))
    assert "9 go on now" in text
    assert text.index("Going on 9, longest first alpha 30 min") < text.index("10 min")
    week = text_of(site.page("/incidents"))
    assert (
        "Ended 1, newest first gamma 1 h Mon 5 May 14:30 after 13:30 · CDT 15:30 up"
        in week
    )


def test_the_filters_choose_and_the_figures_stay(site: LiveSite) -> None:
    """Shorter ones are hidden, not forgotten; the CSV has the same filter."""
    page = site.page("/incidents?period=this-week&min_minutes=15&ongoing=true")
    text = text_of(page)
    assert "10 incidents in 10 stores" in text
    assert "8 shorter stay in the figures" in text
    assert text.count("still down") == 1
    (link,) = re.findall(r'href="([^"]*incidents.csv[^"]*)"', page)
    rows = site.get(link.replace("&amp;", "&")).text.splitlines()
    assert [row.split(",")[0] for row in rows] == ["store_id", "alpha"]


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


def send(site: LiveSite, poll: Poll) -> None:
    """A poll, taken in."""
    site.publish(site.program.topics.polls, [(poll.store_id, encode_poll(poll))])
    site.settle()


def test_without_incidents_it_says_so(start_site: Callable[..., LiveSite]) -> None:
    """No store was down is a sentence, not a row of zeros."""
    site = start_site()
    send(site, ago(30, "alone", True))
    text = text_of(site.page("/incidents"))
    assert "No store was down in this span." in text


def test_of_a_time_before_history_nothing_is_known(
    start_site: Callable[..., LiveSite],
) -> None:
    """Not that no store was down: no poll is kept of then, or none has come at all."""
    site = start_site()
    text = text_of(site.page("/incidents"))
    assert "Nothing is known of this span: no poll has come yet." in text
    assert "being looked for" not in text  # it never comes
    send(site, ago(30, "alone", True))
    page = site.page("/incidents?period=day:2025-05-01")
    since = "polls are kept since Tue 6 May 2025 14:30 UTC."
    assert f"Nothing is known of this span: {since}" in text_of(page)
    assert "No store was down" not in text_of(page)
    (figures,) = re.findall(r'<dl class="figs[^>]*>', page)
    assert "hidden" in figures


def test_of_a_span_that_begins_before_history_it_is_said_since_when(
    start_site: Callable[..., LiveSite],
) -> None:
    """What was before the first poll is not in the figures."""
    site = start_site()
    send(site, ago(30, "alone", True))
    text = text_of(site.page("/incidents?period=this-week"))
    assert "Incidents are known since Tue 6 May 2025 14:30 UTC" in text


@pytest.mark.parametrize("query", ["period=someday", "min_minutes=x", "sort=colour"])
def test_what_cannot_be_asked_is_a_400(site: LiveSite, query: str) -> None:
    """It names the parameter."""
    answer = site.get(f"/incidents?{query}", Accept="text/html")
    assert answer.status == 400
    assert query.partition("=")[0] in answer.text
