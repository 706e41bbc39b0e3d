"""Handlers of the log of changes."""

from aiohttp import web

from streamproc.web.changes.log import Asked
from streamproc.web.changes.log_answers import ChangeDetail, ChangesPage
from streamproc.web.described import described
from streamproc.web.parameters import PAGE, Query, Text, Time
from streamproc.web.responses import json
from streamproc.web.site import Site

FROM = Time("from", "the first; the oldest that is kept, when it is left out")
TO = Time("to", "those before it; all, when it is left out")
STORE = Text("store", "a store id; those of all stores are among its own")
BY = Text("by", "who has made them")


class LogHandlers:
    """Tell what was changed."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @described(ChangesPage, FROM, TO, STORE, BY, PAGE)
    async def list(self, request: web.Request) -> web.Response:
        """What was changed of stores, by whom and from what, newest first."""
        return json(await self._site.log.page(asked_of(request.query)))

    @described(ChangeDetail, STORE, PAGE)
    async def one(self, request: web.Request) -> web.Response:
        """One change with the values of its facts before and after."""
        query = request.query
        change = request.match_info["change"]
        found = await self._site.log.one(change, STORE.read(query), PAGE.read(query))
        return json(found)


def asked_of(query: Query) -> Asked:
    """Which changes a request asks for; raises a 400 Refusal."""
    return Asked(
        STORE.read(query),
        BY.read(query),
        FROM.read(query, 0),
        TO.read(query, 0) or None,
        PAGE.read(query),
    )
