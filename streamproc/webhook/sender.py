"""Reads the events' topic and posts what it holds, until it is delivered or given up.

A consumer of its own: nothing else waits for the receiver, and a restart goes on after
what was delivered. Of all workers it is the one that owns partition 0 of ``announced``.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from faust.types import TP

from streamproc.errors import InvalidInput
from streamproc.events import Suspect, decode_event
from streamproc.metrics import Metrics
from streamproc.rules.labels import Labels, Where, parse_where
from streamproc.settings import Settings
from streamproc.transport.batch import Batch
from streamproc.transport.client import Client
from streamproc.transport.topic import Topic
from streamproc.webhook.calling import TOO_LARGE, Caller, Outcome
from streamproc.webhook.posts import Told
from streamproc.webhook.status import Lost, Posted, WebhookStatus
from streamproc.webhook.waiting import AT_ONCE, Record, Waiting

log = logging.getLogger(__name__)

LEADER = 0
"""Partition whose owner posts, for all."""

READ_S = 0.2
LOOK_S = 0.5
RETRY_S = 5.0
BEFORE_START_S = 60.0
"""Events of so long before the first start are posted, too; older ones never."""


class Webhook:
    """Posts the events of all partitions while ``is_mine``."""

    def __init__(
        self,
        settings: Settings,
        topic: Topic,
        metrics: Metrics,
        connect: Callable[[], Awaitable[Client]],
        is_mine: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._topic = topic
        self._metrics = metrics
        self._connect = connect
        self._is_mine = is_mine
        self._where = where_of(settings)
        self._since_s = time.time() - BEFORE_START_S
        self.status = WebhookStatus()

    @property
    def group(self) -> str:
        """Names what is committed."""
        return f"{self._settings.app_id}-webhook"

    async def run(self) -> None:
        """Post events as long as the worker runs."""
        while self._settings.webhook_url:
            try:
                if self._is_mine():
                    await self._serve()
            except Exception as exc:  # what it cannot do today holds up nothing else
                log.warning("Webhook: trying again in %g s: %r", RETRY_S, exc)
                await asyncio.sleep(RETRY_S)
            await asyncio.sleep(LOOK_S)

    async def _serve(self) -> None:
        client = await self._connect()
        try:
            async with Caller(self._settings) as caller:
                delivery = _Delivery(self, client, caller)
                await delivery.begin()
                while self._is_mine():
                    await delivery.go_on()
        finally:
            await client.close()

    # -- what one delivery asks and tells -----

    @property
    def topic(self) -> Topic:
        """Where the events are."""
        return self._topic

    @property
    def patience_s(self) -> float:
        """How old an event may be that is posted."""
        return self._settings.webhook_patience * 3600

    def chosen(self, batch: Batch, is_new: bool) -> list[Record]:
        """The events of a batch that are to be posted.

        ``is_new``: nothing was ever posted of the partition; then what was told before
        the worker has started is not.
        """
        found = []
        for row, value in enumerate(batch.values):
            told_s = int(batch.timestamps_ms[row]) / 1000
            if is_new and told_s < self._since_s:
                continue
            try:
                event = decode_event(value)
            except InvalidInput as exc:
                log.warning("%s, partition %d: %s", batch.topic, batch.partition, exc)
                continue
            if self._is_chosen(event):
                offset = int(batch.offsets[row])
                found.append(Record(event, batch.partition, offset, told_s))
        return found

    def _is_chosen(self, event: Told) -> bool:
        if self._where is None or isinstance(event, Suspect):
            return True
        return self._where.holds(Labels(labels=event.labels))

    def note_outcome(self, records: Sequence[Record], outcome: Outcome) -> None:
        """Count a post that was made."""
        told, count = self.status, self._metrics.webhook_posts.labels
        told.posts += 1
        told.recent.append(posted(outcome, len(records), time.time()))
        if outcome.delivered:
            told.delivered += len(records)
            told.delivered_s, told.error = time.time(), None
            count("delivered").inc()
            return
        if told.error != outcome.error:
            log.warning("Webhook: %d events wait: %s", told.lag, outcome.error)
        told.failed += 1
        told.error, told.error_s = outcome.error, time.time()
        count("failed").inc()

    def note_lost(self, records: Sequence[Record], reason: str) -> None:
        """Count and list what was given up."""
        self.status.given_up += len(records)
        self.status.lost += [Lost(one.event, reason) for one in records]
        self._metrics.webhook_given_up.inc(len(records))
        log.error("Webhook: %d events given up: %s", len(records), reason)

    def note_lag(self, lag: int, retry_s: float | None) -> None:
        """Say how much waits, and until when nothing is tried."""
        self.status.lag, self.status.retry_s = lag, retry_s
        self._metrics.webhook_lag.set(lag)


class _Delivery:
    """One run of posts, from what is committed on."""

    def __init__(self, webhook: Webhook, client: Client, caller: Caller) -> None:
        self._webhook = webhook
        self._client = client
        self._caller = caller
        self._waiting = Waiting(webhook.patience_s)
        self._positions: dict[TP, int] = {}
        self._new: set[TP] = set()
        self._committed: dict[TP, int] = {}

    async def begin(self) -> None:
        """Take up where the last one ended."""
        topic, client = self._webhook.topic, self._client
        begins = await client.begin_offsets(topic)
        ends = await client.end_offsets(topic)
        committed = await client.committed(self._webhook.group, list(ends))
        for tp, end in ends.items():
            at = committed.get(tp)
            if at is None:
                self._new.add(tp)
            fine = at is not None and begins[tp] <= at <= end
            self._positions[tp] = at if fine and at is not None else begins[tp]

    async def go_on(self) -> None:
        """Read what has come, and post what is due."""
        if len(self._waiting) < AT_ONCE:
            for batch in await self._client.read(self._positions, READ_S):
                tp = TP(batch.topic, batch.partition)
                records = self._webhook.chosen(batch, tp in self._new)
                self._waiting.add(records, time.monotonic())
                self._positions[tp] = batch.offset + 1
        else:
            await asyncio.sleep(READ_S)
        await self._note_lag()
        if self._waiting.due_s() <= time.monotonic():
            await self._post()
        await self._commit()

    async def _post(self) -> None:
        waiting, webhook = self._waiting, self._webhook
        error = webhook.status.error or "never tried"
        if old := waiting.given_up(time.time()):
            hours = webhook.patience_s / 3600
            webhook.note_lost(old, f"not delivered within {hours:g} h: {error}")
        records = waiting.next_post(time.monotonic())
        if not records:
            return
        outcome = await self._caller.post([one.event for one in records])
        webhook.note_outcome(records, outcome)
        if outcome.delivered:
            waiting.delivered(records, time.monotonic())
        else:
            too_large = outcome.status == TOO_LARGE
            waiting.failed(time.monotonic(), outcome.wait_s, too_large)

    async def _note_lag(self) -> None:
        ends = await self._client.end_offsets(self._webhook.topic)
        unread = sum(end - self._positions[tp] for tp, end in ends.items())
        retry_s = None
        if self._waiting.failures:
            retry_s = time.time() + self._waiting.due_s() - time.monotonic()
        self._webhook.note_lag(unread + len(self._waiting), retry_s)

    async def _commit(self) -> None:
        """Commit what was delivered, given up or not chosen."""
        first = self._waiting.first_offsets()
        reached = {
            tp: first.get(tp.partition, at) for tp, at in self._positions.items()
        }
        changed = {
            tp: at for tp, at in reached.items() if self._committed.get(tp) != at
        }
        if changed:
            await self._client.commit(self._webhook.group, changed)
            self._committed |= changed


def posted(outcome: Outcome, events: int, at_s: float) -> Posted:
    """A call as it is listed."""
    return Posted(at_s, events, outcome.status, outcome.error, outcome.took_s)


def where_of(settings: Settings) -> Where | None:
    """Which stores' events are posted; None: all."""
    return parse_where(settings.webhook_where) if settings.webhook_where else None
