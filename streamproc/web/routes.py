"""Every route, with who may use it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import resources

from aiohttp import web

from streamproc.web import cluster
from streamproc.web.answers import Answers
from streamproc.web.api import Api
from streamproc.web.gateway import Gateway
from streamproc.web.operations import Operations
from streamproc.web.pages import Pages
from streamproc.web.rejected import RejectedReader
from streamproc.web.render import GUARD
from streamproc.web.reporting import Reporting
from streamproc.web.security import CHANGE, CLUSTER, PUBLIC, READ, Guard
from streamproc.web.site import Site

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_STATIC = {
    "app.css": "text/css",
    "app.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


def make_application(site: Site) -> web.Application:
    """The application with all routes behind the guard."""
    settings = site.program.settings
    guard = Guard(settings)
    app = web.Application(
        middlewares=[Answers(guard).middleware],
        client_max_size=round(settings.web_max_body * (1 << 20)),
    )
    app[GUARD] = guard
    rejected = RejectedReader(site)
    pages = Pages(site, guard, rejected)
    api = Api(site, pages, rejected)
    _add_pages(app, pages)
    _add_reports(app, Reporting(site))
    _add_api(app, api, Gateway(site))
    _add_operations(app, Operations(site), site.cluster)

    async def close(_: web.Application) -> AsyncIterator[None]:
        yield
        await rejected.close()

    app.cleanup_ctx.append(close)
    return app


def _add(
    app: web.Application,
    method: str,
    path: str,
    handler: Handler,
    policy: str = READ,
    kept_open: bool = False,
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    answer.policy = policy  # type: ignore[attr-defined]
    answer.kept_open = kept_open  # type: ignore[attr-defined]
    if method == "GET":
        app.router.add_get(path, answer, allow_head=not kept_open)
    else:
        app.router.add_route(method, path, answer)


def _add_pages(app: web.Application, pages: Pages) -> None:
    _add(app, "GET", "/", pages.fleet)
    _add(app, "GET", "/store", pages.store)
    _add(app, "GET", "/stores/{store_id:[^/]+}", pages.store)
    _add(app, "GET", "/tables", pages.tables)
    _add(app, "GET", "/tables/{name}", pages.table)
    _add(app, "GET", "/rejected", pages.rejected)
    _add(app, "GET", "/login", pages.login, PUBLIC)
    _add(app, "POST", "/login", pages.sign_in, PUBLIC)
    _add(app, "POST", "/logout", pages.sign_out, PUBLIC)
    for name, content_type in _STATIC.items():
        body = resources.files("streamproc.web").joinpath("static", name).read_bytes()
        _add(app, "GET", f"/static/{name}", _static(body, content_type), PUBLIC)


def _static(body: bytes, content_type: str) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        headers = {"Cache-Control": "max-age=300"}
        charset = None if content_type.startswith("image") else "utf-8"
        return web.Response(
            body=body, content_type=content_type, charset=charset, headers=headers
        )

    return answer


def _add_reports(app: web.Application, reports: Reporting) -> None:
    for slash in ("", "/"):
        _add(app, "POST", f"/trigger_report{slash}", reports.trigger, CHANGE)
        _add(app, "GET", f"/get_report{slash}", reports.get_report)
        _add(app, "POST", f"/get_report{slash}", reports.get_report)
    _add(app, "GET", "/reports", reports.show)
    _add(app, "GET", "/reports/{report_id}.csv", reports.file)
    _add(app, "GET", "/combined_report.csv", reports.combined)
    _add(app, "GET", "/api/v1/reports", reports.list)
    _add(app, "GET", "/api/v1/reports/{report_id}", reports.one)
    for slash in ("", "/"):
        path = f"/{{store_id:[^/]+}}/trigger_report{slash}"
        _add(app, "POST", path, reports.trigger, CHANGE)


def _add_api(app: web.Application, api: Api, gateway: Gateway) -> None:
    _add(app, "GET", "/openapi.json", api.openapi)
    _add(app, "GET", "/api/v1/overview", api.overview)
    _add(app, "GET", "/api/v1/stores", api.stores)
    _add(app, "GET", "/api/v1/stores/{store_id:[^/]+}", api.store)
    _add(app, "GET", "/api/v1/stores/{store_id:[^/]+}/timeline", api.timeline)
    _add(app, "GET", "/api/v1/stores/{store_id:[^/]+}/polls", api.polls)
    _add(app, "PUT", "/api/v1/stores/{store_id:[^/]+}/hours", gateway.hours, CHANGE)
    _add(app, "PUT", "/api/v1/stores/{store_id:[^/]+}/zone", gateway.zone, CHANGE)
    _add(app, "GET", "/stores/{store_id:[^/]+}/badge.svg", api.badge)
    _add(app, "POST", "/api/v1/polls", gateway.polls, CHANGE)
    _add(app, "GET", "/api/v1/tables", api.tables)
    _add(app, "GET", "/api/v1/tables/{name}", api.table)
    _add(app, "GET", "/api/v1/rejected", api.rejected)


def _add_operations(
    app: web.Application, operations: Operations, peers: cluster.Cluster
) -> None:
    _add(app, "GET", "/health", operations.health, PUBLIC)
    _add(app, "GET", "/ready", operations.ready, PUBLIC)
    _add(app, "GET", "/metrics", operations.metrics)
    _add(app, "GET", "/live", operations.live, kept_open=True)
    app.on_shutdown.append(operations.end_live)
    _add(app, "POST", cluster.PATH, peers.answer, CLUSTER)
