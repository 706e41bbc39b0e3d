"""Handlers of CSV files from the page: dry run, publish with progress, forget."""

import asyncio
import secrets
from collections import OrderedDict

from aiohttp import web

from streamproc.web.author import author
from streamproc.web.bodies import body_of, form_of
from streamproc.web.parameters import Choice
from streamproc.web.refusal import Refusal, bad, unknown
from streamproc.web.responses import csv_of, page, see_other
from streamproc.web.security import Guard
from streamproc.web.site import Site
from streamproc.web.uploads.parts import sent_in
from streamproc.web.uploads.upload import (
    KINDS,
    PUBLISHING,
    READ,
    Upload,
    new_upload,
    publish,
    try_out,
)

MOST_KEPT = 4
"""Files that are kept until they are published or forgotten; the oldest goes."""

KIND = Choice("kind", KINDS, "polls")
PUBLISH, FORGET = "publish", "forget"


class UploadHandlers:
    """Take files in, try them out, and publish them when told to."""

    def __init__(self, site: Site, guard: Guard) -> None:
        self._site = site
        self._guard = guard
        self._uploads: OrderedDict[str, Upload] = OrderedDict()
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
        kind, token = KIND.read(sent.fields), secrets.token_urlsafe(12)
        upload = new_upload(token, sent.name, kind, sent.content, by)
        self._keep(upload)
        async with self._one_at_a_time:
            await asyncio.to_thread(try_out, upload, self._site.program.now_us())
        return see_other(f"/upload/{token}")

    def _keep(self, upload: Upload) -> None:
        self._uploads[upload.token] = upload
        for token in list(self._uploads)[:-MOST_KEPT]:
            if self._uploads[token].state != PUBLISHING:
                self._uploads.pop(token).forget()

    async def one(self, request: web.Request) -> web.Response:
        """What came of a file, and how far it is."""
        return self._page(request, self._find(request))

    async def act(self, request: web.Request) -> web.Response:
        """Publish what was tried out, or forget it."""
        upload, do = self._find(request), form_of(request).get("do")
        if do == FORGET and upload.state != PUBLISHING:
            self._uploads.pop(upload.token).forget()
            return see_other("/upload")
        if do != PUBLISH:
            raise bad("bad-do", "do is expected to be publish or forget.")
        if upload.state != READ:
            raise Refusal(409, "not-ready", "It is published already, or cannot be.")
        upload.state = PUBLISHING
        task = asyncio.create_task(publish(self._site, upload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return see_other(f"/upload/{upload.token}")

    async def rejects(self, request: web.Request) -> web.Response:
        """The rows that were refused, with line, reason and what is wrong."""
        upload = self._find(request)
        if upload.rejects is None:
            raise unknown("refused row of", upload.name)
        body = await asyncio.to_thread(upload.rejects.read_bytes)
        return csv_of(body, f"{upload.name}.rejects.csv")

    def _find(self, request: web.Request) -> Upload:
        token = request.match_info["token"]
        if token not in self._uploads:
            raise unknown("upload", token)
        return self._uploads[token]

    async def close(self, _: web.Application) -> None:
        """Let go of all files."""
        for upload in self._uploads.values():
            upload.forget()

    def _page(self, request: web.Request, upload: Upload | None) -> web.Response:
        return page(
            request,
            "upload.html",
            upload=upload,
            kinds=KINDS,
            by=self._guard.author_of(request),
            most_mb=self._site.program.settings.web_max_body,
            publishing=upload is not None and upload.state == PUBLISHING,
        )
