"""Handler of the spans in which what polls the stores may have been broken."""

from collections.abc import Sequence

from aiohttp import web

from streamproc.report.record import time_text
from streamproc.rules.blackouts import blackouts, edges_of, not_within
from streamproc.rules.suspicion import FLEET, Group
from streamproc.rules.units import DAY_US, SECOND_US
from streamproc.web.described import described
from streamproc.web.parameters import AS_OF, Time
from streamproc.web.refusal import bad
from streamproc.web.responses import json
from streamproc.web.site import Site
from streamproc.web.suspicion.answers import SuspectSpan, SuspectSpans, suspect_span
from streamproc.web.suspicion.calls import BLACKOUTS
from tables.blackouts import Steps
from tables.outages import known_since

FROM = Time("from", "of the period; a day before its end, when it is left out")
TO = Time("to", "of the period; as_of, when it is left out")


class SuspectHandlers:
    """List suspicions of the past."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @described(SuspectSpans, AS_OF, FROM, TO)
    async def list(self, request: web.Request) -> web.Response:
        """Spans in which most stores of a label had no data together."""
        query, site = request.query, self._site
        as_of_us = await site.instants.resolve(AS_OF.read(query))
        known_us = known_since(as_of_us)
        end_us = min(TO.read(query, as_of_us), as_of_us)
        begin_us = max(FROM.read(query, end_us - DAY_US), known_us)
        if begin_us >= end_us:
            since = time_text(known_us)
            raise bad("bad-from", f"from is not before to, or to is before {since}.")
        parts = await site.cluster.ask_all(
            BLACKOUTS,
            site.program.settings.partitions,
            current=True,
            known_us=known_us,
            begin_us=begin_us,
            end_us=end_us,
        )
        edges = edges_of(begin_us, end_us)
        return json(
            SuspectSpans(
                time_text(as_of_us),
                time_text(begin_us),
                time_text(end_us),
                time_text(known_us),
                int(edges[1] - edges[0]) / SECOND_US,
                _spans(begin_us, end_us, _joined(parts)),
            )
        )


def _joined(parts: Sequence[dict[Group, Steps]]) -> dict[Group, Steps]:
    """The counts of all partitions."""
    found: dict[Group, Steps] = {}
    for part in parts:
        for group, (stores, without) in part.items():
            before = found.get(group)
            if before is not None:
                stores, without = before[0] + stores, before[1] + without
            found[group] = stores, without
    return found


def _spans(begin_us: int, end_us: int, found: dict[Group, Steps]) -> list[SuspectSpan]:
    """The spans, oldest first; of groups only where it was not the whole fleet."""
    edges = edges_of(begin_us, end_us)
    by_group = {group: blackouts(edges, *steps) for group, steps in found.items()}
    fleet = by_group.pop(FLEET, [])
    some = [(one.begin_us, FLEET, one) for one in fleet]
    some += [
        (one.begin_us, group, one)
        for group, spans in by_group.items()
        for one in not_within(spans, fleet)
    ]
    ordered = sorted(some, key=lambda row: row[:2])
    return [suspect_span(group, one) for _, group, one in ordered]
