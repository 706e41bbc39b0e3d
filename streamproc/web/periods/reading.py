"""Finding figures of periods: each owner of some of the stores is asked once."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import orjson

from streamproc.errors import InvalidInput, ReportFailedError
from streamproc.program import Program
from streamproc.report.period_rows import PeriodRows, join_period_rows
from streamproc.rules import months
from streamproc.rules.labels import Where
from streamproc.rules.period_edges import Kept, Span, span_of
from streamproc.rules.periods import Asked, Period, edge_us, ends_us
from streamproc.rules.units import DAY_US
from streamproc.rules.zones import DEFAULT_ZONE
from streamproc.web.as_of import AsOf, Instants
from streamproc.web.cache import Cache
from streamproc.web.cluster.peers import Cluster
from streamproc.web.periods.calls import (
    KEPT,
    PERIOD_ROWS,
    ZONES_IN_USE,
    span_args,
)
from streamproc.web.store.period import STORE_PERIOD, StorePeriod

KEPT_GOOD_S = 10.0
"""How long pages believe since when polls are kept."""


@dataclass(frozen=True, slots=True)
class FleetPeriod:
    """Rows of all stores; ``since_us``: see ``Span.since_us``."""

    span: Span
    since_us: int | None
    rows: PeriodRows


@dataclass(frozen=True, slots=True)
class Bounds:
    """A period, and where it begins and ends in UTC over all stores' zones."""

    period: Period
    begin_us: int
    end_us: int

    def until(self, as_of_us: int) -> tuple[int, int]:
        """Begin and end of what has come of it by then, one microsecond at least."""
        begin_us = min(self.begin_us, as_of_us - 1)
        return begin_us, max(min(self.end_us, as_of_us), begin_us + 1)


@dataclass(frozen=True, slots=True)
class _Since:
    """What is asked for: since when some partitions keep polls, unless earlier."""

    not_before_us: int
    without: tuple[int, ...]
    current: bool


class Periods:
    """Figures of periods, of one store or of all.

    ``current``: of all polls that were accepted before; else of those in the tables.
    ``at_leisure``: of all stores, which takes its time.
    """

    def __init__(self, program: Program, cluster: Cluster, instants: Instants) -> None:
        self._settings = program.settings
        self._cluster = cluster
        self._instants = instants
        self._known: Cache[_Since, Kept | None] = Cache(self._ask_kept, KEPT_GOOD_S)

    async def store(
        self,
        store_id: str,
        asked: Asked,
        by: str | None,
        zone: str | None,
        as_of: AsOf,
        without: Collection[int] = (),
        *,
        current: bool = False,
    ) -> tuple[int, StorePeriod | None]:
        """One store's figures, as of when; None when nothing is known of it.

        ``without``: partitions whose owner does not answer; the others tell since when
        polls are kept. Raises ReportFailedError when nothing of the period is kept.
        """
        as_of_us = await self._instants.resolve(as_of)
        not_before_us = asked.not_before_us(as_of_us)
        known = await self._since(not_before_us, without, current=current)
        found = await self._cluster.ask(
            STORE_PERIOD,
            self._cluster.home(store_id),
            store_id=store_id,
            current=current,
            period=asked.text,
            by=by,
            zone=zone,
            kept=orjson.dumps(known).decode(),
            as_of_us=as_of_us,
        )
        return as_of_us, found

    async def kept_since(
        self, some: Iterable[Asked], as_of_us: int, without: Collection[int] = ()
    ) -> Kept | None:
        """Since when polls are kept, as exactly as each of some periods needs it."""
        not_before_us = min(asked.not_before_us(as_of_us) for asked in some)
        return await self._since(not_before_us, without)

    async def fleet(
        self,
        asked: Asked,
        by: str | None,
        zone: str | None,
        where: Where | None,
        as_of: AsOf,
        without: Collection[int] = (),
        *,
        current: bool = False,
        at_leisure: bool = True,
    ) -> FleetPeriod:
        """Rows of all stores that are meant, by id and slice.

        ``without``: partitions that are left out, as their owner does not answer.
        Raises ReportFailedError when nothing of the period is kept.
        """
        as_of_us = await self._instants.resolve(as_of)
        whose, how = (where, as_of_us, without), (current, at_leisure)
        return await self._fleet(asked, by, zone, *whose, *how)

    async def business_us(self, asked: Asked, as_of_us: int) -> dict[str, int]:
        """Each store's business time of all of a period, as it is known in advance."""
        bounds = await self.bounds(asked, as_of_us)
        whole = await self._fleet(asked, None, None, None, bounds.end_us)
        left = (whole.rows.of("open") - whole.rows.of("excluded")).tolist()
        stores = [whole.rows.stores[at] for at in whole.rows.of("store").tolist()]
        return {one.store_id: us for one, us in zip(stores, left, strict=True)}

    async def _fleet(
        self,
        asked: Asked,
        by: str | None,
        zone: str | None,
        where: Where | None,
        as_of_us: int,
        without: Collection[int] = (),
        current: bool = False,
        at_leisure: bool = True,
    ) -> FleetPeriod:
        not_before_us = asked.not_before_us(as_of_us)
        known = await self._since(not_before_us, without, current=current)
        starts_s = self._settings.day_starts_s
        zones = [zone] if zone else await self._zones(without)
        try:
            span = span_of(asked, by, zone, known, as_of_us, zones, starts_s)
        except InvalidInput as exc:
            raise ReportFailedError(str(exc)) from exc
        text = None if where is None else where.text
        parts = await self._cluster.ask_some(
            PERIOD_ROWS,
            self._all_but(without),
            current=current,
            at_leisure=at_leisure,
            where=text,
            **span_args(span),
        )
        pieces = [rows for part in parts for rows in part]
        rows = await asyncio.to_thread(join_period_rows, pieces)
        return FleetPeriod(span, span.since_us(zones), rows)

    async def bounds(self, asked: Asked, as_of_us: int) -> Bounds:
        """From the first store's begin of a period to the last one's end of it."""
        zones = await self._zones() or [DEFAULT_ZONE]
        starts_s = self._settings.day_starts_s
        period = asked.resolve(as_of_us, zones, starts_s)
        begin_us = min(edge_us(zone, period.first_day, starts_s) for zone in zones)
        return Bounds(period, begin_us, ends_us(period, zones, starts_s))

    def _all_but(self, without: Collection[int]) -> list[int]:
        return [p for p in range(self._settings.partitions) if p not in without]

    async def _zones(self, without: Collection[int] = ()) -> list[str]:
        """The zones of all stores."""
        parts = await self._cluster.ask_some(ZONES_IN_USE, self._all_but(without))
        return sorted({zone for part in parts for zone in part})

    async def _since(
        self,
        not_before_us: int,
        without: Collection[int] = (),
        *,
        current: bool = False,
    ) -> Kept | None:
        """Since when polls are kept, exactly unless that lies before an instant."""
        # Pages that ask of one month share an answer.
        first = months.first_day_of(months.month_of(max(not_before_us, 0) // DAY_US))
        asked = _Since(first * DAY_US, tuple(without), current)
        return await (self._ask_kept(asked) if current else self._known.get(asked))

    async def _ask_kept(self, asked: _Since) -> Kept | None:
        partitions = self._all_but(asked.without)
        parts = await self._cluster.ask_some(
            KEPT,
            partitions,
            current=asked.current,
            not_before_us=asked.not_before_us,
        )
        known: Kept | None = None
        for part in parts:
            if part is not None:
                known = part if known is None else known.joined(part)
        return known
