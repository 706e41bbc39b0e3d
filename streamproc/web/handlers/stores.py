"""The page of all stores: a period, groups, filters, a row a store."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from aiohttp import web

from streamproc.cells import Ints
from streamproc.report.messages import NOW
from streamproc.rules.days import date_of, over_everywhere_us
from streamproc.web import requests, words
from streamproc.web.as_of import as_of_text
from streamproc.web.fleet import ranking
from streamproc.web.fleet.groups import groups_of
from streamproc.web.fleet.many_days import many_days
from streamproc.web.fleet.performance import MOST_BARS, Performance, slice_text
from streamproc.web.fleet.ranking import Asked
from streamproc.web.fleet.standing import Standing
from streamproc.web.handlers.fleet import is_known
from streamproc.web.periods.choice import Chosen, chosen_of
from streamproc.web.responses import html, see_other
from streamproc.web.sheets import Sheet, dated
from streamproc.web.site import Site
from streamproc.web.standings import standing_of
from streamproc.web.store.view import DayRow
from streamproc.web.templating import store_url, text, url, with_period

OPEN = "open"
"""Asked by the page's own search: a single hit opens its store."""


class StoresHandlers:
    """Show all stores, with their figures of a period."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def page(self, request: web.Request) -> web.StreamResponse:
        """All stores: of a period, searched, filtered, grouped, sorted, paged."""
        self._site.cluster.require_ready()
        asked = ranking.asked_of(request.query)
        if "from" in request.query or "to" in request.query:
            return see_other(url("/stores", **asked.params(page="")))
        if OPEN in request.query:
            return see_other(await self._opened(asked))

        async def make(live_url: str) -> bytes:
            standing, why = await standing_of(
                self._site, asked.period, asked.as_of, whole=False
            )
            context = await self._context(standing, asked)
            context["why"] = why
            return await asyncio.to_thread(
                text, request, "stores.html", live_url=live_url, **context
            )

        return html(await self._site.pages.get(request, asked, make))

    async def _opened(self, asked: Asked) -> str:
        """Where what was looked for is: at the only store that matches, or listed."""
        standing, _ = await standing_of(self._site, asked.period, asked.as_of)
        rows = await asyncio.to_thread(ranking.chosen, standing, asked)
        kept = {name: asked.params()[name] for name in ("as_of", "period")}
        if asked.q and len(rows) == 1:
            return store_url(standing.everyone.stores.store_ids[int(rows[0])], **kept)
        if not len(rows) and await is_known(self._site, asked.q):
            return store_url(asked.q, **kept)
        return url("/stores", **asked.params(page=""))

    async def csv(self, request: web.Request) -> web.StreamResponse:
        """All stores that match, in the order of the page, as CSV."""
        return (await self._sheet(request)).export("csv")

    async def xlsx(self, request: web.Request) -> web.StreamResponse:
        """All stores that match, in the order of the page, as a workbook."""
        return (await self._sheet(request)).export("xlsx")

    async def _sheet(self, request: web.Request) -> Sheet:
        asked = ranking.asked_of(request.query)
        standing, _ = await standing_of(self._site, asked.period, asked.as_of)
        rows = await asyncio.to_thread(ranking.chosen, standing, asked)
        period = period_of(standing, asked.period, ranking.DEFAULT_PERIOD)
        as_of_us = standing.everyone.as_of_us
        said = [
            ("Stores", words.number(len(rows))),
            ("Period", f"{period.dates}, each store's own days"),
            *(("Stores with", text) for text in asked.where),
            *((label, text) for label, text in asked.filters if text),
        ]
        name = dated("-".join(("stores", *asked.wheres.values())), period.period)
        return Sheet(name, lambda: standing.csv(rows), as_of_us, self._site.rules, said)

    async def _context(self, standing: Standing, asked: Asked) -> dict[str, Any]:
        rows = await asyncio.to_thread(ranking.chosen, standing, asked)
        first = (asked.page - 1) * asked.per_page
        shown = rows[first : first + asked.per_page]
        everyone, figures, names = standing.everyone, standing.figures, standing.names
        period = period_of(standing, asked.period, ranking.DEFAULT_PERIOD)
        return {
            "asked": asked,
            "suspects": await self._site.suspicions.shown(asked.as_of, asked.wheres),
            "as_of": as_of_text(asked.as_of),
            "as_of_us": everyone.as_of_us,
            "is_now": asked.as_of == NOW,
            "now_us": self._site.program.now_us(),
            "counts": everyone.counts,
            "standing": standing,
            "figures": figures,
            "names": names,
            "period": period,
            **await self._groups(standing, rows, asked),
            "columns": day_columns(figures, asked) if figures and asked.view else [],
            "shown": shown.tolist(),
            "strips": await strips_of(self._site, standing, shown.tolist(), period),
            "rows": rows,
            "target": standing.fleet_target,
            "summary": summary(standing, rows),
            "total": len(rows),
            "pages": requests.pages(len(rows), asked.per_page),
            "rules": self._site.program.settings.rules,
            "bridge_us": self._site.program.settings.bridge_us,
            "kept": {"as_of": as_of_text(asked.as_of), "period": period.in_url},
        }

    async def _groups(
        self, standing: Standing, rows: Ints, asked: Asked
    ) -> dict[str, Any]:
        """The stores by the values of a label: the one asked for, else the first."""
        labels = list(standing.names.values)
        group = asked.group or (labels[0] if labels else ranking.NO_GROUPS)
        groups = []
        if standing.figures is not None and group in labels:
            groups = await asyncio.to_thread(groups_of, standing, rows, group)
        return {
            "labels": labels,
            "group": group,
            "groups": groups,
            **self._group_days(standing, rows, asked, group),
        }

    def _group_days(
        self, standing: Standing, rows: Ints, asked: Asked, group: str
    ) -> dict[str, Any]:
        """The last days and months of a group, where its label is the filter."""
        many = None
        if group in asked.wheres:
            many = many_days(self._site.performances, standing, rows, asked.as_of)
        if many is None:
            return {"group_days": [], "months": []}
        goal = with_period(url("/stores", **asked.params(period="", page="")))
        return {
            "group_days": many.standing.pooled_bars(rows, goal),
            "months": many.months,
        }


async def strips_of(
    site: Site, standing: Standing, rows: Sequence[int], period: Chosen
) -> dict[str, DayRow | None]:
    """Some stores' spans of a period of one day, by id; nothing of longer ones."""
    if not period.is_day or standing.figures is None:
        return {}
    everyone = standing.everyone
    ids = [everyone.stores.store_ids[row] for row in rows]
    ids = [each for each in ids if each not in everyone.stale]
    end_us = min(over_everywhere_us(period.period.end_day - 1), everyone.as_of_us)
    views = await site.stores.views(ids, end_us)
    return {view.store_id: view.on_day(period.period.first_day) for view in views}


def day_columns(figures: Performance, asked: Asked) -> list[tuple[str, str]]:
    """Days or months as the heads of columns: what each is called, where it leads."""
    last = figures.days[-MOST_BARS:]
    return [
        (
            f"{date_of(part.first_day).day} {date_of(part.first_day):%b}"
            if part.end_day - part.first_day == 1
            else slice_text(part),
            url("/stores", **asked.params(period=part.name, page="")),
        )
        for part in last
    ]


def period_of(standing: Standing, text: str, default: str) -> Chosen:
    """The period that a page shows, as far as it is known."""
    figures, as_of_us = standing.figures, standing.everyone.as_of_us
    if figures is None:
        return chosen_of(text, None, None, as_of_us, default)
    return chosen_of(text, figures.period, figures.newest_day, as_of_us, default)


def summary(standing: Standing, rows: Ints) -> dict[str, Any]:
    """What some stores are together: pooled, the mean, the worst."""
    pooled = standing.pooled(rows)
    observed = standing.percents[rows]
    observed = observed[~np.isnan(observed)]
    return {
        "pooled": pooled,
        "mean": float(observed.mean()) if len(observed) else None,
        "worst": standing.worst(rows),
        "incidents": int(standing.incidents[rows].sum()),
    }
