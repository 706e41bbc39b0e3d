"""Handler of a period's report as a page to hand on: one sheet of A4."""

import asyncio
from dataclasses import dataclass
from typing import Any

import numpy as np
from aiohttp import web

from streamproc.cells import Ints
from streamproc.errors import InvalidInput
from streamproc.rules.labels import Where, parse_where
from streamproc.rules.percent import percent
from streamproc.web.fleet.groups import Group, groups_of
from streamproc.web.fleet.standing import Standing
from streamproc.web.handlers.periods import asked_for
from streamproc.web.handlers.stores import period_of, standing_of, summary
from streamproc.web.incidents.asking import Found, incidents_of
from streamproc.web.incidents.seen import row_of
from streamproc.web.incidents.summary import summary as incident_summary
from streamproc.web.parameters import AS_OF, Query, Text
from streamproc.web.refusal import Refusal, bad
from streamproc.web.responses import html
from streamproc.web.site import Site
from streamproc.web.templating import text

MOST = 10
"""Stores, and incidents, that are listed."""

MOST_GROUPS = 7
COVERED = 95.0
"""Percent of coverage below which a store is told among the data's quality."""

WHERE = Text("where", longest=400)


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the data is that the figures are made of; lengths in microseconds."""

    coverage: str | None
    unknown_us: int
    excluded_us: int
    thin: int
    unseen: int
    open_stores: int


class ReportPages:
    """Show a period on one page of paper."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def page(self, request: web.Request) -> web.Response:
        """A sentence, eight figures, days, groups, worst ten, longest ten, quality."""
        context = await self._context(request.match_info["period"], request.query)
        return html(
            await asyncio.to_thread(text, request, "report_page.html", **context)
        )

    async def _context(self, period: str, query: Query) -> dict[str, Any]:
        asked_for(period)
        where = where_of(WHERE.read(query))
        standing, why = await standing_of(self._site, period, AS_OF.read(query))
        if standing.figures is None:
            raise Refusal(422, "no-figures", f"{why or 'No store is known yet'}.")
        chosen = standing.labelled([] if where is None else [where], "")
        rows = np.flatnonzero(chosen & (standing.whole.open > 0))
        incidents = await self._incidents(standing, where)
        about = await self._site.stores.about(
            one.store_id for one in incidents.ordered(0, False)[:MOST]
        )
        longest = [
            row_of(one, about[one.store_id])
            for one in incidents.ordered(0, False)[:MOST]
        ]
        return {
            "standing": standing,
            "figures": standing.figures,
            "names": standing.names,
            "period": period_of(standing, period, ""),
            "where": where,
            "rows": rows,
            "summary": summary(standing, rows),
            "met": _met(standing, rows),
            "groups": await asyncio.to_thread(_groups, standing, rows),
            "worst": _worst(standing, rows),
            "longest": longest,
            "told": incident_summary(incidents.found, incidents.up_us, 0),
            "quality": _quality(standing, rows),
            "rejected": self._site.watch.seen.rejected,
            "target": standing.fleet_target,
            "now_us": self._site.program.now_us(),
            "rules": self._site.program.settings.rules,
            "bridge_us": self._site.program.settings.bridge_us,
        }

    async def _incidents(self, standing: Standing, where: Where | None) -> Found:
        figures = standing.figures
        assert figures is not None  # the page has looked
        asked = asked_for(figures.period.name)
        bounds = await self._site.periods.bounds(asked, figures.as_of_us)
        begin_us = min(bounds.begin_us, figures.as_of_us - 1)
        end_us = max(min(bounds.end_us, figures.as_of_us), begin_us + 1)
        span = figures.as_of_us, begin_us, end_us
        return await incidents_of(self._site, *span, "", [where] if where else ())


def where_of(text: str) -> Where | None:
    """The condition that is asked for; raises a 400 Refusal."""
    try:
        return parse_where(text) if text else None
    except InvalidInput as exc:
        raise bad(exc.reason, f"{exc}.") from exc


def _met(standing: Standing, rows: Ints) -> tuple[int, int]:
    """How many of some stores met their target, of how many that have one."""
    judged = ~np.isnan(standing.targets[rows]) & ~np.isnan(standing.percents[rows])
    return int((judged & ~standing.misses[rows]).sum()), int(judged.sum())


def _groups(standing: Standing, rows: Ints) -> list[tuple[str, list[Group]]]:
    """The first two labels with their groups, worst first."""
    labels = list(standing.names.values)[:2]
    return [(each, groups_of(standing, rows, each)[:MOST_GROUPS]) for each in labels]


def _worst(standing: Standing, rows: Ints) -> list[int]:
    """Those with most down time; who had none is not among them."""
    down = standing.whole.down[rows]
    order = rows[np.argsort(-down, kind="stable")]
    return [row for row in order[:MOST].tolist() if standing.whole.down[row]]


def _quality(standing: Standing, rows: Ints) -> Quality:
    pooled, some = standing.pooled(rows), standing.whole.chosen(rows)
    seen = some.up + some.down
    counted = seen + some.unknown
    share = np.where(counted > 0, 100 * seen / np.maximum(counted, 1), 100.0)
    return Quality(
        percent(int(pooled.up + pooled.down), int(pooled.unknown), 1),
        int(pooled.unknown),
        int(pooled.excluded),
        int(((share < COVERED) & (seen > 0)).sum()),
        int(((seen == 0) & (counted > 0)).sum()),
        len(rows),
    )
