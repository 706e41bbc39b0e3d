"""What is borrowed from Faust's tables although Faust does not offer it."""

import asyncio
import logging
from typing import Any

from faust.tables import TableManager
from faust.tables.recovery import Recovery

from streamproc.transport.internals import require
from tables.fencing import PartitionLostError

log = logging.getLogger(__name__)

TABLES = ("_recovery", "_update_channels", "recovery")
APP = ("_fetcher",)


class CompletedRecovery(Recovery):
    """Faust's, whose last step is looked at however it ends.

    What waits for it lets go of it when the worker stops or another rebalance begins;
    that it was cut short would then be logged as an error that nobody has seen.
    """

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Let the agents begin."""
        step = asyncio.current_task()
        assert step is not None
        step.add_done_callback(lambda done: done.cancelled() or done.exception())
        await super().on_recovery_completed(generation_id)


class Tables(TableManager):
    """Faust's, opened at once and closed at once."""

    _recovery: Recovery | None = None

    @property
    def recovery(self) -> Recovery:
        """What brings the tables up to date, made when it is first wanted."""
        if self._recovery is None:
            self._recovery = CompletedRecovery(
                self.app, self, beacon=self.beacon, loop=self.loop
            )
        return self._recovery

    async def on_start(self) -> None:
        """Faust waits a second here, in case that more tables are declared."""
        require(self, *TABLES)
        require(self.app, *APP)
        await self._update_channels()
        await self.recovery.start()

    async def on_rebalance(self, *args: Any, **kwargs: Any) -> None:
        """Open and close what was assigned; a worker's stop cuts this short.

        Its databases are closed then, and the next worker to have them recovers.
        """
        try:
            await super().on_rebalance(*args, **kwargs)
        except PartitionLostError as exc:
            if not self.should_stop:
                raise
            log.debug("The worker stops, nothing more is opened: %s", exc)

    async def on_stop(self) -> None:
        """Close all tables side by side; Faust waits for the disk after each."""
        await self.app._fetcher.stop()
        if self._recovery is not None:
            await self._recovery.stop()
        await asyncio.gather(*(table.stop() for table in self.values()))
