"""Handler of the page of reports: month by month, making one, those that were made."""

from typing import Any

from aiohttp import web

from streamproc.report import record
from streamproc.report.record import Report
from streamproc.rules.days import date_of
from streamproc.rules.periods import parse_period
from streamproc.web import requests
from streamproc.web.parameters import PAGE, Text
from streamproc.web.periods.choice import chosen_of
from streamproc.web.reports.monthly import MonthTable, made_of
from streamproc.web.reports.months import Months
from streamproc.web.reports.reading import COMBINED, MONTHLY
from streamproc.web.reports.sheet import title_of
from streamproc.web.responses import page
from streamproc.web.site import Site

PER_PAGE = 25
LABEL = Text("label", "whose values the months are shown by")

PERIODS = (
    *(("last-month", "Last month"), ("this-month", "This month")),
    *(("last-week", "Last week"), ("this-week", "This week")),
    *(("yesterday", "Yesterday"), ("today", "Today")),
    *(("last-quarter", "Last quarter"), ("last-year", "Last year")),
)


class ReportListHandlers:
    """Show reports, and the form that makes one."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._months = Months(site)

    async def page(self, request: web.Request) -> web.Response:
        """Month by month; make one; always at the same place; made."""
        reports = await self._site.reports.all()
        number = PAGE.read(request.query)
        first = (number - 1) * PER_PAGE
        names = await self._site.names.all()
        table = self._months.peek()
        now_us = self._site.program.now_us()
        return page(
            request,
            "reports.html",
            reports=reports[first : first + PER_PAGE],
            total=len(reports),
            page=number,
            pages=requests.pages(len(reports), PER_PAGE),
            running=any(each.state == record.RUNNING for each in reports),
            now_us=now_us,
            hourly=self._site.program.settings.hourly,
            rules=self._site.program.settings.rules,
            values=names.values,
            stores=names,
            called=lambda report: _called(report, now_us),
            months=table,
            made=made_of(reports),
            label=_label(table, LABEL.read(request.query)),
            next_month=await self._next_month(),
            periods=self._periods(),
            newest=await self._newest(reports),
        )

    async def _next_month(self) -> tuple[str, int] | None:
        """Which month's report comes next by itself, and when; None: it does not."""
        if not self._site.program.settings.monthly:
            return None
        now_us = self._site.program.now_us()
        bounds = await self._site.periods.bounds(parse_period("this-month"), now_us)
        return f"{date_of(bounds.period.first_day):%B}", bounds.end_us

    def _periods(self) -> list[tuple[str, str, str]]:
        """What the form offers: a period, what it is called, its dates."""
        now_us = self._site.program.now_us()
        return [
            (text, name, chosen_of(text, None, None, now_us, "").dates)
            for text, name in PERIODS
        ]

    async def _newest(self, reports: list[Report]) -> dict[str, Any]:
        """The files that are always at the same place: as of when, or None."""
        now_us = self._site.program.now_us()
        combined = [each for each in reports if each.counts_as_of(now_us)]
        as_of = max((each.as_of_us or 0 for each in combined), default=None)
        monthly = await self._site.reports.file(MONTHLY)
        return {
            COMBINED: as_of,
            MONTHLY: None if monthly is None else monthly.modified_ns // 1_000,
        }


def _called(report: Report, now_us: int) -> str:
    """A report's period in words: the month, or its dates."""
    text = report.told or report.period or ""
    as_of_us = report.as_of_us or now_us
    return title_of(chosen_of(text, None, None, as_of_us, ""))


def _label(table: MonthTable | str | None, asked: str) -> str:
    """The label that is asked for, where there is such; else the first one."""
    if not isinstance(table, MonthTable):
        return ""
    return asked if asked in table.columns else next(iter(table.columns), "")
