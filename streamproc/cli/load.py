"""``streamproc load``: CSV files into the topics."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from streamproc import origin
from streamproc.cli.files import file_options, read_files, show, take_files
from streamproc.cli.options import CONNECTION, from_options, settings_options
from streamproc.cli.progress import Progress
from streamproc.cli.terminal import say
from streamproc.clock import wall_clock_us
from streamproc.errors import LoadError, StreamprocError
from streamproc.loading import publishing
from streamproc.loading.loader import Loader
from streamproc.loading.options import Files, Loaded
from streamproc.rejected import LOAD, Rejected, encode
from streamproc.settings import Settings
from streamproc.topics import Topics, topics_for
from streamproc.transport.client import Client
from streamproc.transport.connect import connect


@click.command(context_settings={"max_content_width": 100})
@file_options
@settings_options(*CONNECTION, "log_sync")
def load(dry_run: bool, **options: Any) -> None:
    """Publish polls, and what is known of stores, from CSV files.

    Plain or gzip; - is standard input. Polls are published day by day, a store's in
    the order of their times. A worker may run meanwhile or be started later. Refused
    rows go to FILE.rejects.csv with line number and reason. Refused hours or zones,
    or most of the polls refused: nothing is published, exit code 1.
    """
    files, reading = take_files(options, leave_out=False)
    if files == Files():
        raise click.UsageError(
            "give at least one of --polls, --hours, --zones, --special-hours,"
            " --exclusions, --labels"
        )
    settings = from_options(options)
    loader = Loader(wall_clock_us(), Progress, settings.data_dir, reading)
    try:
        loaded = read_files(loader, files)
    except LoadError:
        if loader.loaded.refused and not dry_run:
            _count_refused(settings, loader.loaded, files)
        raise
    if dry_run:
        show(loaded, "would load")
        return
    asyncio.run(publish(settings, loader, files))
    show(loaded)


def _count_refused(settings: Settings, loaded: Loaded, files: Files) -> None:
    """Count refused rows though nothing is published; that it fails is only said."""
    try:
        asyncio.run(_with_client(settings, partial(_keep_refused, loaded, files)))
    except StreamprocError as exc:
        say(f"warning: what was refused is not counted: {exc}", err=True)


async def publish(settings: Settings, loader: Loader, files: Files) -> None:
    """Publish what was read through the broker of these settings."""

    async def send(client: Client, topics: Topics) -> None:
        change = origin.Origin(origin.new_change(), origin.LOAD)
        await publishing.publish(loader, client, topics, change)
        await _keep_refused(loader.loaded, files, client, topics)

    await _with_client(settings, send)


async def _with_client(
    settings: Settings, send: Callable[[Client, Topics], Awaitable[None]]
) -> None:
    topics = topics_for(settings)
    client = await connect(settings)
    try:
        await client.create_topics(topics)
        await send(client, topics)
    except OSError as exc:
        raise LoadError(f"{exc.filename}: {exc.strerror}") from exc
    finally:
        await client.close()


async def _keep_refused(
    loaded: Loaded, files: Files, client: Client, topics: Topics
) -> None:
    """Count refused rows where everything refused is counted; they are in files."""
    goal: dict[Path | None, str] = {
        **dict.fromkeys(files.polls, topics.polls.name),
        files.hours: topics.hours.name,
        files.zones: topics.zones.name,
        files.special_hours: topics.special_hours.name,
        files.exclusions: topics.exclusions.name,
        files.labels: topics.labels.name,
    }
    kept = [
        encode(
            Rejected(
                door=LOAD,
                reason=reason,
                message=f"the rows are in {path.name}.rejects.csv",
                topic=goal[path],
                count=count,
                file=str(path),
            )
        )
        for (path, reason), count in loaded.refused_in.items()
    ]
    if kept:
        keys, values, headers = zip(*kept, strict=True)
        await client.publish(topics.rejected, keys, values, dict(enumerate(headers)))
