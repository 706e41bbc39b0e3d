"""What is borrowed from Faust's tables although Faust does not offer it."""

import asyncio

from faust.tables import TableManager

from streamproc.transport.internals import require

TABLES = ("_recovery", "_update_channels", "recovery")
APP = ("_fetcher",)


class Tables(TableManager):
    """Faust's, opened at once and closed at once."""

    async def on_start(self) -> None:
        """Faust waits a second here, in case that more tables are declared."""
        require(self, *TABLES)
        require(self.app, *APP)
        await self._update_channels()
        await self.recovery.start()

    async def on_stop(self) -> None:
        """Close all tables side by side; Faust waits for the disk after each."""
        await self.app._fetcher.stop()
        if self._recovery is not None:
            await self._recovery.stop()
        await asyncio.gather(*(table.stop() for table in self.values()))
