"""Agent ``report_rows``: the rows of the partitions this worker owns.

Consumes ``report-orders``, one order per partition, and answers to the collector
on ``report-inbox``.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from faust.types import TP

from agents.consume import consume
from agents.report_mail import Mail
from streamproc.errors import RecordTooLargeError, ReportFailedError
from streamproc.program import Program
from streamproc.report.messages import (
    HOURLY,
    Failed,
    Order,
    Piece,
    Retry,
    Survey,
    Waiting,
    decode_order,
)
from streamproc.report.rows import (
    NO_ROWS,
    Rows,
    encode_rows,
    pieces,
    uptime_json,
)
from streamproc.transport.batch import Batch
from tables.rocks_errors import PartitionDamagedError
from tables.snapshot import Snapshot

WAITING_NEWS_S = 5.0
_WAIT_S = 0.02
_IDLE_S = 0.25


def register(program: Program) -> None:
    """Declare the agent on the program's app."""

    @program.app.agent(program.source(program.topics.orders), name="report_rows")
    async def report_rows(stream: Any) -> None:
        """Compute the rows of one partition for every report."""
        await consume(program, stream, lambda batch: answer(program, batch))


async def answer(program: Program, batch: Batch) -> None:
    """Carry out each order of a batch."""
    mail = Mail(program, batch)
    orders = [order for _, order in mail.read(decode_order)]
    await mail.reject()
    for order in newest_tries(orders):
        try:
            await _catch_up(program, order, batch.partition)
            if order.as_of_us is None:
                await _survey(program, order, batch.partition)
            else:
                await _send_rows(program, order, batch.partition)
        except (ReportFailedError, RecordTooLargeError) as exc:
            await program.to_collector(
                Failed(order.report_id, order.attempt, batch.partition, str(exc))
            )
        except PartitionDamagedError as exc:
            # Not from the middle: pieces of two computations may be cut differently.
            await exc.repaired()
            await program.to_collector(Retry(order.report_id, order.attempt, str(exc)))


def newest_tries(orders: Sequence[Order]) -> list[Order]:
    """The orders that still count.

    While a worker was away or busy, a report may have been asked for again and
    again: nobody waits for the answers to the earlier tries.
    """
    newest: dict[str, int] = {}
    for order in orders:
        newest[order.report_id] = max(order.attempt, newest.get(order.report_id, 0))
    return [o for o in orders if o.attempt == newest[o.report_id]]


async def _catch_up(program: Program, order: Order, partition: int) -> None:
    """Wait until all input that was accepted before the order is in the tables.

    A report then covers every poll whose producer had its acknowledgement.
    """
    sources = (program.topics.polls, program.topics.hours, program.topics.zones)
    tps = [TP(source.name, partition) for source in sources]
    ends = await program.ends(*tps)
    clock = asyncio.get_running_loop().time
    told = idle_since = clock()
    while behind := sum([await program.behind(tp, ends[tp]) for tp in tps]):
        if not all([await program.is_idle(tp, ends[tp]) for tp in tps]):
            idle_since = clock()
        elif clock() - idle_since > _IDLE_S:
            return
        if clock() - told > WAITING_NEWS_S:
            told = clock()
            await program.to_collector(
                Waiting(order.report_id, order.attempt, partition, behind)
            )
        await asyncio.sleep(_WAIT_S)
        program.histories.require(partition)


async def _survey(program: Program, order: Order, partition: int) -> None:
    """Tell the time of the newest poll this partition has seen."""
    newest_us = program.histories.newest_us(partition)
    await program.to_collector(
        Survey(order.report_id, order.attempt, partition, newest_us)
    )


async def _send_rows(program: Program, order: Order, partition: int) -> None:
    """Compute and send the rows, piece by piece; the last one says it is."""
    number = 0
    chunks = _chunks(program, order, partition)
    waiting: Rows | None = None
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        for piece in pieces(chunk):
            if waiting is not None:
                await _send_piece(program, order, partition, number, waiting)
                number += 1
            waiting = piece
    last = waiting if waiting is not None else NO_ROWS
    await _send_piece(program, order, partition, number, last, last=True)


def _chunks(program: Program, order: Order, partition: int) -> Iterator[Rows]:
    """Rows of the order; runs in a thread, next to the event loop."""
    assert order.as_of_us is not None  # surveyed before
    snapshot = Snapshot(
        program.histories,
        program.hours,
        program.zones,
        partition,
        order.as_of_us,
        program.settings.rules,
    )
    snapshot.check()
    if order.store_id is None:
        yield from snapshot.rows()
    else:
        row = snapshot.row(order.store_id.encode())
        if not len(row):
            raise ReportFailedError(f"store {order.store_id} is not known")
        yield row


async def _send_piece(
    program: Program,
    order: Order,
    partition: int,
    number: int,
    rows: Rows,
    last: bool = False,
) -> None:
    await program.to_collector(
        Piece(
            order.report_id,
            order.attempt,
            partition,
            number,
            len(rows),
            last,
            encode_rows(rows),
        )
    )
    if order.kind == HOURLY and len(rows):
        await _publish(program, order, partition, rows)


async def _publish(program: Program, order: Order, partition: int, rows: Rows) -> None:
    """Hand the hourly rows to whoever consumes ``store-uptime``."""
    assert order.as_of_us is not None
    await program.app.producer.append_batch(
        program.topics.uptime.name,
        partition,
        [store_id.encode() for store_id in rows.store_ids],
        uptime_json(rows, order.as_of_us),
    )
