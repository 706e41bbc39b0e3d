"""Notices a worker that makes no progress although there is work.

Recovery that stands still, a consumer that is silent, a broker that has gone, an
event loop that hangs: each looks like an idle worker from outside. The worker
then says so and ends with an error, so that its supervisor starts it again.
"""

import asyncio
import logging
import os
import threading
import time
from typing import Any

from faust.types import TP

from streamproc.errors import StalledError, TopicMissingError
from streamproc.program import Program

log = logging.getLogger(__name__)

ANSWER_S = 10.0
"""How long the broker may take to say how much there is."""

GRACE_S = 15.0
"""How much longer the thread waits than the task, which stops in good order."""


class Watchdog:
    """Looks every few seconds whether anything has moved."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._limit_s = program.settings.stall_timeout
        self._seen: Any = None
        self._moved_at = time.monotonic()
        self._stopped = threading.Event()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch from now on, from a task of the loop and from a thread."""
        self._task = loop.create_task(self._watch())
        threading.Thread(target=self._guard, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no longer."""
        self._task.cancel()
        self._stopped.set()

    @property
    def still_s(self) -> float:
        """Seconds without progress while there was work."""
        return time.monotonic() - self._moved_at

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(min(self._limit_s / 5, 5.0))
            waiting = await self._waiting()
            now = self._state()
            if waiting is None or now != self._seen:
                self._seen = now
                self._moved_at = time.monotonic()
            elif self.still_s > self._limit_s:
                reason = f"no progress for {self.still_s:.0f} s: {waiting}"
                log.critical("Worker stalled: %s", reason)
                await self._program.app.crash(StalledError(reason))
                return

    def _guard(self) -> None:
        """End the process when the loop itself does not get round to it."""
        while not self._stopped.wait(1.0):
            if self.still_s > self._limit_s + GRACE_S:
                log.critical("Worker hangs for %.0f s: exiting", self.still_s)
                logging.shutdown()
                os._exit(1)

    def _state(self) -> Any:
        """Changes with every batch consumed or recovered."""
        recovery = self._program.app.tables.recovery
        return (
            dict(self._program.consumed),
            dict(recovery.active_offsets),
            self._program.is_ready(),
        )

    async def _waiting(self) -> str | None:
        """What there is to do, in words; None for nothing."""
        if not self._program.is_ready():
            return self._recovering()
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._lagging()
        except TopicMissingError as exc:
            return str(exc)
        except Exception as exc:
            return f"the broker does not answer ({type(exc).__name__} {exc})"

    def _recovering(self) -> str:
        left = self._program.app.tables.recovery.active_remaining_total()
        if left > 0:
            return f"recovery stands still, {left} changelog records to go"
        return "the worker has not joined its group, or its group does not settle"

    async def _lagging(self) -> str | None:
        program = self._program
        names = {topic.name for topic in program.consumed_topics}
        tps = [TP(*tp) for tp in program.app.consumer.assignment() if tp[0] in names]
        ends = await program.app.consumer.highwaters(*tps) if tps else {}
        for tp in tps:
            if waiting := await program.waiting(tp, ends[tp]):
                return f"{waiting} records wait in {tp.topic}, partition {tp.partition}"
        return None
