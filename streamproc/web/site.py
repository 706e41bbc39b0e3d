"""What all routes share: the program, its peers, and the nouns asked about."""

import asyncio
from contextlib import suppress
from typing import Any

from streamproc.program import Program
from streamproc.report.messages import NOW
from streamproc.rules.uptime import Rules
from streamproc.web.app_thread import AppThread
from streamproc.web.appending import Appender
from streamproc.web.as_of import NEWEST, Instants
from streamproc.web.aside import Aside
from streamproc.web.backlog import StartBacklog
from streamproc.web.cache import Cache
from streamproc.web.changes.calls import KNOWN, PREVIEW, PREVIEW_ALL
from streamproc.web.changes.log import Log
from streamproc.web.changes.log_calls import ANY_OF_ALL, LISTED, PARTS, UNDOING
from streamproc.web.changes.making import Changes
from streamproc.web.cluster.peers import Cluster
from streamproc.web.connect.received import ReceivedReader
from streamproc.web.fleet.performance import Performances
from streamproc.web.fleet.refreshing import Overviews
from streamproc.web.fleet.shard import SHARD
from streamproc.web.flow import FlowMeter
from streamproc.web.incidents.calls import OUTAGES, OUTAGES_OF_ONE
from streamproc.web.now.calls import NOW as STORES_NOW
from streamproc.web.now.everyone import Everybody
from streamproc.web.now.fleet import LiveFleet
from streamproc.web.now.states import STATES_NOW
from streamproc.web.pages import Pages
from streamproc.web.periods.calls import (
    KEPT,
    PERIOD_ROWS,
    ZONES_IN_USE,
)
from streamproc.web.periods.reading import Periods
from streamproc.web.refusal import Refusal
from streamproc.web.rejected.reader import RejectedReader
from streamproc.web.reports.reading import ALL_REPORTS, FILE_PIECE, ONE_REPORT, Reports
from streamproc.web.store.about import STORES_ABOUT
from streamproc.web.store.budgets import BUDGETS
from streamproc.web.store.data import STORE_DATA
from streamproc.web.store.labels import STORE_LABELS
from streamproc.web.store.names import ALL_LABELS, Names
from streamproc.web.store.period import STORE_PERIOD
from streamproc.web.store.reading import STORE_READING
from streamproc.web.store.stores import Stores
from streamproc.web.suspicion.calls import BLACKOUTS, EXPECTED, SUSPECTS, TURNED
from streamproc.web.suspicion.watching import Suspicions
from streamproc.web.system.attention import Watch
from streamproc.web.tables.calls import ITEMS, PARTITION_INFO
from streamproc.web.tables.reading import Tables
from streamproc.web.webhook.calls import WEBHOOK
from streamproc.web.webhook.trying import WebhookTrials

CALLS = (
    SHARD,
    NEWEST,
    STORE_DATA,
    STORE_READING,
    BUDGETS,
    STORE_LABELS,
    ALL_LABELS,
    STORES_ABOUT,
    ALL_REPORTS,
    ONE_REPORT,
    FILE_PIECE,
    ITEMS,
    PARTITION_INFO,
    OUTAGES,
    OUTAGES_OF_ONE,
    KEPT,
    ZONES_IN_USE,
    PERIOD_ROWS,
    STORE_PERIOD,
    KNOWN,
    PREVIEW,
    PREVIEW_ALL,
    LISTED,
    ANY_OF_ALL,
    PARTS,
    UNDOING,
    STORES_NOW,
    STATES_NOW,
    WEBHOOK,
    TURNED,
    EXPECTED,
    SUSPECTS,
    BLACKOUTS,
)
"""All that one worker may ask another."""


class Site:
    """The web's state; lives in the web's own thread and event loop."""

    def __init__(self, program: Program, app: AppThread) -> None:
        self.program = program
        self.app = app
        self.cluster = Cluster(program, CALLS, app)
        self.instants = Instants(program, self.cluster)
        self.overviews = Overviews(program, self.cluster, self.instants)
        self.live_fleet = LiveFleet(program, self.cluster)
        self.stores = Stores(program.settings, self.cluster, self.instants)
        self.periods = Periods(program, self.cluster, self.instants)
        self.appender = Appender(program, app)
        self.changes = Changes(program, self.cluster, self.appender)
        self.log = Log(self.cluster, program.settings.partitions)
        remembered = self.live_fleet.remembered
        self.performances = Performances(
            self.periods, self.instants, lambda: remembered.gone
        )
        remembered.on_back = self._outdate
        self.names = Names(self.cluster, program.settings.partitions)
        self.pages = Pages()
        self.aside = Aside()
        self.everybody = Everybody(self.live_fleet, self.overviews)
        #: Answers that a change makes old; who keeps more of them adds his.
        self.caches: list[Cache[Any, Any]] = [
            *(self.everybody.cache, self.names.cache, self.log.any_of_all),
            *(self.performances.cache, self.performances.business),
        ]
        self.reports = Reports(self.cluster)
        self.tables = Tables(program, self.cluster, app)
        self.rejected = RejectedReader(program)
        self.watch = Watch(self.rejected, self.cluster)
        self.received = ReceivedReader(program)
        self.webhook_trials = WebhookTrials(program)
        self.flow = FlowMeter(program, self.cluster, self.app.run)
        self.suspicions = Suspicions(program, self.cluster, app)
        self.cluster.status = self.flow.status
        self._backlog = StartBacklog(program)
        self.changes.on_made = self._outdate

    async def start_backlog(self) -> int:
        """Records left of what waited when the worker began to consume."""
        if self._backlog.is_over or not self.program.is_ready():
            return 0
        return await self.app.run(self._backlog.left())

    @property
    def gone(self) -> frozenset[int]:
        """Partitions whose owner does not answer."""
        return self.live_fleet.remembered.gone

    @property
    def rules(self) -> Rules:
        """By which all is counted."""
        return self.program.settings.rules

    def is_ready(self) -> bool:
        """Whether it consumes, and has worked off what waited when it began."""
        return self.program.is_ready() and self._backlog.is_over

    def _outdate(self) -> None:
        """Something was changed here, or a worker is back: all is made anew."""
        for cache in self.caches:
            cache.outdate()
        self.pages.outdate()

    async def close(self) -> None:
        """Let go of what it has opened."""
        await self.rejected.close()
        await self.received.close()
        await self.live_fleet.remembered.close()
        await self.aside.close()
        await self.cluster.close()

    async def warm_up(self) -> None:
        """Compute the first overview as soon as that is possible."""
        while not self.program.is_ready():  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.1)
        with suppress(Refusal):
            await self.overviews.get(NOW)
