"""Reading all stores of a partition: in a thread of its own, a step at a time.

What the first pages need comes first. What is read at leisure, such as the incidents
of a year, lets those go first after each of its steps, and takes no more than a share
of the time, so that it delays neither pages nor the taking in of polls.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from streamproc.web.budget import Budget

T = TypeVar("T")

Steps = Generator[None, None, T]
"""Work that may be interrupted wherever it yields; it returns what was found."""

SHARE = 0.2
"""How much of a core may be used by what is read at leisure."""

AT_ONCE_S = 3.0
"""CPU seconds that it may use at once, after a pause."""


@dataclass(frozen=True, slots=True)
class _Job:
    steps: Steps[Any]
    at_leisure: bool
    done: "Future[Any]" = field(default_factory=Future)

    def advance(self) -> bool:
        """Do a step; whether there are more. Nobody waits for a cancelled one."""
        if self.done.cancelled():
            self.steps.close()
            return False
        with suppress(InvalidStateError):  # it was cancelled meanwhile
            try:
                next(self.steps)
            except StopIteration as end:
                self.done.set_result(end.value)
            except Exception as exc:
                self.done.set_exception(exc)
            else:
                return True
        return False


class Scans:
    """Does one step after the other; asked from an event loop."""

    def __init__(self, share: float = SHARE, at_once_s: float = AT_ONCE_S) -> None:
        self._budget = Budget(share, at_once_s, time.monotonic())
        self._first: deque[_Job] = deque()
        self._later: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        # One thread: more would only take the interpreter from each other.
        self._thread = threading.Thread(target=self._work, name="web-scan", daemon=True)
        self._thread.start()

    async def run(self, steps: Steps[T], at_leisure: bool = False) -> T:
        """What the steps come to; who does not wait any more ends them."""
        job = _Job(steps, at_leisure)
        with self._changed:
            self._queue_of(job).append(job)
            self._changed.notify()
        found: T = await asyncio.wrap_future(job.done)
        return found

    async def close(self) -> None:
        """End after the step under way; what is left is cancelled."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        await asyncio.to_thread(self._thread.join)
        for job in (*self._first, *self._later):
            job.done.cancel()

    def _queue_of(self, job: _Job) -> deque[_Job]:
        return self._later if job.at_leisure else self._first

    def _work(self) -> None:
        while (job := self._next()) is not None:
            began_s = time.thread_time()
            goes_on = job.advance()
            with self._changed:
                if job.at_leisure:
                    used_s = time.thread_time() - began_s
                    self._budget.spend(used_s, time.monotonic())
                if goes_on and job.at_leisure:
                    self._later.append(job)  # a step each: one may be of a year
                elif goes_on:
                    self._first.appendleft(job)

    def _next(self) -> _Job | None:
        """The job whose turn it is; None when it is over."""
        with self._changed:
            while not self._closed:
                if self._first:
                    return self._first.popleft()
                delay_s = self._budget.delay_s(time.monotonic())
                if self._later and not delay_s:
                    return self._later.popleft()
                self._changed.wait(delay_s if self._later else None)
            return None
