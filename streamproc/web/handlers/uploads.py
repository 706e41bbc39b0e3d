"""Handlers of CSV files from the page: dry run, publish with progress, forget."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from streamproc.loading.choices import KINDS, OPTIONS
from streamproc.web.author import author
from streamproc.web.bodies import body_of, form_of
from streamproc.web.parameters import Choice
from streamproc.web.refusal import Refusal, bad, unknown
from streamproc.web.responses import csv_of, page, see_other
from streamproc.web.security import Guard
from streamproc.web.site import Site
from streamproc.web.uploads.kept import KEPT_S, Uploads
from streamproc.web.uploads.parts import sent_in
from streamproc.web.uploads.upload import (
    PUBLISHED,
    PUBLISHING,
    Upload,
    publish,
    try_out,
)

KIND = Choice("kind", KINDS, "polls")
PUBLISH, FORGET, AGAIN = "publish", "forget", "again"


class UploadHandlers:
    """Take files in, try them out, and publish them when told to."""

    def __init__(self, site: Site, guard: Guard) -> None:
        self._site = site
        self._guard = guard
        settings = site.program.settings
        most_bytes = round(settings.web_max_body * (1 << 20))
        self._uploads = Uploads(settings.data_dir, most_bytes)
        self._tasks: set[asyncio.Task[None]] = set()
        self._one_at_a_time = asyncio.Lock()

    async def page(self, request: web.Request) -> web.Response:
        """The form that takes a file."""
        return self._page(request, None)

    async def take(self, request: web.Request) -> web.Response:
        """Try a file out: what can go in, and what would be refused."""
        sent = sent_in(request.headers.get("Content-Type", ""), body_of(request))
        by = author(self._guard, request, sent.fields)
        if not sent.content:
            raise bad("no-file", "Choose a file first; this one is empty.")
        upload = self._uploads.add(sent, KIND.read(sent.fields), by)
        await self._try_out(upload, sent.fields)
        return see_other(f"/upload/{upload.token}")

    async def _try_out(self, upload: Upload, form: Mapping[str, str]) -> None:
        texts = {name: form[name] for name in OPTIONS if name in form}
        async with self._one_at_a_time:
            now_us = self._site.program.now_us()
            await asyncio.to_thread(try_out, upload, KIND.read(form), texts, now_us)

    async def one(self, request: web.Request) -> web.Response:
        """What came of a file, and how far it is."""
        return self._page(request, self._find(request))

    async def act(self, request: web.Request) -> web.Response:
        """Publish what was tried out, read it again otherwise, or forget it."""
        upload, form = self._find(request), form_of(request)
        do = form.get("do")
        if do == FORGET and self._uploads.forget(upload.token):
            return see_other("/upload")
        if do not in (PUBLISH, AGAIN):
            raise bad("bad-do", "do is expected to be publish, again or forget.")
        if upload.state in (PUBLISHING, PUBLISHED):
            raise Refusal(409, "not-ready", "It is published already.")
        self._uploads.touch(upload.token)
        if do == AGAIN:
            await self._try_out(upload, form)
        else:
            self._publish(upload)
        return see_other(f"/upload/{upload.token}")

    def _publish(self, upload: Upload) -> None:
        """Begin to publish; raises a 409 Refusal for what cannot be."""
        if not upload.can_be_published:
            raise Refusal(409, "not-ready", "There is nothing that can be published.")
        upload.state = PUBLISHING
        task = asyncio.create_task(publish(self._site, upload, self._one_at_a_time))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def rejects(self, request: web.Request) -> web.Response:
        """The rows that were refused, with line, reason and what is wrong."""
        upload = self._find(request)
        if upload.rejects is None:
            raise unknown("refused row of", upload.name)
        body = await asyncio.to_thread(upload.rejects.read_bytes)
        return csv_of(body, f"{upload.name}.rejects.csv")

    def _find(self, request: web.Request) -> Upload:
        return self._uploads.find(request.match_info["token"])

    async def close(self, _: web.Application) -> None:
        """Let go of all files."""
        self._uploads.close()

    def _page(self, request: web.Request, upload: Upload | None) -> web.Response:
        return page(
            request,
            "upload.html",
            upload=upload,
            kinds=KINDS,
            options=OPTIONS,
            by=self._guard.author_of(request),
            most_mb=self._site.program.settings.web_max_body,
            kept_minutes=round(KEPT_S / 60),
            publishing=upload is not None and upload.state == PUBLISHING,
        )
