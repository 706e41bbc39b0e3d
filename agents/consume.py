"""How every agent consumes: at least once, and nothing acked that was not done."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from streamproc.errors import InvalidInput
from streamproc.program import Program
from streamproc.rejected import TOPIC, Rejected
from streamproc.transport.batch import Batch, encoded
from streamproc.transport.columns import Headers
from tables.fencing import PartitionLostError
from tables.rocks_errors import PartitionDamagedError

log = logging.getLogger(__name__)

Prepared = TypeVar("Prepared")

BATCHES_UNDER_WAY = 3
"""One that is written, and one on either side of it."""

REROUTED = "rerouted-from"
"""Header of a record that was sent on to its partition."""


async def consume(
    program: Program, stream: Any, handle: Callable[[Batch], Awaitable[None]]
) -> None:
    """Hand each batch to ``handle`` and ack it afterwards, one after the other."""
    async for event in stream.noack().events():
        await _deal_with(program, stream, event, partial(handle, event.value))


async def consume_ahead(
    program: Program,
    stream: Any,
    prepare: Callable[[Batch], Prepared],
    handle: Callable[[Batch, Prepared], Awaitable[None]],
) -> None:
    """Hand on and ack as ``consume``, but prepare batches in a thread meanwhile.

    ``prepare`` must be pure. A partition's batches are handled in their order,
    those of different partitions also at the same time.
    """
    newest: dict[int, asyncio.Task[None]] = {}
    free = asyncio.Semaphore(BATCHES_UNDER_WAY)

    async def in_turn(event: Any, before: asyncio.Task[None] | None) -> None:
        try:
            preparing = asyncio.create_task(asyncio.to_thread(prepare, event.value))
            if before is not None:
                await before  # raises what it raised: nothing after it may be acked

            async def work() -> None:
                await handle(event.value, await preparing)

            await _deal_with(program, stream, event, work)
        finally:
            free.release()

    try:
        async with asyncio.TaskGroup() as group:
            async for event in stream.noack().events():
                await free.acquire()
                before = newest.get(event.value.partition)
                task = group.create_task(in_turn(event, before))
                newest[event.value.partition] = task
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed  # the others only waited for it


async def _deal_with(
    program: Program, stream: Any, event: Any, work: Callable[[], Awaitable[None]]
) -> None:
    """Do what is to be done for a batch, then ack it.

    A batch from before a rebalance is read again by whoever has its partition now;
    the tables of that may not even be recovered yet.

    An agent that raises would ack its message and be restarted by Faust: the
    batch would be lost. So the whole worker goes down, exit code 1, nothing
    acked; the restart processes exactly the rest.
    """
    batch: Batch = event.value
    if _is_of_the_past(program, event):
        return
    try:
        await _work_on_whole_tables(work)
    except PartitionLostError as exc:
        log.info("Batch left to its new owner: %s", exc)
        return
    except Exception as exc:
        await program.app.crash(exc)
        raise
    if _is_of_the_past(program, event):
        return
    program.consumed[event.message.tp] = batch.offset
    program.consumed_ms[event.message.tp] = batch.timestamp
    await stream.ack(event)


async def _work_on_whole_tables(work: Callable[[], Awaitable[None]]) -> None:
    """Do it again, as after a crash, when a table had to be built anew for it."""
    while True:
        try:
            return await work()
        except PartitionDamagedError as exc:
            await exc.repaired()


def _is_of_the_past(program: Program, event: Any) -> bool:
    """Whether there has been a rebalance since the batch was fetched."""
    now: int = program.app.consumer_generation_id
    return bool(event.message.generation_id != now)


async def reject(
    program: Program, batch: Batch, refused: Sequence[tuple[int, InvalidInput]]
) -> None:
    """Keep refused records, with their reason, in the rejected topic."""
    records = [
        Rejected(
            door=TOPIC,
            reason=exc.reason,
            message=str(exc),
            topic=batch.topic,
            partition=batch.partition,
            offset=int(batch.offsets[row]),
            key=batch.keys[row],
            value=batch.values[row],
        )
        for row, exc in refused
    ]
    await program.keep_rejected(batch.partition, records)


async def reroute(
    program: Program, batch: Batch, rows: Sequence[int], keys: Sequence[bytes], to: Any
) -> None:
    """Send records that another client's partitioner misplaced to their partition.

    ``keys`` and ``to``: store id and right partition of each row. There they are
    in place, so nothing is ever sent on twice.
    """
    by_partition: dict[int, list[int]] = {}
    for at, partition in enumerate(to):
        by_partition.setdefault(int(partition), []).append(at)
    origin: Headers = encoded(((REROUTED, str(batch.partition)),))
    await asyncio.gather(
        *(
            program.app.producer.append_batch(
                batch.topic,
                partition,
                [keys[at] for at in chosen],
                [batch.values[rows[at]] for at in chosen],
                dict.fromkeys(range(len(chosen)), origin),
            )
            for partition, chosen in by_partition.items()
        )
    )
