"""Carrying a plan out: what is mended goes to its topic, and is done with."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence

from streamproc import rejected
from streamproc.rejected import Rejected
from streamproc.topics import placed
from streamproc.transport.partitioner import by_partition
from streamproc.transport.protocols import producer_of
from streamproc.transport.topic import Topic
from streamproc.web.rejected.mending import Ready
from streamproc.web.site import Site

TIMEOUT_S = 20.0


async def send(site: Site, ready: Sequence[Ready], by: str) -> None:
    """Publish what would be accepted, then note that it is done with; durable."""
    by_topic: defaultdict[Topic, list[Ready]] = defaultdict(list)
    for one in ready:
        by_topic[one.topic].append(one)
    for topic, mine in by_topic.items():
        await _publish(site, topic, mine)
    await settle(site, (one.was for one in ready), rejected.SENT_AGAIN, by)


async def settle(site: Site, records: Iterable[Rejected], reason: str, by: str) -> None:
    """Note that records are done with; durable when this returns."""
    notes: defaultdict[int, list[Rejected]] = defaultdict(list)
    for one in records:
        partition, note = rejected.settled(one, reason, by)
        notes[partition].append(note)
    producer = producer_of(site.program.app)
    topic = site.program.topics.rejected.name

    async def keep_all() -> None:
        for partition, mine in notes.items():
            await rejected.keep(producer, topic, partition, mine)

    async with asyncio.timeout(TIMEOUT_S):
        await site.app.run(keep_all())


async def _publish(site: Site, topic: Topic, ready: Sequence[Ready]) -> None:
    found = placed(
        [one.key for one in ready], [one.value for one in ready], topic.partitions
    )
    producer = producer_of(site.program.app)

    async def append() -> None:
        for number, rows in by_partition(found.partitions).items():
            await producer.append_batch(
                topic.name,
                number,
                [found.keys[row] for row in rows],
                [found.values[row] for row in rows],
                {
                    at: found.headers[row]
                    for at, row in enumerate(rows)
                    if row in found.headers
                },
            )

    async with asyncio.timeout(TIMEOUT_S):
        await site.app.run(append())
