"""Builds the program: settings in, a Faust app with its tables and agents out."""

from functools import cached_property, partial
from typing import Any

import faust
from faust.types import TP
from mode.utils.queues import FlowControlEvent

from agents import events, polls, report_collector, report_rows, stores
from streamproc.metrics import Metrics
from streamproc.program import Program
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.connect import connect
from streamproc.transport.kafka.client import REQUEST_TIMEOUT_S
from streamproc.transport.kafka.driver import SCHEME
from streamproc.transport.kafka.security import addresses, credentials
from streamproc.transport.positions import on_forgotten
from streamproc.webhook.sender import LEADER, Webhook
from streamproc.worker.internals import Tables
from tables.announced import Announced
from tables.archive import Archive
from tables.batch_table import BatchTable
from tables.change_log import ChangeLog
from tables.fact_tables import Exclusions, Hours, LabelsTable, SpecialHoursTable, Zones
from tables.histories import Histories
from tables.reports import Reports

_FETCH_BYTES = 8 << 20
_BUFFERED_BATCHES = 8
_REBALANCE_S = 20.0


def build(settings: Settings) -> Program:
    """Put the program together; nothing is opened or started yet."""
    app = _faust_app(settings)
    topics, metrics = topics_for(settings), Metrics()
    program = Program(
        settings=settings,
        app=app,
        topics=topics,
        metrics=metrics,
        webhook=Webhook(
            settings,
            topics.events,
            metrics,
            partial(connect, settings),
            lambda: program.is_ready() and program.announced.owns(LEADER),
        ),
        **_tables(app, settings),
    )
    _tell_sources(program)
    for module in (polls, stores, events, report_rows, report_collector):
        module.register(program)
    _follow_rebalances(program)
    _post_events(program)
    if settings.web:
        # Only then: it takes as long to import as most of the rest.
        from streamproc.web.server import WebServer

        app.web_service = WebServer(program, beacon=app.beacon)
    return program


def _tables(app: faust.App, settings: Settings) -> dict[str, Any]:
    """Every table, by the name that it has in the program, too."""
    sizes = {"block_cache": settings.block_cache, "write_buffer": settings.write_buffer}

    def table(kind: type[BatchTable], name: str, help: str, **more: Any) -> BatchTable:
        more = {"partitions": settings.partitions, **sizes, **more}
        made = kind(app, name=name, help=help, **more)
        made.connect = partial(connect, settings)
        app.tables.add(made)
        return made

    made = (
        table(
            Histories,
            "histories",
            "Polls by store and UTC day.",
            recent_mib=settings.polls_memory,
        ),
        table(
            Archive,
            "archive",
            "Older polls by month, store and day.",
            history_days=settings.history_days,
        ),
        table(Hours, "hours", "Business hours by store."),
        table(Zones, "zones", "Time zone by store."),
        table(SpecialHoursTable, "special_hours", "Openings of single dates."),
        table(Exclusions, "exclusions", "Maintenance and corrections by store."),
        table(LabelsTable, "labels", "Name, labels and target by store."),
        table(Reports, "reports", "Reports and their state, by id.", partitions=1),
        table(Announced, "announced", "What was told last of each store."),
        table(
            ChangeLog,
            "changes",
            "What was changed of stores, by whom, with the values before and after.",
            history_days=settings.history_days,
        ),
    )
    return {each.name: each for each in made}


def _tell_sources(program: Program) -> None:
    """From which topic each table can be built anew."""
    topics = program.topics
    program.histories.archive = program.archive
    for table, topic in (
        (program.histories, topics.polls),
        (program.archive, topics.polls),
        (program.hours, topics.hours),
        (program.zones, topics.zones),
        (program.special_hours, topics.special_hours),
        (program.exclusions, topics.exclusions),
        (program.labels, topics.labels),
    ):
        table.source = topic.name


