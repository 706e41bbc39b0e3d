"""Agents of what is known of a store besides its polls, one a topic.

``hours``, ``zones``, ``special_hours``, ``exclusions`` and ``labels``: each keeps the
newest fact of every key in the table of its name.
"""

from collections.abc import Container, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from agents.consume import REROUTED, consume, reject, reroute
from streamproc.errors import InvalidInput, as_refusal
from streamproc.origin import Origin, origin_of, published_ms
from streamproc.program import Program
from streamproc.topics import TO_ALL
from streamproc.transport.batch import Batch
from streamproc.transport.partitioner import partitions_for
from streamproc.transport.topic import Topic
from tables import exclusions as exclusions_table
from tables.batch_table import BatchTable
from tables.changed import Delta, Noted
from tables.fact_records import (
    EXCLUSIONS,
    HOURS,
    LABELS,
    SPECIAL_HOURS,
    ZONES,
    Changes,
    Fact,
    Kind,
    read_message,
    same_value,
    steps_of,
)
from tables.facts import decode_key


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
    facts, refused = _read(batch, kind)
    homes = partitions_for(
        [fact.store_id for fact in facts], program.settings.partitions
    )
    placed = list(zip(facts, homes.tolist(), strict=True))
    await _send_on(program, batch, placed)
    await reject(program, batch, refused)
    here = [f for f, home in placed if f.is_of_all or home == batch.partition]
    at_home = {fact.row for fact, home in placed if home == batch.partition}
    async with table.exclusive(batch.partition):
        under = partial(table.keys_under, batch.partition)
        steps = list(steps_of(here, under))
        changes = _joined(steps)
        before = table.read_many(batch.partition, list(changes)) if changes else []
        values = dict(zip(changes, before, strict=True))
        others = {k: value for k, value in changes.items() if value != values[k]}
        noted = noted_of(table.name, batch, steps, values, at_home)
        await program.changes.note(
            batch.partition, table.name, noted, program.now_us() // 1_000
        )
        await table.write(batch.partition, others)
    changed = {decode_key(key)[0] for key in others}
    _tell_boards(program, table, batch.partition, changed)


def _read(
    batch: Batch, kind: Kind
) -> tuple[list[Fact], list[tuple[int, InvalidInput]]]:
    """The facts of a batch's messages, and the rows that are refused."""
    facts: list[Fact] = []
    refused: list[tuple[int, InvalidInput]] = []
    rows = zip(batch.keys, batch.values, batch.timestamps_ms.tolist(), strict=True)
    for row, (key, value, at_ms) in enumerate(rows):
        headers = batch.record_headers.get(row)
        published = published_ms(headers, at_ms) if headers else at_ms
        try:
            facts.append(read_message(row, key, value, published, kind))
        except Exception as exc:
            refused.append((row, as_refusal(exc)))
    return facts, refused


def _joined(steps: Iterable[tuple[Fact, Changes]]) -> Changes:
    """All of them together: the last one of a key counts."""
    joined: Changes = {}
    for _, changes in steps:
        joined.update(changes)
    return joined


def noted_of(
    kind: str,
    batch: Batch,
    steps: Iterable[tuple[Fact, Changes]],
    values: dict[bytes, bytes | None],
    at_home: Container[int],
) -> list[Noted]:
    """What facts change, for the log: a fact of all stores on one partition only.

    ``values``: of all their keys, as they are before; as they are then, afterwards.
    ``at_home``: rows of the facts that are noted here. Equal values are no change.
    """
    noted: list[Noted] = []
    offsets, times = batch.offsets.tolist(), batch.timestamps_ms.tolist()
    for fact, changes in steps:
        for key, after in changes.items():
            before, values[key] = values[key], after
            if same_value(kind, before, after) or fact.row not in at_home:
                continue
            at_ms = times[fact.row]
            headers = batch.record_headers.get(fact.row, ())
            store_id, suffix = decode_key(key)
            noted.append(
                Noted(
                    offsets[fact.row],
                    at_ms,
                    _author_told(kind, after, origin_of(headers, kind, at_ms)),
                    Delta(store_id, suffix, before, after),
                )
            )
    return noted


def _author_told(kind: str, after: bytes | None, origin: Origin) -> Origin:
    """Who made it: by the headers, else by what an exclusion says itself."""
    if kind != "exclusions" or origin.by or after is None:
        return origin
    return replace(origin, by=exclusions_table.decode(after).by)


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
