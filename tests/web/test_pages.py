"""The pages say what is so, in words, with the window beside every figure."""

import csv
import html
import re
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest

from streamproc.web.flow import FlowMeter, Left
from tests.waiting import LIMIT_S
from tests.web.live_site import HOSTILE, LiveSite


def text_of(page: str) -> str:
    """A page's words, without its markup."""
    inner = page.split("<main", 1)[1].split("</main>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", inner)).strip()


def test_the_fleet_page_tells_down_silent_and_open_apart(site: LiveSite) -> None:
    """What is down and what is silent are counted apart, closed is neither."""
    counts = site.get("/api/v1/now").json["counts"]
    text = text_of(site.page("/"))
    assert f"{counts['down']} of {counts['open']} open stores are down" in text
    assert f"{counts['silent']} are silent." in text
    for state in ("down", "silent", "no data", "up", "closed"):
        assert f" {counts[state]} {state} " in text
    assert f"{counts['known']} stores · " in text
    assert counts["known"] == counts["open"] + counts["closed"]
    assert counts["open"] == sum(
        counts[state] for state in ("up", "down", "silent", "no data", "maintenance")
    )


@pytest.mark.parametrize(
    ("about_s", "said"),
    [
        (31.4, "Catching up: 1,234,567 polls left, about 31 s. What you see is as of"),
        (None, "Catching up: 1,234,567 polls left. What you see is as of"),
    ],
)
def test_a_backlog_is_said_with_how_long_it_takes(
    site: LiveSite,
    monkeypatch: pytest.MonkeyPatch,
    about_s: float | None,
    said: str,
) -> None:
    """Above the figures, which lack what waits; without the time while none knows."""

    async def left(self: FlowMeter) -> Left:
        return Left(1_234_567, about_s)

    # Each a period that no other test asks for: pages are kept for some seconds.
    path = "/?period=2025-05-0"
    days = "1..2025-05-02", "1..2025-05-03" if about_s else "2..2025-05-04"
    assert "Catching up" not in text_of(site.page(path + days[0]))
    monkeypatch.setattr(FlowMeter, "catching_up", left)
    assert said in text_of(site.page(path + days[1]))


def test_every_percentage_has_its_period_and_its_denominator(site: LiveSite) -> None:
    """Up, down, no data and excluded add up to open; coverage stands beside."""
    text = text_of(site.page("/"))
    assert "Yesterday Mon 5 May 2025, each store's own day" in html.unescape(text)
    assert "87.50 % up of observed" in text
    amounts = {
        name: float(re.search(rf"{name} ([\d,.]+) h", text)[1].replace(",", ""))  # type: ignore[index]
        for name in ("up", "down", "no data", "excluded", "open")
    }
    opened = amounts.pop("open")
    assert sum(amounts.values()) == pytest.approx(opened, abs=1)
    assert "coverage 0.5 %" in text
    assert "Thu 1 May – Tue 6 May 2025 so far" in text_of(site.page("/stores"))


def test_the_longest_down_comes_first_and_is_named_in_the_sentence(
    site: LiveSite,
) -> None:
    """Since when in its own time; the list holds all that are down, and no other."""
    page = site.page("/")
    section = page.split('data-live="down"')[1].split("</section>")[0]
    ids = [
        html.unescape(name) for name in re.findall(r'class="id"[^>]*>([^<]*)<', section)
    ]
    down = site.get("/api/v1/stores?now=down&per_page=500").json["stores"]
    assert ids[0] == "alpha"
    assert set(ids) == {store["store_id"] for store in down}
    assert "longest 30 min ( alpha ). " in text_of(page)
    assert ">14:30 local</time>" in section


def test_who_came_back_is_looked_for_before_it_is_said_that_nobody_did(
    site: LiveSite,
) -> None:
    """The page does not wait for it, and takes nothing for none meanwhile."""
    path, give_up = "/?as_of=2025-05-06T09:00:00Z", time.monotonic() + LIMIT_S
    first = site.page(path).split('data-live="back"')[1].split("<!--/live-->")[0]
    assert "Being looked for" in first
    assert "None." not in first
    back = first
    while "Being looked for" in back:
        assert time.monotonic() < give_up
        back = site.page(path).split('data-live="back"')[1].split("<!--/live-->")[0]
    assert ("None." in back) != ("was down" in back)


def test_what_once_was_asked_of_the_front_page_leads_to_the_stores(
    site: LiveSite,
) -> None:
    """Bookmarks of the list with its order and filter go on to work."""
    answer = site.get("/?q=a&now=down&as_of=latest", Accept="text/html")
    assert answer.status == 303
    assert answer.headers["Location"] == "/stores?q=a&now=down&as_of=latest"


