"""Tables as files: CSV and workbooks of what pages show and the API tells."""

import csv
import io
import re
from collections.abc import Callable

import openpyxl
import pytest

from streamproc.rules.periods import parse_period
from streamproc.rules.poll import encode_poll
from streamproc.web.files import XLSX
from streamproc.web.sheets import at, dated
from tests.web.facts import put
from tests.web.live_site import FORMULA, LiveSite, ago

TABLES = (
    ("/stores.{}?period=yesterday&where=region=West", "stores-West-2025-05-05"),
    ("/stores.{}?period=last-week", "stores-2025-04-28..2025-05-04"),
    (
        "/api/v1/stores/beta/periods?period=this-week&by=day&format={}",
        "Beta_Square-2025-05-05..11",
    ),
    ("/api/v1/periods/yesterday?format={}", "uptime-2025-05-05"),
    (
        "/api/v1/periods/this-week?by=day&group_by=region&format={}",
        "uptime-2025-05-05..11",
    ),
    ("/api/v1/stores?as_of=2025-05-06T14:00:00Z&format={}", "stores-20250506T140000Z"),
    (
        "/api/v1/stores/alpha?as_of=2025-05-06T14:00:00Z&format={}",
        "alpha-20250506T140000Z",
    ),
    ("/rejected.{}", "rejected-20250506T150000Z"),
    ("/rejected.{}?reason=bad-json", "rejected-bad-json-20250506T150000Z"),
    ("/api/v1/rejected?limit=2&format={}", "rejected-20250506T150000Z"),
    (
        "/api/v1/incidents?as_of=2025-05-06T14:00:00Z&format={}",
        "incidents-20250506T140000Z",
    ),
    (
        "/api/v1/incidents?from=2025-05-01T00:00:00Z&to=2025-05-06T00:00:00Z&format={}",
        "incidents-2025-05-01..05",
    ),
)


def test_a_file_of_rejected_records_holds_those_that_are_shown(site: LiveSite) -> None:
    """A reason that the page is narrowed to narrows the file, and the API's, too."""
    everything = list(csv.DictReader(io.StringIO(site.get("/rejected.csv").text)))
    chosen = [row for row in everything if row["reason"] == "bad-json"]
    assert 0 < len(chosen) < len(everything)
    for path in ("/rejected.csv", "/api/v1/rejected"):
        answer = site.get(f"{path}?reason=bad-json&format=csv")
        assert list(csv.DictReader(io.StringIO(answer.text))) == chosen


@pytest.mark.parametrize(("path", "name"), TABLES)
def test_a_table_is_the_same_as_csv_and_as_a_workbook(
    site: LiveSite, path: str, name: str
) -> None:
    """Cell by cell; amounts are numbers, what is not known is empty; both are dated."""
    as_csv, as_book = site.get(path.format("csv")), site.get(path.format("xlsx"))
    for answer, form in ((as_csv, "csv"), (as_book, "xlsx")):
        assert answer.status == 200, answer.text
        told = answer.headers["Content-Disposition"]
        assert told == f'attachment; filename="{name}.{form}"'
    book = openpyxl.load_workbook(io.BytesIO(as_book.body))
    header, *rows = csv.reader(io.StringIO(as_csv.text))
    found_header, *found = book["Report"].iter_rows(values_only=True)
    assert [*found_header] == header
    assert rows
    for row, cells in zip(rows, found, strict=True):
        for column, text, value in zip(header, row, cells, strict=True):
            assert value == expected(column, text), column


COUNTS = ("stores", "stores_observed", "incidents", "count")


def expected(column: str, text: str) -> object:
    """What a workbook has for a cell of CSV."""
    if not text:
        return None
    if re.search(r"\(in (minutes|hours)\)$|_s$", column):
        return pytest.approx(float(text))
    if "percent" in column:
        return pytest.approx(float(text) / 100)
    return int(text) if column in COUNTS else text


LABELLED = (
    "/stores.{}?period=yesterday&q=shop",
    "/incidents.{}?period=yesterday&store=shop",
    "/api/v1/periods/yesterday?format={}",
    "/api/v1/periods/yesterday?group_by=period&format={}",
)
"""Every file that has columns of labels."""


