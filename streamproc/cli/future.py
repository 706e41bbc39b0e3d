"""``streamproc future``: polls that lie in the future, and how to be rid of them."""

import asyncio
from typing import Any

import click

from streamproc.cli.existing import connect_to_existing
from streamproc.cli.options import CONNECTION, from_options, settings_options
from streamproc.cli.terminal import say
from streamproc.clock import wall_clock_us
from streamproc.errors import counted
from streamproc.report.messages import Swept
from streamproc.report.record import time_text
from streamproc.settings import Settings
from streamproc.sweeping import Sweeper


@click.command(context_settings={"max_content_width": 100})
@click.option("--purge", is_flag=True, help="Take them out of the stores' histories.")
@settings_options(*CONNECTION)
def future(purge: bool, **options: Any) -> None:
    """Find polls over 5 minutes in the future, as a wrong clock takes them in.

    Reports leave them out until their time has come; purged, they never count.
    """
    found = asyncio.run(_run(from_options(options), purge))
    some = [swept for swept in found if swept.polls]
    for swept in some:
        stores = counted(swept.stores, "store")
        say(
            f"partition {swept.partition}: {swept.polls:,} polls of {stores}, such as"
            f" {swept.such_as}; the newest is of {time_text(swept.newest_us)}"
        )
    verb = "purged" if purge else "in the future"
    say(f"{sum(swept.polls for swept in some):,} polls {verb}")


async def _run(settings: Settings, purge: bool) -> list[Swept]:
    async with connect_to_existing(settings) as client:
        return await Sweeper(settings, client).run(wall_clock_us(), purge)
