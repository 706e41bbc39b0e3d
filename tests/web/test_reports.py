"""Reports by HTTP: asked for, followed, downloaded."""

import csv
import io
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import openpyxl
import pytest

from streamproc.errors import ReportFailedError
from streamproc.report import record
from streamproc.report.messages import ALL, STORE, Request
from streamproc.report.record import Report
from streamproc.report.workbook import MEDIA_TYPE, About
from streamproc.web.refusal import Refusal, moving
from streamproc.web.workbooks import workbook
from tests.waiting import until
from tests.web.facts import put
from tests.web.live_site import HOSTILE, NOW_US, LiveSite
from tests.web.test_store_api import expected


def follow(site: LiveSite, report_id: str) -> Any:
    """Ask for the report until it does not run any more."""

    def ended(told: Any) -> bool:
        told_how_far = {"partitions", "partitions_complete", "rows"}
        assert told["status"] != "Running" or set(told["progress"]) >= told_how_far
        return bool(told["status"] != "Running")

    return until(lambda: site.get(f"/get_report?report_id={report_id}").json, ended)


def rows_of(text: str) -> dict[str, dict[str, str]]:
    """A report's rows by store id."""
    return {row["store_id"]: row for row in csv.DictReader(io.StringIO(text))}


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_triggered_report_ends_complete_with_its_file(
    site: LiveSite, slash: str
) -> None:
    """Trigger, follow, download; the figures are the reference's."""
    asked = site.post_json(f"/trigger_report{slash}", {"as_of": "now"})
    assert (asked.status, asked.json["status"]) == (200, "Running")
    told = follow(site, asked.json["report_id"])
    assert told["status"] == "Complete"
    assert told["as_of"] == "2025-05-06T15:00:00Z"
    rows = rows_of(site.get(told["url"]).text)
    assert len(rows) == told["rows"] == 66 + len(HOSTILE)
    for store_id in ("alpha", "gamma", "store-3"):
        week = expected(store_id)["week"]
        shown = float(rows[store_id]["uptime_last_week(in hours)"])
        assert shown == pytest.approx(week.up_us / 3.6e9, abs=0.006)


def test_a_store_can_have_a_report_of_its_own(site: LiveSite) -> None:
    """One row; and an unknown store is a 404 before anything is started."""
    asked = site.ask("POST", "/alpha/trigger_report")
    told = follow(site, asked.json["report_id"])
    assert list(rows_of(site.get(told["url"]).text)) == ["alpha"]
    assert site.ask("POST", "/nobody/trigger_report/").status == 404


@pytest.mark.parametrize("how", ["json", "query"])
def test_a_report_of_a_period_is_the_file_of_the_same_question(
    site: LiveSite, how: str
) -> None:
    """Its rows are those that the API exports; it says what it is of."""
    fields = {"period": "yesterday", "by": "day", "zone": "asia/tokyo"}
    if how == "json":
        asked = site.post_json("/trigger_report", fields)
    else:
        query = "&".join(f"{name}={value}" for name, value in fields.items())
        asked = site.ask("POST", f"/trigger_report?{query}")
    told = follow(site, asked.json["report_id"])
    assert told["status"] == "Complete"
    report = site.get(f"/api/v1/reports/{asked.json['report_id']}").json
    assert (report["kind"], report["period"]) == ("period", "day:2025-05-06")
    assert (report["by"], report["zone"]) == ("day", "Asia/Tokyo")
    exported = site.get("/api/v1/periods/yesterday?by=day&zone=Asia/Tokyo&format=csv")
    file = site.get(told["url"])
    assert file.text == exported.text
    for answer in (file, exported):
        name = answer.headers["Content-Disposition"]
        assert name == 'attachment; filename="uptime-2025-05-06.csv"'
    assert len(rows_of(exported.text)) == told["rows"] > 60
    assert "day:2025-05-06" in site.get("/reports").text