@pytest.mark.parametrize(
    ("q", "goal"),
    [
        ("alpha", "/stores/alpha"),
        ("store-4", "/stores/store-4"),
        ("lph", "/stores/alpha"),
        ("a%20squ", "/stores/beta"),
        ("store-", "/stores?q=store-"),
        ("nothing-like-it", "/stores?q=nothing-like-it"),
        ("..", "/store?id=.."),
    ],
)
def test_an_exact_id_or_the_only_hit_opens_the_store(
    site: LiveSite, q: str, goal: str
) -> None:
    """Anything else leads to the list of what matches."""
    answer = site.get(f"/find?q={q}", Accept="text/html")
    assert (answer.status, answer.headers["Location"]) == (303, goal)


@pytest.mark.parametrize(
    ("asked", "goal"),
    [
        ("q=alpha&period=yesterday", "/stores/alpha?period=yesterday"),
        ("q=lph", "/stores/alpha"),
        ("q=store-&page=2", "/stores?q=store-"),
        ("q=", "/stores"),
        ("now=silent", "/stores?now=silent"),
    ],
)
def test_the_search_of_the_list_opens_a_single_hit(
    site: LiveSite, asked: str, goal: str
) -> None:
    """As the search of every page does; otherwise the list is shown."""
    answer = site.get(f"/stores?open=1&{asked}", Accept="text/html")
    assert (answer.status, answer.headers["Location"]) == (303, goal)


def test_a_store_is_found_by_its_id_as_soon_as_it_is_known(
    start_site: Callable[..., LiveSite],
) -> None:
    """Also while the list of all stores that is kept does not have it."""
    site = start_site()
    answer = site.get("/find?q=new", Accept="text/html")
    assert answer.headers["Location"] == "/stores?q=new"
    poll = {"status": "active", "timestamp_utc": "2025-05-06T14:59:00Z"}
    site.post_json("/api/v1/polls", {**poll, "store_id": "new"})
    for search in ("/find?q=new", "/stores?open=1&q=new"):
        answer = site.get(search, Accept="text/html")
        assert answer.headers["Location"] == "/stores/new"


def test_stores_are_shown_by_their_names_and_found_by_them(site: LiveSite) -> None:
    """With their labels beside; the id stays findable."""
    text = text_of(site.page("/stores?q=beta%20SQ"))
    assert " 1 store " in text
    assert "Beta Square West" in text
    assert "Beta Square" in text_of(site.page("/stores?q=beta"))


def test_a_page_beyond_the_last_says_so(site: LiveSite) -> None:
    """Not that there were no stores."""
    text = text_of(site.page("/stores?page=99"))
    assert "There is no page 99" in text
    assert "the last is 3" in text


@pytest.mark.parametrize(
    ("store_id", "words_shown"),
    [
        (
            "alpha",
            [
                "down 30 min",
                "Down since Tue 14:30 local , 30 min ; last heard 30 min ago.",
                "30.00",
                "50.00 %",
                "open 24x7: no hours",
            ],
        ),
        ("unpolled", ["no data", "No poll has ever arrived", "default: no zone known"]),
        ("sleeper", ["closed", "Europe/London", "Sun 09:00–12:00", "Mon–Sat closed"]),
        ("gamma", ["local time Tue 10:00, America/Chicago (UTC-05:00)"]),
        ("beta", ["up for 20 min", "100.00 %"]),
    ],
)
def test_a_store_page_says_what_is_known(
    site: LiveSite, store_id: str, words_shown: list[str]
) -> None:
    """State with its length, figures, hours and zone, defaults named as such."""
    text = text_of(site.page(f"/stores/{store_id}")).casefold()
    for expected in words_shown:
        assert expected.casefold() in text


def test_a_day_of_a_store_shows_every_poll_and_figures_that_add_up(
    site: LiveSite,
) -> None:
    """What a bar leads to: 24 polls, an hour down, eight hours open."""
    page = site.page("/stores/gamma?period=day:2025-05-05")
    text = text_of(page)
    assert "Mon 5 May 2025 87.5 %" in text
    for told in (
        "up 7.00 h",
        "down 1.00 h 1 incident",
        "open 8.00 h",
        "24 of that day",
    ):
        assert told in text
    marks = page.split('class="pollrow"')[1].split("</section>")[0]
    assert marks.count("m-up") == 23
    assert marks.count("m-down") == 1
    assert "<title>14:30:00 local · down</title>" in marks


def test_a_month_of_a_store_leads_to_its_days(site: LiveSite) -> None:
    """By day and by month; a click on a bar opens the day."""
    page = site.page("/stores/gamma?period=month:2025-05")
    assert 'href="/stores/gamma?period=day%3A2025-05-05"' in page
    assert 'href="/stores/gamma?period=month%3A2025-04"' in page
    assert "Tue 6 May" in text_of(page)
    bars = page.split('class="year')[1]
    assert "Mon 5 May 2025 · 87.50 % up".replace(" %", "\N{NO-BREAK SPACE}%") in bars


