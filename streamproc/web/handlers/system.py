"""Handlers of the page System: what runs, what was refused, and mending that."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from streamproc import rejected
from streamproc.rechecking import checks
from streamproc.report.messages import NOW
from streamproc.rules.units import DAY_US
from streamproc.web import requests
from streamproc.web.author import author
from streamproc.web.bodies import form_of
from streamproc.web.cache import Cache
from streamproc.web.changes.log import Asked
from streamproc.web.fleet.months import days_shown
from streamproc.web.parameters import PAGE, Text
from streamproc.web.refusal import bad, unknown
from streamproc.web.rejected.answers import text_of, value_text
from streamproc.web.rejected.groups import Group, groups
from streamproc.web.rejected.mending import Plan, instead, plan, replacing
from streamproc.web.rejected.sending import send, settle
from streamproc.web.responses import page
from streamproc.web.security import Guard
from streamproc.web.site import Site
from streamproc.web.suspicion.spans import Spans, spans_of
from streamproc.web.system import pollers, settings
from streamproc.web.system.attention import attention_of, webhook_of
from streamproc.web.system.workers import workers
from streamproc.web.webhook.answers import WebhookTrial

GROUPS_PER_PAGE = 10
MOST_CHANGES = 12
BY = Text("by", "a label that tells apart what polls the stores")
SPANS_US, SPANS_FRESH_S = 7 * DAY_US, 60.0
"""How far back it is looked when pollers were broken, and how often."""

CHECK, SEND, LET_GO = "check", "send", "let-go"
"""Values of a group's buttons."""


@dataclass(frozen=True, slots=True)
class Mended:
    """What was asked for a group of refused records, and what came of it."""

    key: str
    do: str
    form: dict[str, str]
    count: int
    plan: Plan = field(default_factory=Plan)


class SystemHandlers:
    """Show the engine room."""

    def __init__(self, site: Site, guard: Guard) -> None:
        self._site = site
        self._guard = guard
        self._spans: Cache[str, Spans] = Cache(self._broken, SPANS_FRESH_S)

    async def page(self, request: web.Request) -> web.Response:
        """Workers, flow, refused records, tables, settings."""
        return await self._page(request, None)

    async def mend(self, request: web.Request) -> web.Response:
        """Check a group of refused records again, send it again, or let it go."""
        form = form_of(request)
        by = author(self._guard, request, form)
        group = await self._site.rejected.whole(request.match_info["key"])
        if group is None:
            raise unknown("group", request.match_info["key"])
        mended = await self._mended(group, form, by)
        await self._site.watch.look()
        refused = mended.do == SEND and not mended.plan.ready
        return await self._page(request, mended, 422 if refused else 200)

    async def test_webhook(self, request: web.Request) -> web.Response:
        """Post a test event, and show what came of it."""
        author(self._guard, request, form_of(request))
        trial = await self._site.webhook_trials.post()
        return await self._page(request, None, trial=trial)

    async def _mended(self, group: Group, form: dict[str, str], by: str) -> Mended:
        do = form.get("do", "")
        if do == LET_GO:
            await settle(self._site, group.records, rejected.LET_GO, by)
            return Mended(group.key, do, form, group.count)
        if do not in (CHECK, SEND) or not group.can_be_sent:
            raise bad("bad-do", "do is expected to be check, send or let-go.")
        found = plan(group.records, _edit(group, form), self._checks())
        if do == SEND and found.ready:
            await send(self._site, found.ready, by)
        return Mended(group.key, do, form, group.count, found)

    def _checks(self) -> Any:
        program = self._site.program
        return checks(program.topics, program.now_us())

    async def _broken(self, _: str) -> Spans:
        """When what polls the stores may have been broken, of the last days."""
        now_us = self._site.program.now_us()
        return await spans_of(self._site, now_us - SPANS_US, now_us)

    async def _pollers(self, label: str) -> dict[str, Any]:
        """What polls the stores, as far as it is at hand; the rest comes later."""
        site = self._site
        everyone = await site.everybody.cache.get(NOW)
        names, today = await site.names.all(), everyone.as_of_us // DAY_US
        figures = site.performances.cache.peek((days_shown(today), NOW))
        spans = self._spans.peek("")
        label = pollers.poller_label(names, label)
        return {
            "names": names,
            "poller_label": label,
            "labels": list(names.values),
            "pollers": await asyncio.to_thread(
                pollers.pollers,
                *(everyone, names, label, figures),
                [] if spans is None else spans.found,
            ),
            "covered": figures is not None,
            "looked": spans is not None,
        }

    async def _page(
        self,
        request: web.Request,
        mended: Mended | None,
        status: int = 200,
        trial: WebhookTrial | None = None,
    ) -> web.Response:
        site, program = self._site, self._site.program
        return page(
            request,
            "system.html",
            status,
            **await self._told(PAGE.read(request.query)),
            **await self._pollers(BY.read(request.query)),
            mended=mended,
            trial=trial,
            value_text=value_text,
            text_of=text_of,
            by=self._guard.author_of(request),
            suspects=await site.suspicions.shown(),
            settings=settings.shown(program.settings),
            retention_days=program.settings.rejected_retention,
            now_us=program.now_us(),
        )

    async def _told(self, number: int) -> dict[str, Any]:
        """What the workers tell; ``number``: which page of what was refused."""
        site, program = self._site, self._site.program
        found, flow, tables, crew, webhook, changes = await asyncio.gather(
            site.rejected.newest(),
            site.flow.of_all(),
            site.tables.all(),
            workers(site.cluster, program.histories.name, program.settings.partitions),
            webhook_of(site.cluster),
            site.log.page(Asked(per_page=MOST_CHANGES)),
        )
        return {
            "crew": crew,
            "changes": changes.changes,
            "flow": flow,
            "tables": tables,
            "found": found,
            **_page_of(groups(found.records), number),
            "attention": attention_of(found, webhook),
            "webhook": webhook,
        }


def _page_of(grouped: list[Group], number: int) -> dict[str, Any]:
    """A page of the groups of refused records."""
    first = (number - 1) * GROUPS_PER_PAGE
    return {
        "groups": grouped[first : first + GROUPS_PER_PAGE],
        "total": len(grouped),
        "page": number,
        "pages": requests.pages(len(grouped), GROUPS_PER_PAGE),
    }


def _edit(group: Group, form: dict[str, str]) -> Any:
    """What the form says of the text: another one, or a part of it replaced."""
    if "value" in form and len(group.records) == 1:
        return instead(form["value"])
    return replacing(form.get("old", ""), form.get("new", ""))
