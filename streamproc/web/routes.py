"""Every route, with who may use it."""

from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Any

from aiohttp import web

from streamproc.web.bodies import SMALL_BODY
from streamproc.web.cluster import peers
from streamproc.web.connections import Connections
from streamproc.web.described import description
from streamproc.web.handlers.acting import ActingHandlers
from streamproc.web.handlers.changes import ChangeHandlers
from streamproc.web.handlers.connect import ConnectHandlers
from streamproc.web.handlers.fleet import FleetHandlers
from streamproc.web.handlers.gateway import Gateway
from streamproc.web.handlers.incident_pages import IncidentPages
from streamproc.web.handlers.incidents import IncidentHandlers
from streamproc.web.handlers.now import NowHandlers
from streamproc.web.handlers.operations import Operations
from streamproc.web.handlers.periods import PeriodHandlers
from streamproc.web.handlers.rejected import RejectedHandlers
from streamproc.web.handlers.report_pages import ReportPages
from streamproc.web.handlers.reports import ReportHandlers
from streamproc.web.handlers.sessions import MAX_LOGIN, Sessions
from streamproc.web.handlers.states import StateHandlers
from streamproc.web.handlers.status import StatusHandlers
from streamproc.web.handlers.store import StoreHandlers
from streamproc.web.handlers.store_page import StorePageHandlers
from streamproc.web.handlers.stores import StoresHandlers
from streamproc.web.handlers.suspects import SuspectHandlers
from streamproc.web.handlers.system import SystemHandlers
from streamproc.web.handlers.tables import TableHandlers
from streamproc.web.handlers.uploads import UploadHandlers
from streamproc.web.handlers.webhook import WebhookHandlers
from streamproc.web.middleware import Middleware, Rule
from streamproc.web.own_token import OPEN_PATH
from streamproc.web.security import CHANGE, CLUSTER, PROBE, PUBLIC, READ, Guard
from streamproc.web.site import Site
from streamproc.web.templating import GUARD, WATCH

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

STORE_PATH = "/api/v1/stores/{store_id:[^/]+}"
MAX_MENDED = 4 << 20
"""Bytes of the form that mends a record: its text, each byte as three characters."""
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
    "desk",
    "tablet",
    "phone",
    "paper",
    "sheet",
)
"""Parts of ``app.css``, in order: what stands later holds against what is before."""


def make_application(
    site: Site, connections: Connections, own_token: str
) -> web.Application:
    """The application with all routes behind the guard."""
    settings = site.program.settings
    guard = Guard(settings, own_token)
    app = web.Application(
        middlewares=[Middleware(guard, connections).handle],
    )
    app[GUARD] = guard
    _add(app, "GET", "/", NowHandlers(site).page)
    app[WATCH] = site.watch
    stores = StoresHandlers(site)
    _add(app, "GET", "/stores", stores.page)
    _add(app, "GET", "/stores.csv", stores.csv)
    _add_fleet(app, FleetHandlers(site))
    store = StoreHandlers(site)
    _add_store(app, store)
    _add_changes(app, store, ChangeHandlers(site))
    _add(app, "GET", "/api/v1/now", StateHandlers(site).now)
    _add(app, "GET", "/api/v1/status", StatusHandlers(site).status)
    shown = StorePageHandlers(site)
    _add(app, "GET", "/store", shown.page)
    _add(app, "GET", "/stores/{store_id:[^/]+}", shown.page)
    _add_store(app, StoreHandlers(site))
    _add(app, "GET", "/api/v1/incidents", IncidentHandlers(site).list)
    incidents = IncidentPages(site)
    _add(app, "GET", "/incidents", incidents.page)
    _add(app, "GET", "/incidents.csv", incidents.csv)
    _add(app, "GET", "/incidents.xlsx", incidents.xlsx)
    _add(app, "GET", "/reports/{period}/page", ReportPages(site).page)
    periods = PeriodHandlers(site)
    _add(app, "GET", "/api/v1/periods/{period}", periods.fleet)
    _add(app, "GET", "/api/v1/stores/{store_id:[^/]+}/periods", periods.store)
    _add(app, "GET", "/api/v1/webhook", WebhookHandlers(site).one)
    _add(app, "GET", "/api/v1/suspects", SuspectHandlers(site).list)
    _add_reports(app, ReportHandlers(site))
    _add_tables(app, TableHandlers(site))
    _add_rejected(app, RejectedHandlers(site))
    _add_system(app, SystemHandlers(site, guard))
    _add_acting(app, ActingHandlers(site, guard))
    _add_uploads(
        app, UploadHandlers(site, guard), round(settings.web_max_body * (1 << 20))
    )
    gateway = Gateway(site)
    _add_gateway(app, gateway, round(settings.web_max_body * (1 << 20)))
    _add_connect(app, ConnectHandlers(site, gateway))
    _add_sessions(app, Sessions(guard))
    _add_operations(app, Operations(site), site.cluster)
    _add_static(app)
    _add(app, "*", "/{path:.*}", _no_such_path, body=0)

    return app


