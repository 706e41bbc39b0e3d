"""Changelogs that were cut off, and what is done about it.

Every change of a table is in its changelog, so offsets only ever go forward from
0, on the broker as on disk. When the broker has lost records (delete-records,
a topic deleted and made again, an unclean election) a copy on disk may lack
changes that can be had from nowhere, or hold some the changelog never heard of.
Such a copy is set aside, and the partition is built anew: from what the changelog
still has, and from the table's input, which is consumed from its beginning.
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from faust.types import TP

from streamproc.transport.protocols import consumer_of
from tables.rocks_store import RocksStore

log = logging.getLogger(__name__)


class Table(Protocol):
    """What is asked of a table whose copies are looked at.

    ``source``: the topic it can be built anew from, partition by partition.
    """

    name: str
    source: str | None
    app: Any
    data: RocksStore

    def changelog(self, partition: int) -> TP:
        """Where a partition's changes are written to first."""


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
