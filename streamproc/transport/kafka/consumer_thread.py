"""The thread of Faust's consumer, in which aiokafka's consumer lives."""

from collections.abc import Mapping, Sequence
from typing import Any

import aiokafka
from aiokafka.errors import KafkaError, RebalanceInProgressError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streamproc.transport.kafka.internals import clients, fetching, membership
from streamproc.transport.kafka.refusals import translated
from streamproc.transport.positions import Origin

FETCH_WAIT_MS = 200
"""How long a broker may hold an idle fetch. A partition that was being consumed
when the fetch was sent is not in it, so this bounds that partition's delay."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, with a consumer that hands out columns."""

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        fetching.prepare(consumer, FETCH_WAIT_MS, self.app.isolation_level)
        return consumer

    async def on_start(self) -> None:
        """Connect; what is fetched from now on comes as columns."""
        await super().on_start()
        consumer = clients.ensure_consumer(self)
        limit = self.app.conf.broker_max_poll_records
        fetching.install(consumer, limit, self.consumer.guard.note)
        membership.note_commits(consumer, self._note)
        membership.name_what_is_denied(consumer)

    async def on_thread_stop(self) -> None:
        """Leave the group, so that others take over at once."""
        membership.leave_when_stopped(clients.ensure_consumer(self))
        await super().on_thread_stop()

    def _note(self, tp: TP, offset: int) -> str:
        """What is written beside a committed offset."""
        origin: Origin = self.consumer.guard.origin(tp, offset)
        return origin.encode()

    async def subscribed(self) -> set[str]:
        """The topics that the group is to consume."""
        return set(clients.ensure_consumer(self).subscription())

    async def refresh_metadata(self, counts: Mapping[str, int]) -> None:
        """Join the group anew when topics have other partitions than it knew of."""
        consumer = clients.ensure_consumer(self)
        await self.call_thread(membership.refresh_metadata, consumer, counts)

    async def origins(self, tps: Sequence[TP]) -> dict[TP, Origin]:
        """The log that each committed offset was taken in."""
        consumer = clients.ensure_consumer(self)
        notes = await self.call_thread(membership.committed_notes, consumer, tps)
        return {tp: Origin.decode(note) for tp, note in notes.items()}

    async def _fetch_records(self, consumer: Any, *args: Any, **kwargs: Any) -> Any:
        """One run of a partition, and the next time one of another partition."""
        found = await super()._fetch_records(consumer, *args, **kwargs)
        fetching.take_turns(consumer, found)
        return found

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Look whether a partition stands still, but not before it is read."""
        if fetching.has_position(clients.ensure_consumer(self), tp):
            super().verify_event_path(now, tp)

    async def is_member(self) -> bool:
        """Whether the group still counts this worker in."""
        return bool(await self.call_thread(self._is_member))

    async def stay_in_touch(self, *, fetching: bool) -> None:
        """Raise what the group's coordinator refuses; else it would not be heard.

        Unless it is ``fetching``, count as alive: a worker without partitions fetches
        nothing, and aiokafka would take it out of the group for good.
        """
        await self.call_thread(self._stay_in_touch, fetching)

    async def _stay_in_touch(self, fetching: bool) -> None:
        consumer = clients.ensure_consumer(self)
        try:
            membership.check_errors(consumer)
        except KafkaError as exc:
            raise translated(exc, group=self.app.conf.id) from exc
        if not fetching:
            membership.count_as_alive(consumer)

    async def _is_member(self) -> bool:
        code = await membership.heartbeat(clients.ensure_consumer(self))
        # While others join, the partitions are still ours.
        return code in (0, RebalanceInProgressError.errno)
