"""The app's own thread, as the web's thread may use it.

Faust makes a service when it is first asked for, bound to the event loop of whoever
asks: made in the web's thread it would wait there for ever, and the worker crash.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from streamproc.program import Program

T = TypeVar("T")


class AppThread:
    """Runs what belongs to the app, and tells how it is doing."""

    def __init__(self, program: Program) -> None:
        """Make all that the web asks of; to be called in the app's own thread."""
        app = program.app
        self._program = program
        self._loop = app.loop
        self._recovery = app.tables.recovery
        self._made = [
            app.assignor,
            *(table.changelog_topic for table in program.tables),
        ]
        stores = (table.data for table in program.tables)
        self._loops = [s.loop for s in (app.tables, self._recovery, *stores)]

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine where the producer and the consumer live."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        return await asyncio.wrap_future(future)

    def remaining_records(self) -> int:
        """Changelog records to be read before the tables are complete."""
        if self._program.is_ready():
            return 0
        return max(int(self._recovery.active_remaining_total()), 0)