@pytest.mark.parametrize("fields", [{}, {"period": "yesterday"}])
def test_a_report_as_polled_knows_no_exclusion(
    start_site: Callable[..., LiveSite], fields: dict[str, str]
) -> None:
    """Beside the usual one, of the windows and of a period."""
    site = start_site().fill()
    day = {"from": "2025-05-05T00:00:00Z", "to": "2025-05-06T15:00:00Z"}
    put(site, "*/exclusions/m", {"kind": "maintenance", **day})

    def report(**more: bool) -> str:
        asked = site.post_json("/trigger_report", {**fields, **more})
        told = follow(site, asked.json["report_id"])
        return site.get(told["url"]).text

    before = report(as_polled=True)
    assert report(as_polled=False) == report() != before
    site.ask("DELETE", "/api/v1/stores/*/exclusions/m")
    assert report() == before


def test_a_report_that_reaches_before_history_says_since_when(site: LiveSite) -> None:
    """In the answers, the rows and on the pages; else it says nothing."""
    asked = site.post_json("/trigger_report", {"period": "year:2025", "zone": "UTC"})
    told = follow(site, asked.json["report_id"])
    report = site.get(f"/api/v1/reports/{asked.json['report_id']}").json
    answer = site.get("/api/v1/periods/year:2025?zone=UTC").json
    assert told["known_since"] == report["known_since"] == answer["known_since"]
    rows = rows_of(site.get(told["url"]).text)
    assert {row["from_utc"] for row in rows.values()} == {told["known_since"]}
    known = datetime.fromisoformat(told["known_since"])
    said = f"known since {known:%a} {known.day} {known:%b %Y %H:%M} UTC"
    assert said in site.get("/reports").text
    assert "known since" in site.get("/reports/year:2025/page").text
    whole = site.post_json("/trigger_report", {"period": "yesterday"})
    assert "known_since" not in follow(site, whole.json["report_id"])


def test_a_report_of_a_period_of_which_nothing_is_kept_says_so(site: LiveSite) -> None:
    """Failed, with the reason."""
    asked = site.post_json("/trigger_report", {"period": "month:2024-01"})
    told = follow(site, asked.json["report_id"])
    assert told["status"] == "Failed"
    assert "nothing of month:2024-01 is kept" in told["error"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"period": "next-month"}, "bad-period"),
        ({"period": 7}, "bad-period"),
        ({"by": "day"}, "bad-by"),
        ({"period": "today", "by": "hour"}, "bad-by"),
        ({"period": "today", "zone": "Mars"}, "unknown-zone"),
        ({"period": "today", "where": "region"}, "bad-where"),
        ({"period": "today", "group_by": "x" * 65}, "bad-group_by"),
        ({"period": "today", "group-by": "region"}, "unknown-field"),
        ({"as_polled": "yes"}, "bad-as_polled"),
        ({"as_polled": 1}, "bad-as_polled"),
    ],
)
def test_what_is_wrong_with_a_question_for_a_period_is_said_at_once(
    site: LiveSite, fields: dict[str, Any], error: str
) -> None:
    """Nothing is started."""
    answer = site.post_json("/trigger_report", fields)
    assert (answer.status, answer.json["error"]) == (400, error)


@pytest.mark.parametrize("how", ["get", "post json", "post form"])
def test_get_report_takes_its_id_in_every_usual_way(site: LiveSite, how: str) -> None:
    """As a query, as JSON, as a form; with Accept: text/csv the file itself."""
    asked = site.post_json("/trigger_report", {})
    report_id = asked.json["report_id"]
    follow(site, report_id)
    if how == "get":
        answer = site.get(f"/get_report/?report_id={report_id}", Accept="text/csv")
    elif how == "post json":
        answer = site.post_json(
            "/get_report", {"report_id": report_id}, Accept="text/csv"
        )
    else:
        answer = site.ask(
            "POST",
            "/get_report",
            f"report_id={report_id}".encode(),
            Content_Type="application/x-www-form-urlencoded",
            Accept="text/csv",
        )
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "alpha" in rows_of(answer.text)