def test_a_target_is_a_stores_own_or_that_of_most(site: LiveSite) -> None:
    """One of seventy has a target: the fleet has none, and its budget is told."""
    assert "target" not in text_of(site.page("/")).split("Down now")[0]
    text = text_of(site.page("/stores/beta"))
    assert "target 99.5 %" in text
    assert "May budget" in text
    assert "May budget" not in text_of(site.page("/stores/gamma"))


def test_each_thing_that_is_done_with_a_period_is_offered_once(site: LiveSite) -> None:
    """Beside the stores, which the file and the page of A4 are of."""
    page = site.page("/")
    for what in ("CSV", "XLSX", "A4 page"):
        assert page.count(f">{what}</a>") == 1, what


def test_what_is_not_known_of_a_period_is_said(site: LiveSite) -> None:
    """No zeros for a month before the first poll."""
    for path in ("/stores/gamma", "/stores", "/"):
        text = text_of(site.page(f"{path}?period=month:2024-01"))
        assert (
            "No figures: nothing of January 2024 is kept: polls are kept since" in text
        )
        assert "month:2024" not in text


def test_a_period_that_reaches_before_history_says_since_when_on_every_page(
    site: LiveSite,
) -> None:
    """A year of which only the last days are kept; not of a day that is kept whole."""
    for path in ("/stores/gamma", "/stores", "/"):
        query = "?period=2025-01-01..2025-05-06"
        assert "olls are kept since" in text_of(site.page(path + query))
        assert "kept since" not in text_of(site.page(f"{path}?period=day:2025-05-05"))


def test_a_form_of_two_dates_becomes_an_address(site: LiveSite) -> None:
    """The picker works without script; one date is that day."""
    for path in ("/", "/stores", "/stores/gamma"):
        dates = "from=2025-05-01&to=2025-05-03"
        answer = site.get(f"{path}?{dates}&as_of=latest", Accept="text/html")
        assert answer.status == 303
        assert "period=2025-05-01..2025-05-03" in answer.headers["Location"]
        assert "as_of=latest" in answer.headers["Location"]


def test_the_export_is_what_the_page_shows_in_its_order(site: LiveSite) -> None:
    """All rows of the filter and the period, over all pages."""
    query = "where=region%3DWest&period=yesterday"
    header, *rows = list(csv.reader(site.get(f"/stores.csv?{query}").text.splitlines()))
    assert [row[0] for row in rows] == ["beta"]
    assert dict(zip(header, rows[0], strict=True))["period"] == "day:2025-05-05"
    header, *rows = list(
        csv.reader(site.get("/stores.csv?sort=store").text.splitlines())
    )
    known = site.get("/api/v1/now").json["counts"]["known"]
    assert len(rows) == known
    names = [(row[1] or row[0]).lstrip("'").casefold() for row in rows]
    assert names == sorted(names)


def test_stores_of_a_group_are_its_figures(site: LiveSite) -> None:
    """A group's link leads to the stores that are counted in it."""
    page = site.page("/stores?group=region")
    groups = page.split('data-live="groups"')[1].split("</div>")[0]
    assert 'href="/stores?where=region%3DWest&amp;group=region"' in groups
    assert 'href="/stores?where=region%3D&amp;group=region"' in groups
    unlabelled, west = (
        groups.split(f"<b>{name}</b>")[1].split("</a>")[0] for name in ("none", "West")
    )
    assert "worst 0.00" in unlabelled
    assert "worst" not in west  # one store is no group
    others = site.get("/stores.csv?where=region%3D").text.splitlines()[1:]
    assert f"{len(others)} stores ·" in unlabelled
    assert not any(row.startswith("beta,") for row in others)
    text = text_of(site.page("/stores?where=region%3DNowhere"))
    assert "No store has all of these labels: without the last one" in text


def test_no_condition_of_the_stores_is_passed_over_in_silence(site: LiveSite) -> None:
    """Those that cannot be read, and those that are too many, are refused in words."""
    for wrong in ("where=West", "&".join(["where=region%3DWest"] * 21)):
        answer = site.get(f"/stores.csv?{wrong}")
        assert (answer.status, answer.json["error"]) == (400, "bad-where")


