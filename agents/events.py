"""Tells when a store's state changes: ``store-events``, and the table ``announced``.

Once a second it looks at the boards of the partitions that are here. What it is about
to tell is written to the table first, then the events, then that they were told: what a
crash in between has left is told again, under the same names, and only then is it
looked what has become of it. Of a partition nothing new is told before all input that
was there is in its tables, nor while history is loaded into it: what is missing still
would look like silence.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from faust.types import TP

from streamproc.events import Event, encode_event
from streamproc.program import Program
from streamproc.rules.transitions import Said
from streamproc.transport.protocols import consumer_of, producer_of
from tables.announced import encode
from tables.board import View
from tables.board_source import Source
from tables.boards import BoardNotReadyError
from tables.fencing import PartitionLostError
from tables.rocks_errors import PartitionDamagedError
from tables.telling import News, events_of, in_order, news_of, rows_to_look_at

log = logging.getLogger(__name__)

TICK_S = 1.0
ANSWER_S = 10.0
"""How long the broker may take to say what waits."""


def register(program: Program) -> None:
    """Declare the task on the program's app.

    No timer: looking at all stores for the first time takes longer than a tick.
    """
    if not program.settings.events:
        return
    app, teller = program.app, Teller(program)

    @app.task
    async def tell() -> None:
        """Tell what has changed, once a second."""
        while not app.should_stop:
            try:
                await teller.tick()
            except Exception as exc:
                # Faust would go on without the task: nobody would be told any more.
                await app.crash(exc)
                raise
            await app.sleep(TICK_S)


@dataclass(slots=True)
class _Watch:
    """What is known of a partition while it is here.

    ``before``: the view when it was looked last. ``again``: stores to look at again.
    ``open_ids``: those of which something was told that has not ended. ``is_current``:
    whether all input that was there in the beginning is in the tables.
    """

    open_ids: set[bytes] | None = None
    before: View | None = None
    again: set[bytes] = field(default_factory=set)
    is_current: bool = False


class Teller:
    """Looks at the partitions that are here, and tells what has changed."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._generation = -1
        self._watches: dict[int, _Watch] = {}

    async def tick(self) -> None:
        """Tell what is to be told of all partitions that are here."""
        program = self._program
        if not program.is_ready():
            return
        if self._generation != program.app.consumer_generation_id:
            self._generation = program.app.consumer_generation_id
            self._watches.clear()
        here = program.announced.partitions_owned()
        await asyncio.gather(*(self._try_to_look(partition) for partition in here))

    async def _try_to_look(self, partition: int) -> None:
        try:
            await self._look_at(partition)
        except BoardNotReadyError as exc:
            log.debug("Events of partition %d are told later: %s", partition, exc)
        except PartitionLostError as exc:
            self._watches.pop(partition, None)  # what was meant is in the table
            log.debug("Events of partition %d are told later: %s", partition, exc)
        except PartitionDamagedError as exc:
            self._watches.pop(partition, None)
            await exc.repaired()

    async def _look_at(self, partition: int) -> None:
        watch = self._watches.setdefault(partition, _Watch())
        if watch.open_ids is None:
            watch.open_ids = await self._begin(partition)
        try:
            async with asyncio.timeout(ANSWER_S):
                as_of_us = await self._as_of(partition, watch)
        except Exception as exc:
            # A topic is missing, or no broker answers: the watchdog says so, and for
            # how long the worker lives with it.
            log.debug("Nobody says what waits for partition %d: %r", partition, exc)
            return
        if as_of_us is None:
            return
        view, news = await asyncio.to_thread(self._news, partition, watch, as_of_us)
        if news:
            await self._tell(partition, watch, news)
        # Only now: what could not be told is looked at again.
        watch.before = view
        ahead = view.as_of_us > as_of_us
        watch.again = {one for one in watch.again if ahead}

    async def _begin(self, partition: int) -> set[bytes]:
        """Tell what may not have been told before a crash; what of it has not ended."""
        left = await asyncio.to_thread(self._program.announced.left, partition)
        if left.meant:
            await self._write(partition, left.said, left.meant)
        return left.open_ids

    async def _as_of(self, partition: int, watch: _Watch) -> int | None:
        """As of when all polls are in the tables; None while that is not known.

        While polls wait, as of when the last one that does not was accepted.
        """
        program = self._program
        now_us = program.now_us()
        if program.bulk.is_going_on(partition, now_us):
            return None
        tps = [TP(topic.name, partition) for topic in program.topics.inputs]
        ends = await consumer_of(program.app).highwaters(*tps)
        waiting = [tp for tp in tps if await program.waiting(tp, ends[tp])]
        watch.is_current |= not waiting
        if not watch.is_current:
            return None
        polls = TP(program.topics.polls.name, partition)
        accepted_ms = program.consumed_ms.get(polls)
        if polls not in waiting:
            return now_us
        return None if accepted_ms is None else min(now_us, accepted_ms * 1_000)

    def _news(
        self, partition: int, watch: _Watch, as_of_us: int
    ) -> tuple[View, list[News]]:
        """What is to be told of a partition; runs in a thread."""
        program = self._program
        assert watch.open_ids is not None  # it was begun
        # The last instant of what is told of: what begins now has not happened yet.
        view = program.boards.view(partition, as_of_us - 1)
        rows = rows_to_look_at(view, watch.before, watch.open_ids, as_of_us)
        watch.again |= {view.store_ids[row] for row in rows.tolist()}
        if not watch.again:
            return view, []
        source = Source(program.histories, program.facts, partition)
        chosen = sorted(watch.again)
        news = news_of(source, program.announced, chosen, program.now_rules, as_of_us)
        return view, list(news)

    async def _tell(self, partition: int, watch: _Watch, news: Sequence[News]) -> None:
        """Tell what there is, and note of which stores it has not ended."""
        meant = events_of(news, self._program.labels, partition)
        said = {one.store_id: one.said for one in news}
        await self._write(partition, said, meant)
        assert watch.open_ids is not None  # it was begun
        for store_id, after in said.items():
            if after.is_open:
                watch.open_ids.add(store_id)
            else:
                watch.open_ids.discard(store_id)

    async def _write(
        self,
        partition: int,
        said: Mapping[bytes, Said],
        meant: Mapping[bytes, Sequence[Event]],
    ) -> None:
        """Write what is meant, the events, and that they were told.

        ``said``: what has been told of each store then.
        """
        program = self._program
        rows = {key: encode(said[key], meant[key]) for key in said}
        events = in_order(meant.values())
        async with program.announced.exclusive(partition):
            if self._generation != program.app.consumer_generation_id:
                raise PartitionLostError(f"partition {partition} has moved meanwhile")
            await program.announced.write(partition, rows)
            await self._publish(partition, events)
            told = {key: encode(one) for key, one in said.items()}
            await program.announced.write(partition, told)
        for event in events:
            program.metrics.events.labels(event.kind).inc()

    async def _publish(self, partition: int, events: Sequence[Event]) -> None:
        await producer_of(self._program.app).append_batch(
            self._program.topics.events.name,
            partition,
            [event.key for event in events],
            [encode_event(event) for event in events],
        )
