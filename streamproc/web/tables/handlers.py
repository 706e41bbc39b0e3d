"""Handlers of the tables: what there are, and one table's keys."""

import asyncio

from aiohttp import web

from streamproc.web import requests
from streamproc.web.responses import json, page
from streamproc.web.site import Site
from streamproc.web.tables import entries

KEYS_PER_PAGE = 50


class TableHandlers:
    """Show the Faust tables."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def list_page(self, request: web.Request) -> web.Response:
        """What tables there are."""
        names = entries.names(self._site)
        found = await asyncio.gather(
            *(entries.describe(self._site, name) for name in names)
        )
        return page(request, "tables.html", tables=found, me=self._site.cluster.me)

    async def page(self, request: web.Request) -> web.Response:
        """One table's keys, in order over all partitions."""
        name = request.match_info["name"]
        entries.find(self._site, name)
        prefix = requests.search(request.query, "prefix")
        after = requests.cursor(request.query)
        found, more = await entries.entries(
            self._site, name, prefix, after, KEYS_PER_PAGE
        )
        return page(
            request,
            "table.html",
            table=await entries.describe(self._site, name),
            entries=found,
            more=more,
            prefix=prefix,
            after=after,
            me=self._site.cluster.me,
        )

    async def list(self, request: web.Request) -> web.Response:
        """All tables with their partitions."""
        names = entries.names(self._site)
        found = [await entries.describe(self._site, name) for name in names]
        return json({"tables": found})

    async def one(self, request: web.Request) -> web.Response:
        """One table, and a page of its keys with their decoded values."""
        name = request.match_info["name"]
        about = await entries.describe(self._site, name)
        limit = requests.integer(request.query, "limit", 50, 1, 500)
        prefix = requests.search(request.query, "prefix")
        found, more = await entries.entries(
            self._site, name, prefix, requests.cursor(request.query), limit
        )
        items = [
            {"key": e.key, "partition": e.partition, "size": e.size, "value": e.value}
            for e in found
        ]
        following = found[-1].cursor if more else None
        return json({**about, "entries": items, "next": following})
