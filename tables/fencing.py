"""Another worker has written to a changelog in between, and what is done about it.

Kafka fences a consumer, not a producer: a worker that was frozen longer than its
session lasts wakes up in the middle of a write that its successor has made long
ago. The offset that a write gets tells whether anything came in between.
"""

import logging
from collections.abc import Callable

from aiokafka.errors import KafkaError
from faust.types import TP

from streamproc.errors import TopicMissingError
from streamproc.transport.protocols import Consumer

log = logging.getLogger(__name__)

_NOTHING = range(0)


class PartitionLostError(Exception):
    """Raised when a partition was handed to another worker in mid-batch.

    Nothing was written; its new owner reads the same batch again.
    """


class Fence:
    """Where each partition's changelog ended when this worker last wrote it.

    ``changelog``: the changelog of a partition. ``persisted``: the newest offset of
    it on disk, None before the first. ``consumer``: the worker's, once it is there.
    """

    def __init__(
        self,
        changelog: Callable[[int], TP],
        persisted: Callable[[int], int | None],
        consumer: Callable[[], Consumer],
    ) -> None:
        self._changelog = changelog
        self._persisted = persisted
        self._consumer = consumer
        self._ends: dict[int, int] = {}

    def forget(self) -> None:
        """Know nothing any more: the partitions have been assigned anew."""
        self._ends.clear()

    def written(self, partition: int, count: int, last: int) -> range:
        """Note a write of ``count`` records; return offsets not all of them ours.

        ``last``: offset of its last record. Empty when nobody has written in between.
        To be called before the write is on disk.
        """
        end, first = self._end(partition), last - count + 1
        self._ends[partition] = last + 1
        return _NOTHING if end is None or first <= end else range(end, last + 1)

    def _end(self, partition: int) -> int | None:
        """Where the changelog ends as far as this worker knows."""
        if partition not in self._ends:
            persisted = self._persisted(partition)
            return None if persisted is None else persisted + 1
        return self._ends[partition]

    async def require_member(self, partition: int) -> None:
        """Raise PartitionLostError when it is us who was frozen, and is late.

        Then our copy must not take its own offset for the changelog's end; the
        rejoin that is due reads everything.
        """
        if not await self._consumer().is_member():
            del self._ends[partition]
            raise PartitionLostError(f"{self._changelog(partition)}: taken over")

    async def written_since(self, partition: int) -> range:
        """Offsets that others have written since our last write; empty: none.

        Also empty when the broker does not answer, or counts us out.
        """
        consumer, tp = self._consumer(), self._changelog(partition)
        end = self._ends.get(partition)
        if end is None:
            return _NOTHING  # not written by us
        try:
            reached = (await consumer.highwaters(tp))[tp]
            if reached > end and await consumer.is_member():
                self._ends[partition] = reached
                return range(end, reached)
        except (KafkaError, TimeoutError, TopicMissingError) as exc:
            log.warning("%s, partition %d: %s", tp.topic, partition, exc)
        return _NOTHING

    async def keys_written(self, partition: int, offsets: range) -> list[bytes]:
        """Keys of these records, which another worker has written late; sorted."""
        tp = self._changelog(partition)
        between = self._consumer().keys_between(tp, offsets.start, offsets.stop)
        keys = sorted(await between)
        log.warning(
            "%s, partition %d: another worker wrote late, putting %d keys right",
            tp.topic,
            partition,
            len(keys),
        )
        return keys
