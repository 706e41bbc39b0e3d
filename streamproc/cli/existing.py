"""A broker that is there already: commands that only look create nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streamproc.errors import LogError
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.client import Client
from streamproc.transport.connect import connect
from streamproc.transport.sqlite.log import log_path


@asynccontextmanager
async def connect_to_existing(settings: Settings) -> AsyncIterator[Client]:
    """A client of the settings' broker; raises LogError when there is no log."""
    if settings.embedded and not log_path(settings.broker_url).is_file():
        raise LogError(
            f"{log_path(settings.broker_url)}: there is no log; is data_dir the"
            " worker's, and is one running? Start it with: streamproc worker"
        )
    client = await connect(settings)
    try:
        await client.create_topics(topics_for(settings))
        yield client
    finally:
        await client.close()
