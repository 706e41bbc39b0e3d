"""Finding figures of periods: each owner of some of the stores is asked once."""

import time
from collections.abc import Collection
from dataclasses import dataclass

import orjson

from streamproc.errors import InvalidInput, ReportFailedError
from streamproc.program import Program
from streamproc.report.period_rows import PeriodRows, join_period_rows
from streamproc.rules.labels import Where
from streamproc.rules.period_edges import Kept, Span, span_of
from streamproc.rules.periods import Asked, Period, edge_us, ends_us
from streamproc.rules.zones import DEFAULT_ZONE
from streamproc.transport.partitioner import partition_for
from streamproc.web.as_of import AsOf, Instants
from streamproc.web.cluster.peers import Cluster
from streamproc.web.periods.calls import (
    KEPT,
    PERIOD_ROWS,
    STORE_PERIOD,
    ZONES_IN_USE,
    StorePeriod,
    span_args,
)

KEPT_GOOD_S = 10.0
"""How long it is believed since when polls are kept."""


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


class Periods:
    """Figures of periods, of one store or of all."""

    def __init__(self, program: Program, cluster: Cluster, instants: Instants) -> None:
        self._settings = program.settings
        self._cluster = cluster
        self._instants = instants
        self._kept: tuple[float, int, Kept | None] | None = None

    async def store(
        self, store_id: str, asked: Asked, by: str | None, zone: str | None, as_of: AsOf
    ) -> tuple[int, StorePeriod | None]:
        """One store's figures, as of when; None when nothing is known of it.

        Raises ReportFailedError when nothing of the period is kept.
        """
        as_of_us = await self._instants.resolve(as_of)
        known = await self._since(asked.not_before_us(as_of_us))
        found = await self._cluster.ask(
            STORE_PERIOD,
            partition_for(store_id.encode(), self._settings.partitions),
            store_id=store_id,
            period=asked.text,
            by=by,
            zone=zone,
            kept=orjson.dumps(known).decode(),
            as_of_us=as_of_us,
        )
        return as_of_us, found

    async def fleet(
        self,
        asked: Asked,
        by: str | None,
        zone: str | None,
        where: Where | None,
        as_of: AsOf,
        without: Collection[int] = (),
    ) -> FleetPeriod:
        """Rows of all stores that are meant, by id and slice.

        ``without``: partitions that are left out, as their owner does not answer.
        Raises ReportFailedError when nothing of the period is kept.
        """
        as_of_us = await self._instants.resolve(as_of)
        return await self._fleet(asked, by, zone, where, as_of_us, without)

    async def business_us(self, asked: Asked, as_of_us: int) -> int:
        """Business time of all of a period, as it is known in advance."""
        bounds = await self.bounds(asked, as_of_us)
        whole = await self._fleet(asked, None, None, None, bounds.end_us)
        return int((whole.rows.of("open") - whole.rows.of("excluded")).sum())

    async def _fleet(
        self,
        asked: Asked,
        by: str | None,
        zone: str | None,
        where: Where | None,
        as_of_us: int,
        without: Collection[int] = (),
    ) -> FleetPeriod:
        known = await self._since(asked.not_before_us(as_of_us), without)
        starts_s = self._settings.day_starts_s
        zones = [zone] if zone else await self._zones(without)
        try:
            span = span_of(asked, by, zone, known, as_of_us, zones, starts_s)
        except InvalidInput as exc:
            raise ReportFailedError(str(exc)) from exc
        text = None if where is None else f"{where.label}={where.value}"
        parts = await self._cluster.ask_some(
            PERIOD_ROWS, self._all_but(without), where=text, **span_args(span)
        )
        rows = join_period_rows([rows for part in parts for rows in part])
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
        self, not_before_us: int, without: Collection[int] = ()
    ) -> Kept | None:
        """Since when polls are kept, exactly unless that lies before an instant."""
        now_s = time.monotonic()
        if self._kept is not None:
            at_s, bound_us, known = self._kept
            exact = known is None or known.first_us >= bound_us
            enough = exact or (known is not None and known.first_us < not_before_us)
            if now_s - at_s < KEPT_GOOD_S and enough and known is not None:
                return known
        known = await self._ask_kept(not_before_us, without)
        if not without:
            self._kept = now_s, not_before_us, known
        return known

    async def _ask_kept(
        self, not_before_us: int, without: Collection[int]
    ) -> Kept | None:
        parts = await self._cluster.ask_some(
            KEPT, self._all_but(without), not_before_us=not_before_us
        )
        known: Kept | None = None
        for part in parts:
            if part is not None:
                known = part if known is None else known.joined(part)
        return known
