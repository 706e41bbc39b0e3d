"""The page of reports: month by month, always at the same place, made again."""

import html
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.report import record
from streamproc.report.messages import ALL, PERIOD, Request
from streamproc.report.record import Report
from streamproc.rules.poll import Poll, encode_poll
from streamproc.rules.targets import ErrorBudget, left_us
from streamproc.rules.units import DAY_US
from streamproc.web.reports.monthly import made_of
from streamproc.web.store.months import months_before
from tests.web.live_site import HOUR_US, NOW_US, LiveSite
from tests.web.test_connect import FORM
from tests.web.test_pages import text_of
from tests.web.test_reports import follow
from tests.web.test_system import signed_in


def at(text: str) -> int:
    """A time in UTC in microseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**6


def fleet_of_two_months(
    start_site: Callable[..., LiveSite], **options: Any
) -> LiveSite:
    """Two stores in UTC, polled each hour of three days of April and of May.

    "a" (West, target 90) is down for six hours in April, "b" (East) for twelve in May.
    """
    site = start_site(hold="60", **options)
    for store, region, down in (
        ("a", "West", "2025-04-29"),
        ("b", "East", "2025-05-02"),
    ):
        polls = []
        for day in (
            "2025-04-28",
            "2025-04-29",
            "2025-04-30",
            "2025-05-01",
            "2025-05-02",
        ):
            begin_us = at(day)
            hours = 6 if store == "a" else 12
            polls += [
                Poll(store, begin_us + hour * HOUR_US, day != down or hour >= hours)
                for hour in range(24)
            ]
        told = [(store, encode_poll(poll)) for poll in polls]
        site.publish(site.program.topics.polls, told)
        zone = {"store_id": store, "timezone_str": "UTC"}
        site.publish(site.program.topics.zones, [(store, orjson.dumps(zone))])
        row = {"store_id": store, "name": f"S-{store}", "labels": {"region": region}}
        target = {"target": 90} if store == "a" else {}
        told = [(store, orjson.dumps({**row, **target}))]
        site.publish(site.program.topics.labels, told)
    site.settle()
    return site


def page_with_months(site: LiveSite, path: str = "/reports", **headers: str) -> str:
    """The page, once the months are counted."""
    for _ in range(200):
        page = site.get(path, Accept="text/html", **headers).text
        if "are being counted" not in page:
            return page
    raise AssertionError("the months are never counted")


def test_each_month_is_told_for_all_stores_and_each_group(
    start_site: Callable[..., LiveSite],
) -> None:
    """The newest first; coverage, who met the target, and incidents beside."""
    text = text_of(page_with_months(fleet_of_two_months(start_site)))
    table = text[text.index("Month All stores") : text.index("Make a report")]
    # May: 48 hours of each; b down for 12. April: 72 hours of each; a down for 6.
    assert "Month All stores East West Coverage Met it Incidents Files" in table
    may, april = table[table.index("May 2025") :], table[table.index("Apr 2025") :]
    assert may.startswith("May 2025 so far 87.50 % 75.00 % 100.00 % ")
    assert "1 of 1 1 when it is over A4 page of May 2025" in may
    # Its last poll speaks until the month's end; in West 66 of 72 hours.
    assert april.startswith("Apr 2025 95.83 % 100.00 % 91.67 % 100.0 %")
    assert "1 of 1 1 A4 page of Apr 2025" in april
    assert "History begins on Mon 28 Apr 2025 00:00 UTC." in table


def test_a_month_that_is_made_has_its_files(
    start_site: Callable[..., LiveSite],
) -> None:
    """Who is signed in makes it from its row, and finds it there."""
    site = fleet_of_two_months(start_site)
    cookie = signed_in(site)
    page = page_with_months(site, Cookie=cookie)
    assert 'name="period" value="month:2025-04"' in page
    headers = {**FORM, "Authorization": "", "Cookie": cookie}
    answer = site.ask("POST", "/trigger_report", b"period=month%3A2025-04", **headers)
    assert answer.status == 303
    report_id = site.get("/api/v1/reports").json["reports"][0]["report_id"]
    follow(site, report_id)
    page = page_with_months(site)
    row = page[page.index(">Apr 2025<") :]
    row = row[: row.index("</tr>")]
    assert f'href="/reports/{report_id}.csv"' in row
    assert f'href="/reports/{report_id}.xlsx"' in row


def test_a_report_of_two_dates_is_made_from_the_form(
    start_site: Callable[..., LiveSite],
) -> None:
    """They go before the period that the form names; one date alone is a day."""
    site = fleet_of_two_months(start_site)
    headers = {**FORM, "Authorization": "", "Cookie": signed_in(site)}
    body = b"period=last-month&from=2025-04-29&to=2025-04-30&zone=&group_by=region"
    assert site.ask("POST", "/trigger_report", body, **headers).status == 303
    body = b"period=last-month&from=2025-05-01&to="
    assert site.ask("POST", "/trigger_report", body, **headers).status == 303
    told = {r["period"] for r in site.get("/api/v1/reports").json["reports"]}
    assert told == {"2025-04-29..2025-04-30", "2025-05-01..2025-05-01"}


def test_the_newest_reports_are_always_at_the_same_place(
    start_site: Callable[..., LiveSite],
) -> None:
    """Of all stores and of the newest month, as CSV and as workbooks; 404 before."""
    site = start_site()
    names = ("combined_report", "monthly_report")
    for name in names:
        for kind in ("csv", "xlsx"):
            assert site.get(f"/{name}.{kind}").status == 404
    page = site.page("/reports")
    assert text_of(page).count("not made yet") == 2
    assert 'class="mono" href="/monthly_report.csv"' not in page
    files = site.program.report_files
    files.monthly.parent.mkdir(parents=True, exist_ok=True)
    for path in (files.combined, files.monthly):
        path.write_text(f"store_id,up\n{path.stem},1\n")
    for name in names:
        answer = site.get(f"/{name}.csv")
        assert answer.text == f"store_id,up\n{name},1\n"
        told = answer.headers["Content-Disposition"]
        assert told == f'attachment; filename="{name}.csv"'
        assert site.get(f"/{name}.xlsx").body[:2] == b"PK"
        # Their names are no ids of reports.
        assert site.get(f"/reports/{name}.csv").status == 404


def test_what_has_failed_can_be_made_again(start_site: Callable[..., LiveSite]) -> None:
    """As it was asked for: its period, its stores, its instant, its one store."""
    site = start_site()
    some: dict[str, Any] = {
        "period": "month:2025-04",
        "where": "region=West",
        "group_by": "brand",
    }
    requests = [
        Request("of-period", PERIOD, "now", NOW_US, **some),
        Request("of-latest", ALL, "latest", NOW_US),
        Request("of-store", "store", NOW_US, NOW_US, "a/b"),
    ]
    for asked in requests:
        begun = record.start(asked, [0], NOW_US, "me")
        failed = replace(begun, state=record.FAILED, error="the disk is full")
        site.run(site.program.reports.save({asked.report_id: failed}))
    page = site.get("/reports", Accept="text/html", Cookie=signed_in(site)).text
    forms = [f for f in re.findall(r"<form.*?</form>", page, re.S) if "Make again" in f]
    fields = [
        (
            re.findall(r'action="([^"]*)"', form)[0],
            *re.findall(r'name="(\w+)" value="([^"]*)"', html.unescape(form)),
        )
        for form in forms
    ]
    assert set(fields) == {
        ("/trigger_report", *some.items()),
        ("/trigger_report", ("as_of", "latest")),
        ("/a%2Fb/trigger_report", ("as_of", "2025-05-06T15:00:00Z")),
    }
    assert text_of(page).count("the disk is full") == 3


@given(
    st.integers(0, 10**12),
    st.integers(0, 10**12),
    st.one_of(st.floats(1, 100), st.just(float("nan"))),
)
def test_what_a_target_leaves_of_columns_is_what_it_leaves_of_one(
    up: int, down: int, target: float
) -> None:
    """The same as an error budget of the observed time; NaN without a target."""
    (found,) = left_us(np.array([up]), np.array([down]), np.array([target]))
    if np.isnan(target):
        assert np.isnan(found)
    else:
        budget = ErrorBudget(target, up + down, up + down, down)
        assert found == pytest.approx(budget.left_us, abs=1)


@pytest.mark.parametrize(
    ("now", "asked"),
    [
        ("2025-05-06T15:00", "2024-05-01..2025-05-06"),
        ("2025-12-31T23:59", "2024-12-01..2025-12-31"),
        ("2026-01-01T00:00", "2025-01-01..2026-01-01"),
        ("2024-02-29T12:00", "2023-02-01..2024-02-29"),
    ],
)
def test_thirteen_months_are_shown(now: str, asked: str) -> None:
    """This month up to today, and those before it."""
    assert months_before(at(now) // DAY_US) == asked


def test_the_newest_report_of_a_month_is_offered() -> None:
    """One of all stores, whole; not of some, not cut, not as polled, not unfinished."""

    def report(number: int, **fields: Any) -> Report:
        request = Request(f"r{number}", PERIOD, "now", NOW_US, period="last-month")
        begun = record.start(request, [], NOW_US, "me")
        return replace(begun, state=record.COMPLETE, told="month:2025-04", **fields)

    odd = [
        report(1, where="a=b"),
        report(2, by="day"),
        report(3, zone="UTC"),
        report(4, group_by="region"),
        replace(report(5), state=record.FAILED),
        report(6, as_polled=True),
    ]
    assert made_of(odd) == {}
    assert made_of([*odd, report(7), report(8)])["month:2025-04"].report_id == "r7"
