"""Handlers of the refused records."""

from aiohttp import web

from streamproc.web import requests
from streamproc.web.described import described
from streamproc.web.parameters import PAGE, Text, Whole
from streamproc.web.rejected.answers import RejectedAnswer, record_of, value_text
from streamproc.web.responses import json, page
from streamproc.web.site import Site

PER_PAGE = 100
REASON = Text("reason")
LIMIT = Whole("limit", 100, 1, 2_000)


class RejectedHandlers:
    """Show the refused records."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def page(self, request: web.Request) -> web.Response:
        """The newest refused records, by reason."""
        reason = REASON.read(request.query)
        number = PAGE.read(request.query)
        found = await self._site.rejected.newest()
        records = [r for r in found.records if reason in ("", r.reason)]
        first = (number - 1) * PER_PAGE
        return page(
            request,
            "rejected.html",
            found=found,
            reason=reason,
            records=records[first : first + PER_PAGE],
            total=len(records),
            page=number,
            pages=requests.pages(len(records), PER_PAGE),
            value_text=value_text,
            now_us=self._site.program.now_us(),
            retention_days=self._site.program.settings.rejected_retention,
        )

    @described(RejectedAnswer, REASON, LIMIT)
    async def list(self, request: web.Request) -> web.Response:
        """The newest refused records."""
        reason = REASON.read(request.query)
        limit = LIMIT.read(request.query)
        found = await self._site.rejected.newest()
        records = [r for r in found.records if reason in ("", r.reason)][:limit]
        told = [record_of(one) for one in records]
        return json(RejectedAnswer(found.kept, dict(found.reasons()), told))
