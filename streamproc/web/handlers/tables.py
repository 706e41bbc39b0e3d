"""Handlers of the tables: what there are, and one table's keys."""

from aiohttp import web

from streamproc.web.described import described
from streamproc.web.parameters import Key, Text, Whole
from streamproc.web.responses import json, page
from streamproc.web.site import Site
from streamproc.web.tables.answers import TableEntry, TablePage, Tables

PREFIX = Text("prefix")
AFTER = Key()
LIMIT = Whole("limit", 50, 1, 500)


class TableHandlers:
    """Show the Faust tables."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def list_page(self, request: web.Request) -> web.Response:
        """What tables there are."""
        found = await self._site.tables.all()
        return page(request, "tables.html", tables=found, me=self._site.cluster.me)

    async def page(self, request: web.Request) -> web.Response:
        """One table's keys, in order over all partitions."""
        name = request.match_info["name"]
        self._site.tables.find(name)
        prefix = PREFIX.read(request.query)
        after = AFTER.read(request.query)
        found, more = await self._site.tables.entries(
            name, prefix, after, LIMIT.default
        )
        return page(
            request,
            "table.html",
            table=await self._site.tables.describe(name),
            entries=found,
            more=more,
            prefix=prefix,
            after=after,
            me=self._site.cluster.me,
        )

    @described(Tables)
    async def list(self, request: web.Request) -> web.Response:
        """All tables with their partitions."""
        found = await self._site.tables.all()
        return json(Tables(found))

    @described(
        TablePage,
        PREFIX,
        AFTER,
        LIMIT,
    )
    async def one(self, request: web.Request) -> web.Response:
        """One table, and a page of its keys with their decoded values."""
        name = request.match_info["name"]
        about = await self._site.tables.describe(name)
        limit = LIMIT.read(request.query)
        prefix = PREFIX.read(request.query)
        found, more = await self._site.tables.entries(
            name, prefix, AFTER.read(request.query), limit
        )
        return json(
            TablePage(
                about.name,
                about.help,
                about.changelog,
                about.keys,
                about.partitions,
                [TableEntry(e.key, e.partition, e.size, e.value) for e in found],
                found[-1].cursor if more else None,
            )
        )
