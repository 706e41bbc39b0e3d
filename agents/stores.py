"""Agents of what is known of a store besides its polls, one a topic.

``hours``, ``zones``, ``special_hours``, ``exclusions`` and ``labels``: each keeps the
newest fact of every key in the table of its name.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

from agents.consume import REROUTED, consume, reject, reroute
from streamproc.errors import InvalidInput, as_refusal
from streamproc.program import Program
from streamproc.topics import TO_ALL
from streamproc.transport.batch import Batch
from streamproc.transport.partitioner import partitions_for
from streamproc.transport.topic import Topic
from tables.batch_table import BatchTable
from tables.fact_records import (
    EXCLUSIONS,
    HOURS,
    LABELS,
    SPECIAL_HOURS,
    ZONES,
    Fact,
    Kind,
    changes_of,
    read_message,
)


def register(program: Program) -> None:
    """Declare the agents on the program's app."""
    topics = program.topics
    _register(program, topics.hours, program.hours, HOURS)
    _register(program, topics.zones, program.zones, ZONES)
    _register(program, topics.special_hours, program.special_hours, SPECIAL_HOURS)
    _register(program, topics.exclusions, program.exclusions, EXCLUSIONS)
    _register(program, topics.labels, program.labels, LABELS)


def _register(program: Program, topic: Topic, table: BatchTable, kind: Kind) -> None:
    @program.app.agent(program.source(topic), name=table.name)
    async def facts(stream: Any) -> None:
        """Keep what is known of every store."""
        await consume(program, stream, lambda batch: keep(program, table, batch, kind))


async def keep(program: Program, table: BatchTable, batch: Batch, kind: Kind) -> None:
    """Write a batch of messages to the table; the last one of a key counts."""
    facts: list[Fact] = []
    refused: list[tuple[int, InvalidInput]] = []
    for row, (key, value) in enumerate(zip(batch.keys, batch.values, strict=True)):
        at_ms = int(batch.timestamps_ms[row])
        try:
            facts.append(read_message(row, key, value, at_ms, kind))
        except Exception as exc:
            refused.append((row, as_refusal(exc)))
    homes = partitions_for(
        [fact.store_id for fact in facts], program.settings.partitions
    )
    placed = list(zip(facts, homes.tolist(), strict=True))
    await _send_on(program, batch, placed)
    await reject(program, batch, refused)
    here = [f for f, home in placed if f.is_of_all or home == batch.partition]
    async with table.exclusive(batch.partition):
        under = partial(table.keys_under, batch.partition)
        await table.write(batch.partition, changes_of(here, under))
    _tell_boards(program, table, batch.partition, {fact.store_id for fact in here})


def _tell_boards(
    program: Program, table: BatchTable, partition: int, store_ids: set[bytes]
) -> None:
    """Have the boards look up what is written."""
    if table is program.labels:
        program.boards.touch_labels(partition, store_ids)
    else:
        program.boards.touch(partition, store_ids)


async def _send_on(
    program: Program, batch: Batch, placed: Iterable[tuple[Fact, int]]
) -> None:
    """Send facts on to the partitions that lack them."""
    sent = [
        (fact, to)
        for fact, home in placed
        for to in _elsewhere(fact, home, batch, program.settings.partitions)
    ]
    await reroute(
        program,
        batch,
        [fact.row for fact, _ in sent],
        [fact.record_key for fact, _ in sent],
        [to for _, to in sent],
    )


def _elsewhere(fact: Fact, home: int, batch: Batch, partitions: int) -> Iterable[int]:
    """Partitions that a fact is to be sent on to."""
    if not fact.is_of_all:
        return () if home == batch.partition else (home,)
    headers = dict(batch.record_headers.get(fact.row, ()))
    if TO_ALL in headers or REROUTED in headers:
        return ()  # it is on every partition already
    return (other for other in range(partitions) if other != batch.partition)
