"""Handlers that undo a change of the log, and the pages that list and show changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from streamproc.origin import API, PAGE, Origin, new_change
from streamproc.report.messages import NOW
from streamproc.web.acting.undoing import Looked, batch_of, looked_at, make
from streamproc.web.author import author
from streamproc.web.bodies import form_of, json_of
from streamproc.web.changes import answers, change
from streamproc.web.changes.answers import ChangePreview
from streamproc.web.described import described
from streamproc.web.handlers.changes import PREVIEW
from streamproc.web.handlers.log import STORE, asked_of
from streamproc.web.parameters import AS_OF
from streamproc.web.parameters import PAGE as PAGE_NUMBER
from streamproc.web.refusal import Refusal, bad
from streamproc.web.responses import json, page, see_other
from streamproc.web.security import Guard
from streamproc.web.site import Site
from streamproc.web.templating import url

SAVE = "save"


@dataclass(frozen=True, slots=True)
class Undone:
    """A change that has undone another one; ``stores``: of how many."""

    id: str
    undoes: str
    stores: int


class UndoHandlers:
    """Show changes, and undo them."""

    def __init__(self, site: Site, guard: Guard) -> None:
        self._site = site
        self._guard = guard

    @described(Undone | ChangePreview, STORE, PREVIEW, AS_OF, others={202: Undone})
    async def undo(self, request: web.Request) -> web.Response:
        """Bring back what was before a change, of all its stores together or of one."""
        query, undoes = request.query, request.match_info["change"]
        store, body = STORE.read(query), _who_in(json_of(request))
        batch = await batch_of(self._site, undoes, store)
        if PREVIEW.read(query) == "true":
            as_of_us = await self._site.instants.resolve(AS_OF.read(query))
            looked = await looked_at(self._site, batch, as_of_us)
            assert looked.preview is not None  # it was just made
            return json(answers.preview_of(store or "", as_of_us, looked.preview))
        origin = Origin(new_change(), API, *body, undoes)
        in_place = await make(self._site, batch, origin)
        told = Undone(origin.change, undoes, len(batch.store_ids))
        return json(told, 200 if in_place else 202)

    async def list_page(self, request: web.Request) -> web.Response:
        """Changes, newest first."""
        params = {name: text for name, text in request.query.items() if name != "page"}
        return page(
            request,
            "changes.html",
            found=await self._site.log.page(asked_of(request.query)),
            params=params,
            names=await self._site.names.all(),
            now_us=self._site.program.now_us(),
        )

    async def page(self, request: web.Request) -> web.Response:
        """One change, before and after, and the form that undoes it."""
        return await self._page(request, {}, None)

    async def act(self, request: web.Request) -> web.Response:
        """Preview the undoing, or make it when it was just previewed."""
        form, undoes = form_of(request), request.match_info["change"]
        store = STORE.read(request.query)
        try:
            by = author(self._guard, request, form)
            note = change.remark(form.get("note"))
            batch = await batch_of(self._site, undoes, store)
            if form.get("do") == SAVE and form.get("digest") == batch.digest:
                origin = Origin(new_change(), PAGE, by or None, note or None, undoes)
                await make(self._site, batch, origin)
                return see_other(url(f"/changes/{origin.change}", store=store))
            as_of_us = await self._site.instants.resolve(NOW)
            looked = await looked_at(self._site, batch, as_of_us)
            return await self._page(request, form, looked)
        except Refusal as exc:
            if exc.status not in (400, 409, 422):
                raise
            looked = Looked(wrong=exc.message)
            return await self._page(request, form, looked, exc.status)

    async def _page(
        self,
        request: web.Request,
        form: Mapping[str, str],
        looked: Looked | None,
        status: int = 200,
    ) -> web.Response:
        store, query = STORE.read(request.query), request.query
        one, number = request.match_info["change"], PAGE_NUMBER.read(query)
        return page(
            request,
            "one_change.html",
            status,
            found=await self._site.log.one(one, store, number),
            store=store,
            names=await self._site.names.all(),
            form=form,
            looked=looked,
            by=self._guard.author_of(request),
            now_us=self._site.program.now_us(),
        )


def _who_in(body: Any) -> tuple[str | None, str | None]:
    """Who undoes something, and why: a body's fields, both may be left out."""
    if not isinstance(body, dict) or not set(body) <= {"by", "note"}:
        raise bad("bad-json", "Expected a JSON object with by and note, or nothing.")
    by, note = change.author(body.get("by")), change.remark(body.get("note"))
    return by or None, note or None
