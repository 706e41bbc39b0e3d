"""Agent ``reports``: the rows of the partitions this worker owns.

Consumes ``report-requests``, one order per partition, and answers to the
collector on ``report-rows``.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
from faust.types import TP

from agents.consume import consume, reject
from streamproc.errors import (
    InvalidInput,
    RecordTooLargeError,
    ReportFailedError,
    as_refusal,
)
from streamproc.program import Program
from streamproc.report import record
from streamproc.report.record import Order
from streamproc.report.rows import (
    NO_ROWS,
    Rows,
    encode_rows,
    pieces,
    uptime_json,
)
from streamproc.transport.batch import Batch, encoded
from tables.snapshot import Snapshot

WAITING_NEWS_S = 5.0
_WAIT_S = 0.02
_IDLE_S = 0.25


def register(program: Program) -> None:
    """Declare the agent on the program's app."""

    @program.app.agent(program.source(program.topics.requests), name="reports")
    async def reports(stream: Any) -> None:
        """Compute the rows of one partition for every report."""
        await consume(program, stream, lambda batch: answer(program, batch))


async def answer(program: Program, batch: Batch) -> None:
    """Carry out each order of a batch."""
    orders, refused = _orders(batch)
    await reject(program, batch, refused)
    for order in orders:
        try:
            await _catch_up(program, order, batch.partition)
            if order.as_of_us is None:
                await _survey(program, order, batch.partition)
            else:
                await _send_rows(program, order, batch.partition)
        except (ReportFailedError, RecordTooLargeError) as exc:
            await _tell(program, order, batch.partition, "failed", reason=str(exc))


def _orders(batch: Batch) -> tuple[list[Order], list[tuple[int, InvalidInput]]]:
    """The orders of a batch that still count, and the rows that are none.

    While a worker was away or busy, a report may have been asked for again and
    again: nobody waits for the answers to the earlier tries.
    """
    orders: list[Order] = []
    refused: list[tuple[int, InvalidInput]] = []
    for row, value in enumerate(batch.values):
        try:
            orders.append(record.decode_order(value))
        except Exception as exc:
            refused.append((row, as_refusal(exc)))
    newest: dict[str, int] = {}
    for order in orders:
        newest[order.report_id] = max(order.attempt, newest.get(order.report_id, 0))
    return [o for o in orders if o.attempt == newest[o.report_id]], refused


async def _tell(
    program: Program, order: Order, partition: int, kind: str, **news: Any
) -> None:
    """Send the collector some news about this partition's part."""
    value = orjson.dumps(
        {
            "report_id": order.report_id,
            "attempt": order.attempt,
            "partition": partition,
            **news,
        }
    )
    await program.to_collector(kind, order.report_id, value)


async def _catch_up(program: Program, order: Order, partition: int) -> None:
    """Wait until all input that was accepted before the order is in the tables.

    A report then covers every poll whose producer had its acknowledgement.
    """
    sources = (program.topics.polls, program.topics.hours, program.topics.zones)
    tps = [TP(source.name, partition) for source in sources]
    ends = await program.app.consumer.highwaters(*tps)
    clock = asyncio.get_running_loop().time
    told = idle_since = clock()
    while behind := sum([await program.behind(tp, ends[tp]) for tp in tps]):
        if not all([await program.is_idle(tp, ends[tp]) for tp in tps]):
            idle_since = clock()
        elif clock() - idle_since > _IDLE_S:
            return
        if clock() - told > WAITING_NEWS_S:
            told = clock()
            await _tell(program, order, partition, "waiting", behind=behind)
        await asyncio.sleep(_WAIT_S)
        program.histories.require(partition)


async def _survey(program: Program, order: Order, partition: int) -> None:
    """Tell the time of the newest poll this partition has seen."""
    newest_us = program.histories.newest_us(partition)
    await _tell(program, order, partition, "survey", newest_us=newest_us)


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
    facts = {
        "kind": "rows",
        "attempt": str(order.attempt),
        "partition": str(partition),
        "piece": str(number),
        "rows": str(len(rows)),
        "last": str(int(last)),
    }
    await program.app.producer.append_batch(
        program.topics.rows.name,
        0,
        [order.report_id.encode()],
        [encode_rows(rows)],
        {0: encoded(facts.items())},
    )
    if order.kind == record.HOURLY and len(rows):
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
