"""``streamproc rejected``: what was refused, and a second chance for it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click
from faust.types import TP

from streamproc.cli.options import CONNECTION, from_options, settings_options
from streamproc.settings import Settings
from streamproc.topics import Topics, topics_for
from streamproc.transport.batch import Batch
from streamproc.transport.client import Client
from streamproc.transport.connect import connect
from streamproc.transport.topic import Topic

_READ_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Rejected:
    """One refused record; ``place`` is topic/partition/offset it came from."""

    place: str
    time_ms: int
    reason: str
    message: str
    topic: str
    value: bytes | None


@click.command(context_settings={"max_content_width": 100})
@click.option("--reason", help="Only those refused for this reason.")
@click.option("--limit", default=100, show_default=True, help="List at most so many.")
@click.option(
    "--replay",
    is_flag=True,
    help="Publish them again to the topic they came from, after a fix.",
)
@settings_options(*CONNECTION, "log_sync")
def rejected(reason: str | None, limit: int, replay: bool, **options: Any) -> None:
    """List refused records: time, reason, topic/partition/offset, payload."""
    settings = from_options(options)
    found = asyncio.run(_run(settings, reason, replay))
    for one in found[-limit:]:
        moment = datetime.fromtimestamp(one.time_ms / 1000, UTC)
        payload = (
            "(no value)" if one.value is None else one.value.decode(errors="replace")
        )
        click.echo(f"{moment:%Y-%m-%d %H:%M:%S}Z  {one.reason}  {one.place}  {payload}")
        click.echo(f"    {one.message}")
    counts = Counter(one.reason for one in found)
    listed = ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
    verb = "published again" if replay else "rejected"
    click.echo(f"{len(found):,} {verb}" + (f": {listed}" if listed else ""))


async def _run(settings: Settings, reason: str | None, replay: bool) -> list[Rejected]:
    topics = topics_for(settings)
    client = await connect(settings)
    try:
        await client.create_topics(topics)
        found = {
            one.place: one
            async for one in read_rejected(client, topics.rejected)
            if reason in (None, one.reason)
        }
        rows = sorted(found.values(), key=lambda one: one.time_ms)
        if replay:
            await _replay(client, topics, rows)
        return rows
    finally:
        await client.close()


async def read_rejected(client: Client, topic: Topic) -> AsyncIterator[Rejected]:
    """Everything in the topic of rejected records, as of now."""
    positions = await client.begin_offsets(topic)
    ends = await client.end_offsets(topic)
    while left := {tp: at for tp, at in positions.items() if at < ends[tp]}:
        batches = await client.read(left, _READ_TIMEOUT_S)
        if not batches:
            return  # the rest has expired meanwhile
        for batch in batches:
            positions[TP(batch.topic, batch.partition)] = batch.offset + 1
            for row in range(len(batch)):
                yield _rejected(batch, row)


def _rejected(batch: Batch, row: int) -> Rejected:
    headers = {
        name: value.decode(errors="replace")
        for name, value in batch.record_headers.get(row, ())
    }
    topic = headers.get("topic", "?")
    return Rejected(
        f"{topic}/{headers.get('partition', '?')}/{headers.get('offset', '?')}",
        int(batch.timestamps_ms[row]),
        headers.get("reason", "?"),
        headers.get("message", ""),
        topic,
        batch.values[row],
    )


async def _replay(client: Client, topics: Topics, rows: list[Rejected]) -> None:
    """Publish the payloads again; a poll finds its partition by itself."""
    for topic in topics:
        chosen = [one for one in rows if one.topic == topic.name]
        if chosen:
            await client.publish(
                topic,
                [one.place.encode() for one in chosen],
                [one.value for one in chosen],
            )
