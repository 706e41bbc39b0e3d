"""What bars of days show, as tables: by keyboard and on touch, with each day's link."""

import html
import re

import pytest

from tests.web.live_site import LiveSite

PERIOD = "period=this-month"


def days_in_bars(page: str) -> dict[str, tuple[str, str]]:
    """Of each day that a page draws: where it leads, and its percentage or its word."""
    found = re.findall(
        r'<a href="([^"]+)" tabindex="-1"[^>]*><title>(.*?)</title>', page
    )
    days = {}
    for link, title in found:
        date, told, *_ = html.unescape(title).split(" \u00b7 ")
        days[f"{link} {date}"] = (link, told.removesuffix(" up"))
    return days


def links_in_tables(page: str) -> dict[str, str]:
    """Links of a page that the keyboard reaches, with their words."""
    found = re.findall(r"<a ([^>]*)>(.*?)</a>", page, re.S)
    return {
        href[1]: html.unescape(re.sub(r"<[^>]*>", "", inner)).strip()
        for tag, inner in found
        if (href := re.search(r'href="([^"]+)"', tag)) and "tabindex" not in tag
    }


@pytest.mark.parametrize("path", ["/stores?per_page=100&", "/stores/gamma?"])
def test_every_day_that_is_drawn_is_in_the_table_with_the_same_figure(
    site: LiveSite, path: str
) -> None:
    """A store's own days, in a row a store or a row a month."""
    drawn = days_in_bars(site.page(f"{path}{PERIOD}"))
    assert len(drawn) > 5
    page = site.page(f"{path}{PERIOD}&view=table")
    table = links_in_tables(page)
    for link, told in drawn.values():
        if told == "not counted":
            continue
        assert table[link].endswith(told), link
    assert not days_in_bars(page)


def test_the_front_pages_days_are_a_table(site: LiveSite) -> None:
    """Newest first, each with its parts."""
    spans = [f"day:2025-05-0{day}" for day in range(1, 7)]
    pages = (site.page(f"/?view=table&period={text}") for text in (*spans, *spans))
    page = next(page for page in pages if "All stores by day" in page)
    table = page.split("All stores by day")[1].split("</table>")[0]
    dates = re.findall(
        r'<th scope="row" class="l"><a href="([^"]+)">([^<]+)</a>', table
    )
    assert dates[0] == ("/?period=day%3A2025-05-06", "Tue 6 May 2025")
    assert dates[1][1] == "Mon 5 May 2025"
    assert "87.50" in table


@pytest.mark.parametrize("path", ["/stores?where=region=West&", "/stores/gamma?", "/?"])
def test_one_link_leads_to_the_table_and_one_back(site: LiveSite, path: str) -> None:
    """With the filter and the period; what is stepped to or sent stays a table."""
    for _ in range(20):
        page = site.page(f"{path}period=last-week")
        there = re.findall(r'href="([^"]+)">As a table</a>', page)
        if there:
            break
        page = site.page(f"{path}period=this-week")
    [there] = there
    assert "view=table" in there
    assert "last-week" in there or path == "/?"
    page = site.page(there.replace("&amp;", "&"))
    assert page.count(">As bars</a>") == 1
    assert 'name="view" value="table"' in page
    [back] = re.findall(r'href="([^"]+)">As bars</a>', page)
    assert "view" not in back
