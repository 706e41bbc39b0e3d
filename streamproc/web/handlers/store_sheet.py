"""Handler of one store's period as a page to hand on: one sheet of A4."""

import asyncio
from typing import Any

from aiohttp import web

from streamproc.errors import ReportFailedError
from streamproc.rules.periods import parse_period
from streamproc.rules.targets import ErrorBudget
from streamproc.web.bars import Bar
from streamproc.web.fleet.performance import MOST_BARS
from streamproc.web.handlers.store_page import StorePageHandlers
from streamproc.web.incidents.asking import Found, incidents_of
from streamproc.web.incidents.seen import row_of
from streamproc.web.incidents.summary import summary
from streamproc.web.parameters import AS_OF
from streamproc.web.periods.choice import asked_period
from streamproc.web.refusal import Refusal
from streamproc.web.reports.sheet import MOST, title_of
from streamproc.web.responses import html
from streamproc.web.store.months import bars_within, figures_by_day
from streamproc.web.store.view import StoreView
from streamproc.web.templating import text

DEFAULT_PERIOD = "last-month"


class StoreSheet(StorePageHandlers):
    """Show a store's period on one page of paper, as the store's page tells it."""

    async def page(self, request: web.Request) -> web.Response:
        """A sentence, eight figures, days, months, the longest incidents, hours."""
        query = request.query
        as_of, asked = AS_OF.read(query), asked_period(query, DEFAULT_PERIOD)
        view = await self._site.stores.known(request.match_info["store_id"], as_of)
        context = await self._context(view, asked, as_of, 1)
        figures = context["figures"]
        if figures is None:
            raise Refusal(422, "no-figures", f"{context['why']}.")
        context |= await self._on_paper(view, context)
        return html(
            await asyncio.to_thread(text, request, "store_sheet.html", **context)
        )

    async def _on_paper(
        self, view: StoreView, context: dict[str, Any]
    ) -> dict[str, Any]:
        """What the store's page has not."""
        period, figures, target = (
            context[name] for name in ("period", "figures", "target")
        )
        incidents = await self._incidents(view, context)
        about = await self._site.stores.about([view.store_id])
        longest = incidents.ordered(0, by_start=False)[:MOST]
        up_us, down_us, *_ = figures.amounts
        seen_us = up_us + down_us
        return {
            "title": title_of(period),
            "bars_of_days": await self._bars(view, context),
            "longest": [row_of(one, about[one.store_id]) for one in longest],
            "told": summary(incidents.found, up_us, lambda _: 0),
            "allowed_us": None
            if target is None
            else ErrorBudget(target, seen_us, seen_us, down_us).budget_us,
            "bridge_us": view.bridge_us,
        }

    async def _bars(self, view: StoreView, context: dict[str, Any]) -> list[Bar]:
        """The period's days as bars, each whole; none where they are not kept."""
        asked = parse_period(context["period"].period.name)
        try:
            _, found = await self._site.periods.store(
                view.store_id, asked, "day", None, view.as_of_us
            )
        except ReportFailedError:
            return []
        assert found is not None  # the store is known
        days = bars_within(found.period, figures_by_day(found))
        return list(days)[-MOST_BARS:]

    async def _incidents(self, view: StoreView, context: dict[str, Any]) -> Found:
        period = context["period"].period
        # By its name: last month may be another one for all stores together.
        asked = parse_period(period.name)
        bounds = await self._site.periods.bounds(asked, view.as_of_us)
        span = view.as_of_us, *bounds.until(view.as_of_us)
        return await incidents_of(self._site, *span, view.store_id, (), period)
