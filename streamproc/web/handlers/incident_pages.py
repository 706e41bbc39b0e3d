"""Handler of the page Incidents: what was down, how long, where, and how often."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from streamproc.report.record import time_text
from streamproc.rules.timeline import local_time
from streamproc.rules.units import MINUTE_US
from streamproc.web import requests
from streamproc.web.handlers.incidents import ONGOING, SORT, STORE
from streamproc.web.incidents.asking import Found, incidents_of
from streamproc.web.incidents.summary import curve, summary
from streamproc.web.parameters import AS_OF, PAGE, WHERE, Query, Whole
from streamproc.web.periods.choice import asked_period, chosen_of
from streamproc.web.responses import html
from streamproc.web.site import Site
from streamproc.web.store.about import About
from streamproc.web.templating import text
from tables.outages import Outage

PER_PAGE = 50
DEFAULT = "this-week"
MINUTES = Whole("min_minutes", 0, 0, 99_999)


@dataclass(frozen=True, slots=True)
class Row:
    """An incident as the page shows it; times are the store's own."""

    outage: Outage
    about: About
    start: datetime
    after: datetime | None
    end: datetime | None


class IncidentPages:
    """Show the incidents of the fleet."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def page(self, request: web.Request) -> web.Response:
        """A sentence, the figures, the curve, and the list: going on first."""
        context = await self._context(request.query)
        return html(await asyncio.to_thread(text, request, "incidents.html", **context))

    async def _context(self, query: Query) -> dict[str, Any]:
        as_of_us = await self._site.instants.resolve(AS_OF.read(query))
        wanted = asked_period(query, DEFAULT)
        bounds = await self._site.periods.bounds(wanted, as_of_us)
        period = chosen_of(wanted.text, bounds.period, None, as_of_us, DEFAULT)
        begin_us = min(bounds.begin_us, as_of_us - 1)
        end_us = max(min(bounds.end_us, as_of_us), begin_us + 1)
        store_id = STORE.read(query)
        where = query.get(WHERE.name) if WHERE.read(query) else None
        span = as_of_us, begin_us, end_us
        asked = await incidents_of(self._site, *span, store_id, where)
        some = asked.only(ONGOING.read(query))
        min_down_us = MINUTES.read(query) * MINUTE_US
        listed = some.ordered(min_down_us, SORT.read(query) == "start")
        # What goes on comes first, the longest above: it is what somebody has to do.
        listed.sort(key=lambda one: 0 if one.end_us else -one.down_us)
        number = PAGE.read(query)
        shown = listed[(number - 1) * PER_PAGE : number * PER_PAGE]
        return {
            "asked": asked,
            "bounds": bounds,
            "since_us": asked.since_us if begin_us < asked.since_us else None,
            "period": period,
            "kept": {"as_of": query.get("as_of"), "period": period.in_url},
            "figures": summary(asked.found, asked.up_us, asked.begin_us),
            "curve": curve(asked.found, asked.begin_us, asked.end_us),
            "rows": await self._rows(shown),
            "longest": await self._longest(asked),
            "total": len(listed),
            "hidden": len(some.found) - len(listed),
            "page": number,
            "pages": requests.pages(len(listed), PER_PAGE),
            "params": _params(query, period.in_url),
            "values": (await self._site.names.all()).values,
            "csv": {
                "from": time_text(asked.begin_us),
                "to": time_text(asked.end_us),
                "store": store_id,
                "where": where,
                "ongoing": ONGOING.read(query),
                "min_down": min_down_us // 1_000_000 or "",
                "format": "csv",
            },
            "rules": self._site.program.settings.rules,
            "bridge_us": self._site.program.settings.bridge_us,
        }

    async def _rows(self, shown: list[Outage]) -> list[Row]:
        about = await self._site.stores.about(one.store_id for one in shown)
        return [row_of(one, about[one.store_id]) for one in shown]

    async def _longest(self, asked: Found) -> Row | None:
        longest = max(asked.found, key=lambda one: one.down_us, default=None)
        return None if longest is None else (await self._rows([longest]))[0]


def row_of(one: Outage, about: About) -> Row:
    """An incident with its times on the store's clock."""

    def local(time_us: int | None) -> datetime | None:
        return None if time_us is None else local_time(about.zone, time_us)

    start = local_time(about.zone, one.start_us)
    return Row(one, about, start, local(one.after_us), local(one.end_us))


def _params(query: Query, period: str) -> dict[str, str]:
    """What the address says; the page's number is left out."""
    names = ("store", "where", "ongoing", "min_minutes", "sort", "as_of")
    found = {name: query[name] for name in names if query.get(name)}
    return {**found, **({"period": period} if period else {})}
