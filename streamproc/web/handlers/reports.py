"""Reports by HTTP: asking for one, its progress, its file."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from streamproc.errors import InvalidInput, shown
from streamproc.report import record
from streamproc.report.about import about
from streamproc.report.messages import NOW, Request
from streamproc.report.period_asked import PeriodAsked, period_asked
from streamproc.report.record import Report, time_text
from streamproc.report.request import new_request
from streamproc.report.workbook import MEDIA_TYPE
from streamproc.rules.periods import parse_period
from streamproc.web import requests
from streamproc.web.bodies import form_of, json_of
from streamproc.web.described import described
from streamproc.web.exports import Export
from streamproc.web.files import CSV
from streamproc.web.handlers.periods import GROUP_BY, PERIOD, SLICED_BY, ZONE
from streamproc.web.parameters import AS_OF, PAGE, WHERE, Choice, Text, Whole
from streamproc.web.refusal import Refusal, bad, bad_input, unknown
from streamproc.web.reports.answers import (
    STATES,
    ReportRecord,
    ReportsPage,
    ReportState,
    Triggered,
    record_of,
    state_of,
)
from streamproc.web.reports.reading import COMBINED, MONTHLY, FilePiece
from streamproc.web.requests import wants_json
from streamproc.web.responses import as_file, json, see_other
from streamproc.web.sheets import at, dated
from streamproc.web.site import Site
from streamproc.web.workbooks import workbook

SEEN_TIMEOUT_S = 5.0
_LOOK_S = 0.02
STATE = Choice("state", STATES)
PER_PAGE = Whole("per_page", 50, 1, 500)
REPORT_ID = Text("report_id", required=True)
PERIOD_PARAMETERS = (PERIOD, SLICED_BY, ZONE, WHERE, GROUP_BY)
_PERIOD_NAMES = tuple(each.name for each in PERIOD_PARAMETERS)
AS_POLLED = Choice(
    "as_polled", ("true", "false"), "false", "as if nothing were excluded or corrected"
)
_ASKED = ("as_of", "as_polled", *_PERIOD_NAMES)
_SAME = (*_ASKED, "store_id")
"""Two reports with the same are one."""


class ReportHandlers:
    """Ask the collector for reports, and hand out what it made."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._one_at_a_time = asyncio.Lock()

    # -- asking for one -----

    @described(Triggered, AS_OF, AS_POLLED, *PERIOD_PARAMETERS)
    async def trigger(self, request: web.Request) -> web.StreamResponse:
        """Start a report of all stores or of one; or name the one that runs."""
        given = _given(request)
        as_of = requests.as_of_value(given.get("as_of") or NOW)
        if isinstance(as_of, int):
            await self._site.instants.resolve(as_of)  # or refuse it
        period = _period(given)
        store_id = request.match_info.get("store_id")
        if store_id is not None:
            if period is not None:
                raise bad("bad-period", "A period is of all stores.")
            await self._site.stores.known(store_id, NOW)
        text = as_of if isinstance(as_of, str) else time_text(as_of)
        now_us, as_polled = self._site.program.now_us(), _as_polled(given)
        asked = new_request(text, now_us, store_id, as_polled, period=period)
        async with self._one_at_a_time:
            report_id = await self._running(asked)
            if report_id is None:
                report_id = await self._start(asked)
        if not wants_json(request):
            return see_other("/reports")
        return json(Triggered(report_id, record.RUNNING))

    async def _running(self, asked: Request) -> str | None:
        """Id of the same report while it runs; raises 429 when too many do."""
        running = [
            r for r in await self._site.reports.all() if r.state == record.RUNNING
        ]
        for report in running:
            if all(getattr(report, name) == getattr(asked, name) for name in _SAME):
                return report.report_id
        if len(running) >= self._site.program.settings.web_reports_in_flight:
            raise Refusal(
                429, "too-many-reports", f"{len(running)} reports run.", retry_after_s=2
            )
        return None

    async def _start(self, request: Request) -> str:
        """Send the request; returns once the collector has taken it up."""
        # Two workers may be asked in the same microsecond.
        unique = f"{request.report_id}-{secrets.token_hex(4)}"
        request = replace(request, report_id=unique)
        await self._site.app.run(self._send(request))
        deadline = asyncio.get_running_loop().time() + SEEN_TIMEOUT_S
        while await self._site.reports.find(request.report_id) is None:
            if asyncio.get_running_loop().time() > deadline:
                break  # durable all the same: it will be taken up
            await asyncio.sleep(_LOOK_S)
        return request.report_id

    async def _send(self, request: Request) -> None:
        await self._site.program.to_collector(request)

    # -- how it is going -----

    @described(
        ReportState,
        REPORT_ID,
        media=(CSV, MEDIA_TYPE),
    )
    async def get_report(self, request: web.Request) -> web.StreamResponse:
        """Running with progress, Complete with the URL (or the file), or Failed."""
        report = await self._find(self._report_id(request))
        if report.state == record.COMPLETE and _accepts(request, CSV):
            return await self._csv(request, report.report_id, _file_name(report))
        if report.state == record.COMPLETE and _accepts(request, MEDIA_TYPE):
            return await self._workbook(request, report.report_id, report)
        return json(state_of(report))

    def _report_id(self, request: web.Request) -> str:
        found: Any = request.query.get("report_id")
        if found is None and request.method == "POST":
            if request.content_type == "application/x-www-form-urlencoded":
                found = form_of(request).get("report_id")
            else:
                given = json_of(request)
                found = given.get("report_id") if isinstance(given, dict) else None
        if not isinstance(found, str) or not found:
            raise bad("no-report-id", "report_id is missing.")
        return found

    async def _find(self, report_id: str) -> Report:
        """A report by its id; raises a 404 Refusal."""
        known = len(report_id) <= 64 and report_id.isprintable()
        report = await self._site.reports.find(report_id) if known else None
        if report is None:
            raise unknown("report", report_id)
        return report

    @described(ReportsPage, STATE, PAGE, PER_PAGE)
    async def list(self, request: web.Request) -> web.Response:
        """All reports as JSON, newest first."""
        wanted = STATE.read(request.query)
        per_page = PER_PAGE.read(request.query)
        number = PAGE.read(request.query)
        found = [r for r in await self._site.reports.all() if wanted in ("", r.state)]
        first = (number - 1) * per_page
        shown = found[first : first + per_page]
        records = [record_of(report) for report in shown]
        return json(ReportsPage(len(found), number, per_page, records))

    @described(ReportRecord)
    async def one(self, request: web.Request) -> web.Response:
        """One report's record as JSON."""
        return json(record_of(await self._find(request.match_info["report_id"])))

    # -- files -----

    @described(media=(CSV,))
    async def file(self, request: web.Request) -> web.StreamResponse:
        """A finished report's CSV, by an id that the table knows."""
        report = await self._find(request.match_info["report_id"])
        return await self._csv(request, report.report_id, _file_name(report))

    @described(media=(MEDIA_TYPE,))
    async def workbook(self, request: web.Request) -> web.StreamResponse:
        """A finished report as a workbook (.xlsx), with its rules on a second sheet."""
        report = await self._find(request.match_info["report_id"])
        return await self._workbook(request, report.report_id, report)

    @described(media=(CSV,))
    async def combined(self, request: web.Request) -> web.StreamResponse:
        """The newest report of all stores, with ETag and Last-Modified."""
        return await self._csv(request, COMBINED, COMBINED)

    @described(media=(MEDIA_TYPE,))
    async def combined_workbook(self, request: web.Request) -> web.StreamResponse:
        """The newest report of all stores, as a workbook."""
        return await self._workbook(request, COMBINED)

    @described(media=(CSV,))
    async def monthly(self, request: web.Request) -> web.StreamResponse:
        """The report of the newest month that is over in every store's zone."""
        return await self._csv(request, MONTHLY, MONTHLY)

    @described(media=(MEDIA_TYPE,))
    async def monthly_workbook(self, request: web.Request) -> web.StreamResponse:
        """The report of the newest month that is over everywhere, as a workbook."""
        return await self._workbook(request, MONTHLY)

    async def _csv(
        self, request: web.Request, which: str, name: str
    ) -> web.StreamResponse:
        reports = self._site.reports
        found = await self._file(which)
        export = Export(lambda: reports.pieces(which, found), f"{name}.csv")
        return as_file(request, export, found.size, found.modified_ns)

    async def _workbook(
        self, request: web.Request, which: str, report: Report | None = None
    ) -> web.StreamResponse:
        reports = self._site.reports
        found = await self._file(which)
        said = about(report, self._site.program.settings.rules)
        name = which if report is None else _file_name(report)
        export = Export(
            lambda: workbook(reports.pieces(which, found), said),
            f"{name}.xlsx",
            MEDIA_TYPE,
        )
        return as_file(request, export, found.size, found.modified_ns)

    async def _file(self, which: str) -> FilePiece:
        found = await self._site.reports.file(which)
        if found is None:
            raise Refusal(404, "no-report", "There is no finished report of that yet.")
        return found


