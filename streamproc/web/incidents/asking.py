"""Incidents of a span of time, asked of all workers or of one store's."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from streamproc.rules.labels import Where
from streamproc.rules.periods import Asked, Period
from streamproc.web import requests
from streamproc.web.incidents.calls import OUTAGES, OUTAGES_OF_ONE
from streamproc.web.periods.reading import Bounds
from streamproc.web.site import Site
from tables.outage import Outage, Outages


@dataclass(frozen=True, slots=True)
class Found:
    """Incidents that overlap ``[begin_us, end_us)``; ``up_us``: of their stores.

    ``since_us``: no poll before is kept; 0 while all are at hand.
    """

    as_of_us: int
    begin_us: int
    end_us: int
    found: list[Outage]
    up_us: int
    since_us: int = 0

    def only(self, ongoing: str) -> "Found":
        """Those that go on (``true``), that have ended (``false``), or all."""
        wanted = {"true": (True,), "false": (False,)}.get(ongoing, (True, False))
        found = [one for one in self.found if (one.end_us is None) in wanted]
        return replace(self, found=found)

    def ordered(self, min_down_us: int, by_start: bool) -> list[Outage]:
        """Those of a length at least, the newest or the longest first."""
        found = [one for one in self.found if one.down_us >= min_down_us]
        return ordered(found, by_start)


def ordered(found: Iterable[Outage], by_start: bool) -> list[Outage]:
    """Incidents, the newest or the longest first."""
    by_store = sorted(found, key=lambda one: one.store_id)
    return sorted(
        by_store,
        key=lambda one: one.start_us if by_start else one.down_us,
        reverse=True,
    )


async def incidents_of(
    site: Site,
    as_of_us: int,
    begin_us: int,
    end_us: int,
    store_id: str = "",
    wheres: Sequence[Where] = (),
    period: Period | None = None,
    *,
    current: bool = False,
    at_leisure: bool = True,
) -> Found:
    """All of them, whole, by partition.

    ``store_id``: only that store's. ``wheres``: only of stores for which all hold.
    ``period``: of its dates in each store's own zone, within the span.
    ``current``: of all polls that were accepted before. ``at_leisure``: those of all
    stores take their time.
    """
    settings = site.program.settings
    dates = period and (period.first_day, period.end_day, settings.day_starts_s)
    asked = {
        "dates": dates,
        "as_of_us": as_of_us,
        "begin_us": begin_us,
        "end_us": end_us,
        "wheres": [where.text for where in wheres],
        "store_id": store_id or None,
        "current": current,
    }
    if store_id:
        home = site.cluster.home(requests.store_id(store_id))
        parts = [await site.cluster.ask(OUTAGES_OF_ONE, home, **asked)]
    else:
        parts = await site.cluster.ask_all(
            OUTAGES, settings.partitions, at_leisure=at_leisure, **asked
        )
    return _joined(parts, as_of_us, begin_us, end_us)


def _joined(
    parts: Sequence[Outages], as_of_us: int, begin_us: int, end_us: int
) -> Found:
    return Found(
        as_of_us,
        begin_us,
        end_us,
        [outage for part in parts for outage in part.found],
        sum(part.up_us for part in parts),
        max(part.since_us for part in parts),
    )


@dataclass(frozen=True, slots=True)
class InPeriod:
    """The incidents of a period, and where it begins and ends.

    ``first_us``: the first poll that is kept of any store; None: there is none.
    """

    bounds: Bounds
    found: Found
    first_us: int | None

    @property
    def since_us(self) -> int | None:
        """Since when incidents are known, where the period begins before; else None."""
        since_us = max(self.found.since_us, self.first_us or 0)
        return since_us if self.found.begin_us < since_us else None

    @property
    def is_known(self) -> bool:
        """Whether a poll that is kept lies before the end of the period."""
        return self.first_us is not None and self.first_us < self.found.end_us


async def incidents_in(
    site: Site,
    asked: Asked,
    as_of_us: int,
    store_id: str = "",
    wheres: Sequence[Where] = (),
) -> InPeriod:
    """Those of a period as of an instant, of its dates in each store's own zone."""
    bounds = await site.periods.bounds(asked, as_of_us)
    span = as_of_us, *bounds.until(as_of_us)
    found, kept = await asyncio.gather(
        incidents_of(site, *span, store_id, wheres, bounds.period),
        site.periods.kept_since([asked], as_of_us),
    )
    return InPeriod(bounds, found, None if kept is None else kept.first_us)
