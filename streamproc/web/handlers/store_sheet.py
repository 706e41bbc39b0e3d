"""Handler of one store's period as a page to hand on: one sheet of A4."""

import asyncio
from typing import Any

from aiohttp import web

from streamproc.errors import ReportFailedError
from streamproc.rules.periods import Period, parse_period
from streamproc.rules.targets import allowed_us
from streamproc.web.bars import Bar
from streamproc.web.fleet.performance import MOST_BARS
from streamproc.web.incidents.asking import Found, incidents_in
from streamproc.web.incidents.seen import row_of
from streamproc.web.incidents.summary import summary
from streamproc.web.parameters import AS_OF
from streamproc.web.periods.choice import asked_period
from streamproc.web.periods.reasons import reason_sentence
from streamproc.web.refusal import Refusal
from streamproc.web.reports.sheet import MOST, title_of
from streamproc.web.responses import html
from streamproc.web.site import Site
from streamproc.web.store.months import Figures, bars_within, figures_by_day
from streamproc.web.store.page import StorePages
from streamproc.web.store.shown import StoreShown
from streamproc.web.store.view import StoreView
from streamproc.web.templating import text

DEFAULT_PERIOD = "last-month"


class StoreSheet:
    """Show a store's period on one page of paper, as the store's page tells it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._stores = StorePages(site)

    async def page(self, request: web.Request) -> web.Response:
        """A sentence, eight figures, days, months, the longest incidents, hours."""
        query = request.query
        as_of, asked = AS_OF.read(query), asked_period(query, DEFAULT_PERIOD)
        shown = await self._stores.shown(request.match_info["store_id"], asked, as_of)
        figures = await asyncio.to_thread(lambda: shown.figures)
        if figures is None:
            raise Refusal(422, "no-figures", reason_sentence(shown.whole.why))
        on_paper = await self._on_paper(shown, figures)
        return html(await asyncio.to_thread(_rendered, request, shown, on_paper))

    async def _on_paper(self, shown: StoreShown, figures: Figures) -> dict[str, Any]:
        """What the store's page has not."""
        view, target = shown.view, shown.target
        incidents = await self._incidents(view, shown.period.period)
        about = await self._site.stores.about([view.store_id])
        longest = incidents.ordered(0, by_start=False)[:MOST]
        up_us, _, _, excluded_us, open_us = figures.amounts
        return {
            "title": title_of(shown.period),
            "bars_of_days": await self._bars(view, shown.period.period),
            "longest": [row_of(one, about[one.store_id]) for one in longest],
            "told": summary(incidents.found, up_us, lambda _: 0),
            "allowed_us": None
            if target is None
            else allowed_us(target, open_us - excluded_us),
            "bridge_us": view.bridge_us,
        }

    async def _bars(self, view: StoreView, period: Period) -> list[Bar]:
        """The period's days as bars, each whole; none where they are not kept."""
        asked = parse_period(period.name)
        try:
            _, found = await self._site.periods.store(
                view.store_id, asked, "day", None, view.as_of_us
            )
        except ReportFailedError:
            return []
        assert found is not None  # the store is known
        days = bars_within(found.period, figures_by_day(found))
        return list(days)[-MOST_BARS:]

    async def _incidents(self, view: StoreView, period: Period) -> Found:
        """The period's incidents, whole."""
        # By its name: last month may be another one for all stores together.
        asked, at_us = parse_period(period.name), view.as_of_us
        return (await incidents_in(self._site, asked, at_us, view.store_id)).found


def _rendered(
    request: web.Request, shown: StoreShown, on_paper: dict[str, Any]
) -> bytes:
    context = shown.context(1) | on_paper
    return text(request, "store_sheet.html", **context)
