"""The incidents that pages show: kept a moment, told with names and local times."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from streamproc.report.label_columns import label_columns
from streamproc.report.record import time_text
from streamproc.report.rows import safe_cell
from streamproc.rules import packing
from streamproc.rules.days import day_of_date, over_everywhere_us
from streamproc.rules.labels import Where
from streamproc.rules.now import CLOSED
from streamproc.rules.periods import parse_period
from streamproc.rules.timeline import local_time
from streamproc.web.as_of import AsOf
from streamproc.web.cache import Cache
from streamproc.web.incidents.answers import Incident, incident_of
from streamproc.web.incidents.asking import Found, InPeriod, incidents_in
from streamproc.web.now.everyone import Everyone
from streamproc.web.site import Site
from streamproc.web.store.about import About
from streamproc.web.store.names import Directory
from streamproc.web.store.view import DayRow
from tables.outage import Outage

FRESH_S = 2.0
LAST_OF_A_SECOND = timedelta(microseconds=999_999)

Key = tuple[AsOf, str, str, tuple[Where, ...]]
"""As of when, period, store, labels."""


@dataclass(frozen=True, slots=True)
class Row:
    """An incident as a page shows it; times are the store's own.

    ``waits``: it goes on, but its store is closed. ``last_us``: when it was last heard.
    ``times``: how many of the period's are the store's. ``day``: that local date.
    """

    outage: Outage
    about: About
    start: datetime
    after: datetime | None
    end: datetime | None
    waits: bool = False
    last_us: int | None = None
    times: int = 1
    day: DayRow | None = None

    @property
    def ends_in_form(self) -> tuple[str, str]:
        """Its ends as a form's fields have them, in whole seconds that hold it all."""
        end = "" if self.end is None else _field(self.end + LAST_OF_A_SECOND)
        return _field(self.start), end


def _field(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M}" + (f"{moment::%S}" if moment.second else "")


class Incidents:
    """Incidents of periods that are being looked at."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.cache: Cache[Key, InPeriod] = Cache(self._make, FRESH_S)
        site.caches.append(self.cache)

    async def _make(self, key: Key) -> InPeriod:
        as_of, period, store_id, wheres = key
        as_of_us = await self._site.instants.resolve(as_of)
        asked = parse_period(period)
        return await incidents_in(self._site, asked, as_of_us, store_id, wheres)

    async def rows(
        self, shown: Sequence[Outage], found: Found, everyone: Everyone
    ) -> list[Row]:
        """Some incidents of those that were found, each with its day."""
        about = await self._site.stores.about(one.store_id for one in shown)
        rows = [row_of(one, about[one.store_id]) for one in shown]
        days = await self._days(rows, found.as_of_us)
        times = Counter(one.store_id for one in found.found)
        return [
            _told(row, everyone, times[row.outage.store_id], day)
            for row, day in zip(rows, days, strict=True)
        ]

    async def _days(self, rows: Sequence[Row], as_of_us: int) -> list[DayRow | None]:
        """The local date on which each began; stores of a date are asked together."""
        by_date: defaultdict[int, list[str]] = defaultdict(list)
        for row in rows:
            by_date[day_of_date(row.start.date())].append(row.outage.store_id)
        found: dict[tuple[int, str], DayRow | None] = {}

        async def of_date(day: int, store_ids: list[str]) -> None:
            end_us = min(over_everywhere_us(day), as_of_us)
            for view in await self._site.stores.views(store_ids, end_us):
                found[day, view.store_id] = view.on_day(day)

        await asyncio.gather(
            *(of_date(day, sorted(set(ids))) for day, ids in by_date.items())
        )
        return [
            found.get((day_of_date(row.start.date()), row.outage.store_id))
            for row in rows
        ]


def row_of(one: Outage, about: About) -> Row:
    """An incident with its times on the store's clock."""

    def local(time_us: int | None) -> datetime | None:
        return None if time_us is None else local_time(about.zone, time_us)

    start = local_time(about.zone, one.start_us)
    return Row(one, about, start, local(one.after_us), local(one.end_us))


def _told(row: Row, everyone: Everyone, times: int, day: DayRow | None) -> Row:
    now = everyone.of(row.outage.store_id)
    last = None if now is None or now.last is None else packing.time_of(now.last)
    waits = waits_to_open(row.outage, everyone)
    return Row(
        row.outage, row.about, row.start, row.after, row.end, waits, last, times, day
    )


def waits_to_open(one: Outage, everyone: Everyone) -> bool:
    """Whether it goes on while its store is closed: nobody can see its end now."""
    now = everyone.of(one.store_id)
    return one.end_us is None and now is not None and now.state == CLOSED


def csv_rows(
    shown: Sequence[Outage], names: Directory, everyone: Everyone
) -> Iterator[tuple[object, ...]]:
    """Incidents as rows of CSV, header first; local times are each store's own."""
    labels = list(names.values)
    columns = label_columns(labels, (*_WHO, *_COLUMNS))
    yield (*_WHO, *columns, *_COLUMNS)
    for one in shown:
        own, zone = names.of(one.store_id), everyone.zone_of(one.store_id)
        told = incident_of(one)
        yield (
            safe_cell(one.store_id),
            safe_cell(own.name or ""),
            *(safe_cell(own.labels.get(label, "")) for label in labels),
            *_cells(one, told, zone),
        )


_WHO = ("store_id", "name")
_COLUMNS = (
    "zone",
    *("start_utc", "start_local", "started_after_utc", "end_utc", "end_local"),
    *("ended_by", "down_s", "unknown_s", "wall_s"),
)


def _cells(one: Outage, told: Incident, zone: str) -> tuple[object, ...]:
    """The cells of ``_COLUMNS``."""
    return (
        zone,
        told.start,
        f"{local_time(zone, one.start_us):%Y-%m-%d %H:%M:%S}",
        "" if one.after_us is None else time_text(one.after_us),
        told.end or "",
        ""
        if one.end_us is None
        else f"{local_time(zone, one.end_us):%Y-%m-%d %H:%M:%S}",
        told.ended_by or "",
        *(told.down_s, told.unknown_s, told.wall_s),
    )
