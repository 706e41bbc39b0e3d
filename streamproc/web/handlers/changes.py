"""Handlers of what is known of a store: told, changed, and previews of changes.

A change is answered when it is in place: 200. 202: it is durable, but much that was
accepted before is still being read.
"""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from streamproc.origin import MAX_TEXT
from streamproc.rules.labels import Labels, parse_labels
from streamproc.rules.poll import ALL_STORES
from streamproc.rules.special_hours import parse_date
from streamproc.rules.zones import zone_or_none, zone_remark
from streamproc.web.bodies import body_of, json_in
from streamproc.web.changes import answers
from streamproc.web.changes.answers import (
    ChangePreview,
    SpecialDate,
    SpecialDates,
    StoreExclusion,
    StoreExclusions,
    StoreWeeks,
)
from streamproc.web.changes.calls import Known
from streamproc.web.changes.change import (
    EXCLUSION,
    HOURS,
    LABELS,
    MAX_AUTHOR,
    SPECIAL_HOURS,
    ZONE,
    Change,
    Noun,
    change_of,
    forgetting,
    withdrawing,
)
from streamproc.web.changes.log_answers import StoreChanges
from streamproc.web.described import described
from streamproc.web.parameters import AS_OF, Choice, Text
from streamproc.web.refusal import unknown
from streamproc.web.responses import json
from streamproc.web.site import Site
from streamproc.web.store.labels import StoreLabels, answer_of

PREVIEW = Choice(
    "preview", ("true", "false"), "false", "figures before and after; changes nothing"
)
BY = Text("by", "who makes the change", MAX_AUTHOR)
NOTE = Text("note", "why it is made", MAX_TEXT)
NEW = (PREVIEW, AS_OF)
GONE = (*NEW, BY, NOTE)

Told = Callable[[Known], Any]
"""An answer, of what is known with the change."""


