"""Handlers of the forms that change what is known of stores: preview, then save."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web
from multidict import MultiDict

from streamproc.origin import PAGE, Origin, new_change
from streamproc.report.messages import NOW
from streamproc.rules.labels import Labels
from streamproc.rules.poll import ALL_STORES
from streamproc.web.acting.batches import Batch, Saved, make, make_rest, preview
from streamproc.web.acting.editors import EDITORS, Editor, in_utc
from streamproc.web.acting.merging import labels_of, merged
from streamproc.web.acting.prefilled import current, prefilled
from streamproc.web.acting.targets import Target, target_of
from streamproc.web.author import author
from streamproc.web.bodies import form_of, form_pairs
from streamproc.web.changes.answers import own_exclusion
from streamproc.web.changes.change import LABELS, change_of, withdrawing
from streamproc.web.parameters import Choice, Text
from streamproc.web.refusal import Refusal, unknown
from streamproc.web.responses import page, see_other
from streamproc.web.security import Guard
from streamproc.web.site import Site
from streamproc.web.templating import url
from tables.preview import Preview

WHAT = Choice("what", tuple(EDITORS), "hours")
SAVED = Text("saved")
MOST_KEPT = 200
"""Changes of which it is known what the log has not taken; the oldest go first."""

SAVE, WITHDRAW, REST = "save", "withdraw", "rest"
"""Values of buttons; any other one asks for a preview."""

MOST_NAMED = 20
"""Stores that are named one by one where a change has missed them."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A preview of exactly these changes, or why there is none."""

    batch: Batch | None
    preview: Preview | None
    wrong: str = ""


class ActingHandlers:
    """Change facts of stores, never without a preview."""

    def __init__(self, site: Site, guard: Guard) -> None:
        self._site = site
        self._guard = guard
        self._saved: OrderedDict[str, Saved] = OrderedDict()
        self._targets: OrderedDict[tuple[str, str], Target] = OrderedDict()

    async def page(self, request: web.Request) -> web.Response:
        """The form, with what is known now in it."""
        query = request.query
        editor = EDITORS[WHAT.read(query)]
        target = self._targets.get((editor.what, SAVED.read(query)))
        target = target or await target_of(self._site, editor.noun, query)
        form = await prefilled(self._site, editor.what, target)
        form |= {name: query[name] for name in editor.fields if name in query}
        form |= in_utc(query) if "clock" in editor.fields else {}
        return await self._page(request, editor, target, form, None)

    async def act(self, request: web.Request) -> web.Response:
        """Preview the form's changes, or save them when this was just previewed."""
        form = form_of(request)
        editor = EDITORS[WHAT.read(form)]
        known_by = "digest" if form.get("do") == SAVE else "saved"
        target = self._targets.get((editor.what, form.get(known_by, "")))
        if target is None:
            pairs = MultiDict(form_pairs(request))
            target = await target_of(self._site, editor.noun, pairs)
        if form.get("do") == REST:
            return see_other(await self._again(editor, target, form))
        try:
            by = author(self._guard, request, form)
            batch = await self._batch(editor, target, form)
            return await self._previewed(request, editor, target, form, batch, by)
        except Refusal as exc:
            if exc.status not in (400, 422):
                raise
            looked = Looked(None, None, exc.message)
            return await self._page(request, editor, target, form, looked, exc.status)

    async def _previewed(
        self,
        request: web.Request,
        editor: Editor,
        target: Target,
        form: dict[str, str],
        batch: Batch,
        by: str,
    ) -> web.Response:
        if form.get("do") == SAVE and form.get("digest") == batch.digest:
            return see_other(await self._make(editor, target, batch.by(by)))
        self._keep(editor, batch.digest, target)
        as_of_us = await self._site.instants.resolve(NOW)
        looked = Looked(batch, await preview(self._site, batch, as_of_us))
        return await self._page(request, editor, target, form, looked)

    async def _make(self, editor: Editor, target: Target, batch: Batch) -> str:
        """Make the changes; where to go then."""
        by = next((c.by for c in batch.changes if c.by), None)
        note = next((c.note for c in batch.changes if c.note), None)
        origin = Origin(new_change(), PAGE, by, note)
        self._saved[origin.change] = await make(self._site, batch, origin)
        if len(self._saved) > MOST_KEPT:
            self._saved.popitem(last=False)
        self._keep(editor, origin.change, target)
        return url("/change", what=editor.what, saved=origin.change, **target.params)

    async def _again(
        self, editor: Editor, target: Target, form: Mapping[str, str]
    ) -> str:
        """Make what was missed once more; where to go then."""
        change = form.get("saved", "")
        if change not in self._saved:
            why = "That change is too long ago, or was made at another worker: save the"
            raise Refusal(422, "no-rest", f"{why} form again, which does no harm.")
        self._saved[change] = await make_rest(self._site, self._saved[change])
        return url("/change", what=editor.what, saved=change, **target.params)

    def _keep(self, editor: Editor, name: str, target: Target) -> None:
        """Keep whose a previewed or saved change is: a filter may find others soon."""
        self._targets[editor.what, name] = target
        self._targets.move_to_end((editor.what, name))
        if len(self._targets) > MOST_KEPT:
            self._targets.popitem(last=False)

    async def _batch(
        self, editor: Editor, target: Target, form: Mapping[str, str]
    ) -> Batch:
        """The changes that the form stands for; raises a Refusal."""
        if number := form.get(WITHDRAW):
            known = await self._site.changes.known(target.store_ids[0])
            found = own_exclusion(known, number)
            if found is None:
                raise unknown("exclusion", number)
            note = form.get("note", "")
            change = withdrawing(target.store_ids[0], found, note=note)
            return Batch(f"Withdraw {number}", target.words, (change,))
        labels: Mapping[str, Labels] = {}
        if editor.noun is LABELS and target.filters:
            labels = await labels_of(self._site, target.store_ids)
        changes = tuple(
            change_of(
                editor.noun,
                store_id,
                merged(told.row, labels[store_id]) if labels else told.row,
                told.key,
            )
            for told in editor.told(form)
            for store_id in target.store_ids
        )
        return Batch(editor.title, target.words, changes)

    async def _page(
        self,
        request: web.Request,
        editor: Editor,
        target: Target,
        form: Mapping[str, str],
        looked: Looked | None,
        status: int = 200,
    ) -> web.Response:
        saved = SAVED.read(request.query)
        names = await self._site.names.all()
        made = self._saved.get(saved)
        missed = [] if made is None else made.missed
        noted = await self._site.log.brief(saved) if saved else None
        return page(
            request,
            "change.html",
            status,
            editor=editor,
            editors=_offered(target),
            target=target,
            form=form,
            looked=looked,
            made=made,
            missed=missed,
            named=[names.name(store_id) for store_id in missed[:MOST_NAMED]],
            saved=saved,
            noted=noted,
            by=self._guard.author_of(request),
            here=await current(self._site, editor.what, target.store_ids),
            values=names.values,
        )


def _offered(target: Target) -> list[Editor]:
    """The forms there are for these stores."""
    of_all = target.store_ids == (ALL_STORES,)
    return [editor for editor in EDITORS.values() if editor.noun.of_all or not of_all]
