"""Every route, with who may use it."""

from aiohttp import web

from streamproc.web.cluster import peers, post
from streamproc.web.connections import Connections
from streamproc.web.handlers.acting import ActingHandlers
from streamproc.web.handlers.changes import ChangeHandlers
from streamproc.web.handlers.connect import ConnectHandlers
from streamproc.web.handlers.fleet import FleetHandlers
from streamproc.web.handlers.gateway import Gateway
from streamproc.web.handlers.incident_pages import IncidentPages
from streamproc.web.handlers.incidents import IncidentHandlers
from streamproc.web.handlers.log import LogHandlers
from streamproc.web.handlers.now import NowHandlers
from streamproc.web.handlers.operations import Operations
from streamproc.web.handlers.periods import PeriodHandlers
from streamproc.web.handlers.rejected import RejectedHandlers
from streamproc.web.handlers.report_list import ReportListHandlers
from streamproc.web.handlers.report_pages import ReportPages
from streamproc.web.handlers.reports import ReportHandlers
from streamproc.web.handlers.sessions import MAX_LOGIN, Sessions
from streamproc.web.handlers.states import StateHandlers
from streamproc.web.handlers.status import StatusHandlers
from streamproc.web.handlers.store import StoreHandlers
from streamproc.web.handlers.store_page import StorePageHandlers
from streamproc.web.handlers.store_sheet import StoreSheet
from streamproc.web.handlers.stores import StoresHandlers
from streamproc.web.handlers.suspects import SuspectHandlers
from streamproc.web.handlers.system import SystemHandlers
from streamproc.web.handlers.tables import TableHandlers
from streamproc.web.handlers.undo import UndoHandlers
from streamproc.web.handlers.uploads import UploadHandlers
from streamproc.web.handlers.webhook import WebhookHandlers
from streamproc.web.middleware import Middleware
from streamproc.web.own_token import OPEN_PATH
from streamproc.web.routing import add, add_static, no_such_path
from streamproc.web.security import CHANGE, CLUSTER, PROBE, PUBLIC, Guard
from streamproc.web.site import Site
from streamproc.web.templating import GUARD, WATCH

STORE_PATH = "/api/v1/stores/{store_id:[^/]+}"
MAX_MENDED = 4 << 20
"""Bytes of the form that mends a record: its text, each byte as three characters."""


def make_application(
    site: Site, connections: Connections, own_token: str
) -> web.Application:
    """The application with all routes behind the guard."""
    guard = Guard(site.program.settings, own_token)
    app = web.Application(
        middlewares=[Middleware(guard, connections).handle],
    )
    app[GUARD] = guard
    app[WATCH] = site.watch
    _add_pages(app, site)
    _add_api(app, site)
    _add_acts(app, site, guard)
    _add_reports(app, ReportHandlers(site))
    _add_tables(app, TableHandlers(site))
    _add_rejected(app, RejectedHandlers(site))
    _add_sessions(app, Sessions(guard))
    _add_operations(app, Operations(site), site.cluster)
    add_static(app)
    add(app, "*", "/{path:.*}", no_such_path, body=0)
    return app


def _add_pages(app: web.Application, site: Site) -> None:
    add(app, "GET", "/", NowHandlers(site).page)
    stores = StoresHandlers(site)
    add(app, "GET", "/stores", stores.page)
    add(app, "GET", "/stores.csv", stores.csv)
    add(app, "GET", "/stores.xlsx", stores.xlsx)
    store = StorePageHandlers(site)
    add(app, "GET", "/store", store.page)
    add(app, "GET", "/stores/{store_id:[^/]+}", store.page)
    incidents = IncidentPages(site)
    add(app, "GET", "/incidents", incidents.page)
    add(app, "GET", "/incidents.csv", incidents.csv)
    add(app, "GET", "/incidents.xlsx", incidents.xlsx)
    add(app, "GET", "/reports", ReportListHandlers(site).page)
    add(app, "GET", "/reports/{period}/page", ReportPages(site).page)
    add(app, "GET", "/stores/{store_id:[^/]+}/page", StoreSheet(site).page)


