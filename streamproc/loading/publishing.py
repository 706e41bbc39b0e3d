"""Files that were read, into the topics: facts first, then polls."""

from streamproc.loading.loader import Loader
from streamproc.loading.source import ahead
from streamproc.loading.stores import StoreFile
from streamproc.origin import Origin, headers_of
from streamproc.topics import Topics, placed
from streamproc.transport.client import Client
from streamproc.transport.columns import Headers
from streamproc.transport.topic import Topic

MESSAGES_AT_ONCE = 100_000
"""Enough that a worker, which follows, finds many polls of a store together."""


async def publish(
    loader: Loader, client: Client, topics: Topics, origin: Origin
) -> None:
    """Publish what was read, as one change; the loader lets go of it."""
    headers = headers_of(origin)
    by_kind = {
        "hours": topics.hours,
        "zones": topics.zones,
        "special hours": topics.special_hours,
        "exclusions": topics.exclusions,
        "labels": topics.labels,
    }
    for file in loader.stores:
        await _publish_facts(loader, client, by_kind[file.kind], file, headers)
    if loader.polls is not None:
        await _publish_polls(loader, client, topics.polls)
    loader.stores, loader.polls = [], None


async def _publish_facts(
    loader: Loader, client: Client, topic: Topic, file: StoreFile, origin: Headers
) -> None:
    facts = placed(*file.columns(), topic.partitions, origin)
    name, total = f"publishing {topic.name}", len(facts.keys)
    with loader.new_progress(name, total, "messages") as bar:
        if total:
            await client.publish(
                topic, facts.keys, facts.values, facts.headers, facts.partitions
            )
        bar.advance(total)


async def _publish_polls(loader: Loader, client: Client, topic: Topic) -> None:
    """Polls are written as messages in a thread, while those before are sent."""
    assert loader.polls is not None
    name, total = f"publishing {topic.name}", len(loader.polls)
    messages = loader.polls.messages(MESSAGES_AT_ONCE, topic.partitions)
    with loader.new_progress(name, total, "messages") as bar, ahead(messages) as some:
        for each in some:
            await client.publish(
                topic, each.keys, each.values, partitions=each.partitions
            )
            bar.advance(len(each.keys))
