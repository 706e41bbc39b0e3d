"""The Faust transport for ``kafka://``: aiokafka's, in batches.

Registered as ``kafkabatch``, since ``kafka`` is Faust's own; the app translates.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka.consumer.fetcher import Fetcher
from aiokafka.errors import (
    IllegalStateError,
    KafkaError,
    OffsetOutOfRangeError,
)
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

from streamproc.transport.batch import singles
from streamproc.transport.batched import BatchedConsumer, batched_topics
from streamproc.transport.columns import Headers
from streamproc.transport.kafka import append
from streamproc.transport.kafka.consumer_thread import ConsumerThread
from streamproc.transport.kafka.guarded import LOOK_S, GuardedConsumer
from streamproc.transport.kafka.internals import clients
from streamproc.transport.kafka.partitions import ours, theirs
from streamproc.transport.kafka.records import Damage, batches
from streamproc.transport.kafka.refusals import is_denied, translated
from streamproc.transport.kafka.requests import topic_facts
from streamproc.transport.kafka.topic_watch import TopicWatch

log = logging.getLogger(f"{__name__}.consumer")  # not the one Faust's lines go to

SCHEME = "kafkabatch"

IN_TOUCH_S = 1.0
"""How often the group's coordinator is asked whether it refuses us."""

_SEEKING_S = 0.01
_FETCH_S = 0.2
"""The longest that a seek waits for a fetch that finds nothing."""