def _add_api(app: web.Application, site: Site) -> None:
    _add_fleet(app, FleetHandlers(site))
    store = StoreHandlers(site)
    _add_store(app, store)
    _add_changes(app, store, ChangeHandlers(site))
    add(app, "GET", "/api/v1/now", StateHandlers(site).now)
    add(app, "GET", "/api/v1/status", StatusHandlers(site).status)
    add(app, "GET", "/api/v1/incidents", IncidentHandlers(site).list)
    periods = PeriodHandlers(site)
    add(app, "GET", "/api/v1/periods/{period}", periods.fleet)
    add(app, "GET", f"{STORE_PATH}/periods", periods.store)
    webhook = WebhookHandlers(site)
    add(app, "GET", "/api/v1/webhook", webhook.one)
    add(app, "POST", "/api/v1/webhook/test", webhook.test, CHANGE, body=0)
    add(app, "GET", "/api/v1/suspects", SuspectHandlers(site).list)


def _add_acts(app: web.Application, site: Site, guard: Guard) -> None:
    """What people change from the pages, and programs send."""
    max_body = round(site.program.settings.web_max_body * (1 << 20))
    gateway = Gateway(site)
    _add_system(app, SystemHandlers(site, guard))
    _add_acting(app, ActingHandlers(site, guard))
    _add_log(app, LogHandlers(site), UndoHandlers(site, guard))
    _add_uploads(app, UploadHandlers(site, guard), max_body)
    _add_gateway(app, gateway, max_body)
    _add_connect(app, ConnectHandlers(site, gateway))


def _add_fleet(app: web.Application, fleet: FleetHandlers) -> None:
    add(app, "GET", "/find", fleet.find)
    add(app, "GET", "/api/v1/overview", fleet.overview)
    add(app, "GET", "/api/v1/stores", fleet.stores)


def _add_store(app: web.Application, store: StoreHandlers) -> None:
    add(app, "GET", "/stores/{store_id:[^/]+}/badge.svg", store.badge)
    add(app, "GET", STORE_PATH, store.one)
    add(app, "GET", f"{STORE_PATH}/timeline", store.timeline)
    add(app, "GET", f"{STORE_PATH}/polls", store.polls)


def _add_tables(app: web.Application, tables: TableHandlers) -> None:
    add(app, "GET", "/tables", tables.list_page)
    add(app, "GET", "/tables/{name}", tables.page)
    add(app, "GET", "/api/v1/tables", tables.list)
    add(app, "GET", "/api/v1/tables/{name}", tables.one)


def _add_rejected(app: web.Application, rejected: RejectedHandlers) -> None:
    add(app, "GET", "/rejected", rejected.page)
    add(app, "GET", "/rejected.csv", rejected.csv)
    add(app, "GET", "/rejected.xlsx", rejected.xlsx)
    add(app, "GET", "/api/v1/rejected", rejected.list)


def _add_acting(app: web.Application, acting: ActingHandlers) -> None:
    add(app, "GET", "/change", acting.page)
    add(app, "POST", "/change", acting.act, CHANGE)


def _add_uploads(app: web.Application, uploads: UploadHandlers, max_body: int) -> None:
    app.on_cleanup.append(uploads.close)
    add(app, "GET", "/upload", uploads.page)
    add(app, "POST", "/upload", uploads.take, CHANGE, body=max_body)
    add(app, "GET", "/upload/{token}", uploads.one)
    add(app, "POST", "/upload/{token}", uploads.act, CHANGE)
    add(app, "GET", "/upload/{token}/rejects.csv", uploads.rejects)


def _add_system(app: web.Application, system: SystemHandlers) -> None:
    add(app, "GET", "/system", system.page)
    add(app, "POST", "/system/webhook/test", system.test_webhook, CHANGE)
    add(app, "POST", "/system/rejected/{key}", system.mend, CHANGE, body=MAX_MENDED)


def _add_gateway(app: web.Application, gateway: Gateway, max_body: int) -> None:
    add(app, "POST", "/api/v1/polls", gateway.polls, CHANGE, body=max_body)


