"""Changes made, or looked at before they are made."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from streamproc.clock import wall_clock_us
from streamproc.origin import API, PUBLISHED, Origin, headers_of, new_change
from streamproc.program import Program
from streamproc.rules.poll import ALL_STORES
from streamproc.rules.uptime import Uptime
from streamproc.topics import Placed, placed
from streamproc.transport.topic import Topic
from streamproc.web.appending import Appender
from streamproc.web.changes.calls import KNOWN, PREVIEW, PREVIEW_ALL, Known
from streamproc.web.changes.change import Change
from streamproc.web.cluster.peers import Cluster
from streamproc.web.refusal import Refusal, unknown
from tables.preview import Preview


@dataclass(frozen=True, slots=True)
class Made:
    """A change that is durable; ``known``: what is known of the store with it.

    None: it is not in place yet, much that was accepted before is still being read.
    """

    known: Known | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of changes that were made together.

    ``missed``: those that the log did not take in time; ``in_place``: whether whoever
    is asked next has the others, which are durable in any case.
    """

    missed: tuple[Change, ...]
    in_place: bool


class Changes:
    """What is known of stores: read, changed, and changed in thought."""

    def __init__(self, program: Program, cluster: Cluster, appender: Appender) -> None:
        self._program = program
        self._cluster = cluster
        self._appender = appender
        #: Told after every change.
        self.on_made: Callable[[], None] = lambda: None

    async def known(self, store_id: str) -> Known:
        """What is known of a store, or of all; its owner is asked."""
        return await self._known(self._cluster.home(store_id), store_id)

    async def require(self, store_id: str, is_of_all: bool = False) -> Known:
        """What is known of a store; raises a 404 Refusal when nothing ever was."""
        found = await self.known(store_id)
        if is_of_all or found.is_known:
            return found
        # Its first poll may have been accepted just now.
        found = await self._known(
            self._cluster.home(store_id), store_id, everything=True
        )
        if not found.is_known:
            raise unknown("store", store_id)
        return found

    async def make(self, change: Change) -> Made:
        """Publish a request's change; returns when it is in place, whoever asks next.

        Raises a 404 Refusal for a store that nothing is known of, unless the change
        creates it.
        """
        if not change.create:
            await self.require(change.store_id, change.is_of_all)
        try:
            return await self._make(change)
        finally:
            self.on_made()

    async def _make(self, change: Change) -> Made:
        origin = Origin(new_change(), API, change.by or None, change.note or None)
        topic = self._topic(change)
        records = _placed([change], origin, topic.partitions)
        offsets = await self._appender.append(topic, records)
        try:
            known = await asyncio.gather(
                *(
                    self._known(partition, change.store_id, topic.name, offset)
                    for partition, offset in offsets.items()
                )
            )
        except Refusal as exc:
            if exc.status != 503:
                raise
            return Made(None)
        return Made(known[0])

    async def make_all(self, changes: Sequence[Change], origin: Origin) -> Outcome:
        """Publish changes of one kind, of stores that are known, all at once.

        Making those that were missed again does no harm, nor does making all again.
        """
        topic = self._topic(changes[0])
        records = _placed(changes, origin, topic.partitions)
        try:
            offsets, missed = await self._appender.append_each(topic, records)
            homes = zip(records.keys, records.partitions, strict=True)
            lost = {key for key, partition in homes if partition in missed}
            return Outcome(
                tuple(change for change in changes if change.key in lost),
                await self._in_place(topic, offsets),
            )
        finally:
            self.on_made()

    async def _in_place(self, topic: Topic, offsets: Mapping[int, int]) -> bool:
        """Wait until records are in the tables; False where that takes long."""
        waiting = [
            self._known(partition, ALL_STORES, topic.name, offset)
            for partition, offset in offsets.items()
        ]
        try:
            await asyncio.gather(*waiting)
        except Refusal as exc:
            if exc.status != 503:
                raise
            return False
        return True

    async def preview(self, change: Change, as_of_us: int) -> Preview:
        """The figures as they are and as the change would make them; changes nothing.

        Raises a 404 Refusal as ``make`` does.
        """
        return await self.preview_of([change], as_of_us)

    async def preview_of(self, changes: Sequence[Change], as_of_us: int) -> Preview:
        """A preview of several changes of one store, one after the other."""
        change = changes[0]
        if not change.create:
            await self.require(change.store_id, change.is_of_all)
        # Records are stamped by the clock of this machine.
        now_ms = wall_clock_us() // 1_000
        args = {
            "records": [
                [
                    c.noun.table,
                    c.key.decode(),
                    None if c.value is None else c.value.decode(),
                    now_ms if c.at_ms is None else c.at_ms,
                ]
                for c in changes
            ],
            "as_of_us": as_of_us,
        }
        if not change.is_of_all:
            return await self._cluster.ask(
                PREVIEW, self._cluster.home(change.store_id), **args
            )
        count = self._program.settings.partitions
        return joined(await self._cluster.ask_all(PREVIEW_ALL, count, **args))

    async def _known(
        self,
        partition: int,
        store_id: str,
        topic: str | None = None,
        offset: int = 0,
        everything: bool = False,
    ) -> Known:
        """What is known when a record, or everything accepted before, is in place."""
        waiting = {"topic": topic, "offset": offset, "all": everything}
        return await self._cluster.ask(KNOWN, partition, store_id=store_id, **waiting)

    def _topic(self, change: Change) -> Topic:
        topic: Topic = getattr(self._program.topics, change.noun.table)
        return topic


def _placed(changes: Sequence[Change], origin: Origin, partitions: int) -> Placed:
    """Each record on its store's partition, or on all; it says whence it comes."""
    keys = [change.key for change in changes]
    values = [change.value for change in changes]
    records = placed(keys, values, partitions, headers_of(origin))
    published = {c.key: b"%d" % c.at_ms for c in changes if c.at_ms is not None}
    for row, key in enumerate(records.keys):
        if key in published:
            since = (PUBLISHED, published[key])
            records.headers[row] = (*records.headers[row], since)
    return records


def joined(parts: list[Preview]) -> Preview:
    """The sums over all partitions."""
    return Preview(
        _summed([part.before for part in parts]),
        _summed([part.after for part in parts]),
        sum(part.stores for part in parts),
        sum(part.changed for part in parts),
    )


def _summed(parts: list[dict[str, Uptime] | None]) -> dict[str, Uptime] | None:
    sums: dict[str, Uptime] = {}
    for part in parts:
        for name, one in (part or {}).items():
            sums[name] = sums.get(name, Uptime(0, 0, 0)).plus(one)
    return sums or None