def _add(
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


async def _no_such_path(request: web.Request) -> web.Response:
    """404, or 405 with the methods that there are."""
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        if resource.canonical != ANY_PATH:
            allowed |= (await resource.resolve(request))[1]
    if allowed:
        raise web.HTTPMethodNotAllowed(request.method, allowed)
    raise web.HTTPNotFound


def _add_fleet(app: web.Application, fleet: FleetHandlers) -> None:
    _add(app, "GET", "/find", fleet.find)
    _add(app, "GET", "/api/v1/overview", fleet.overview)
    _add(app, "GET", "/api/v1/stores", fleet.stores)


def _add_store(app: web.Application, store: StoreHandlers) -> None:
    _add(app, "GET", "/stores/{store_id:[^/]+}/badge.svg", store.badge)
    _add(app, "GET", "/api/v1/stores/{store_id:[^/]+}", store.one)
    _add(app, "GET", "/api/v1/stores/{store_id:[^/]+}/timeline", store.timeline)
    _add(app, "GET", "/api/v1/stores/{store_id:[^/]+}/polls", store.polls)


def _add_tables(app: web.Application, tables: TableHandlers) -> None:
    _add(app, "GET", "/tables", tables.list_page)
    _add(app, "GET", "/tables/{name}", tables.page)
    _add(app, "GET", "/api/v1/tables", tables.list)
    _add(app, "GET", "/api/v1/tables/{name}", tables.one)


def _add_rejected(app: web.Application, rejected: RejectedHandlers) -> None:
    _add(app, "GET", "/rejected", rejected.page)
    _add(app, "GET", "/api/v1/rejected", rejected.list)


def _add_acting(app: web.Application, acting: ActingHandlers) -> None:
    _add(app, "GET", "/change", acting.page)
    _add(app, "POST", "/change", acting.act, CHANGE)


def _add_uploads(app: web.Application, uploads: UploadHandlers, max_body: int) -> None:
    app.on_cleanup.append(uploads.close)
    _add(app, "GET", "/upload", uploads.page)
    _add(app, "POST", "/upload", uploads.take, CHANGE, body=max_body)
    _add(app, "GET", "/upload/{token}", uploads.one)
    _add(app, "POST", "/upload/{token}", uploads.act, CHANGE)
    _add(app, "GET", "/upload/{token}/rejects.csv", uploads.rejects)


def _add_system(app: web.Application, system: SystemHandlers) -> None:
    _add(app, "GET", "/system", system.page)
    _add(app, "POST", "/system/rejected/{key}", system.mend, CHANGE, body=MAX_MENDED)


def _add_gateway(app: web.Application, gateway: Gateway, max_body: int) -> None:
    _add(app, "POST", "/api/v1/polls", gateway.polls, CHANGE, body=max_body)


def _add_changes(
    app: web.Application, store: StoreHandlers, changes: ChangeHandlers
) -> None:
    _add(app, "GET", f"{STORE_PATH}/changes", changes.changes)
    hours, labels = f"{STORE_PATH}/hours", f"{STORE_PATH}/labels"
    _add(app, "GET", hours, changes.weeks)
    _add(app, "PUT", hours, changes.put_hours, CHANGE)
    _add(app, "DELETE", hours, changes.forget_hours, CHANGE, body=0)
    _add(app, "DELETE", hours + "/{since}", changes.forget_week, CHANGE, body=0)
    _add(app, "PUT", f"{STORE_PATH}/zone", changes.put_zone, CHANGE)
    _add(app, "GET", labels, store.labels)
    _add(app, "PUT", labels, changes.put_labels, CHANGE)
    _add(app, "DELETE", labels, changes.forget_labels, CHANGE, body=0)
    dates = f"{STORE_PATH}/special-hours"
    _add(app, "GET", dates, changes.special_dates)
    date = dates + "/{date}"
    _add(app, "GET", date, changes.special_date)
    _add(app, "PUT", date, changes.put_special_date, CHANGE)
    _add(app, "DELETE", date, changes.forget_special_date, CHANGE, body=0)
    exclusions = f"{STORE_PATH}/exclusions"
    _add(app, "GET", exclusions, changes.exclusions)
    exclusion = exclusions + "/{exclusion_id}"
    _add(app, "GET", exclusion, changes.exclusion)
    _add(app, "PUT", exclusion, changes.put_exclusion, CHANGE)
    _add(app, "DELETE", exclusion, changes.withdraw_exclusion, CHANGE, body=0)


def _add_connect(app: web.Application, connect: ConnectHandlers) -> None:
    _add(app, "GET", "/connect", connect.page)
    _add(app, "POST", "/connect", connect.try_it, CHANGE)


def _add_sessions(app: web.Application, sessions: Sessions) -> None:
    _add(app, "GET", "/login", sessions.login, PUBLIC)
    _add(app, "GET", OPEN_PATH, sessions.open, PUBLIC)
    admit = sessions.check_form
    _add(app, "POST", "/login", sessions.sign_in, PUBLIC, admit=admit, body=MAX_LOGIN)
    _add(app, "POST", "/logout", sessions.sign_out, PUBLIC, admit=admit)


def _add_static(app: web.Application) -> None:
    folder = resources.files("streamproc.web").joinpath("static")
    for name, content_type in _STATIC.items():
        body = folder.joinpath(name).read_bytes()
        _add(app, "GET", f"/static/{name}", _static(body, content_type), PUBLIC)
    sheets = [folder.joinpath("css", f"{name}.css").read_bytes() for name in _SHEETS]
    styles = _static(b"".join(sheets), "text/css")
    _add(app, "GET", "/static/app.css", styles, PUBLIC)


def _static(body: bytes, content_type: str) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        headers = {"Cache-Control": "max-age=300"}
        charset = None if content_type.startswith("image") else "utf-8"
        return web.Response(
            body=body, content_type=content_type, charset=charset, headers=headers
        )

    return answer


def _add_reports(app: web.Application, reports: ReportHandlers) -> None:
    for slash in ("", "/"):
        _add(app, "POST", f"/trigger_report{slash}", reports.trigger, CHANGE)
        _add(app, "GET", f"/get_report{slash}", reports.get_report)
        _add(app, "POST", f"/get_report{slash}", reports.get_report)
    _add(app, "GET", "/reports", reports.page)
    _add(app, "GET", "/reports/{report_id}.csv", reports.file)
    _add(app, "GET", "/reports/{report_id}.xlsx", reports.workbook)
    _add(app, "GET", "/combined_report.csv", reports.combined)
    _add(app, "GET", "/api/v1/reports", reports.list)
    _add(app, "GET", "/api/v1/reports/{report_id}", reports.one)
    for slash in ("", "/"):
        path = f"/{{store_id:[^/]+}}/trigger_report{slash}"
        _add(app, "POST", path, reports.trigger, CHANGE)


def _add_operations(
    app: web.Application, operations: Operations, cluster: peers.Cluster
) -> None:
    _add(app, "GET", "/health", operations.health, PROBE)
    _add(app, "GET", "/ready", operations.ready, PROBE)
    _add(app, "GET", "/metrics", operations.metrics)
    _add(app, "GET", "/live", operations.live, kept_open=True)
    app.on_shutdown.append(operations.end_live)
    _add(app, "GET", "/openapi.json", operations.openapi)
    _add(
        app,
        "POST",
        peers.PATH,
        cluster.answer,
        CLUSTER,
        body=peers.MAX_QUESTION,
        admit=cluster.check_header,
    )
