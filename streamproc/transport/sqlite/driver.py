"""The Faust transport for ``sqlite://`` URLs.

One worker consumes: it is the only member of its group, and Faust's own
assignor gives it every partition. Producers may be anywhere.
"""

import asyncio
from typing import Any

from faust.transport import base
from mode.utils.times import want_seconds

from streamproc.transport.sqlite.consumer import Consumer
from streamproc.transport.sqlite.log import Log, log_path
from streamproc.transport.sqlite.producer import Producer


class Transport(base.Transport):
    """Registered as ``sqlite`` in the entry points of ``faust.transports``.

    ``sqlite:///absolute/path/log.db``; with ``?sync=normal`` an append survives
    the death of the process, but not a power loss.
    """

    Consumer = Consumer
    Producer = Producer
    default_port = 0
    driver_version = "sqlite"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._log: Log | None = None
        #: Set when this process has appended something.
        self.appended = asyncio.Event()

    def open_log(self) -> Log:
        """The log behind the URL, opened once."""
        if self._log is None:
            url = self.url[0]
            self._log = Log(log_path(url), url.query.get("sync", "full"))
        return self._log

    def create_topic(
        self,
        topic: str,
        partitions: int,
        *,
        retention: Any = None,
        compacting: bool | None = None,
        **unused: Any,
    ) -> None:
        """Create a topic the way Faust asks for it."""
        retention_ms = int(want_seconds(retention) * 1000) if retention else None
        self.open_log().create_topic(
            topic, partitions, compacted=bool(compacting), retention_ms=retention_ms
        )
