"""Making a response: JSON, CSV, a page, a file, an error."""

import asyncio
from contextlib import suppress
from typing import Any

from aiohttp import web
from aiohttp.helpers import ETAG_ANY

from streamproc.web import shapes
from streamproc.web.exports import Export
from streamproc.web.periods.reasons import reason_sentence
from streamproc.web.refusal import Refusal
from streamproc.web.templating import text

DELIVERY_TIMEOUT_S = 60.0

_TITLES = {
    400: "That cannot be understood",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not known here",
    421: "Wrong address",
    503: "One moment",
}


def json(value: Any, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(
        body=shapes.encode(value), status=status, content_type="application/json"
    )


def see_other(path: str) -> web.Response:
    """Send a browser on to another page, after a change."""
    return web.Response(status=303, headers={"Location": path})


async def deliver(request: web.Request, response: web.Response) -> None:
    """Send an answer whole; give up a reader who does not take it in.

    Otherwise each would keep its connection, and the answer in memory, for ever.
    """
    transport = request.transport
    if transport is None:
        return  # the reader has gone
    transport.set_write_buffer_limits(0)  # written: the system has all of it
    try:
        with suppress(ConnectionError):  # the reader has gone meanwhile
            async with asyncio.timeout(DELIVERY_TIMEOUT_S):
                await response.prepare(request)
                await response.write_eof()
    except TimeoutError:
        transport.abort()


def csv_of(body: bytes, name: str) -> web.Response:
    """CSV to be saved."""
    return web.Response(
        body=body,
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def page(
    request: web.Request, template: str, status: int = 200, **context: Any
) -> web.Response:
    """A page as a response."""
    return html(text(request, template, **context), status)


def html(body: bytes, status: int = 200) -> web.Response:
    """Bytes of a page as a response."""
    return web.Response(
        body=body, status=status, content_type="text/html", charset="utf-8"
    )


def error_page(request: web.Request, exc: Refusal) -> web.Response:
    """A page that says what is wrong, and what is not."""
    title = _TITLES.get(exc.status, "This did not work")
    return page(
        request,
        "error.html",
        exc.status,
        title=title,
        code=exc.status,
        message=reason_sentence(exc.message) if exc.status == 422 else exc.message,
        retry_after_s=exc.retry_after_s,
        offers=exc.offers,
    )


def as_file(
    request: web.Request, export: Export, size: int, modified_ns: int
) -> web.StreamResponse:
    """An export with ETag and Last-Modified; 304 to who has it already."""
    modified_s = modified_ns // 10**9
    kind = export.content_type.rpartition(".")[2].replace("/", "-")
    tag = f"{modified_ns:x}-{size:x}-{kind}"
    unchanged = is_unchanged(request, tag, modified_s)
    response = web.Response(status=304) if unchanged else export
    response.etag = tag
    response.last_modified = modified_s
    response.headers["Cache-Control"] = "no-cache"
    return response


def is_unchanged(request: web.Request, tag: str, modified_s: int) -> bool:
    """RFC 9110: If-None-Match decides; If-Modified-Since only without it."""
    tags = request.if_none_match
    if tags is not None:
        return any(given.value in (tag, ETAG_ANY) for given in tags)
    since = request.if_modified_since
    return since is not None and modified_s <= since.timestamp()
