"""Handler of a period's report as a page to hand on: one sheet of A4."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from aiohttp import web
from multidict import MultiMapping

from streamproc.cells import Ints
from streamproc.rules.labels import Where
from streamproc.rules.periods import parse_period
from streamproc.rules.targets import allowed_us
from streamproc.web.as_of import AsOf, as_of_text
from streamproc.web.fleet.standing import Standing
from streamproc.web.handlers.periods import asked_for
from streamproc.web.handlers.stores import period_of, summary
from streamproc.web.incidents.asking import Found, incidents_in
from streamproc.web.incidents.seen import row_of
from streamproc.web.incidents.summary import summary as incident_summary
from streamproc.web.parameters import AS_OF, Choice, wheres_of
from streamproc.web.periods.choice import Chosen, day_text
from streamproc.web.periods.reasons import reason_sentence
from streamproc.web.refusal import Refusal
from streamproc.web.reports import sheet
from streamproc.web.reports.sheet import Before
from streamproc.web.responses import html
from streamproc.web.site import Site
from streamproc.web.standings import standing_of
from streamproc.web.templating import text

STORES = Choice("stores", ("all",), help="the whole table, on further pages")


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

    async def _context(self, period: str, query: MultiMapping[str]) -> dict[str, Any]:
        asked_for(period)
        wheres, as_of = wheres_of(query.getall("where", [])), AS_OF.read(query)
        standing, why = await standing_of(self._site, period, as_of)
        if standing.figures is None:
            raise Refusal(
                422, "no-figures", reason_sentence(why or "No store is known yet")
            )
        rows = _rows(standing, wheres)
        chosen = period_of(standing, period, "")
        settings = self._site.program.settings
        return {
            "period": chosen,
            "title": sheet.title_of(chosen),
            "wheres": wheres,
            "as_of": as_of_text(as_of),
            "before": await self._before(chosen, as_of, wheres),
            "changed": sheet.changed,
            "day_text": day_text,
            "rejected": self._site.watch.seen.rejected,
            "now_us": self._site.program.now_us(),
            "rules": settings.rules,
            "bridge_us": settings.bridge_us,
            **await asyncio.to_thread(
                _of_stores, standing, rows, STORES.read(query) == "all"
            ),
            **await self._of_incidents(standing, wheres),
        }

    async def _of_incidents(
        self, standing: Standing, wheres: Sequence[Where]
    ) -> dict[str, Any]:
        """The longest incidents, and what all of them come to."""
        found = await self._incidents(standing, wheres)
        longest = found.ordered(0, by_start=False)[: sheet.MOST]
        about = await self._site.stores.about(one.store_id for one in longest)
        return {
            "longest": [row_of(one, about[one.store_id]) for one in longest],
            "told": incident_summary(found.found, found.up_us, lambda _: 0),
        }

    async def _before(
        self, period: Chosen, as_of: AsOf, wheres: Sequence[Where]
    ) -> Before | None:
        """The period before; None where nothing of it is known, or not all of it."""
        earlier = period.stepped(-1)
        if earlier is None:
            return None
        standing, _ = await standing_of(self._site, earlier.text, as_of)
        figures = standing.figures
        if figures is None or figures.since_us is not None:
            return None
        return Before(sheet.title_of(earlier), standing, _rows(standing, wheres))

    async def _incidents(self, standing: Standing, wheres: Sequence[Where]) -> Found:
        figures = standing.figures
        assert figures is not None  # the page has looked
        asked = parse_period(figures.period.name)
        at_us = figures.as_of_us
        return (await incidents_in(self._site, asked, at_us, "", wheres)).found


def _of_stores(standing: Standing, rows: Ints, everything: bool) -> dict[str, Any]:
    """Figures of the stores that are meant; ``everything``: a row of each, too."""
    worst, target = sheet.worst(standing, rows), standing.fleet_target
    pooled = standing.pooled(rows)
    listed = sheet.by_down(standing, rows)[: sheet.MOST_ROWS] if everything else []
    return {
        "standing": standing,
        "figures": standing.figures,
        "names": standing.names,
        "rows": rows,
        "summary": summary(standing, rows),
        "met": standing.met_by(rows),
        "target": target,
        "allowed_us": None
        if target is None
        else allowed_us(target, int(pooled.open - pooled.excluded)),
        "groups": sheet.groups(standing, rows),
        "worst": worst,
        "worst_share": sheet.share_of(standing, worst, rows),
        "everything": everything,
        "listed": listed,
        "quality": sheet.quality(standing, rows),
    }


def _rows(standing: Standing, wheres: Sequence[Where]) -> Ints:
    """The stores that are meant, and were open."""
    meant = standing.labelled(list(wheres), "") & (standing.whole.open > 0)
    found: Ints = np.flatnonzero(meant)
    return found
