"""How every agent consumes: at least once, and nothing acked that was not done."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from streamproc.errors import InvalidInput
from streamproc.program import Program
from streamproc.transport.batch import Batch, Headers, encoded
from tables.batch_table import PartitionLostError

log = logging.getLogger(__name__)

KEPT_BYTES = 500_000
"""Most of a refused record that is kept."""


async def consume(
    program: Program, stream: Any, handle: Callable[[Batch], Awaitable[None]]
) -> None:
    """Hand each batch to ``handle`` and ack it afterwards.

    An agent that raises would ack its message and be restarted by Faust: the
    batch would be lost. So the whole worker goes down, exit code 1, nothing
    acked; the restart processes exactly the rest.
    """
    async for event in stream.noack().events():
        batch: Batch = event.value
        try:
            await handle(batch)
        except PartitionLostError as exc:
            log.info("Batch left to its new owner: %s", exc)
            continue
        except Exception as exc:
            await program.app.crash(exc)
            raise
        if event.message.generation_id != program.app.consumer_generation_id:
            continue  # read again after the rebalance, if it is still ours
        program.consumed[event.message.tp] = batch.offset
        program.consumed_ms[event.message.tp] = batch.timestamp
        await stream.ack(event)


async def reject(
    program: Program, batch: Batch, refused: Sequence[tuple[int, InvalidInput]]
) -> None:
    """Keep refused records, with their reason, in the rejected topic."""
    if not refused:
        return
    for _, exc in refused:
        program.metrics.rejected.labels(batch.topic, exc.reason).inc()
    rows = [row for row, _ in refused]
    topic = program.topics.rejected.name
    await program.app.producer.append_batch(
        topic,
        batch.partition,
        # A replay after a crash rejects again: the key tells it is the same.
        [f"{batch.topic}/{batch.partition}/{batch.offsets[r]}".encode() for r in rows],
        # As large as the broker takes, it would not fit with what is told of it.
        [value and value[:KEPT_BYTES] for value in (batch.values[r] for r in rows)],
        {
            at: encoded(
                (
                    ("reason", exc.reason),
                    ("message", str(exc)),
                    ("topic", batch.topic),
                    ("partition", str(batch.partition)),
                    ("offset", str(batch.offsets[row])),
                    ("bytes", str(len(batch.values[row] or b""))),
                )
            )
            for at, (row, exc) in enumerate(refused)
        },
    )


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
    origin: Headers = encoded((("rerouted-from", str(batch.partition)),))
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
