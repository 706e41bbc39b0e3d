"""The part of the consumer that looks after its positions, with a ``Guard``."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiokafka.errors import KafkaError, OffsetOutOfRangeError, RebalanceInProgressError
from faust.types import TP
from mode import Service

from streamproc.errors import OffsetsLostError, TopicMismatchError
from streamproc.transport import internals as of_faust
from streamproc.transport.batched import expected_topics
from streamproc.transport.kafka.admin import partitions_differ
from streamproc.transport.kafka.guard import Guard
from streamproc.transport.kafka.internals import clients
from streamproc.transport.kafka.requests import topic_facts
from streamproc.transport.positions import (
    Log,
    Origin,
    listeners,
    tell_deleted,
    tell_gone_back,
    went_back,
)

log = logging.getLogger(__name__)

LOOK_S = 5.0
"""How often it is looked whether partitions are still what they were."""

SETTLE_S = 30.0
"""The longest that what was read of a partition may take until it is dealt with."""

_SETTLING_S = 0.02


class GuardedConsumer:
    """Mixin for the consumer: begins where it may, and forgets what means nothing."""

    app: Any
    _is_changelog_tp: Any
    _thread: Any
    assignment: Any
    earliest_offsets: Any
    flow_active: bool
    highwaters: Any
    position: Any
    seek_wait: Any
    should_stop: bool
    sleep: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.guard = Guard()

    # -- where to begin -----------------------------------------------------------

    async def seek_to_committed(self) -> Mapping[TP, int | None]:
        """Go to what was committed and still means something, else to the beginning.

        aiokafka stays where it is when nothing was committed, or offset 0.
        """
        found: dict[TP, int | None] = {
            TP(*tp): offset
            for tp, offset in (await super().seek_to_committed()).items()  # type: ignore[misc]
        }
        tps = [tp for tp in found if not self._is_changelog_tp(tp)]
        if tps:
            chosen = await self._chosen({tp: found[tp] for tp in tps})
            await self.seek_wait(chosen)
            found |= {tp: p for tp, p in chosen.items() if found[tp] is not None}
        return found

    async def _chosen(self, committed: Mapping[TP, int | None]) -> dict[TP, int]:
        """Where to begin, by what was committed; says what is missing."""
        tps = list(committed)
        begins, ends = await self.earliest_offsets(*tps), await self.highwaters(*tps)
        origins = await self._thread.origins(tps)
        positions = {
            tp: (offset or 0, self.guard.known(tp, origins.get(tp)))
            for tp, offset in committed.items()
        }
        client = clients.client_of(self.app.producer)
        wrong, ids = await self.guard.judge(client, positions, begins, ends)
        for tp in tps:
            position, origin = positions[tp]
            if tp in wrong:
                await self._forget(tp, wrong[tp], ids[tp])
            else:
                tell_deleted(log, tp, position, begins[tp])
                epoch = origin.epoch if position >= begins[tp] else None
                self.guard.begin(tp, position, Origin(ids[tp], epoch))
        return {
            tp: begins[tp] if tp in wrong else max(position, begins[tp])
            for tp, (position, _) in positions.items()
        }

    # -- while reading ------------------------------------------------------------

    @Service.task
    async def _look_after_positions(self) -> None:
        while not self.should_stop:
            await self.sleep(LOOK_S)
            if not self.flow_active:
                continue  # there is a rebalance, which ends in a seek
            try:
                await self._look()
            except (KafkaError, TimeoutError) as exc:
                log.debug("The brokers do not answer: %r", exc)

    async def _look(self) -> None:
        client = clients.client_of(self.app.producer)
        facts = await topic_facts(client, await self._thread.subscribed())
        counts = {name: len(topic.leaders) for name, topic in facts.items()}
        await self._check_counts(counts)
        await self._thread.refresh_metadata(counts)
        tps = [tp for tp in self.assignment() if not self._is_changelog_tp(tp)]
        await self.guard.look(client, tps, facts)

    async def _check_counts(self, counts: Mapping[str, int]) -> None:
        """Stop the worker when partitions were added that no table has."""
        expected = [t for t in expected_topics(self.app).values() if t.name in counts]
        if any(counts[topic.name] != topic.partitions for topic in expected):
            why = partitions_differ(expected, counts)
            await self.app.crash(TopicMismatchError(f"while the worker ran: {why}"))

    async def out_of_range(self, exc: OffsetOutOfRangeError) -> None:
        """Go on with what there is where the log does not have a position any more."""
        for tp, position in exc.args[0].items():
            tp = TP(*tp)
            begin = (await self.earliest_offsets(tp))[tp]
            end = (await self.highwaters(tp))[tp]
            if self._is_changelog_tp(tp):
                raise OffsetsLostError(
                    f"{tp.topic}, partition {tp.partition}: offset {position} was to be"
                    f" read, but the changelog has only {begin} to {end - 1}; the next"
                    " start rebuilds the table"
                )
            if position < begin:
                tell_deleted(log, tp, position, begin)
                await self.seek_wait({tp: begin})
            else:
                log_now = Log(begin, end)
                why = went_back(position, Origin(), log_now) or "it begins anew"
                self.guard.suspects[tp] = why

    async def pass_over_markers(self) -> None:
        """End the recovery of changelogs whose last offsets hold no record."""
        for tp in of_faust.unrecovered(self):
            position = await self.position(tp) or 0
            of_faust.count_as_recovered(self, tp, position)

    async def forget_suspects(self) -> None:
        """Read anew what cannot be believed, once all that was read is dealt with."""
        ours = self.assignment()
        for tp, why in list(self.guard.suspects.items()):
            if tp not in ours:
                self.guard.suspects.pop(tp, None)
                continue
            await self.settled(tp)
            client = clients.client_of(self.app.producer)
            _, ids = await self.guard.judge(client, {}, {tp: 0}, {})
            await self._forget(tp, why, ids[tp])

    async def settled(self, tp: TP) -> None:
        """Wait until no batch of the partition is under way; its ack would undo all."""
        async with asyncio.timeout(SETTLE_S):
            # Faust tells nobody of an ack.
            while not of_faust.is_dealt_with(self, tp):  # noqa: ASYNC110
                await asyncio.sleep(_SETTLING_S)

    async def _forget(self, tp: TP, why: str, topic_id: str | None) -> None:
        """Believe nothing of a partition any more; its begin is committed, and sought.

        Not while there is a rebalance: it ends in a seek, which finds the same.
        """
        # First: cut short once the begin is committed, nobody would find it again.
        begin = (await self.earliest_offsets(tp))[tp]
        tell_gone_back(log, tp, why, begin)
        before = self.guard.known(tp, None)
        self.guard.begin(tp, 0, Origin(topic_id))
        try:
            await self._commit_begin(tp, begin)
        except RebalanceInProgressError:
            self.guard.begin(tp, 0, before)
            return
        of_faust.forget(self, tp, begin)
        for listener in listeners(self.app):
            listener(tp)
        await self.seek_wait({tp: begin})

    async def rewind(self, tp: TP) -> int:
        """Commit the partition's begin, and return it."""
        begin: int = (await self.earliest_offsets(tp))[tp]
        await self._commit_begin(tp, begin)
        return begin

    async def _commit_begin(self, tp: TP, begin: int) -> None:
        if not await self._thread.commit({tp: begin}):
            raise RebalanceInProgressError(f"{tp.topic}, partition {tp.partition}")