def _accepts(request: web.Request, media: str) -> bool:
    return media in request.headers.get("Accept", "")


def _given(request: web.Request) -> Mapping[str, Any]:
    """What is asked for, from the query, a form or a JSON body."""
    if any(name in request.query for name in _ASKED):
        return request.query
    if request.content_type == "application/x-www-form-urlencoded":
        return _of_form(form_of(request))
    given = json_of(request)
    if not isinstance(given, dict):
        raise bad("bad-json", 'Expected a JSON object, such as {"as_of": "now"}.')
    for name in given.keys() - set(_ASKED):
        known = ", ".join(_ASKED)
        raise bad(
            "unknown-field", f"There is no field {shown(name)}; there is {known}."
        )
    return given


def _of_form(form: dict[str, str]) -> dict[str, str]:
    """A form's two dates, where there are some, go before the period it names."""
    first, last = form.get("from"), form.get("to")
    if first or last:
        form["period"] = f"{first or last}..{last or first}"
    return form


def _period(given: Mapping[str, Any]) -> PeriodAsked | None:
    """The period that is asked for; raises a 400 Refusal."""
    try:
        return period_asked(**{name: given.get(name) for name in _PERIOD_NAMES})
    except InvalidInput as exc:
        raise bad_input(exc) from exc


def _as_polled(given: Mapping[str, Any]) -> bool:
    """Whether exclusions are left out: true or false in JSON, else the word."""
    value = given.get(AS_POLLED.name)
    if isinstance(value, bool):
        return value
    if not isinstance(value, str | None):
        raise bad("bad-as_polled", f"as_polled is {shown(value)}, expected a boolean.")
    return AS_POLLED.read({AS_POLLED.name: value or ""}) == "true"


def _file_name(report: Report) -> str:
    """What a report's file is called: by its dates, else as of when it is."""
    name = report.told or report.period
    period = parse_period(name).period if name else None
    if period is not None:
        return dated("uptime", period)
    if report.as_of_us is None:
        return report.report_id  # it has no file yet
    return at(report.store_id or "uptime", report.as_of_us)
