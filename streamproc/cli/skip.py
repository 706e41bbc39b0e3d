"""``streamproc skip``: past records that cannot be read, and a note of it."""

import asyncio
from typing import Any

import click
from faust.types import TP

from streamproc.cli.existing import connect_to_existing
from streamproc.cli.options import CONNECTION, from_options, settings_options
from streamproc.cli.terminal import say
from streamproc.errors import DamagedRecordsError, SkipRefusedError
from streamproc.rejected import TOPIC, Rejected, encode
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.client import Client
from streamproc.transport.topic import Topic

SKIPPED = "skipped"
"""Reason under which a skipped range is kept with the rejected records."""

_READ_S = 30.0


@click.command(context_settings={"max_content_width": 100})
@click.argument("topic")
@click.argument("partition", type=click.IntRange(0))
@click.argument("first", type=click.IntRange(0))
@click.argument("end", type=click.IntRange(1))
@settings_options(*CONNECTION, "log_sync")
def skip(topic: str, partition: int, first: int, end: int, **options: Any) -> None:
    """Go past records of an input topic that cannot be read: FIRST to before END.

    A worker that meets damaged records stops and names them. Stop all workers, run
    this, and start them again: they go on at END. Only what cannot be read is skipped,
    and it is kept in mind with the rejected records.
    """
    settings = from_options(options)
    tp = TP(topic, partition)
    asyncio.run(_skip(settings, _input(settings, tp), tp, first, end))
    say(
        f"topic {topic}, partition {partition}: the workers go on at offset {end};"
        f" see: streamproc rejected --reason {SKIPPED}"
    )


def _input(settings: Settings, tp: TP) -> Topic:
    """The topic, which workers consume; raises SkipRefusedError for any other."""
    topics = topics_for(settings)
    inputs = (*topics.inputs, topics.inbox, topics.orders)
    for topic in inputs:
        if topic.name == tp.topic and tp.partition < topic.partitions:
            return topic
    raise SkipRefusedError(
        f"{tp.topic}, partition {tp.partition} is no input of the workers, which are"
        f" {', '.join(topic.name for topic in inputs)}; a changelog is rebuilt instead"
        " (docs/operations.md, Damaged records)"
    )


async def _skip(settings: Settings, topic: Topic, tp: TP, first: int, end: int) -> None:
    async with connect_to_existing(settings) as client:
        if await client.has_worker():
            raise SkipRefusedError("a worker runs; stop all of them first")
        log_end = (await client.end_offsets(topic))[tp]
        if not first < end <= log_end:
            raise SkipRefusedError(
                f"{tp.topic}, partition {tp.partition} ends at offset {log_end}:"
                f" {first} to {end - 1} are not all there"
            )
        await _check(client, settings.app_id, topic, tp, first, end)
        await _note(client, settings, tp, first, end)
        await client.commit(settings.app_id, {tp: end})


async def _check(
    client: Client, group: str, topic: Topic, tp: TP, first: int, end: int
) -> None:
    """Raise SkipRefusedError unless all are damaged and the workers stand before them.

    Records that do not arrive are not damaged: a broker may be slow.
    """
    reached = (await client.committed(group, [tp]))[tp]
    if reached is None:
        reached = (await client.begin_offsets(topic))[tp]
    if reached >= end:
        raise SkipRefusedError(f"the workers are past it already, at offset {reached}")
    try:
        found = await client.read({tp: reached}, _READ_S)
    except DamagedRecordsError as exc:
        if exc.first != first:
            raise SkipRefusedError(f"the workers stand elsewhere: {exc}") from exc
        if exc.end < end:
            raise SkipRefusedError(f"no more is damaged than this: {exc}") from exc
        return
    if found:
        raise SkipRefusedError(
            f"the records from offset {int(found[0].offsets[0])} on can be read, and"
            " are not dealt with yet: start a worker, it stops at what it cannot read"
        )
    raise SkipRefusedError(
        f"nothing came of offset {reached} and what follows in {_READ_S:g} s: the"
        " broker is slow, or a transaction is open; try again"
    )


async def _note(
    client: Client, settings: Settings, tp: TP, first: int, end: int
) -> None:
    message = f"the records from offset {first} to {end - 1} could not be read"
    one = Rejected(TOPIC, SKIPPED, message, tp.topic, tp.partition, first)
    key, value, headers = encode(one)
    rejected = topics_for(settings).rejected
    await client.publish(rejected, [key], [value], {0: headers})
