"""``python -m tests.kafka.run_worker``: a worker, with a fault if one is asked for.

``KAFKA_TESTS_FAULT``: ``raise``: the polls agent raises at the first poll whose
value is POISON. ``held-rows``: no rows of a report leave before the file ``go-on``
stands beside the data directory.
``slow-recovery``: each run of changelog records takes a second. ``no-recovery``:
none ever arrives. ``hang``: the polls agent never comes back from a batch.
``clock-ahead``: what is written is stamped two hours ahead. ``impatient``: aiokafka
takes a worker that fetches nothing out of the group after 3 s instead of 1,000 s.
``die-untold``: killed when it has told something and is to write that it has.
``slow-assignment``: the tables are given their partitions while these are being closed.
"""

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from agents import polls, report_rows
from agents.polls import Sorted
from streamproc import settings
from streamproc.errors import StreamprocError
from streamproc.program import Program
from streamproc.transport.batch import Batch
from streamproc.transport.kafka import append
from streamproc.worker import app, logs, process
from tables import rebuild
from tables.announced import Announced, decode_row
from tables.batch_table import BatchTable
from tables.rocks_store import RocksStore

POISON = b"poison"
GO_ON = "go-on"
_CLOSING_S = 30.0


def _raise() -> None:
    keep = polls.keep

    async def poisoned(program: Program, batch: Batch, given: Sorted) -> None:
        if POISON in batch.values:
            raise RuntimeError("made to raise")
        await keep(program, batch, given)

    polls.keep = poisoned


def _held_rows() -> None:
    send, go_on = report_rows._send_rows, settings.load().data_dir.parent / GO_ON

    async def when_told(*args: Any) -> None:
        while not go_on.exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.05)
        await send(*args)

    report_rows._send_rows = when_told  # type: ignore[assignment]


def _slow_recovery() -> None:
    apply = BatchTable.apply_changelog_batch

    def slowly(self: BatchTable, batch: Any) -> None:
        time.sleep(1)
        apply(self, batch)

    BatchTable.apply_changelog_batch = slowly  # type: ignore[method-assign]


def _no_recovery() -> None:
    async def never(self: BatchTable, event: Any) -> None:
        await asyncio.Event().wait()

    BatchTable.on_changelog_event = never


def _hang() -> None:
    async def forever(program: Program, batch: Batch, given: Sorted) -> None:
        await asyncio.Event().wait()

    polls.keep = forever


def _clock_ahead() -> None:
    real = time.time_ns
    append.time.time_ns = lambda: real() + 2 * 3_600 * 10**9  # type: ignore[attr-defined]


def _impatient() -> None:
    kafka = app._kafka
    app._kafka = lambda settings: {**kafka(settings), "broker_max_poll_interval": 3.0}


def _die_untold() -> None:
    write = Announced.write

    async def die(
        self: Announced, partition: int, changes: Mapping[bytes, bytes | None]
    ) -> None:
        if not any(decode_row(value)[1] for value in changes.values() if value):
            os.kill(os.getpid(), signal.SIGKILL)
        await write(self, partition, changes)

    Announced.write = die  # type: ignore[method-assign]


def _slow_assignment() -> None:
    check, close, checked = rebuild.check, RocksStore._try_last, threading.Event()

    async def when_closing(table: Any, assigned: Any) -> None:
        logging.getLogger("streamproc.tests").info("Assigned, and waiting")
        while table.data._dbs:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        try:
            await check(table, assigned)
        finally:
            checked.set()

    def close_then(self: RocksStore, *step: Any) -> None:
        checked.wait(_CLOSING_S)
        close(self, *step)

    rebuild.check = when_closing
    RocksStore._try_last = close_then  # type: ignore[assignment, method-assign]


FAULTS = {
    "clock-ahead": _clock_ahead,
    "die-untold": _die_untold,
    "hang": _hang,
    "held-rows": _held_rows,
    "impatient": _impatient,
    "no-recovery": _no_recovery,
    "raise": _raise,
    "slow-assignment": _slow_assignment,
    "slow-recovery": _slow_recovery,
}


def main() -> int:
    """Run until a signal or a crash; return the exit code."""
    fault = os.environ.get("KAFKA_TESTS_FAULT")
    if fault:
        FAULTS[fault]()
    given = settings.load()
    logs.set_up_logging(given.log_level)
    try:
        return process.run(app.build(given))
    except StreamprocError as exc:
        print(f"Error: {exc}", file=sys.stderr)  # noqa: T201
        return 1


if __name__ == "__main__":
    sys.exit(main())
