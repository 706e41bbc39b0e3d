"""Copies that no longer go with their changelog, and copies that are damaged.

A copy is damaged when its files are not what was written. It is set aside, and the
partition is built anew from its changelog, while everybody who wants it waits.

Every change of a table is in its changelog, so offsets only ever go forward from
0, on the broker as on disk. When the broker has lost records (delete-records,
a topic deleted and made again, an unclean election) a copy on disk may lack
changes that can be had from nowhere, or hold some the changelog never heard of.
Such a copy is set aside, and the partition is built anew: from what the changelog
still has, and from the table's input, which is consumed from its beginning.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from faust.types import TP

from streamproc.errors import TableDamagedError
from streamproc.transport.client import Client
from streamproc.transport.protocols import consumer_of
from tables.fencing import PartitionLostError
from tables.rocks_store import RocksStore

log = logging.getLogger(__name__)

_READ_S = 1.0
_MOST_REPAIRS = 3
"""Of one partition while a worker runs; then it is the disk."""

_SILENT_READS = 30
"""After so many reads that find nothing, the changelog does not answer."""


class Table(Protocol):
    """What is asked of a table whose copies are looked at.

    ``source``: the topic it can be built anew from, partition by partition.
    ``connect``: gives a reader of its changelog.
    """

    name: str
    source: str | None
    connect: Callable[[], Awaitable[Client]]
    app: Any
    data: RocksStore

    def changelog(self, partition: int) -> TP:
        """Where a partition's changes are written to first."""

    def owns(self, partition: int) -> bool:
        """Whether this worker holds the partition and may write it."""

    async def repair(self, partition: int) -> None:
        """Return when the partition is whole."""

    def add_future(self, coro: Awaitable[None]) -> Any:
        """Run something in the table's event loop."""


def damage(persisted: int | None, begin: int, end: int) -> str | None:
    """What is wrong with a copy that has all up to ``persisted``; None: nothing."""
    if persisted is None:
        return f"its records before offset {begin} are gone" if begin > 0 else None
    if persisted + 1 < begin:
        return f"it begins at offset {begin}, the copy here ends at {persisted}"
    if persisted >= end:
        return f"it ends at offset {end}, the copy here goes on to {persisted}"
    return None


async def check(table: Table, assigned: Iterable[Any]) -> None:
    """Look at the changelogs of a table's partitions before they are recovered."""
    tps = [TP(*tp) for tp in assigned if tp == table.changelog(tp[1])]
    if not tps:
        return
    consumer = consumer_of(table.app)
    begins = await consumer.log_starts(*tps)
    ends = await consumer.highwaters(*tps)
    for tp in tps:
        why = damage(table.data.persisted_offset(tp), begins[tp], ends[tp])
        mark = _mark(table, tp.partition)
        if tp in table.app.assignor.assigned_standbys():
            if why is not None:
                mark.touch()  # no input to build it from, until it becomes active
                _set_aside(table, tp, why)
        elif why is not None or mark.exists():
            await _rewind(table, tp)
            _set_aside(table, tp, why or "it was so when this copy was a standby")
            mark.unlink(missing_ok=True)


def _mark(table: Table, partition: int) -> Path:
    """File that says that the copy on disk lacks something."""
    path: Path = table.data.partition_path(partition)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_suffix(".incomplete")


async def _rewind(table: Table, tp: TP) -> None:
    """Consume the table's input from its beginning; durable when it returns."""
    if table.source is None:
        log.error("Table %s: what its changelog has lost is lost", table.name)
        return
    source = TP(table.source, tp.partition)
    begin = await consumer_of(table.app).rewind(source)
    log.error(
        "Table %s, partition %d: rebuilding it from %s, offset %d on; what that topic"
        " does not hold any more is lost",
        table.name,
        tp.partition,
        table.source,
        begin,
    )


def _set_aside(table: Table, tp: TP, why: str) -> None:
    aside = table.data.set_aside(tp.partition)
    log.error(
        "Changelog %s, partition %d was cut off: %s; the copy here is set aside as %s",
        tp.topic,
        tp.partition,
        why,
        aside,
    )
    table.data._db_for_partition(tp.partition)


class Repairs:
    """Has a table's damaged partitions built anew while the worker runs."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._done: Counter[int] = Counter()

    def soon(self, partition: int) -> None:
        """Begin a repair; may be called from any thread."""
        self._table.app.loop.call_soon_threadsafe(self._begin, partition)

    def _begin(self, partition: int) -> None:
        if self._table.app.tables.actives_ready and self._table.owns(partition):
            self._table.add_future(self._repair_or_crash(partition))

    async def _repair_or_crash(self, partition: int) -> None:
        try:
            await self._table.repair(partition)
        except PartitionLostError as exc:
            log.info("Not repaired here: %s", exc)
        except Exception as exc:
            await self._table.app.crash(exc)
            raise

    async def build_anew(self, partition: int) -> None:
        """Build a partition anew that nobody else may write meanwhile."""
        self._done[partition] += 1
        if self._done[partition] > _MOST_REPAIRS:
            tp = self._table.changelog(partition)
            raise TableDamagedError(
                f"{_where(self._table, tp)} again and again; replace the disk"
            )
        await from_changelog(self._table, partition)


async def from_changelog(table: Table, partition: int) -> None:
    """Build a damaged partition anew from its changelog; nobody may write meanwhile.

    Raises TableDamagedError when the changelog alone is not enough: at the next start
    the partition is built from the table's input.
    """
    tp = table.changelog(partition)
    end = (await consumer_of(table.app).highwaters(tp))[tp]
    position = await _begin(table, tp)
    await table.data.begin_anew(partition)
    reader = await table.connect()
    try:
        await _replay(table, tp, reader, position, end)
    finally:
        await reader.close()
    del table.data.damaged[partition]
    log.warning("Table %s, partition %d is whole again", table.name, partition)


async def _replay(
    table: Table, tp: TP, reader: Client, position: int, end: int
) -> None:
    """Write what the changelog holds from ``position`` on, up to ``end``."""
    silent = 0
    while position < end:
        batches = await reader.read({tp: position}, _READ_S)
        silent = 0 if batches else silent + 1
        if silent > _SILENT_READS:
            raise TableDamagedError(
                f"{_where(table, tp)}, and its changelog does not answer"
            )
        for batch in batches:
            await asyncio.to_thread(table.data.apply_batch, batch)
            position = batch.offset + 1


async def _begin(table: Table, tp: TP) -> int:
    """Where a changelog begins that still holds everything."""
    consumer = consumer_of(table.app)
    if (await consumer.log_starts(tp))[tp]:
        raise TableDamagedError(
            f"{_where(table, tp)}, and its changelog was cut off; start the worker"
            " again: it will be built anew from its input"
        )
    return (await consumer.earliest_offsets(tp))[tp]


def _where(table: Table, tp: TP) -> str:
    why = table.data.damaged[tp.partition]
    return f"table {table.name}, partition {tp.partition} is damaged ({why})"
