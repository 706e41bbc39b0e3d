"""Handler of the spans in which what polls the stores may have been broken."""

from aiohttp import web

from streamproc.report.record import time_text
from streamproc.rules.units import DAY_US, SECOND_US
from streamproc.web.described import described
from streamproc.web.parameters import AS_OF, Time
from streamproc.web.refusal import bad
from streamproc.web.responses import json
from streamproc.web.site import Site
from streamproc.web.suspicion.answers import SuspectSpans, suspect_span
from streamproc.web.suspicion.spans import spans_of

FROM = Time("from", "of the period; a day before its end, when it is left out")
TO = Time("to", "of the period; as_of, when it is left out")


class SuspectHandlers:
    """List suspicions of the past."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @described(SuspectSpans, AS_OF, FROM, TO)
    async def list(self, request: web.Request) -> web.Response:
        """Spans in which most stores of a label had no data together."""
        query = request.query
        as_of_us = await self._site.instants.resolve(AS_OF.read(query))
        end_us = min(TO.read(query, as_of_us), as_of_us)
        begin_us = FROM.read(query, end_us - DAY_US)
        if begin_us >= end_us:
            raise bad("bad-from", "from is not before to (or as_of).")
        told = await spans_of(self._site, begin_us, end_us, current=True)
        return json(
            SuspectSpans(
                time_text(as_of_us),
                time_text(told.begin_us),
                time_text(told.end_us),
                time_text(told.since_us) if told.since_us else None,
                told.step_us / SECOND_US,
                [suspect_span(one.labels, one.blackout) for one in told.found],
            )
        )
