"""Handler of the incidents of the whole fleet."""

from dataclasses import dataclass

from aiohttp import web

from streamproc.report.record import time_text
from streamproc.rules.units import SECOND_US
from streamproc.rules.windows import LONGEST_US
from streamproc.transport.partitioner import partition_for
from streamproc.web import requests
from streamproc.web.described import CSV, described
from streamproc.web.exports import Export, aside, csv_pieces
from streamproc.web.incidents.answers import (
    IncidentPage,
    incident_of,
    incidents_csv,
    mtbf_s,
    mttr_s,
)
from streamproc.web.incidents.calls import OUTAGES
from streamproc.web.parameters import (
    AS_OF,
    FORMAT,
    PAGE,
    Choice,
    Query,
    Text,
    Time,
    Whole,
    wants_csv,
)
from streamproc.web.refusal import bad
from streamproc.web.responses import json
from streamproc.web.site import Site
from tables.outages import Outage, known_since

FROM = Time("from", "of the span; a week before as_of, when it is left out")
TO = Time("to", "of the span; as_of, when it is left out")
STORE = Text("store", "a store id")
ONGOING = Choice("ongoing", ("true", "false"), help="both, when it is left out")
MIN_DOWN = Whole("min_down", 0, 0, 99_999_999, "seconds; hides shorter ones")
SORT = Choice("sort", ("start", "down_s"), "start", "newest, or longest down, first")
PER_PAGE = Whole("per_page", 50, 1, 500)
PARAMETERS = (
    *(AS_OF, FROM, TO, STORE, ONGOING, MIN_DOWN, SORT, PAGE, PER_PAGE, FORMAT),
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What incidents are asked for, as of when."""

    as_of_us: int
    found: list[Outage]
    up_us: int


class IncidentHandlers:
    """List incidents."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @described(IncidentPage, *PARAMETERS, media=(CSV,))
    async def list(self, request: web.Request) -> web.StreamResponse:
        """Incidents that overlap a span of time, whole, newest first."""
        query = request.query
        as_csv = wants_csv(request)
        number, per_page = PAGE.read(query), PER_PAGE.read(query)
        min_down_us = MIN_DOWN.read(query) * SECOND_US
        by_start = SORT.read(query) == "start"
        asked = await self._asked(query)
        shown = [outage for outage in asked.found if outage.down_us >= min_down_us]
        shown.sort(key=lambda outage: outage.store_id)
        shown.sort(
            key=lambda outage: outage.start_us if by_start else outage.down_us,
            reverse=True,
        )
        if as_csv:
            rows = incidents_csv(shown)
            return Export(lambda: aside(csv_pieces(rows)), "incidents.csv")
        first = (number - 1) * per_page
        return json(
            IncidentPage(
                time_text(asked.as_of_us),
                time_text(known_since(asked.as_of_us)),
                len(shown),
                number,
                per_page,
                requests.pages(len(shown), per_page),
                mttr_s(asked.found),
                mtbf_s(asked.found, asked.up_us),
                [incident_of(outage) for outage in shown[first : first + per_page]],
            )
        )

    async def _asked(self, query: Query) -> _Asked:
        as_of_us = await self._site.instants.resolve(AS_OF.read(query))
        end_us = min(TO.read(query, as_of_us), as_of_us)
        begin_us = FROM.read(query, end_us - LONGEST_US)
        if begin_us >= end_us:
            raise bad("bad-from", "from is not before to (or as_of).")
        store_id = STORE.read(query) or None
        count = self._site.program.settings.partitions
        span = {"as_of_us": as_of_us, "begin_us": begin_us, "end_us": end_us}
        if store_id is None:
            cluster = self._site.cluster
            parts = await cluster.ask_all(OUTAGES, count, store_id=None, **span)
        else:
            requests.store_id(store_id)
            home = partition_for(store_id.encode(), count)
            parts = [
                await self._site.cluster.ask(OUTAGES, home, store_id=store_id, **span)
            ]
        ongoing = ONGOING.read(query)
        found = [
            outage
            for part in parts
            for outage in part.found
            if ongoing in ("", "true" if outage.end_us is None else "false")
        ]
        return _Asked(as_of_us, found, sum(part.up_us for part in parts))
