"""``streamproc load``: CSV files into the topics."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from streamproc.cli.options import CONNECTION, from_options, settings_options
from streamproc.cli.progress import Progress
from streamproc.cli.terminal import say
from streamproc.errors import LoadError
from streamproc.loading.loader import Loaded, Loader
from streamproc.program import wall_clock_us
from streamproc.rejected import LOAD, Rejected, encode
from streamproc.settings import Settings
from streamproc.topics import Topics, topics_for
from streamproc.transport.client import Client
from streamproc.transport.connect import connect

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(context_settings={"max_content_width": 100})
@click.option("--polls", type=FILE, help="CSV of store_id, status, timestamp_utc.")
@click.option(
    "--hours",
    type=FILE,
    help="CSV of store_id, day or dayOfWeek, start_time_local, end_time_local.",
)
@click.option("--zones", type=FILE, help="CSV of store_id, timezone_str.")
@click.option("--strict", is_flag=True, help="Stop at the first row that is refused.")
@settings_options(*CONNECTION, "log_sync")
def load(
    polls: Path | None,
    hours: Path | None,
    zones: Path | None,
    strict: bool,
    **options: Any,
) -> None:
    """Publish polls, hours and zones from CSV files, plain or .gz.

    Polls are published in the order of their times. A worker may run
    meanwhile or be started later. Refused rows go to FILE.rejects.csv with
    line number and reason.
    """
    if not (polls or hours or zones):
        raise click.UsageError("give at least one of --polls, --hours, --zones")
    settings = from_options(options)
    loaded = asyncio.run(load_files(settings, polls, hours, zones, strict))
    show(loaded)


async def load_files(
    settings: Settings,
    polls: Path | None,
    hours: Path | None,
    zones: Path | None,
    strict: bool = False,
) -> Loaded:
    """Load the files through the broker of these settings."""
    topics = topics_for(settings)
    client = await connect(settings)
    try:
        await client.create_topics(topics)
        loader = Loader(
            client, topics, wall_clock_us(), Progress, settings.data_dir, strict
        )
        loaded = await loader.load(polls, hours, zones)
        await _keep_refused(client, topics, loaded, (polls, hours, zones))
        return loaded
    except OSError as exc:
        raise LoadError(f"{exc.filename}: {exc.strerror}") from exc
    finally:
        await client.close()


async def _keep_refused(
    client: Client, topics: Topics, loaded: Loaded, files: Sequence[Path | None]
) -> None:
    """Count refused rows where everything refused is counted; they are in files."""
    inputs = (topics.polls, topics.hours, topics.zones)
    goal = {path: topic.name for path, topic in zip(files, inputs, strict=True)}
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


def show(loaded: Loaded) -> None:
    """Print the summary."""
    say(
        f"loaded {loaded.polls:,} polls, hours of {loaded.hours:,} stores,"
        f" zones of {loaded.zones:,} stores"
    )
    for reason, count in loaded.refused.most_common():
        say(f"refused {count:,} rows: {reason}")
    for path in loaded.rejects:
        say(f"refused rows are in {path}")
