"""``streamproc simulate``: live polls of a generated fleet."""

import asyncio
import signal
from typing import Any

import click

from streamproc.cli.options import CONNECTION, from_options, settings_options
from streamproc.cli.terminal import say
from streamproc.settings import Settings
from streamproc.simulation.fleet import Fleet
from streamproc.simulation.publishing import LivePolls, publish_stores
from streamproc.topics import topics_for
from streamproc.transport.connect import connect


@click.command(context_settings={"max_content_width": 100})
@click.option("--stores", default=1_000, show_default=True, type=click.IntRange(1))
@click.option(
    "--interval",
    default=3600.0,
    show_default=True,
    type=click.FloatRange(0.1),
    help="Seconds between two polls of a store.",
)
@click.option(
    "--outage-rate",
    default=0.04,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Share of time a store is down, about.",
)
@click.option(
    "--speed-up",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.001),
    help="Simulated seconds per second; polls are stamped in simulated time, which"
    " then begins in the past and stops at now.",
)
@click.option("--seed", default=1, show_default=True)
@click.option("--seconds", type=click.FloatRange(0), help="Stop after so long.")
@settings_options(*CONNECTION, "log_sync")
def simulate(
    stores: int,
    interval: float,
    outage_rate: float,
    speed_up: float,
    seed: int,
    seconds: float | None,
    **options: Any,
) -> None:
    """Publish live polls of a generated fleet until Ctrl-C, to any broker."""
    fleet = Fleet(stores, interval_s=interval, outage_rate=outage_rate, seed=seed)
    asyncio.run(_simulate(from_options(options), fleet, speed_up, seconds))


async def _simulate(
    settings: Settings, fleet: Fleet, speed_up: float, seconds: float | None
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    if seconds is not None:
        loop.call_later(seconds, stop.set)
    topics = topics_for(settings)
    client = await connect(settings)
    try:
        await client.create_topics(topics)
        await publish_stores(client, topics, fleet)
        say(f"publishing polls of {len(fleet.stores):,} stores; Ctrl-C stops")
        live = LivePolls(client, topics, fleet, speed_up)
        sent = await live.run(stop, lambda total: say(f"{total:,} polls sent"))
        say(f"{sent:,} polls sent in all")
    finally:
        await client.close()