def test_a_label_that_is_called_like_a_column_has_a_column_of_its_own(
    start_site: Callable[..., LiveSite],
) -> None:
    """In every file, CSV or workbook; what stands under it is text: 007 stays so."""
    site = start_site()
    polls = [ago(60 * hour, "shop", hour != 25) for hour in range(1, 60)]
    messages = [("shop", encode_poll(poll)) for poll in polls]
    site.publish(site.program.topics.polls, messages)
    labels = {"period": "007", "zone": "007", "now": "007", "+1": "007"}
    put(site, "shop/labels", {"labels": labels})
    site.settle()
    for path in LABELLED:
        header, *rows = csv.reader(io.StringIO(site.get(path.format("csv")).text))
        assert len(header) == len({*header})
        assert "+1" not in header
        wanted = 1 if "group_by" in path else len(labels)
        assert rows[0].count("007") == wanted
        body = site.get(path.format("xlsx")).body
        found = openpyxl.load_workbook(io.BytesIO(body))["Report"]
        first, second, *_ = found.iter_rows(values_only=True)
        assert [*first] == header
        assert second.count("007") == wanted


def test_a_workbook_says_what_it_is_of(site: LiveSite) -> None:
    """The filter, the dates, as of when, and the rules."""
    path = "/stores.xlsx?period=yesterday&where=region=West&now=up&q=beta"
    book = openpyxl.load_workbook(io.BytesIO(site.get(path).body))
    said = [tuple(row) for row in book["About"].iter_rows(values_only=True)]
    assert said[:6] == [
        ("Stores", "1"),
        ("Period", "Mon 5 May 2025, each store's own days"),
        ("Stores with", "region=West"),
        ("Name or id contains", "beta"),
        ("State now", "up"),
        ("As of", "2025-05-06T15:00:00Z (UTC)"),
    ]
    assert ("Rule", "Only business hours count, in each store's own time zone.") in said


def test_no_cell_of_the_stores_is_run_by_a_spreadsheet(site: LiveSite) -> None:
    """An id that is a formula begins with a mark, in both kinds of files."""
    found = csv.reader(io.StringIO(site.get("/stores.csv?period=yesterday").text))
    ids = [row[0] for row in found]
    assert f"'{FORMULA}" in ids
    assert FORMULA not in ids
    book = openpyxl.load_workbook(io.BytesIO(site.get("/stores.xlsx").body))
    for row in book["Report"].iter_rows():
        assert all(cell.data_type != "f" for cell in row)


def test_who_accepts_a_workbook_gets_one(site: LiveSite) -> None:
    """By the header, as CSV; a format that is asked for goes before."""
    path = "/api/v1/periods/yesterday"
    assert site.get(path, Accept=XLSX).body[:2] == b"PK"
    assert site.get(f"{path}?format=csv", Accept=XLSX).text.startswith("store_id,")
    assert site.get(f"{path}?format=pdf").status == 400


@pytest.mark.parametrize("path", ["/", "/stores?where=region=West", "/stores/beta"])
def test_pages_offer_what_they_show_as_both_kinds(site: LiveSite, path: str) -> None:
    """Of their filter and their period."""
    mark = "&" if "?" in path else "?"
    page = site.page(f"{path}{mark}period=last-week")
    for form in ("csv", "xlsx"):
        [link] = re.findall(rf'href="([^"]*{form}[^"]*)" download', page)
        assert "period=last-week" in link
        assert ("region" in link) == ("region" in path)
        assert site.get(link.replace("&amp;", "&")).status == 200


@pytest.mark.parametrize(
    ("period", "name"),
    [
        ("month:2026-10", "2026-10"),
        ("2026-10-01..2026-10-15", "2026-10-01..15"),
        ("day:2026-02-28", "2026-02-28"),
        ("2026-10-15..2026-11-02", "2026-10-15..2026-11-02"),
        ("2025-10-01..2026-10-31", "2025-10-01..2026-10-31"),
        ("quarter:2026-Q4", "2026-10-01..2026-12-31"),
    ],
)
def test_a_files_name_says_which_dates_are_in_it(period: str, name: str) -> None:
    """As short as they can be told; a whole month is its name."""
    asked = parse_period(period).period
    assert asked is not None
    assert dated("uptime", asked) == f"uptime-{name}"


def test_a_files_name_is_of_letters_that_any_system_takes() -> None:
    """Whatever a store is called."""
    day, week = (parse_period(t).period for t in ("day:2026-11-24", "week:2026-W48"))
    assert day is not None
    assert week is not None
    assert dated("a/b\\..é", day) == "a_b_.._-2026-11-24"
    assert dated("x", week) == "x-2026-11-23..29"
    assert at("é", 0) == "_-19700101T000000Z"
