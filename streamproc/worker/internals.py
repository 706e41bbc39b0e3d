"""What is borrowed from Faust's tables although Faust does not offer it."""

from faust.tables import TableManager

from streamproc.transport.internals import require

TABLES = ("_update_channels", "recovery")


class Tables(TableManager):
    """Faust's, opened at once: all tables are declared before the app starts."""

    async def on_start(self) -> None:
        """Faust waits a second here, in case that more tables are declared."""
        require(self, *TABLES)
        await self._update_channels()
        await self.recovery.start()
