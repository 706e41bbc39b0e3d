"""Handlers of periods: of one store, and of the fleet."""

import asyncio
from collections.abc import Hashable

import numpy as np
from aiohttp import web

from streamproc.cells import Ints
from streamproc.errors import InvalidInput
from streamproc.report.period_csv import period_table
from streamproc.report.period_groups import Groups, grouped, shares_of
from streamproc.report.period_rows import PeriodRows
from streamproc.report.record import time_text
from streamproc.rules.periods import BY, Asked, parse_period
from streamproc.rules.zones import zone_or_none
from streamproc.web import requests
from streamproc.web.described import described
from streamproc.web.files import CSV, XLSX
from streamproc.web.late import Late
from streamproc.web.parameters import (
    AS_OF,
    FORMAT,
    PAGE,
    WHERE,
    Choice,
    Query,
    Text,
    Whole,
    wanted_form,
)
from streamproc.web.periods.answers import (
    PeriodPage,
    StorePeriods,
    figures_of,
    groups_of,
    stores_of,
)
from streamproc.web.periods.reading import FleetPeriod
from streamproc.web.refusal import bad_input, unknown
from streamproc.web.responses import json
from streamproc.web.sheets import Sheet, dated
from streamproc.web.site import Site
from streamproc.web.store.period import StorePeriod

PERIOD = Text("period", "such as month:2026-10, last-week, 2026-10-01..2026-10-15")
SLICED_BY = Choice("by", BY, help="whole, when it is left out")
ZONE = Text("zone", "of whose dates it is; each store's own, when it is left out")
GROUP_BY = Text("group_by", "a label")
SORT = Choice(
    "sort", ("store", "uptime_percent", "down_s"), "store", "worst, or most down, first"
)
PER_PAGE = Whole("per_page", 50, 1, 500)

STORE_PARAMETERS = (AS_OF, PERIOD, SLICED_BY, ZONE, FORMAT)
FLEET_PARAMETERS = (
    *(AS_OF, SLICED_BY, ZONE, WHERE, GROUP_BY, SORT, PAGE, PER_PAGE, FORMAT),
)


class PeriodHandlers:
    """Tell of periods."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._late: Late[Hashable, FleetPeriod] = Late()

    @described(StorePeriods, *STORE_PARAMETERS, media=(CSV, XLSX))
    async def store(self, request: web.Request) -> web.StreamResponse:
        """One store's figures of a period, whole and by day, week or month."""
        query, form = request.query, wanted_form(request)
        store_id = requests.store_id(request.match_info["store_id"])
        asked = asked_for(PERIOD.read(query) or "this-month")
        by, as_of = SLICED_BY.read(query) or None, AS_OF.read(query)
        as_of_us, found = await self._site.periods.store(
            store_id, asked, by, zone_of(query), as_of, current=True
        )
        if found is None:
            raise unknown("store", store_id)
        if form != FORMAT.default:
            return self._of_store(store_id, found, as_of_us).export(form)
        [total] = figures_of(found.total, [found.period.name])
        return json(
            StorePeriods(
                store_id,
                found.total.stores[0].name,
                time_text(as_of_us),
                found.period.name,
                None if found.since_us is None else time_text(found.since_us),
                by,
                found.zone,
                total,
                figures_of(found.slices, found.names),
            )
        )

    def _of_store(self, store_id: str, found: StorePeriod, as_of_us: int) -> Sheet:
        """One store's slices of a period, a row each."""
        name = found.total.stores[0].name
        return Sheet(
            dated(name or store_id, found.period),
            lambda: period_table(found.slices, found.names),
            as_of_us,
            self._site.rules,
            [
                ("Store", f"{name} ({store_id})" if name else store_id),
                ("Period", f"{found.period.name}, dates of {found.zone}"),
            ],
        )

    @described(PeriodPage, *FLEET_PARAMETERS, media=(CSV, XLSX))
    async def fleet(self, request: web.Request) -> web.StreamResponse:
        """All stores' figures of a period, or those of the values of a label."""
        query = request.query
        form, asked = wanted_form(request), asked_for(request.match_info["period"])
        by, group_by = SLICED_BY.read(query) or None, GROUP_BY.read(query) or None
        where, sort = WHERE.read(query), SORT.read(query)
        number, per_page = PAGE.read(query), PER_PAGE.read(query)
        fleet = self._site.periods.fleet
        of = asked, by, zone_of(query), where, AS_OF.read(query)
        found = await self._late.get(of, lambda: fleet(*of, current=True))
        if form != FORMAT.default:
            span = found.span
            return Sheet(
                dated("uptime", span.period),
                lambda: period_table(found.rows, span.names, group_by),
                span.as_of_us,
                self._site.rules,
                [("Period", span.period.name)],
            ).export(form)
        first = (number - 1) * per_page
        part = slice(first, first + per_page)
        told = query.get("where") or None
        page = await asyncio.to_thread(_page, found, group_by, sort, part, told)
        return json(page)


def asked_for(text: str) -> Asked:
    """The period that is named; raises a 400 Refusal."""
    try:
        return parse_period(text)
    except InvalidInput as exc:
        raise bad_input(exc) from exc


def zone_of(query: Query) -> str | None:
    """The zone that is asked for; raises a 400 Refusal."""
    try:
        return zone_or_none(ZONE.read(query), ZONE.name)
    except InvalidInput as exc:
        raise bad_input(exc) from exc


def _page(
    found: FleetPeriod, group_by: str | None, sort: str, part: slice, where: str | None
) -> PeriodPage:
    rows, span = found.rows, found.span
    names, per_page = span.names, part.stop - part.start
    fleet = groups_of(grouped(rows, None), names)
    groups = None if group_by is None else grouped(rows, group_by)
    order = _order(rows if groups is None else groups, sort)
    total, chosen = len(order), order[part]
    return PeriodPage(
        time_text(span.as_of_us),
        span.period.name,
        None if found.since_us is None else time_text(found.since_us),
        span.by,
        span.zone,
        where,
        group_by,
        total,
        part.start // per_page + 1,
        per_page,
        requests.pages(total, per_page),
        fleet,
        [] if groups is not None else stores_of(rows.chosen(chosen), names),
        [] if groups is None else groups_of(groups.chosen(chosen), names),
    )


def _order(rows: PeriodRows | Groups, sort: str) -> Ints:
    """Positions of the rows as they are listed; who was not observed comes last."""
    up, down = rows.of("up"), rows.of("down")
    if sort == "store":
        return np.arange(len(up))
    if sort == "down_s":
        return np.argsort(-down, kind="stable")
    worst = np.where(up + down > 0, shares_of(up, down), np.iinfo(np.int64).max)
    return np.argsort(worst, kind="stable")