def test_an_unknown_store_is_a_page_that_says_so(site: LiveSite) -> None:
    """404, and no figure on it."""
    answer = site.get("/stores/nobody", Accept="text/html")
    assert answer.status == 404
    assert "No store &#39;nobody&#39; is known here." in answer.text
    assert "%" not in text_of(answer.text)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("alhpa", "alpha"), ("Beta Sqare", "Beta Square"), ("stoer-12", "store-12")],
)
def test_a_store_that_nobody_knows_offers_those_that_are_close(
    site: LiveSite, wrong: str, right: str
) -> None:
    """By id or name; a program gets no links."""
    answer = site.get(f"/stores/{quote(wrong)}", Accept="text/html")
    assert answer.status == 404
    assert re.search(rf'<li><a href="/stores/[^"]+">{right}</a></li>', answer.text)
    assert "offers" not in site.get("/stores/xyz", Accept="text/html").text
    assert site.get(f"/api/v1/stores/{quote(wrong)}").json.keys() == {
        "error",
        "message",
    }


@pytest.mark.parametrize("store_id", HOSTILE)
def test_every_store_id_has_a_page_that_its_link_leads_to(
    site: LiveSite, store_id: str
) -> None:
    """Whatever characters it is made of."""
    listing = site.page("/stores?per_page=500&sort=store")
    links = re.findall(r'<a class="id" href="([^"]*)">([^<]*)</a>', listing)
    (link,) = [html.unescape(h) for h, name in links if html.unescape(name) == store_id]
    assert f'<h1 class="page">{html.escape(store_id)}</h1>'.replace(
        "&#x27;", "&#39;"
    ) in (site.page(link).replace("&#34;", "&quot;"))


def test_links_keep_what_was_asked_for(site: LiveSite) -> None:
    """Sorting and paging keep search, filter and as-of."""
    page = site.page("/stores?q=store-&as_of=latest&per_page=10&sort=unknown&page=2")
    (next_link,) = re.findall(r'rel="next" href="([^"]*)"', page)
    assert set(next_link.replace("&amp;", "&").split("?")[1].split("&")) == {
        "q=store-",
        "as_of=latest",
        "per_page=10",
        "sort=unknown",
        "page=3",
    }
    assert "as_of=latest" in re.findall(r'class="id" href="([^"]*)"', page)[0]


def test_old_data_is_said_to_be_old(start_site: Callable[..., LiveSite]) -> None:
    """Historical data as of now is all unknown: the page offers the newest poll."""
    site = start_site()
    row = {"store_id": "s", "timestamp_utc": "2023-01-25 10:00:00 UTC"}
    site.post_json("/api/v1/polls", {**row, "status": "active"})
    site.settle()
    assert 'href="/?as_of=latest"' in site.page("/")
    text = text_of(site.page("/?as_of=latest"))
    assert "as of 2023-01-25 10:00:00 UTC , not of now" in text


def test_an_empty_program_says_what_to_do_next(
    start_site: Callable[..., LiveSite],
) -> None:
    """A poll, files, the demo; no zeros dressed up as figures."""
    text = text_of(start_site().page("/"))
    assert "No store is known yet" in text
    for step in ("curl -X POST", "streamproc load", "streamproc demo"):
        assert step in text
    assert not re.search(r"\d%", text)


def test_every_page_of_an_empty_program_is_a_sentence_that_leads_on(
    start_site: Callable[..., LiveSite],
) -> None:
    """To what to do first; a reason has words for periods, and a capital."""
    site = start_site()
    assert 'href="/">What to do first<' in site.page("/stores")
    assert "What is refused is kept for 30 days." in text_of(site.page("/rejected"))
    answer = site.get("/reports/last-month/page", Accept="text/html")
    assert answer.status == 422
    assert "Nothing of last month is known: no poll" in text_of(answer.text)
    deadline = time.monotonic() + LIMIT_S
    while "being counted" in (text := text_of(site.page("/reports"))):
        assert time.monotonic() < deadline
    assert "Nothing of Wed 1 May 2024 – Tue 6 May 2025 is known: no poll" in text


def test_while_tables_recover_the_answer_is_a_503_with_a_time(
    start_site: Callable[..., LiveSite],
) -> None:
    """Never a wrong zero: pages, API and readiness say that it is not the moment."""
    site = start_site().fill()
    site.page("/")  # kept for readers, and yet not shown
    site.program.app.rebalancing = True
    try:
        for path in ("/", "/stores/alpha", "/tables", "/reports"):
            answer = site.get(path, Accept="text/html")
            assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
            assert "This page tries again by itself" in answer.text
        for path in ("/api/v1/stores", "/api/v1/stores/alpha", "/combined_report.csv"):
            answer = site.get(path)
            assert (answer.status, answer.json["error"]) == (503, "moving")
        assert site.get("/ready").status == 503
        assert site.get("/health").status == 200
    finally:
        site.program.app.rebalancing = False
    assert site.get("/ready").status == 200
