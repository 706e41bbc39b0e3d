"""How a route is added to the application: its rule goes with it."""

from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Any

from aiohttp import web

from streamproc.web.bodies import SMALL_BODY
from streamproc.web.described import description
from streamproc.web.middleware import Rule
from streamproc.web.security import PUBLIC, READ

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ANY_PATH = "/{path}"
"""As aiohttp names the last route, which takes what no other one does."""

_STATIC = {
    "app.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_SHEETS = (
    "tokens",
    "frame",
    "controls",
    "tables",
    "pictures",
    "pages",
    "acts",
    "tablet",
    "phone",
    "desk",
    "paper",
    "sheet",
)
"""Parts of ``app.css``, in order: what stands later holds against what is before."""


def add(
    app: web.Application,
    method: str,
    path: str,
    handler: Handler,
    policy: str = READ,
    **fields: Any,
) -> None:
    """Add a route; ``fields`` are the others of its ``Rule``."""
    fields.setdefault("body", 0 if method == "GET" else SMALL_BODY)
    rule = Rule(policy, described=description(handler), **fields)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    answer.rule = rule  # type: ignore[attr-defined]
    if method == "GET":
        app.router.add_get(
            path, answer, allow_head=not rule.kept_open, expect_handler=_expect
        )
    else:
        app.router.add_route(method, path, answer, expect_handler=_expect)


async def _expect(_: web.Request) -> None:
    """Answer no Expect yet: ``bodies`` says "100 Continue" to who may go on."""


async def no_such_path(request: web.Request) -> web.Response:
    """404, or 405 with the methods that there are."""
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        if resource.canonical != ANY_PATH:
            allowed |= (await resource.resolve(request))[1]
    if allowed:
        raise web.HTTPMethodNotAllowed(request.method, allowed)
    raise web.HTTPNotFound


def add_static(app: web.Application) -> None:
    folder = resources.files("streamproc.web").joinpath("static")
    for name, content_type in _STATIC.items():
        body = folder.joinpath(name).read_bytes()
        add(app, "GET", f"/static/{name}", _static(body, content_type), PUBLIC)
    sheets = [folder.joinpath("css", f"{name}.css").read_bytes() for name in _SHEETS]
    styles = _static(b"".join(sheets), "text/css")
    add(app, "GET", "/static/app.css", styles, PUBLIC)


def _static(body: bytes, content_type: str) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        headers = {"Cache-Control": "max-age=300"}
        charset = None if content_type.startswith("image") else "utf-8"
        return web.Response(
            body=body, content_type=content_type, charset=charset, headers=headers
        )

    return answer