class _BootStrategy(faust.App.BootStrategy):
    """Starts our own web in place of Faust's, which shows tables to anybody."""

    def web_server(self) -> list[Any]:
        """The service that serves pages and API, when there is to be one."""
        service = self.app.web_service
        return [] if service is None else [service]


class _FlowControl(FlowControlEvent):
    """Clears the agents' queues when the flow resumes, and only then.

    Faust says once more that it resumes when it has sought the committed offsets,
    and meanwhile the consumer may have delivered what comes after them: that would
    be thrown away, and never read again.
    """

    def resume(self) -> None:
        """Let the flow go on; without effect while it does."""
        if not self.is_active():
            super().resume()


class _App(faust.App):
    BootStrategy = _BootStrategy
    # Else its lines would count as ours, and be shown.
    logger = faust.App.logger
    web_service: Any = None
    #: What is read of other producers' transactions; Kafka's names.
    isolation_level = "read_committed"

    @cached_property
    def flow_control(self) -> FlowControlEvent:
        """What holds messages back during a rebalance."""
        return _FlowControl(loop=self.loop)


def _faust_app(settings: Settings) -> faust.App:
    app = _App(
        settings.app_id,
        broker=_broker(settings),
        datadir=str(settings.data_dir.absolute()),
        store="rocksdb://?driver=rocksdict",
        TableManager=Tables,
        autodiscover=False,
        web_enabled=False,
        canonical_url=settings.advertised_url,
        topic_partitions=settings.partitions,
        topic_allow_declare=True,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=_FETCH_BYTES,
        broker_max_poll_records=settings.max_poll_records,
        broker_commit_interval=settings.commit_interval,
        stream_buffer_maxsize=_BUFFERED_BATCHES,
        stream_wait_empty=False,
        worker_redirect_stdouts=False,
        **({} if settings.embedded else _kafka(settings)),
    )
    app.isolation_level = settings.isolation_level
    return app


def _broker(settings: Settings) -> str:
    if not settings.embedded:
        return ";".join(f"{SCHEME}://{host}" for host in addresses(settings))
    if "?" not in settings.broker_url:
        return f"{settings.broker_url}?sync={settings.log_sync}"
    return settings.broker_url


def _kafka(settings: Settings) -> dict[str, Any]:
    """Faust's settings for a cluster."""
    return {
        "broker_credentials": credentials(settings),
        "broker_session_timeout": settings.session_timeout,
        # Also how soon a worker hears that another one has come or gone.
        "broker_heartbeat_interval": min(settings.session_timeout / 5, 1.0),
        "broker_rebalance_timeout": max(_REBALANCE_S, settings.session_timeout),
        # A request may wait for a whole rebalance.
        "broker_request_timeout": 2 * max(_REBALANCE_S, settings.session_timeout),
        "producer_request_timeout": REQUEST_TIMEOUT_S,
        "table_standby_replicas": settings.standby_replicas,
        # Only asked for, never used: ``worker.prepare`` creates all topics.
        "topic_replication_factor": settings.replication_factor or 1,
    }


def _post_events(program: Program) -> None:
    """Tell the webhook's receiver of events while the worker runs."""

    @program.app.task
    async def webhook() -> None:
        """Post events, wherever they come from."""
        await program.webhook.run()


def _follow_rebalances(program: Program) -> None:
    """A partition changes hands only when nobody is writing it."""

    async def on_revoked(*_: object, **__: object) -> None:
        for table in program.tables:
            await table.hand_over()

    async def on_assigned(*_: object, **__: object) -> None:
        program.consumed.clear()
        program.boards.forget()
        for table in program.tables:
            table.take_over()
        program.consumed_ms.clear()

    def on_forget(tp: TP) -> None:
        program.consumed.pop(tp, None)
        program.consumed_ms.pop(tp, None)

    on_forgotten(program.app, on_forget)
    program.app.on_partitions_revoked.connect(on_revoked)
    program.app.on_partitions_assigned.connect(on_assigned)
    # Signals keep weak references only.
    program.app.__dict__["_rebalance_listeners"] = (on_revoked, on_assigned)