def test_the_combined_report_is_sent_once_to_who_has_it(site: LiveSite) -> None:
    """ETag and Last-Modified: who knows them gets a 304 and no body."""
    follow(site, site.post_json("/trigger_report", {}).json["report_id"])
    first = site.get("/combined_report.csv")
    assert first.status == 200
    assert "alpha" in rows_of(first.text)
    for headers in (
        {"If_None_Match": first.headers["Etag"]},
        {"If_None_Match": f'"other", W/{first.headers["Etag"]}'},
        {"If_Modified_Since": first.headers["Last-Modified"]},
    ):
        again = site.get("/combined_report.csv", **headers)
        assert (again.status, again.body) == (304, b"")
    for headers in (
        {"If_None_Match": '"other"'},
        {
            "If_None_Match": '"other"',
            "If_Modified_Since": first.headers["Last-Modified"],
        },
        {"If_Modified_Since": "Mon, 01 Jan 2001 00:00:00 GMT"},
        {"If_Modified_Since": "not a date"},
    ):
        assert site.get("/combined_report.csv", **headers).status == 200


def test_a_formula_in_a_report_is_text(site: LiveSite) -> None:
    """A store id that a spreadsheet would run begins with an apostrophe."""
    follow(site, site.post_json("/trigger_report", {}).json["report_id"])
    text = site.get("/combined_report.csv").text
    assert "'=HYPERLINK" in text
    assert "\n=" not in text


@pytest.mark.parametrize(
    "as_of",
    ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00", "1970-01-01 00:00:00 UTC"],
)
def test_a_report_of_an_impossible_time_is_not_started(
    site: LiveSite, as_of: str
) -> None:
    """It would fail, or bring a worker down: it is refused at the door."""
    refused = site.post_json("/trigger_report", {"as_of": as_of})
    assert (refused.status, refused.json["error"]) == (400, "bad-as-of")


def test_before_the_first_report_there_is_no_file(
    start_site: Callable[..., LiveSite],
) -> None:
    """A 404 that says so; the page of reports says so, too."""
    site = start_site()
    assert site.get("/combined_report.csv").status == 404
    assert "No report has been made yet" in site.page("/reports")


# -- reports that run: records as a collector of another time left them -----


def running_report(
    report_id: str, as_of: str | int, store_id: str | None, as_polled: bool = False
) -> Report:
    """A report that its collector is still waiting for."""
    kind = ALL if store_id is None else STORE
    request = Request(report_id, kind, as_of, NOW_US, store_id, as_polled)
    return record.start(request, range(4), NOW_US, "")


def keep_running(site: LiveSite, reports: list[Report]) -> None:
    """Put records of running reports into the table, which nobody will finish."""

    async def save() -> None:
        me = site.program.worker_id
        await site.program.reports.save(
            {r.report_id: replace(r, collector=me) for r in reports}
        )

    site.run(save())


def test_the_same_request_returns_the_report_that_runs(
    start_site: Callable[..., LiveSite],
) -> None:
    """Asked for again as of the same time, a running report is the answer."""
    site = start_site().fill()
    at_us = NOW_US - 60_000_000
    keep_running(
        site,
        [
            running_report("all-now", "now", None),
            running_report("all-then", at_us, None),
            running_report("alpha-now", "now", "alpha"),
        ],
    )
    trigger = site.post_json
    assert trigger("/trigger_report", {}).json["report_id"] == "all-now"
    then = trigger("/trigger_report", {"as_of": "2025-05-06 14:59:00 UTC"})
    assert then.json["report_id"] == "all-then"
    assert trigger("/alpha/trigger_report", {}).json["report_id"] == "alpha-now"
    other = trigger("/beta/trigger_report", {}).json["report_id"]
    assert other not in ("all-now", "all-then", "alpha-now")
    told = site.get("/get_report?report_id=all-now").json
    assert told["status"] == "Running"
    assert told["progress"]["partitions"] == 4


def test_a_report_as_polled_is_not_the_answer_to_who_asks_for_the_usual_one(
    start_site: Callable[..., LiveSite],
) -> None:
    """Both run as of now; their figures differ."""
    site = start_site().fill()
    keep_running(site, [running_report("polled", "now", None, as_polled=True)])
    usual = site.post_json("/trigger_report", {}).json["report_id"]
    assert usual != "polled"
    for body in ({"as_polled": True}, {"as_polled": "true"}):
        again = site.post_json("/trigger_report", body)
        assert again.json["report_id"] == "polled"
    assert site.get("/api/v1/reports/polled").json["as_polled"]
    assert "as polled" in site.page("/reports")
    assert not site.get(f"/api/v1/reports/{usual}").json["as_polled"]