class Consumer(GuardedConsumer, BatchedConsumer, driver.Consumer):
    """Hands each fetched run of a partition over as one message."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offsets: Fetcher | None = None
        self._seeking = False
        self._fetching = asyncio.Lock()
        self.topics = TopicWatch()

    async def on_stop(self) -> None:
        """Commit what was processed."""
        await super().on_stop()
        if self._offsets is not None:
            await self._offsets.close()

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _getmany(
        self,
        active_partitions: set[TP] | None,
        timeout: float,  # noqa: ASYNC109 - Faust's signature
    ) -> dict[TP, list[Any]]:
        """Next records of the active partitions; waits at most ``timeout``."""
        if self._seeking:
            await asyncio.sleep(_SEEKING_S)
            return {}
        try:
            async with self._fetching:
                fetched = await self._fetched(active_partitions, min(timeout, _FETCH_S))
        except Damage as exc:
            await self._commit_up_to(exc)
            raise translated(exc) from exc
        if self._seeking:
            return {}  # all of it is read again
        batched = batched_topics(self.app)
        found = {tp: batches(tp, runs) for tp, runs in fetched.items()}
        return {
            tp: run if tp.topic in batched else [one for b in run for one in singles(b)]
            for tp, run in found.items()
            if run
        }

    @Service.task
    async def _stay_in_touch(self) -> None:
        """Be heard by the group, and hear it, also while nothing is fetched."""
        while not self.should_stop:
            await self.sleep(IN_TOUCH_S)
            if self._thread.started:
                fetching = self.flow_active and bool(self._get_active_partitions())
                await self._thread.stay_in_touch(fetching=fetching)

    @Service.task
    async def _watch_topics(self) -> None:
        """See that the topics are there, also while the group does not settle."""
        expected: set[str] = set()
        while not self.should_stop:
            await self.sleep(LOOK_S)
            if self._thread.started:
                expected |= await self._thread.subscribed()
                await self._look_for_topics(expected)

    async def _look_for_topics(self, expected: set[str]) -> None:
        client = clients.client_of(self.app.producer)
        try:
            async with asyncio.timeout(LOOK_S):
                found = await topic_facts(client, expected)
        except (KafkaError, TimeoutError) as exc:
            if isinstance(exc, KafkaError) and is_denied(exc):
                raise translated(exc) from exc
            log.debug("The brokers do not answer: %r", exc)
        else:
            self.topics.note(expected, found)

    async def _commit_up_to(self, damage: Damage) -> None:
        """Have everything before damaged records dealt with and committed.

        So that nothing but the damage is missing when an operator goes past it.
        """
        with suppress(TimeoutError):
            await self.settled(damage.tp)
            await self.commit()

    async def _fetched(self, active: set[TP] | None, timeout_s: float) -> Any:
        """Runs by partition; from where they are to be read anew if need be."""
        # All that was fetched before has been delivered.
        await self.pass_over_markers()
        await self.forget_suspects()
        try:
            return await super()._getmany(active, timeout_s)
        except OffsetOutOfRangeError as exc:
            await self.out_of_range(exc)
            return {}

    async def position(self, tp: TP) -> int | None:
        """Offset of the next record to be read; None of what is not assigned (now)."""
        try:
            found: int | None = await super().position(tp)
        except IllegalStateError:
            return None
        return found

    async def is_member(self) -> bool:
        """Whether the group still counts this worker in."""
        member: bool = await self._thread.is_member()
        return member

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Fetch from partitions; from the input only once it is sought.

        After a rebalance Faust resumes the input first and then seeks what was
        committed. Records fetched in between would move the position of a
        partition that has just been sought, and be missing.
        """
        wanted = set(tps)
        if not all(self._is_changelog_tp(tp) for tp in wanted):
            self._seeking = True
        super().resume_partitions(wanted)

    async def perform_seek(self) -> None:
        """Go to what was committed, while nothing is being fetched."""
        self._seeking = True
        async with self._fetching:
            await super().perform_seek()

    def resume_flow(self) -> None:
        """Fetch and deliver."""
        self._seeking = False
        super().resume_flow()

    async def keys_between(self, tp: TP, first: int, end: int) -> set[bytes]:
        """Keys of the records with ``first`` <= offset < ``end``."""
        keys: set[bytes] = set()
        reader = clients.reader(self._thread)
        await reader.start()
        try:
            async with asyncio.timeout(self.app.conf.broker_request_timeout):
                asked = theirs([tp])
                reader.assign(asked)
                reader.seek(asked[0], first)
                while await reader.position(asked[0]) < end:
                    for run in (await reader.getmany(timeout_ms=200)).values():
                        keys.update(record.key for record in run if record.offset < end)
        finally:
            await reader.stop()
        return keys

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """Begin offset of each partition."""
        fetcher = self._offset_fetcher()
        timeout_ms = self.app.conf.broker_request_timeout * 1000
        asked = fetcher.beginning_offsets(theirs(partitions), timeout_ms)
        topics = {tp.topic for tp in partitions}
        return ours(await self.topics.unless_missing(topics, asked))

    async def log_starts(self, *partitions: TP) -> Mapping[TP, int]:
        """Offset before which records were deleted; compaction does not move it."""
        return await self.earliest_offsets(*partitions)

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """End offset of each partition."""
        fetcher = self._offset_fetcher()
        timeout_ms = self.app.conf.broker_request_timeout * 1000
        asked = fetcher.end_offsets(theirs(partitions), timeout_ms)
        topics = {tp.topic for tp in partitions}
        return ours(await self.topics.unless_missing(topics, asked))

    def _offset_fetcher(self) -> Fetcher:
        if self._offsets is None:
            self._offsets = clients.offset_fetcher(
                self.app.producer, self.app.isolation_level
            )
        return self._offsets

    async def create_topic(self, *_: Any, **__: Any) -> None:
        """Leave it: ``worker.prepare`` has created or checked every topic."""


class Producer(driver.Producer):
    """Idempotent, compressed, and able to append a run of records."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return append.settings(self.request_timeout)

    async def on_start(self) -> None:
        """Connect."""
        await super().on_start()
        producer = clients.ensure_producer(self)
        clients.be_patient(producer, append.DELIVERY_TIMEOUT_S)

    async def create_topic(self, *_: Any, **__: Any) -> None:
        """Leave it: ``worker.prepare`` has created or checked every topic."""

    async def append_batch(
        self,
        topic: str,
        partition: int,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        headers: Mapping[int, Headers] | None = None,
    ) -> int:
        """Append records, wait until they are durable, return the last offset."""
        producer = clients.ensure_producer(self)
        # Cancelled in between, the agent would not know what was written.
        return await asyncio.shield(
            append.append(producer, topic, partition, keys, values, headers)
        )


class Transport(driver.Transport):
    """Registered as ``kafkabatch`` in the entry points of ``faust.transports``."""

    Consumer = Consumer
    Producer = Producer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        clients.check()
        super().__init__(*args, **kwargs)
