"""``streamproc demo``: a generated fleet, its report, and live polls."""

import asyncio
import multiprocessing
import signal
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import click

from streamproc.cli.options import from_options, settings_options
from streamproc.cli.progress import Progress
from streamproc.cli.terminal import say
from streamproc.clock import wall_clock_us
from streamproc.errors import LoadError
from streamproc.program import Program
from streamproc.rules.units import DAY_US
from streamproc.settings import Settings
from streamproc.simulation.fleet import Fleet
from streamproc.simulation.publishing import (
    LivePolls,
    publish_events,
    publish_polls,
    publish_stores,
)
from streamproc.topics import topics_for
from streamproc.transport.connect import connect
from streamproc.web import own_token
from streamproc.worker.app import build
from streamproc.worker.logs import set_up_logging
from streamproc.worker.process import run

STORES = 300
INTERVAL_S = 1800.0
OUTAGE_RATE = 0.02
BROKEN_POLLER = "p3"
PAST_WEEKS = 5
PAST_US = PAST_WEEKS * 7 * DAY_US
_SHOWN_ROWS = 5
_LOOK_EVERY_S = 0.2


@click.command(context_settings={"max_content_width": 100})
@click.option("--stores", default=STORES, show_default=True, type=click.IntRange(1))
@settings_options(
    "data_dir", "hold", "backfill", "web", "web_host", "web_port", "log_level"
)
def demo(stores: int, **options: Any) -> None:
    """Show the program at work on a generated fleet, until Ctrl-C.

    Five weeks of polls are loaded through the log: a calm fleet with names, regions
    and brands, a holiday, a maintenance, and one poller that is broken.
    combined_report.csv is written and goes on being written every hour; polls go on
    live. A second run resumes from the same data directory.
    """
    settings = from_options(options)
    set_up_logging(settings.log_level)

    async def accompany(program: Program) -> None:
        await program.until_ready()
        if settings.web:
            say(f"pages: {own_token.link(settings)}")
        await _load_aside(settings, stores)
        program.settings = settings  # from now on there are hourly reports
        await _accompany(program, _fleet(stores))

    # What is loaded shows on the pages at once; a report of half of it would mislead.
    sys.exit(run(build(replace(settings, hourly=False)), accompany))


def _fleet(stores: int) -> Fleet:
    return Fleet(
        stores,
        interval_s=INTERVAL_S,
        outage_rate=OUTAGE_RATE,
        broken_poller=BROKEN_POLLER,
    )


async def _load_aside(settings: Settings, stores: int) -> None:
    """Load in a process of its own: it takes a core, and the pages need theirs.

    Raises LoadError when that process fails; it has said why.
    """
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_load, args=(settings, stores), daemon=True)
    process.start()
    try:
        await asyncio.to_thread(process.join)
    finally:
        process.terminate()
    if process.exitcode:
        raise LoadError(f"the demo's polls are not loaded (exit {process.exitcode})")


def _load(settings: Settings, stores: int) -> None:
    """The process that loads; who started it ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    set_up_logging(settings.log_level)
    asyncio.run(_load_past(settings, _fleet(stores)))


async def _load_past(settings: Settings, fleet: Fleet) -> None:
    """Publish five weeks of polls, unless the log already holds some."""
    topics = topics_for(settings)
    client = await connect(settings)
    try:
        await client.create_topics(topics)
        if any((await client.end_offsets(topics.polls)).values()):
            say(f"resuming from {settings.data_dir}")
            return
        say(f"five weeks of polls of {len(fleet.stores):,} generated stores")
        now_us = wall_clock_us()
        await publish_stores(client, topics, fleet)
        await publish_events(client, topics, fleet, now_us)
        total = len(fleet.stores) * PAST_US // fleet.interval_us * 96 // 97
        with Progress("loading", total, "polls") as bar:
            await publish_polls(
                client, topics, fleet, now_us - PAST_US, now_us, bar.advance
            )
    finally:
        await client.close()


async def _accompany(program: Program, fleet: Fleet) -> None:
    """Show the report when it is there, then go on polling."""
    client = await connect(program.settings)
    stop = asyncio.Event()
    live = asyncio.create_task(LivePolls(client, program.topics, fleet).run(stop))
    try:
        await _show_report(program)
        say("polls go on live, the report is written every hour; Ctrl-C stops")
        await live
    finally:
        stop.set()
        await live
        await client.close()


async def _show_report(program: Program) -> None:
    """Print path and first rows of the newest hourly report."""
    done = None
    while done is None:
        await asyncio.sleep(_LOOK_EVERY_S)
        done = program.latest_complete()
    path: Path = program.report_files.combined
    say(f"\n{path}: {done.rows:,} stores, as of {done.as_of_text}")
    with path.open(encoding="utf-8") as lines:
        for line in islice(lines, _SHOWN_ROWS + 1):
            say("  " + line.rstrip())
    say(f"  … {max(done.rows - _SHOWN_ROWS, 0):,} more\n")
