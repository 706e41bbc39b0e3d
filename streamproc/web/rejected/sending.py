"""Carrying a plan out: what is mended goes to its topic, and is done with."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence

from streamproc import rejected
from streamproc.origin import PAGE, Origin, headers_of, new_change
from streamproc.rejected import Rejected
from streamproc.topics import placed
from streamproc.transport.protocols import producer_of
from streamproc.transport.topic import Topic
from streamproc.web.rejected.mending import Ready
from streamproc.web.site import Site

TIMEOUT_S = 20.0


async def send(site: Site, ready: Sequence[Ready], by: str) -> None:
    """Publish what would be accepted, then note that it is done with; durable."""
    by_topic: defaultdict[Topic, list[Ready]] = defaultdict(list)
    origin = headers_of(Origin(new_change(), PAGE, by or None, "mended"))
    for one in ready:
        by_topic[one.topic].append(one)
    for topic, mine in by_topic.items():
        keys, values = [one.key for one in mine], [one.value for one in mine]
        headers = () if topic == site.program.topics.polls else origin
        records = placed(keys, values, topic.partitions, headers)
        await site.appender.append(topic, records)
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
