"""Handlers of the refused records."""

from aiohttp import web

from streamproc.rejected import Rejected
from streamproc.web import requests
from streamproc.web.described import described
from streamproc.web.files import CSV, XLSX
from streamproc.web.parameters import FORMAT, PAGE, Query, Text, Whole, wanted_form
from streamproc.web.rejected.answers import (
    RejectedAnswer,
    RejectedRecord,
    record_of,
    value_text,
)
from streamproc.web.rejected.reader import RejectedPage
from streamproc.web.responses import json, page
from streamproc.web.sheets import Sheet, at, rows_of
from streamproc.web.site import Site
from streamproc.web.words import number

PER_PAGE = 100
REASON = Text("reason")
LIMIT = Whole("limit", 100, 1, 2_000)


def matching(query: Query, found: RejectedPage) -> list[Rejected]:
    """The records that a query asks for, newest first; raises a 400 Refusal."""
    reason = REASON.read(query)
    return [one for one in found.records if reason in ("", one.reason)]


class RejectedHandlers:
    """Show the refused records."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def page(self, request: web.Request) -> web.Response:
        """The newest refused records, by reason."""
        reason = REASON.read(request.query)
        page_number = PAGE.read(request.query)
        found = await self._site.rejected.newest()
        records = matching(request.query, found)
        first = (page_number - 1) * PER_PAGE
        return page(
            request,
            "rejected.html",
            found=found,
            reason=reason,
            records=records[first : first + PER_PAGE],
            total=len(records),
            page=page_number,
            pages=requests.pages(len(records), PER_PAGE),
            value_text=value_text,
            now_us=self._site.program.now_us(),
            retention_days=self._site.program.settings.rejected_retention,
        )

    async def csv(self, request: web.Request) -> web.StreamResponse:
        """The records that the page shows, on all its pages, as CSV."""
        return await self._sheet(request, "csv")

    async def xlsx(self, request: web.Request) -> web.StreamResponse:
        """The records that the page shows, on all its pages, as a workbook."""
        return await self._sheet(request, "xlsx")

    async def _sheet(self, request: web.Request, form: str) -> web.StreamResponse:
        records = matching(request.query, await self._site.rejected.newest())
        return self._export(request, records, form)

    def _export(
        self, request: web.Request, records: list[Rejected], form: str
    ) -> web.StreamResponse:
        now_us, reason = self._site.program.now_us(), REASON.read(request.query)
        said = [("Records", number(len(records)))]
        said += [("Reason", reason)] if reason else []
        name = at("-".join(filter(None, ("rejected", reason))), now_us)
        told = map(record_of, records)
        rows = [*rows_of(RejectedRecord, told)]
        return Sheet(name, lambda: iter(rows), now_us, self._site.rules, said).export(
            form
        )

    @described(RejectedAnswer, REASON, LIMIT, FORMAT, media=(CSV, XLSX))
    async def list(self, request: web.Request) -> web.StreamResponse:
        """The newest refused records."""
        form, limit = wanted_form(request), LIMIT.read(request.query)
        found = await self._site.rejected.newest()
        records = matching(request.query, found)[:limit]
        if form != FORMAT.default:
            return self._export(request, records, form)
        told = [record_of(one) for one in records]
        return json(RejectedAnswer(found.kept, dict(found.reasons()), told))