class ChangeHandlers:
    """Tell and change what is known of stores."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._changes = site.changes

    @described(StoreChanges)
    async def changes(self, request: web.Request) -> web.Response:
        """Who changed what of a store, and of all stores, newest first."""
        await self._known(request, EXCLUSION)
        return json(await self._site.log.of_store(request.match_info["store_id"]))

    # -- hours, zone, labels -----

    @described(StoreWeeks)
    async def weeks(self, request: web.Request) -> web.Response:
        """A store's weekly hours: the undated week and dated ones."""
        known = await self._known(request, HOURS)
        return json(answers.weeks_of(request.match_info["store_id"], known.own.hours))

    @described(dict | ChangePreview, *NEW, others={202: dict})
    async def put_hours(self, request: web.Request) -> web.Response:
        """Set a store's week, from a date on with valid_from; null forgets it."""
        change = await self._change_in(request, HOURS)
        return await self._answer(request, change, lambda _: dict(change.row))

    @described(StoreWeeks | ChangePreview, *GONE, others={202: dict})
    async def forget_hours(self, request: web.Request) -> web.Response:
        """Forget all weeks of a store: it is open 24x7."""
        store_id = request.match_info["store_id"]
        change = forgetting(HOURS, store_id, **_who(request))
        return await self._answer(
            request, change, lambda known: answers.weeks_of(store_id, known.own.hours)
        )

    @described(StoreWeeks | ChangePreview, *GONE, others={202: dict})
    async def forget_week(self, request: web.Request) -> web.Response:
        """Forget the week of a store that is in force from a date on."""
        store_id, since = request.match_info["store_id"], request.match_info["since"]
        change = forgetting(HOURS, store_id, since, **_who(request))
        known = await self._known(request, HOURS)
        if change.fact(0).suffix not in dict(known.own.hours):
            raise unknown("week", since)
        return await self._answer(
            request, change, lambda known: answers.weeks_of(store_id, known.own.hours)
        )

    @described(dict | ChangePreview, *NEW, others={202: dict})
    async def put_zone(self, request: web.Request) -> web.Response:
        """Set a store's time zone; null forgets it."""
        change = await self._change_in(request, ZONE)
        zone = zone_or_none(change.row["timezone_str"])
        remark = zone_remark(zone) if zone else None
        told = dict(change.row, **({"warning": remark} if remark else {}))
        return await self._answer(request, change, lambda _: told)

    @described(StoreLabels | ChangePreview, *NEW, others={202: dict})
    async def put_labels(self, request: web.Request) -> web.Response:
        """Set a store's name, labels and target; with create, of an unknown one."""
        change = await self._change_in(request, LABELS)
        told = answer_of(change.store_id, parse_labels(change.row))
        return await self._answer(request, change, lambda _: told)

    @described(StoreLabels | ChangePreview, *GONE, others={202: dict})
    async def forget_labels(self, request: web.Request) -> web.Response:
        """Forget a store's name, labels and target."""
        store_id = request.match_info["store_id"]
        change = forgetting(LABELS, store_id, **_who(request))
        told = answer_of(store_id, Labels())
        return await self._answer(request, change, lambda _: told)

    # -- special hours -----

    @described(SpecialDates)
    async def special_dates(self, request: web.Request) -> web.Response:
        """A store's special hours, and those of all stores, by date."""
        known = await self._known(request, SPECIAL_HOURS)
        return json(answers.special_dates_of(request.match_info["store_id"], known))

    @described(SpecialDate)
    async def special_date(self, request: web.Request) -> web.Response:
        """A store's own special hours of a local date."""
        _, found = await self._date(request)
        return json(found)

    @described(SpecialDate | ChangePreview, *NEW, others={202: dict})
    async def put_special_date(self, request: web.Request) -> web.Response:
        """Set the openings of a local date; none closes it."""
        date = request.match_info["date"]
        change = await self._change_in(request, SPECIAL_HOURS, date)
        day = parse_date(date, "date")
        return await self._answer(
            request,
            change,
            lambda known: answers.own_date(change.store_id, known, day),
        )

    @described(SpecialDate | ChangePreview, *GONE, others={202: dict})
    async def forget_special_date(self, request: web.Request) -> web.Response:
        """Forget the special hours of a local date; the answer is what they were."""
        change, found = await self._date(request)
        return await self._answer(request, change, lambda _: found)

    async def _date(self, request: web.Request) -> tuple[Change, SpecialDate]:
        """What forgets a date's special hours, and what they are."""
        store_id, date = request.match_info["store_id"], request.match_info["date"]
        change = forgetting(SPECIAL_HOURS, store_id, date, **_who(request))
        known = await self._known(request, SPECIAL_HOURS)
        found = answers.own_date(store_id, known, parse_date(date, "date"))
        if found is None:
            raise unknown("date", date)
        return change, found

    # -- exclusions -----

    @described(StoreExclusions)
    async def exclusions(self, request: web.Request) -> web.Response:
        """A store's exclusions, and those of all stores; withdrawn ones as well."""
        known = await self._known(request, EXCLUSION)
        return json(answers.exclusions_of(request.match_info["store_id"], known))

    @described(StoreExclusion)
    async def exclusion(self, request: web.Request) -> web.Response:
        """One of a store's own exclusions."""
        return json(self._exclusion(await self._known(request, EXCLUSION), request))

    @described(StoreExclusion | ChangePreview, *NEW, others={202: dict})
    async def put_exclusion(self, request: web.Request) -> web.Response:
        """Take time out (maintenance), or put its status right (a correction)."""
        number = request.match_info["exclusion_id"]
        change = await self._change_in(request, EXCLUSION, number)
        return await self._answer(
            request, change, lambda known: self._exclusion(known, request)
        )

    @described(StoreExclusion | ChangePreview, *GONE, others={202: dict})
    async def withdraw_exclusion(self, request: web.Request) -> web.Response:
        """Withdraw an exclusion: it stays listed, and counts no more."""
        store_id = request.match_info["store_id"]
        known = await self._known(request, EXCLUSION)
        number = request.match_info["exclusion_id"]
        found = answers.own_exclusion(known, number)
        if found is None:
            raise unknown("exclusion", number)
        change = withdrawing(store_id, found, **_who(request))
        return await self._answer(
            request, change, lambda known: self._exclusion(known, request)
        )

    @staticmethod
    def _exclusion(known: Known, request: web.Request) -> StoreExclusion:
        number = request.match_info["exclusion_id"]
        value = dict(known.own.exclusions).get(number.encode(errors="replace"))
        if value is None:
            raise unknown("exclusion", number)
        return answers.exclusion_of(value, request.match_info["store_id"] == ALL_STORES)

    # -- all of them -----

    async def _known(self, request: web.Request, noun: Noun) -> Known:
        """What is known of the path's store; raises a 404 Refusal."""
        store_id = noun.store_id(request.match_info["store_id"])
        return await self._changes.require(store_id, store_id == "*")

    async def _change_in(
        self, request: web.Request, noun: Noun, key: str = ""
    ) -> Change:
        """The change of a request's body; a refused one is kept, unless previewed."""
        store_id, body = request.match_info["store_id"], body_of(request)
        if _is_preview(request):
            return change_of(noun, store_id, json_in(body), key)
        topic = getattr(self._site.program.topics, noun.table)
        async with self._site.appender.keeping(topic, body, store_id):
            return change_of(noun, store_id, json_in(body), key)

    async def _answer(
        self, request: web.Request, change: Change, told: Told
    ) -> web.Response:
        """Make the change, or preview it."""
        as_of = AS_OF.read(request.query)
        if _is_preview(request):
            as_of_us = await self._site.instants.resolve(as_of)
            found = await self._changes.preview(change, as_of_us)
            return json(answers.preview_of(change.store_id, as_of_us, found))
        made = await self._changes.make(change)
        if made.known is None:
            return json(dict(change.row), 202)
        return json(told(made.known))


def _is_preview(request: web.Request) -> bool:
    return PREVIEW.read(request.query) == "true"


def _who(request: web.Request) -> dict[str, str]:
    """Who forgets something, and why."""
    return {"by": BY.read(request.query), "note": NOTE.read(request.query)}
