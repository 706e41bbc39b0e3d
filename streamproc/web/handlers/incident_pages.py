"""Handlers of the page Incidents: what was down, how long, where, and how often."""

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any

from aiohttp import web

from streamproc.report.messages import NOW
from streamproc.rules.periods import edge_us, parse_period
from streamproc.rules.units import MINUTE_US
from streamproc.web import requests
from streamproc.web.as_of import AsOf
from streamproc.web.cache import Cache
from streamproc.web.incidents.asked import (
    DEFAULT_PERIOD,
    SORT,
    AskedIncidents,
    asked_incidents,
)
from streamproc.web.incidents.asking import Found, InPeriod
from streamproc.web.incidents.picture import picture
from streamproc.web.incidents.places import chosen_labels, places
from streamproc.web.incidents.seen import Incidents, csv_rows, waits_to_open
from streamproc.web.incidents.summary import curve, summary
from streamproc.web.now.everyone import Everyone
from streamproc.web.periods.choice import chosen_of
from streamproc.web.periods.reading import Bounds
from streamproc.web.responses import html, see_other
from streamproc.web.sheets import Sheet, dated
from streamproc.web.site import Site
from streamproc.web.store.names import Directory
from streamproc.web.suspicion.spans import Span, Spans, spans_of
from streamproc.web.templating import text, url
from tables.outage import Outage

PER_PAGE = 25
BROKEN_FRESH_S = 30.0
MOST_LABELS, MOST_VALUES = 3, 50
"""Labels to choose by, and values of each."""


class IncidentPages:
    """Show the incidents of the fleet."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._incidents = Incidents(site)
        self._broken: Cache[tuple[AsOf, str], Spans] = Cache(
            self._spans, BROKEN_FRESH_S
        )

    async def page(self, request: web.Request) -> web.Response:
        """A sentence, the figures, the curve, where, and the list: going on first."""
        asked = asked_incidents(request.query)
        if "from" in request.query or "to" in request.query:
            return see_other(url("/incidents", **asked.params))

        async def make(live_url: str) -> bytes:
            context = await self._context(asked)
            return await asyncio.to_thread(
                text, request, "incidents.html", live_url=live_url, **context
            )

        return html(await self._site.pages.get(request, ("incidents", asked), make))

    async def csv(self, request: web.Request) -> web.StreamResponse:
        """The incidents of the page's list, all of them, as CSV."""
        return (await self._sheet(request)).export("csv")

    async def xlsx(self, request: web.Request) -> web.StreamResponse:
        """The incidents of the page's list, all of them, as a workbook."""
        return (await self._sheet(request)).export("xlsx")

    async def _sheet(self, request: web.Request) -> Sheet:
        """The page's list as a file."""
        asked = asked_incidents(request.query)
        seen, everyone = await self._seen(asked)
        shown = listed(seen.found.only(asked.ongoing), asked)
        names = await self._site.names.all()
        period, as_of_us = seen.bounds.period, seen.found.as_of_us
        dates = chosen_of(asked.period, period, None, as_of_us, "").dates
        return Sheet(
            dated("incidents", period),
            lambda: csv_rows(shown, names, everyone),
            as_of_us,
            self._site.rules,
            [
                ("Incidents", dates),
                *(("Stores with", where.text) for where in asked.wheres),
            ],
        )

    async def _seen(self, asked: AskedIncidents) -> tuple[InPeriod, Everyone]:
        key = asked.as_of, asked.period, asked.store, asked.wheres
        return await asyncio.gather(
            self._incidents.cache.get(key), self._site.everybody.cache.get(asked.as_of)
        )

    async def _context(self, asked: AskedIncidents) -> dict[str, Any]:
        seen, everyone = await self._seen(asked)
        found, names = seen.found, await self._site.names.all()
        period = chosen_of(
            asked.period, seen.bounds.period, None, found.as_of_us, DEFAULT_PERIOD
        )
        return {
            "asked": asked,
            "found": found,
            "since_us": seen.since_us,
            "is_known": seen.is_known,
            "period": period,
            "kept": {"as_of": asked.params["as_of"], "period": period.in_url},
            "as_of": asked.params["as_of"],
            "as_of_us": found.as_of_us,
            "is_now": asked.as_of == NOW,
            "places": places(
                found.found, names, *chosen_labels(names, asked.rows, asked.columns)
            ),
            "longest": await self._longest(found, everyone),
            "broken": self._broken_of(asked),
            "params": asked.params,
            "names": names,
            "offered": _offered(names),
            "rules": self._site.rules,
            "bridge_us": self._site.program.settings.bridge_us,
            **self._figures(seen, everyone),
            **await self._list(asked, found, everyone),
        }

    def _figures(self, seen: InPeriod, everyone: Everyone) -> dict[str, Any]:
        """What all incidents come to, and how many stores were down at once."""
        found, begins = seen.found, self._begins(seen.bounds, everyone)
        at_once = curve(found.found, found.begin_us, found.end_us)
        return {
            "figures": summary(found.found, found.up_us, begins),
            "waiting": sum(waits_to_open(one, everyone) for one in found.found),
            "curve": at_once,
            "picture": picture(at_once) if at_once.most else None,
        }

    async def _list(
        self, asked: AskedIncidents, found: Found, everyone: Everyone
    ) -> dict[str, Any]:
        """A page of those that are asked for."""
        some = found.only(asked.ongoing)
        shown = listed(some, asked)
        first = (asked.page - 1) * PER_PAGE
        rows = shown[first : first + PER_PAGE]
        return {
            "rows": await self._incidents.rows(rows, found, everyone),
            "total": len(shown),
            "hidden": len(some.found) - len(shown),
            "page": asked.page,
            "pages": requests.pages(len(shown), PER_PAGE),
        }

    def _broken_of(self, asked: AskedIncidents) -> list[Span] | None:
        """When what polls the stores may have been broken; None while it is looked."""
        if asked.store:
            return []  # of one store it cannot be told
        spans = self._broken.peek((asked.as_of, asked.period))
        return None if spans is None else spans.of(asked.wheres)

    async def _spans(self, key: tuple[AsOf, str]) -> Spans:
        as_of, period = key
        as_of_us = await self._site.instants.resolve(as_of)
        bounds = await self._site.periods.bounds(parse_period(period), as_of_us)
        return await spans_of(self._site, *bounds.until(as_of_us))

    def _begins(self, bounds: Bounds, everyone: Everyone) -> Callable[[str], int]:
        """Where the period begins of a store."""
        starts_s = self._site.program.settings.day_starts_s
        first_day = bounds.period.first_day
        by_zone = cache(lambda zone: edge_us(zone, first_day, starts_s))
        return lambda store_id: by_zone(everyone.zone_of(store_id))

    async def _longest(self, found: Found, everyone: Everyone) -> Any:
        longest = max(found.found, key=lambda one: one.down_us, default=None)
        if longest is None:
            return None
        return (await self._incidents.rows([longest], found, everyone))[0]


def _offered(names: Directory) -> list[tuple[str, list[str]]]:
    """Labels to choose stores by, with their values; not those of very many."""
    few = [item for item in names.values.items() if len(item[1]) <= MOST_VALUES]
    return few[:MOST_LABELS]


def listed(found: Found, asked: AskedIncidents) -> list[Outage]:
    """In the order of the page: what goes on comes first, the longest above.

    That is what somebody has to do; the others are in the order that is asked for.
    """
    by_start = asked.sort == SORT.default
    shown = found.ordered(asked.min_minutes * MINUTE_US, by_start)
    return sorted(shown, key=lambda one: 0 if one.end_us else -one.down_us)
