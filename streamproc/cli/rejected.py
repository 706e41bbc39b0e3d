"""``streamproc rejected``: what was refused, and a second chance for it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from streamproc.cli.existing import connect_to_existing
from streamproc.cli.options import CONNECTION, from_options, settings_options
from streamproc.cli.replay import Replay, Replayed
from streamproc.cli.terminal import columns, cut, say
from streamproc.clock import wall_clock_us
from streamproc.errors import plain
from streamproc.rejected import LOAD, TOPIC, Rejected, read, unsettled
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.client import Client
from streamproc.transport.topic import Topic

_LEAST_PAYLOAD = 24
"""Columns of a payload that are shown even on a narrow terminal."""


@click.command(context_settings={"max_content_width": 100})
@click.option("--reason", help="Only those refused for this reason.")
@click.option(
    "--limit",
    default=100,
    show_default=True,
    type=click.IntRange(0),
    help="List at most so many, the newest; 0: only how many there are.",
)
@click.option("--full", is_flag=True, help="Whole payloads, however long.")
@click.option(
    "--replay",
    is_flag=True,
    help="Publish them again to the topic they came from, after a fix; not those that"
    " would be refused again.",
)
@click.option(
    "--edit",
    metavar="CMD",
    help="With --replay: a shell command that gets the payloads of a topic, one line of"
    " JSON each, and gives back those to be published.",
)
@settings_options(*CONNECTION, "log_sync")
def rejected(
    reason: str | None,
    limit: int,
    full: bool,
    replay: bool,
    edit: str | None,
    **options: Any,
) -> None:
    """List refused records: time, reason, where from, payload.

    What came by a topic is told by topic/partition/offset, what came by the gateway
    or from a file by that. Changes nothing without --replay.
    """
    if edit is not None and not replay:
        raise click.UsageError("--edit goes with --replay")
    settings = from_options(options)
    if replay:
        _tell_replayed(asyncio.run(_replay(settings, reason, edit)))
        return
    found = asyncio.run(_found(settings, reason))
    for one in found[len(found) - min(limit, len(found)) :]:
        _tell(one, full)
    _tell_counts(found)


async def _found(settings: Settings, reason: str | None) -> list[Rejected]:
    async with connect_to_existing(settings) as client:
        return await _chosen(client, topics_for(settings).rejected, reason)


async def _replay(settings: Settings, reason: str | None, edit: str | None) -> Replayed:
    topics = topics_for(settings)
    async with connect_to_existing(settings) as client:
        records = await _chosen(client, topics.rejected, reason)
        return await Replay(topics, wall_clock_us(), edit).run(client, records)


async def _chosen(client: Client, topic: Topic, reason: str | None) -> list[Rejected]:
    """The records refused for a reason, oldest first, each once."""
    found = {
        one.identity: one
        for one in await read_rejected(client, topic)
        if reason in (None, one.reason)
    }
    return sorted(found.values(), key=lambda one: one.time_ms)


async def read_rejected(client: Client, topic: Topic) -> list[Rejected]:
    """What is in the topic of rejected records and not done with, as of now."""
    begins = await client.begin_offsets(topic)
    ends = await client.end_offsets(topic)
    return unsettled([one async for one in read(client, begins, ends)])


def _tell(one: Rejected, full: bool) -> None:
    moment = datetime.fromtimestamp(one.time_ms / 1000, UTC)
    head = plain(f"{moment:%Y-%m-%d %H:%M:%S}Z  {one.reason}  {one.place}  ")
    payload = plain(_payload(one))
    if not full:
        payload = cut(payload, max(columns() - len(head), _LEAST_PAYLOAD))
    say(head + payload)
    say("    " + plain(one.message))


def _payload(one: Rejected) -> str:
    if one.door == LOAD:
        return f"{one.count:,} rows"
    if one.value is None:
        return "(no value)"
    text = one.value.decode(errors="backslashreplace")
    return text + (f"… ({one.size:,} bytes)" if one.size > len(one.value) else "")


def _tell_counts(found: Sequence[Rejected]) -> None:
    """How many there are, by door where there are several, and by reason."""
    doors: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for one in found:
        doors[one.door] += one.count
        reasons[one.reason] += one.count
    if set(doors) - {TOPIC}:
        say(f"by door: {_listed(doors)}")
    total = f"{doors.total():,} rejected"
    say(f"{total}: {_listed(reasons)}" if reasons else total)


def _tell_replayed(done: Replayed) -> None:
    if done.kept_back:
        say(
            f"{done.kept_back.total():,} not sent, they would be refused again:"
            f" {_listed(done.kept_back)}; correct them with --edit"
        )
    say(f"{done.sent:,} published again")


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
