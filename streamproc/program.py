"""The program: one Faust app, its topics and tables, and what agents share."""

import asyncio
import hashlib
import socket
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import faust
from faust.types import TP

from streamproc import rejected
from streamproc.bulk import Bulk
from streamproc.clock import wall_clock_us
from streamproc.clock_doubt import ClockDoubt
from streamproc.events import Suspect
from streamproc.metrics import Metrics
from streamproc.rejected import Rejected
from streamproc.report.files import ReportFiles
from streamproc.report.messages import Identity, Message, ToCollector, ToOwner
from streamproc.report.record import Report
from streamproc.report.wire import encode
from streamproc.rules.poll import MAX_FUTURE_US
from streamproc.rules.standing import NowRules
from streamproc.settings import Settings
from streamproc.topics import Topics, identity_for
from streamproc.transport.batched import BatchSchema, declare_batched, expect_partitions
from streamproc.transport.protocols import consumer_of, producer_of
from streamproc.transport.topic import Topic
from streamproc.webhook.sender import Webhook
from tables.announced import Announced
from tables.archive import Archive
from tables.batch_table import BatchTable
from tables.boards import Boards
from tables.change_log import ChangeLog
from tables.fact_tables import (
    Exclusions,
    FactTables,
    Hours,
    LabelsTable,
    SpecialHoursTable,
    Zones,
)
from tables.histories import Histories
from tables.reports import Reports

NOTICED_S = 0.1
"""How often it is looked whether offsets that went back were noticed."""


_WAIT_S = 0.02
_IDLE_S = 0.25


