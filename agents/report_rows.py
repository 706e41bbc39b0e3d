"""Agent ``report_rows``: the rows of the partitions this worker owns.

Consumes ``report-orders``, one order per partition, and answers to the collector
on ``report-inbox``.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agents.ahead import both, worked_ahead
from agents.consume import consume
from agents.report_mail import Mail
from agents.report_periods import send_period, surveyed
from streamproc.cells import Cells
from streamproc.errors import (
    RecordTooLargeError,
    ReportFailedError,
    TopicMissingError,
)
from streamproc.program import Program
from streamproc.report.messages import (
    HOURLY,
    Failed,
    Order,
    Piece,
    Retry,
    Survey,
    Sweep,
    Swept,
    Waiting,
)
from streamproc.report.record import time_text
from streamproc.report.rows import (
    NO_ROWS,
    Rows,
    encode_rows,
    pieces,
)
from streamproc.report.store_uptime import uptime_json
from streamproc.report.wire import decode_order
from streamproc.rules.poll import MAX_FUTURE_US
from streamproc.transport.batch import Batch
from tables.future import ahead_of, purge
from tables.histories import NOBODY
from tables.rocks_errors import PartitionDamagedError
from tables.snapshot import LeftOut, Snapshot

WAITING_NEWS_S = 5.0
_ORDERS_WAITING = 100_000
"""An order waits for its partition's input: were the others to fill their buffer
meanwhile, that input would never be fetched."""


def register(program: Program) -> None:
    """Declare the agent on the program's app."""

    orders = program.source(program.topics.orders, _ORDERS_WAITING)

    @program.app.agent(orders, name="report_rows")
    async def report_rows(stream: Any) -> None:
        """Compute the rows of one partition for every report."""
        await consume(program, stream, lambda batch: answer(program, batch))


async def answer(program: Program, batch: Batch) -> None:
    """Carry out each order of a batch."""
    mail = Mail(program, batch)
    messages = [message for _, message in mail.read(decode_order)]
    await mail.reject()
    for sweep in messages:
        if isinstance(sweep, Sweep):
            await _sweep(program, sweep, batch.partition)
    for order in newest_tries([one for one in messages if isinstance(one, Order)]):
        try:
            await _catch_up(program, order, batch.partition)
            if order.is_survey:
                await _survey(program, order, batch.partition)
            elif order.period is not None:
                await send_period(program, order, batch.partition)
            else:
                await _send_rows(program, order, batch.partition)
        except (ReportFailedError, RecordTooLargeError, TopicMissingError) as exc:
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
    clock = asyncio.get_running_loop().time
    told = clock()
    async for behind in program.catching_up(partition):
        if clock() - told > WAITING_NEWS_S:
            told = clock()
            await program.to_collector(
                Waiting(order.report_id, order.attempt, partition, behind)
            )


async def _survey(program: Program, order: Order, partition: int) -> None:
    """Tell the newest poll of this partition that does not lie in the future.

    That takes long, and nobody asks for it where it is known as of when.
    """
    until_us, newest = program.now_us() + MAX_FUTURE_US, NOBODY
    if order.as_of_us is None:
        newest = await asyncio.to_thread(program.histories.survey, partition, until_us)
    survey = Survey(
        order.report_id,
        order.attempt,
        partition,
        newest.time_us,
        newest.store_id.decode() or None,
        newest.next_us,
    )
    if order.period is not None:
        survey = await surveyed(program, order, survey)
    await program.to_collector(survey)


async def _sweep(program: Program, sweep: Sweep, partition: int) -> None:
    """Find the polls that lie in the future, or purge them; tell who asked."""
    now_us, histories = program.now_us(), program.histories
    told = Swept(sweep.report_id, partition, 0, 0, -1, None)
    if abs(sweep.requested_us - now_us) > MAX_FUTURE_US:
        asked, mine = time_text(sweep.requested_us), time_text(now_us)
        why = f"it is {asked} where this was asked, and {mine} on the worker"
        await program.to_collector(replace(told, refused=why))
        return
    until_us = now_us + MAX_FUTURE_US
    if sweep.purge:
        found = await purge(histories, partition, until_us)
    else:
        found = await asyncio.to_thread(ahead_of, histories, partition, until_us)
    stores = sorted(found.store_ids)
    await program.to_collector(
        replace(
            told,
            polls=found.polls,
            stores=len(stores),
            newest_us=found.newest_us,
            such_as=stores[0].decode() if stores else None,
        )
    )


async def _send_rows(program: Program, order: Order, partition: int) -> None:
    """Compute and send the rows, piece by piece; the last one says it is."""
    assert order.as_of_us is not None  # surveyed before
    snapshot = Snapshot(
        program.histories,
        program.facts,
        partition,
        order.as_of_us,
        program.settings.rules,
        order.as_polled,
    )
    sender = _Sender(program, order, partition)
    async with worked_ahead(_chunks(snapshot, order.store_id)) as chunks:
        async for chunk in chunks:
            await both(sender.send(chunk), _publish(program, order, partition, chunk))
    await sender.end(snapshot.left_out)


@dataclass
class _Sender:
    """Sends pieces to the collector, the newest of them when another one comes."""

    program: Program
    order: Order
    partition: int
    _number: int = 0
    _waiting: Rows = NO_ROWS

    async def send(self, chunk: Rows) -> None:
        """Send the rows of a chunk, but for the last ones."""
        if not len(chunk):
            return
        *ready, self._waiting = [*pieces(self._waiting), *pieces(chunk)]
        if ready:
            await self.program.to_collector(*map(self._piece, ready))

    async def end(self, left_out: LeftOut) -> None:
        """Send what is left; says that it is all, and which stores have no row."""
        piece = self._piece(self._waiting)
        store_ids = left_out.store_ids
        such_as = store_ids[0].decode() if store_ids else None
        piece = replace(piece, last=True, left_out=len(store_ids), such_as=such_as)
        await self.program.to_collector(piece)

    def _piece(self, rows: Rows) -> Piece:
        number, self._number = self._number, self._number + 1
        of = self.order.report_id, self.order.attempt, self.partition
        return Piece(*of, number, len(rows), last=False, body=encode_rows(rows))


def _chunks(snapshot: Snapshot, store_id: str | None) -> Iterator[Rows]:
    """Rows of all stores or of one; runs in a thread, next to the event loop."""
    if store_id is None:
        yield from snapshot.rows()
        snapshot.left_out.check(snapshot.as_of_us)
    else:
        row = snapshot.row(store_id.encode())
        if not len(row):
            raise ReportFailedError(f"store {store_id} is not known")
        yield row


async def _publish(program: Program, order: Order, partition: int, rows: Rows) -> None:
    """Hand the rows of an hourly report to whoever consumes ``store-uptime``."""
    if order.kind != HOURLY or not len(rows):
        return
    assert order.as_of_us is not None
    keys, values = await asyncio.to_thread(_records, rows, order.as_of_us)
    await program.app.producer.append_batch(
        program.topics.uptime.name, partition, keys, values
    )


def _records(rows: Rows, as_of_us: int) -> tuple[list[bytes], Cells]:
    """Keys and values of ``store-uptime``; runs in a thread, beside the event loop."""
    keys = [store_id.encode() for store_id in rows.store_ids]
    return keys, uptime_json(rows, as_of_us)
