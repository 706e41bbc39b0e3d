"""The months of the page of reports, kept while somebody looks at it."""

import asyncio

from streamproc.errors import ReportFailedError
from streamproc.report.messages import NOW
from streamproc.rules.periods import parse_period
from streamproc.rules.units import DAY_US
from streamproc.web.cache import Cache
from streamproc.web.reports.monthly import MonthTable, month_table
from streamproc.web.site import Site
from streamproc.web.store.months import months_before

FRESH_S = 30.0
"""How long they are good for; of a large fleet they take seconds to be counted."""


class Months:
    """All stores month by month, as of now."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._cache: Cache[str, MonthTable | str] = Cache(self._make, FRESH_S)
        site.caches.append(self._cache)

    def peek(self) -> MonthTable | str | None:
        """The table; None while it is counted for the first time.

        A text says why there is none.
        """
        return self._cache.peek("")

    async def _make(self, _: str) -> MonthTable | str:
        site = self._site
        as_of_us = await site.instants.resolve(NOW)
        asked = parse_period(months_before(as_of_us // DAY_US))
        names = await site.names.all()
        try:
            found = await site.periods.fleet(asked, "month", None, None, as_of_us)
        except ReportFailedError as exc:
            return str(exc)
        target = site.program.settings.target
        return await asyncio.to_thread(month_table, found, names, target)
