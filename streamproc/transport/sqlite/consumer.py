"""The consumer: reads the log on behalf of the one worker."""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

from faust.transport import base
from faust.types import TP
from mode import Service

from streamproc.transport.batch import singles
from streamproc.transport.batched import BatchedConsumer, batched_topics
from streamproc.transport.partitioner import partition_for
from streamproc.transport.positions import Log, Origin, tell_gone_back, went_back
from streamproc.transport.sqlite.cleaner import Cleaner, at_leisure
from streamproc.transport.sqlite.lock import WorkerLock
from streamproc.transport.sqlite.log import POLL_INTERVAL_S
from streamproc.transport.sqlite.log import Log as LogFile

log = logging.getLogger(__name__)

CLEAN_INTERVAL_S = 60.0
"""From one cleaning of the log to the next."""


class _Cluster:
    """What Faust's assignor asks of Kafka's cluster metadata."""

    def __init__(self, log: LogFile) -> None:
        self._log = log

    def topics(self) -> set[str]:
        return set(self._log.topics())

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        info = self._log.find_topic(topic)
        return set(range(info.partitions)) if info else None


class Consumer(BatchedConsumer, base.Consumer):
    """Reads the log on behalf of a worker."""

    logger = logging.getLogger("faust.transport")  # Faust's lines, not ours

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._log: LogFile = self.transport.open_log()
        self._lock = WorkerLock(self._log.path)
        self._lock.acquire()
        self._assigned: set[TP] = set()
        self._position: dict[TP, int] = {}
        self._seen_version = -1

    async def on_stop(self) -> None:
        """Commit what was processed, then let another worker in."""
        await super().on_stop()
        self._lock.release()

    @Service.task
    async def _clean(self) -> None:
        """Apply retention and compaction while the worker runs."""
        cleaner = Cleaner(self._log)
        while not self.should_stop:
            await self.sleep(CLEAN_INTERVAL_S)
            steps, ending = cleaner.steps(), self._is_stopping
            if cleaned := await at_leisure(steps, self.sleep, ending):
                log.info("Log cleaned: %s", cleaned)

    def _is_stopping(self) -> bool:
        return bool(self.should_stop)

    # -- assignment -------------------------------------------------------------

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Take every partition of the topics; returns before that is done.

        Faust waits for the subscription inside the rebalance callbacks, so
        they run as a task of their own.
        """
        self.add_future(self._rebalance(set(topics)))

    async def _rebalance(self, topics: set[str]) -> None:
        app = self.app
        for topic in topics:
            if self._log.find_topic(topic) is None:
                self._log.create_topic(topic, app.conf.topic_partitions)
        assignor = app.assignor
        members = {"worker": assignor.metadata(topics)}
        assignment = assignor.assign(_Cluster(self._log), members)["worker"]
        app.on_rebalance_start()
        await self.on_partitions_revoked(set(self._assigned))
        assignor.on_assignment(assignment)
        self._assigned = {
            TP(topic, partition)
            for topic, partitions in assignment.assignment
            for partition in partitions
        }
        app.consumer_generation_id += 1
        await self.on_partitions_assigned(
            set(self._assigned), app.consumer_generation_id
        )

    def assignment(self) -> set[TP]:
        """Partitions this worker reads."""
        return set(self._assigned)

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    # -- positions --------------------------------------------------------------

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        await asyncio.to_thread(self._log.commit, self.app.conf.id, dict(offsets))
        return True

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go back to what was committed, or to the beginning."""
        found = {}
        for tp in self._assigned:
            found[tp] = self._believed(tp, self._log.committed(self.app.conf.id, tp))
        self._position.update(found)
        return found

    def _believed(self, tp: TP, committed: int | None) -> int:
        """What was committed, or the beginning where that means nothing."""
        now = Log(self._log.begin_offset(tp), self._log.end_offset(tp))
        if committed is None:
            return now.begin
        why = went_back(committed, Origin(), now)
        if why is None:
            return committed
        tell_gone_back(log, tp, why, now.begin)
        return now.begin

    async def _seek(self, partition: TP, offset: int) -> None:
        self._position[partition] = offset

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Go to the given offsets."""
        self._position.update(partitions)

    async def seek_to_beginning(self, *partitions: TP) -> None:
        """Go to the oldest records."""
        for tp in partitions:
            self._position[tp] = self._log.begin_offset(tp)

    async def position(self, tp: TP) -> int | None:
        """Offset of the next record to be read."""
        return self._position.get(tp)

    def highwater(self, tp: TP) -> int:
        """Offset the next record of the partition will get."""
        return self._log.end_offset(tp)

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """End offset of each partition."""
        return {tp: self._log.end_offset(tp) for tp in partitions}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """Begin offset of each partition."""
        return {tp: self._log.begin_offset(tp) for tp in partitions}

    async def log_starts(self, *partitions: TP) -> Mapping[TP, int]:
        """Offset before which records were deleted; compaction does not move it."""
        return {
            tp: 0 if self._log.topic(tp.topic).compacted else self._log.begin_offset(tp)
            for tp in partitions
        }

    async def rewind(self, tp: TP) -> int:
        """Commit the partition's begin, and return it."""
        begin = self._log.begin_offset(tp)
        await self._commit({tp: begin})
        return begin

    async def is_member(self) -> bool:
        """Always: the lock lets no other worker in."""
        return True

    async def keys_between(self, tp: TP, first: int, end: int) -> set[bytes]:
        """None: nobody else writes where the one worker does."""
        return set()

    def topic_partitions(self, topic: str) -> int | None:
        """How many partitions a topic has."""
        info = self._log.find_topic(topic)
        return info.partitions if info else None

    def key_partition(
        self, topic: str, key: bytes | None, partition: int | None = None
    ) -> int | None:
        """Partition a key belongs to."""
        if partition is not None or key is None:
            return partition
        return partition_for(key, self._log.topic(topic).partitions)

    async def create_topic(
        self, topic: str, partitions: int, *a: Any, **kw: Any
    ) -> None:
        """Create a topic, or check the one that exists."""
        self.transport.create_topic(topic, partitions, **kw)

    # -- reading ----------------------------------------------------------------

    async def _getmany(
        self,
        active_partitions: set[TP] | None,
        timeout: float,  # noqa: ASYNC109 - Faust's signature
    ) -> dict[TP, list[Any]]:
        """Next records of the active partitions; waits at most ``timeout``."""
        deadline = time.monotonic() + timeout
        while not self.should_stop:
            self.transport.appended.clear()
            tps = self._assigned if active_partitions is None else active_partitions
            found = await asyncio.to_thread(self._read_all, list(tps))
            if found:
                return found
            if not await self._wait_for_append(deadline):
                return {}
        return {}

    def _read_all(self, tps: list[TP]) -> dict[TP, list[Any]]:
        limit = self.app.conf.broker_max_poll_records or 5_000
        batched = batched_topics(self.app)
        self._seen_version = self._log.data_version()
        found: dict[TP, list[Any]] = {}
        for tp in tps:
            offset = self._position.get(tp)
            batch = None if offset is None else self._log.read(tp, offset, limit)
            # A seek may have come in between: then what was read is void.
            if batch is None or self._position.get(tp) != offset:
                continue
            self._position[tp] = batch.offset + 1
            found[tp] = [batch] if tp.topic in batched else list(singles(batch))
        return found

    async def _wait_for_append(self, deadline: float) -> bool:
        """Wait until there may be something new; False when time has run out."""
        while not self.should_stop:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            try:
                await asyncio.wait_for(
                    self.transport.appended.wait(), min(left, POLL_INTERVAL_S)
                )
            except TimeoutError:
                if self._log.data_version() != self._seen_version:
                    return True
            else:
                return True
        return False