def test_too_many_reports_in_flight_are_refused(
    start_site: Callable[..., LiveSite],
) -> None:
    """429 with Retry-After, and nothing is started."""
    site = start_site(web_reports_in_flight="2")
    keep_running(
        site,
        [running_report(f"r{n}", NOW_US - n * 1_000_000, None) for n in (1, 2)],
    )
    refused = site.post_json("/trigger_report", {})
    assert (refused.status, refused.json["error"]) == (429, "too-many-reports")
    assert "Retry-After" in refused.headers
    assert site.get("/api/v1/reports").json["total"] == 2


def test_a_failed_report_says_why(start_site: Callable[..., LiveSite]) -> None:
    """Failed carries the reason, in the API and on the page."""
    site = start_site().fill()
    asked = site.post_json("/trigger_report", {"as_of": "2025-04-01T00:00:00Z"})
    told = follow(site, asked.json["report_id"])
    assert told["status"] == "Failed"
    assert "no poll of any store lies before" in told["error"]
    assert "no poll of any store lies before" in site.page("/reports")
    assert site.get(f"/reports/{told['report_id']}.csv").status == 404
    (record,) = site.get("/api/v1/reports?state=Failed").json["reports"]
    assert record["error"] == told["error"]


@pytest.mark.parametrize("door", ["file", "get_report"])
def test_a_report_can_be_had_as_a_workbook(site: LiveSite, door: str) -> None:
    """The same rows and figures as the CSV; the second sheet says as of when."""
    report_id = site.post_json("/trigger_report", {"as_of": "now"}).json["report_id"]
    told = follow(site, report_id)
    if door == "file":
        answer = site.get(f"/reports/{report_id}.xlsx")
    else:
        path = f"/get_report?report_id={report_id}"
        answer = site.get(path, Accept=MEDIA_TYPE)
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    name = answer.headers["Content-Disposition"]
    assert name == 'attachment; filename="uptime-20250506T150000Z.xlsx"'
    book = openpyxl.load_workbook(io.BytesIO(answer.body))
    rows = list(map(list, book["Report"].values))
    wanted = list(csv.reader(io.StringIO(site.get(told["url"]).text)))
    assert rows[0] == wanted[0]
    assert rows[1:] == [[row[0], *map(float, row[1:])] for row in wanted[1:]]
    about = dict(book["About"].values)
    assert about["As of"] == "2025-05-06T15:00:00Z (UTC)"


def test_a_workbook_is_not_sent_again_to_who_has_it(site: LiveSite) -> None:
    """Its tag is not the CSV's."""
    report_id = site.post_json("/trigger_report", {"as_of": "now"}).json["report_id"]
    follow(site, report_id)
    path = f"/reports/{report_id}"
    tag = site.get(f"{path}.xlsx").headers["Etag"]
    assert site.get(f"{path}.xlsx", If_None_Match=tag).status == 304
    assert site.get(f"{path}.csv", If_None_Match=tag).status == 200


def test_there_is_no_workbook_of_a_report_that_nobody_made(site: LiveSite) -> None:
    """404, as for the CSV."""
    assert site.get("/reports/nothing.xlsx").status == 404


async def test_a_csv_that_breaks_off_makes_no_workbook() -> None:
    """What breaks off is raised, and nothing of a workbook has come before."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"store_id\na\n"
        raise moving("It has been replaced.")

    with pytest.raises(Refusal, match="It has been replaced"):
        await anext(workbook(broken(), About([])))


async def test_a_workbook_that_cannot_be_made_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the exit code of its process."""

    async def whole() -> AsyncIterator[bytes]:
        yield b"store_id\n"

    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(ReportFailedError, match="exit code 1"):
        await anext(workbook(whole(), About([])))
