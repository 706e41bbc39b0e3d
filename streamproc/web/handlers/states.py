"""Handler of what all stores are now."""

from aiohttp import web

from streamproc.errors import InvalidInput, shown
from streamproc.report.record import time_text
from streamproc.rules.labels import parse_where
from streamproc.rules.now import STATES
from streamproc.web import requests
from streamproc.web.described import described
from streamproc.web.now.answers import (
    FleetNow,
    by_label,
    catching_up,
    one_store,
)
from streamproc.web.now.calls import Wanted
from streamproc.web.now.counts import counted
from streamproc.web.parameters import PAGE, Text, Whole
from streamproc.web.refusal import bad, bad_input
from streamproc.web.responses import json
from streamproc.web.site import Site

STATE = Text("now", f"states, with commas: {', '.join(STATES)}; all, when left out")
WHERE = Text("where", "LABEL=VALUE: only stores with that label", 300)
Q = Text("q", "part of a store id or a name")
BY = Text("by", "a label, by whose values the stores are counted, too")
PER_PAGE = Whole("per_page", 50, 1, 500)
LAST_PAGE = 10_000

MOST_VALUES = 50
"""Values of a label that are counted one by one."""


class StateHandlers:
    """Tell what stores are now."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @described(FleetNow, STATE, WHERE, Q, BY, PAGE, PER_PAGE)
    async def now(self, request: web.Request) -> web.Response:
        """What the stores are now, from memory: counts, and a list, the worst first."""
        query, site = request.query, self._site
        number, per_page = PAGE.read(query), PER_PAGE.read(query)
        if number * per_page > LAST_PAGE * PER_PAGE.default:
            raise bad("bad-page", f"page is {number}: filter with now, where or q.")
        label, value = _where(WHERE.read(query))
        by, as_of_us = BY.read(query), site.live_fleet.now_us()
        found = await site.live_fleet.find(
            Wanted(
                as_of_us,
                _states(STATE.read(query)),
                label,
                value,
                Q.read(query),
                by,
                number * per_page,
            )
        )
        first = (number - 1) * per_page
        return json(
            FleetNow(
                time_text(as_of_us),
                counted(found.counts),
                by_label(by, found.by, MOST_VALUES) if by else None,
                catching_up(await site.flow.catching_up()),
                await site.suspicions.now(as_of_us),
                found.total,
                number,
                per_page,
                requests.pages(found.total, per_page),
                [
                    one_store(s, as_of_us)
                    for s in found.stores[first : number * per_page]
                ],
            )
        )


def _states(text: str) -> tuple[int, ...]:
    names = [name.strip() for name in text.split(",")] if text else []
    for name in names:
        if name not in STATES:
            known = ", ".join(STATES)
            raise bad("bad-now", f"now is {shown(name)}, expected some of {known}.")
    return tuple(STATES.index(name) for name in names)


def _where(text: str) -> tuple[str, str]:
    if not text:
        return "", ""
    try:
        where = parse_where(text)
    except InvalidInput as exc:
        raise bad_input(exc) from exc
    return where.label, where.value