@dataclass
class Program:
    """Everything the agents need; built by ``streamproc.worker.app.build``."""

    settings: Settings
    app: faust.App
    topics: Topics
    histories: Histories
    archive: Archive
    hours: Hours
    zones: Zones
    special_hours: SpecialHoursTable
    exclusions: Exclusions
    labels: LabelsTable
    reports: Reports
    announced: Announced
    changes: ChangeLog
    webhook: Webhook
    metrics: Metrics = field(default_factory=Metrics)
    #: Suspicions that hold, on the worker that tells of them.
    suspects: tuple[Suspect, ...] = ()
    bulk: Bulk = field(default_factory=Bulk)
    clock_doubt: ClockDoubt = field(default_factory=ClockDoubt)
    now_us: Callable[[], int] = wall_clock_us
    #: Messages of other apps, or counted by other rules, that were refused.
    strangers: Counter[Identity] = field(default_factory=Counter)
    #: Offset of the last batch dealt with, by partition.
    consumed: dict[TP, int] = field(default_factory=dict)
    #: Timestamp of its last record, in milliseconds.
    consumed_ms: dict[TP, int] = field(default_factory=dict)

    @property
    def tables(self) -> tuple[BatchTable, ...]:
        """All tables."""
        return (
            *self.fact_tables,
            *(self.histories, self.archive, self.reports, self.announced),
            self.changes,
        )

    @property
    def facts(self) -> FactTables:
        """What is known of each store besides its polls."""
        return FactTables(self.hours, self.zones, self.special_hours, self.exclusions)

    @property
    def fact_tables(self) -> tuple[BatchTable, ...]:
        """The tables of what is known of each store besides its polls."""
        return (
            *(self.hours, self.zones, self.special_hours, self.exclusions),
            self.labels,
        )

    @property
    def consumed_topics(self) -> tuple[Topic, ...]:
        """The topics that agents consume."""
        return (*self.topics.inputs, self.topics.orders, self.topics.inbox)

    def source(self, topic: Topic, batches: int | None = None) -> faust.TopicT:
        """The topic as an agent consumes it: in batches.

        ``batches``: how many of them may wait for the agent until nothing is fetched
        any more, of any topic. More than the usual few for one that waits for others.
        """
        declare_batched(self.app, topic.name)
        expect_partitions(self.app, topic)
        source = self.app.topic(
            topic.name,
            schema=BatchSchema(),
            partitions=topic.partitions,
            allow_empty=True,
        )
        source.maxsize = batches  # Faust takes it as an argument, and drops it
        return source

    @property
    def now_rules(self) -> NowRules:
        """By which rules it is told what stores are now."""
        settings = self.settings
        return NowRules(settings.rules, settings.bridge_us, settings.confirm)

    @cached_property
    def boards(self) -> Boards:
        """What the stores of each partition here are now."""
        parts = self.histories, self.facts, self.labels
        return Boards(*parts, self.now_rules, self.is_ready)

    @cached_property
    def report_files(self) -> ReportFiles:
        """The report directory."""
        return ReportFiles(self.settings.reports_root)

    @cached_property
    def worker_id(self) -> str:
        """Names this worker's disk, over restarts."""
        path: Path = self.settings.data_dir / "worker-id"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(uuid.uuid4().hex)
        return path.read_text().strip()

    @property
    def member_id(self) -> str:
        """Names this worker in its group, over restarts: its disk, at its place.

        A copy of the disk elsewhere is another member: two of one name would throw each
        other out for good.
        """
        place = f"{socket.gethostname()}:{self.settings.data_dir.absolute()}"
        return f"{self.worker_id}-{hashlib.sha256(place.encode()).hexdigest()[:12]}"

    def is_ready(self) -> bool:
        """Whether the tables are recovered and the worker consumes."""
        return bool(self.app.tables.actives_ready and not self.app.rebalancing)

    async def until_ready(self) -> None:
        """Wait until the tables are recovered and the worker consumes."""
        await self.app.tables.recovery.completed.wait()

    def newest_us(self, partition: int) -> int:
        """Time of a partition's newest poll, -1 for none; the future is left out."""
        until_us = self.now_us() + MAX_FUTURE_US
        return self.histories.newest_until(partition, until_us)

    def latest_complete(self) -> Report | None:
        """The newest complete report of all stores, on the worker that has it."""
        complete = [
            report
            for report in self.reports.all()
            if report.counts_as_of(self.now_us())
        ]
        return max(complete, key=lambda report: report.as_of_us or 0, default=None)

    @cached_property
    def identity(self) -> Identity:
        """How this worker's messages are signed."""
        return identity_for(self.settings)

    async def to_collector(self, *messages: ToCollector) -> None:
        """Send messages to the owner of ``report-inbox``; returns when durable.

        Those of one call arrive in their order, and cost one append.
        """
        await self._send(self.topics.inbox, 0, messages)

    async def to_owner(self, partition: int, order: ToOwner) -> None:
        """Send an order to the owner of a partition; returns when durable."""
        await self._send(self.topics.orders, partition, [order])

    async def _send(
        self, topic: Topic, partition: int, messages: Sequence[Message]
    ) -> None:
        records = [encode(message, self.identity) for message in messages]
        await producer_of(self.app).append_batch(
            topic.name,
            partition,
            [record.key for record in records],
            [record.value for record in records],
            {row: record.headers for row, record in enumerate(records)},
        )

    async def keep_rejected(self, partition: int, records: Sequence[Rejected]) -> None:
        """Count what was refused, and keep it; returns when durable."""
        self.metrics.count_rejected(records)
        self.clock_doubt.note((one.reason for one in records), self.now_us())
        topic = self.topics.rejected.name
        await rejected.keep(producer_of(self.app), topic, partition, records)

    async def ends(self, *tps: TP) -> Mapping[TP, int]:
        """Where partitions of the input end now.

        One that ends before what was dealt with has lost records: waits until the
        consumer has noticed, and reads it anew.
        """
        while True:
            dealt_with = {tp: self._dealt_with(tp) for tp in tps}
            ends = await consumer_of(self.app).highwaters(*tps)
            if all(dealt_with[tp] <= ends[tp] for tp in tps):
                return ends
            await asyncio.sleep(NOTICED_S)

    async def catching_up(self, partition: int) -> AsyncIterator[int]:
        """How many input records are left, until all that was accepted is in place.

        Ends when what was there in the beginning is in the tables.
        """
        tps = [TP(topic.name, partition) for topic in self.topics.inputs]
        ends = await self.ends(*tps)
        clock = asyncio.get_running_loop().time
        idle_since = clock()
        while behind := sum([await self.behind(tp, ends[tp]) for tp in tps]):
            if not all([await self.is_idle(tp, ends[tp]) for tp in tps]):
                idle_since = clock()
            elif clock() - idle_since > _IDLE_S:
                return
            yield behind
            await asyncio.sleep(_WAIT_S)
            self.histories.require(partition)

    async def catch_up(self, partition: int) -> None:
        """Return when all input that was accepted before is in the tables."""
        async for _ in self.catching_up(partition):
            pass

    async def until_dealt_with(self, tp: TP, offset: int) -> None:
        """Return when a record of the input is in the tables, and all before it."""
        while self._dealt_with(tp) <= offset:
            await asyncio.sleep(_WAIT_S)
            self.histories.require(tp.partition)

    async def behind(self, tp: TP, end: int) -> int:
        """How many offsets before ``end``, a mark of some time ago, are to be read."""
        if (dealt_with := self._dealt_with(tp)) >= end:
            return 0  # as a rule, so the broker is not asked
        begin = (await consumer_of(self.app).earliest_offsets(tp))[tp] or 0
        return max(end - max(dealt_with, begin), 0)

    async def waiting(self, tp: TP, end: int) -> int:
        """How many are to be read; 0 when no record is left among these offsets."""
        behind = await self.behind(tp, end)
        return behind if behind and not await self.is_idle(tp, end) else 0

    def _dealt_with(self, tp: TP) -> int:
        """Offset before which all of a partition is dealt with."""
        committed = consumer_of(self.app).committed_offset(tp) or 0
        return max(self.consumed.get(tp, -1) + 1, committed)

    async def is_idle(self, tp: TP, end: int) -> bool:
        """Whether nothing of the partition is under way although it was read.

        The last offsets of a Kafka partition may hold no record (transaction
        markers): the consumer is past them, and no agent will ever be.
        """
        consumer = consumer_of(self.app)
        delivered = consumer.delivered_offset(tp)
        known = (None, self.consumed.get(tp), consumer.committed_offset(tp))
        return (await consumer.position(tp) or 0) >= end and delivered in known
