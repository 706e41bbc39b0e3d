"""Making a response: JSON, CSV, a page, a file, an error."""

from email.utils import formatdate, parsedate_to_datetime
from typing import Any

import orjson
from aiohttp import web

from streamproc.web.refusal import Refusal
from streamproc.web.templating import text

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
        body=orjson.dumps(value), status=status, content_type="application/json"
    )


def see_other(path: str) -> web.Response:
    """Send a browser on to another page, after a change."""
    return web.Response(status=303, headers={"Location": path})


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
        message=exc.message,
        retry_after_s=exc.retry_after_s,
    )


def file(
    request: web.Request, body: bytes, modified_ns: int, name: str
) -> web.StreamResponse:
    """A file with ETag and Last-Modified; 304 to who has it already."""
    etag = f'"{modified_ns:x}-{len(body):x}"'
    headers = {
        "ETag": etag,
        "Last-Modified": formatdate(modified_ns // 10**9, usegmt=True),
        "Cache-Control": "no-cache",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    if _is_unchanged(request, etag, modified_ns // 10**9):
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=body, headers=headers, content_type="text/csv", charset="utf-8"
    )


def _is_unchanged(request: web.Request, etag: str, modified_s: int) -> bool:
    """RFC 9110: If-None-Match decides; If-Modified-Since only without it."""
    given = request.headers.get("If-None-Match")
    if given is not None:
        tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
        return etag in tags or "*" in tags
    try:
        since = parsedate_to_datetime(request.headers.get("If-Modified-Since", ""))
        return modified_s <= since.timestamp()
    except (TypeError, ValueError, OverflowError):
        return False