def _add_changes(
    app: web.Application, store: StoreHandlers, changes: ChangeHandlers
) -> None:
    add(app, "GET", f"{STORE_PATH}/changes", changes.changes)
    hours, labels = f"{STORE_PATH}/hours", f"{STORE_PATH}/labels"
    add(app, "GET", hours, changes.weeks)
    add(app, "PUT", hours, changes.put_hours, CHANGE)
    add(app, "DELETE", hours, changes.forget_hours, CHANGE, body=0)
    add(app, "DELETE", hours + "/{since}", changes.forget_week, CHANGE, body=0)
    add(app, "PUT", f"{STORE_PATH}/zone", changes.put_zone, CHANGE)
    add(app, "GET", labels, store.labels)
    add(app, "PUT", labels, changes.put_labels, CHANGE)
    add(app, "DELETE", labels, changes.forget_labels, CHANGE, body=0)
    dates = f"{STORE_PATH}/special-hours"
    add(app, "GET", dates, changes.special_dates)
    date = dates + "/{date}"
    add(app, "GET", date, changes.special_date)
    add(app, "PUT", date, changes.put_special_date, CHANGE)
    add(app, "DELETE", date, changes.forget_special_date, CHANGE, body=0)
    exclusions = f"{STORE_PATH}/exclusions"
    add(app, "GET", exclusions, changes.exclusions)
    exclusion = exclusions + "/{exclusion_id}"
    add(app, "GET", exclusion, changes.exclusion)
    add(app, "PUT", exclusion, changes.put_exclusion, CHANGE)
    add(app, "DELETE", exclusion, changes.withdraw_exclusion, CHANGE, body=0)


def _add_log(app: web.Application, log: LogHandlers, undo: UndoHandlers) -> None:
    add(app, "GET", "/api/v1/changes", log.list)
    add(app, "GET", "/api/v1/changes/{change}", log.one)
    add(app, "POST", "/api/v1/changes/{change}/undo", undo.undo, CHANGE)
    add(app, "GET", "/changes", undo.list_page)
    add(app, "GET", "/changes/{change}", undo.page)
    add(app, "POST", "/changes/{change}", undo.act, CHANGE)


def _add_connect(app: web.Application, connect: ConnectHandlers) -> None:
    add(app, "GET", "/connect", connect.page)
    add(app, "POST", "/connect", connect.try_it, CHANGE)


def _add_sessions(app: web.Application, sessions: Sessions) -> None:
    add(app, "GET", "/login", sessions.login, PUBLIC)
    add(app, "GET", OPEN_PATH, sessions.open, PUBLIC)
    admit = sessions.check_form
    add(app, "POST", "/login", sessions.sign_in, PUBLIC, admit=admit, body=MAX_LOGIN)
    add(app, "POST", "/logout", sessions.sign_out, PUBLIC, admit=admit)


def _add_reports(app: web.Application, reports: ReportHandlers) -> None:
    for slash in ("", "/"):
        add(app, "POST", f"/trigger_report{slash}", reports.trigger, CHANGE)
        add(app, "GET", f"/get_report{slash}", reports.get_report)
        add(app, "POST", f"/get_report{slash}", reports.get_report)
    add(app, "GET", "/reports/{report_id}.csv", reports.file)
    add(app, "GET", "/reports/{report_id}.xlsx", reports.workbook)
    add(app, "GET", "/combined_report.csv", reports.combined)
    add(app, "GET", "/combined_report.xlsx", reports.combined_workbook)
    add(app, "GET", "/monthly_report.csv", reports.monthly)
    add(app, "GET", "/monthly_report.xlsx", reports.monthly_workbook)
    add(app, "GET", "/api/v1/reports", reports.list)
    add(app, "GET", "/api/v1/reports/{report_id}", reports.one)
    for slash in ("", "/"):
        path = f"/{{store_id:[^/]+}}/trigger_report{slash}"
        add(app, "POST", path, reports.trigger, CHANGE)


def _add_operations(
    app: web.Application, operations: Operations, cluster: peers.Cluster
) -> None:
    add(app, "GET", "/health", operations.health, PROBE)
    add(app, "GET", "/ready", operations.ready, PROBE)
    add(app, "GET", "/metrics", operations.metrics)
    add(app, "GET", "/live", operations.live, kept_open=True)
    app.on_shutdown.append(operations.end_live)
    add(app, "GET", "/openapi.json", operations.openapi)
    add(
        app,
        "POST",
        post.PATH,
        cluster.answer,
        CLUSTER,
        body=peers.MAX_QUESTION,
        admit=cluster.check_header,
    )
