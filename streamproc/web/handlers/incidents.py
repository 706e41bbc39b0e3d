"""Handler of the incidents of the whole fleet."""

from aiohttp import web

from streamproc.report.record import time_text
from streamproc.rules.units import SECOND_US
from streamproc.rules.windows import LONGEST_US
from streamproc.web import requests
from streamproc.web.described import described
from streamproc.web.files import CSV, XLSX
from streamproc.web.incidents.answers import (
    IncidentPage,
    incident_of,
    incidents_csv,
    mtbf_s,
    mttr_s,
)
from streamproc.web.incidents.asking import Found, incidents_of
from streamproc.web.late import Late
from streamproc.web.parameters import (
    AS_OF,
    FORMAT,
    PAGE,
    WHERE,
    Choice,
    Query,
    Text,
    Time,
    Whole,
    wanted_form,
)
from streamproc.web.refusal import bad
from streamproc.web.responses import json
from streamproc.web.sheets import Sheet, at, between
from streamproc.web.site import Site

FROM = Time("from", "of the span; a week before as_of, when it is left out")
TO = Time("to", "of the span; as_of, when it is left out")
STORE = Text("store", "a store id")
ONGOING = Choice("ongoing", ("true", "false"), help="both, when it is left out")
MIN_DOWN = Whole("min_down", 0, 0, 99_999_999, "seconds; hides shorter ones")
SORT = Choice("sort", ("start", "down_s"), "start", "newest, or longest down, first")
PER_PAGE = Whole("per_page", 50, 1, 500)
PARAMETERS = (
    *(AS_OF, FROM, TO, STORE, WHERE, ONGOING, MIN_DOWN, SORT, PAGE, PER_PAGE, FORMAT),
)


class IncidentHandlers:
    """List incidents."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._late: Late[tuple[str, ...], Found] = Late()

    @described(IncidentPage, *PARAMETERS, media=(CSV, XLSX))
    async def list(self, request: web.Request) -> web.StreamResponse:
        """Incidents that overlap a span of time, whole, newest first."""
        query = request.query
        form = wanted_form(request)
        number, per_page = PAGE.read(query), PER_PAGE.read(query)
        min_down_us = MIN_DOWN.read(query) * SECOND_US
        by_start = SORT.read(query) == "start"
        asked = await self._asked(query)
        shown = asked.ordered(min_down_us, by_start)
        if form != FORMAT.default:
            name = at("incidents", asked.as_of_us)
            if query.get(FROM.name) or query.get(TO.name):
                name = between("incidents", asked.begin_us, asked.end_us)
            rules = self._site.rules
            return Sheet(
                name, lambda: incidents_csv(shown), asked.as_of_us, rules
            ).export(form)
        first = (number - 1) * per_page
        return json(
            IncidentPage(
                time_text(asked.as_of_us),
                time_text(asked.since_us) if asked.since_us else None,
                len(shown),
                number,
                per_page,
                requests.pages(len(shown), per_page),
                mttr_s(asked.found),
                mtbf_s(asked.found, asked.up_us),
                [incident_of(outage) for outage in shown[first : first + per_page]],
            )
        )

    async def _asked(self, query: Query) -> Found:
        """Those of a long span are told as of when they were first asked for."""
        of = (AS_OF, FROM, TO, STORE, WHERE)
        key = tuple(query.get(each.name, "") for each in of)
        asked = await self._late.get(key, lambda: self._found(query))
        return asked.only(ONGOING.read(query))

    async def _found(self, query: Query) -> Found:
        as_of_us = await self._site.instants.resolve(AS_OF.read(query))
        end_us = min(TO.read(query, as_of_us), as_of_us)
        begin_us = FROM.read(query, end_us - LONGEST_US)
        if begin_us >= end_us:
            raise bad("bad-from", "from is not before to (or as_of).")
        store_id = STORE.read(query)
        where = WHERE.read(query)
        span = as_of_us, begin_us, end_us
        wheres = [where] if where else []
        return await incidents_of(self._site, *span, store_id, wheres, current=True)
