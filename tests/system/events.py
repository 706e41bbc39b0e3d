"""What has been told, read from the events' topic; and polls of just now."""

import time
from collections.abc import Callable, Sequence
from functools import partial

from streamproc.events import Event, Suspect, decode_event
from streamproc.rules.poll import Poll
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.connect import connect
from tests.waiting import until_awaited

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US


def now_us() -> int:
    """Now, as the worker sees it."""
    return time.time_ns() // 1_000


def ago(minutes: float, store_id: str, active: bool) -> Poll:
    """A poll of so many minutes ago."""
    return Poll(store_id, now_us() - round(minutes * MINUTE_US), active)


async def read_events(settings: Settings) -> list[Event | Suspect]:
    """All records of the topic, repeated ones too, by partition and offset."""
    topic = topics_for(settings).events
    client = await connect(settings)
    try:
        positions = await client.begin_offsets(topic)
        ends = await client.end_offsets(topic)
        found: list[Event | Suspect] = []
        while any(positions[tp] < end for tp, end in ends.items()):
            for batch in await client.read(positions, 1.0):
                positions[(batch.topic, batch.partition)] = batch.offset + 1
                found += [decode_event(value) for value in batch.values]
        return found
    finally:
        await client.close()


async def until_told(
    settings: Settings,
    enough: Callable[[Sequence[Event | Suspect]], bool],
) -> list[Event | Suspect]:
    """All that has been told, when it is enough."""
    return await until_awaited(partial(read_events, settings), enough)


def kinds(events: Sequence[Event | Suspect], store_id: str) -> list[str]:
    """What has been told of a store, in order, each name once."""
    names = {
        event.id: event.kind
        for event in events
        if isinstance(event, Event) and event.store_id == store_id
    }
    return list(names.values())
