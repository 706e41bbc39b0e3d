"""Pure work, done in a process of its own.

Beside batches each step of a page waits for the interpreter's lock. What needs nothing
of the worker but what is handed over is done where nobody else wants that lock.
"""

import asyncio
import gc
import logging
import os
import pickle
import signal
import struct
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO, TypeVar

log = logging.getLogger(__name__)

J = TypeVar("J")
R = TypeVar("R")

MOST = 4
"""Jobs that wait for the process; more are done here, in threads."""

AGAIN_S = 30.0
"""How long after it has ended the process is begun again."""

END_S = 5.0
"""How long it may take to end."""

_SIZE = struct.Struct(">Q")
"""Before each job and each answer: how long it is."""

_READ_LIMIT = 1 << 22
_ENDED = "it has ended"


class EndedError(Exception):
    """Raised to who waits for the answer of a process that has ended."""


@dataclass
class _Other:
    """The process; it answers in the order of the jobs, empty where one has failed."""

    process: asyncio.subprocess.Process
    waiting: "deque[asyncio.Future[bytes]]" = field(default_factory=deque)
    has_ended: bool = False

    async def ask(self, job: bytes) -> bytes:
        """What comes of a job, empty when it has failed; raises EndedError."""
        if self.has_ended:
            raise EndedError(_ENDED)
        assert self.process.stdin is not None
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.waiting.append(answer)
        self.process.stdin.write(_SIZE.pack(len(job)) + job)
        return await answer

    async def hear(self) -> None:
        """Hand over the answers until there are no more."""
        assert self.process.stdout is not None
        read = self.process.stdout.readexactly
        try:
            while True:
                (size,) = _SIZE.unpack(await read(_SIZE.size))
                found, answer = await read(size), self.waiting.popleft()
                if not answer.cancelled():
                    answer.set_result(found)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self.has_ended = True
            for answer in self.waiting:
                if not answer.done():
                    answer.set_exception(EndedError(_ENDED))

    async def end(self) -> None:
        """End it, at once if need be, and wait until it has."""
        assert self.process.stdin is not None
        self.process.stdin.close()  # for it, that is the end of the jobs
        try:
            async with asyncio.timeout(END_S):
                await self.process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


class Aside:
    """Does work in the process, or here as long as there is none.

    The process is begun when there is a first job.
    """

    def __init__(self) -> None:
        self._other: _Other | None = None
        self._life: asyncio.Task[None] | None = None
        self._not_before = 0.0

    @property
    def pid(self) -> int | None:
        """The process that does the work; None while it is done here."""
        return None if self._other is None else self._other.process.pid

    async def run(self, work: Callable[[J], R], job: J) -> R:
        """What comes of a job; raises what ``work`` does.

        ``work`` is a module's function; the job and what comes of it can be pickled.
        """
        other = self._other
        if other is None:
            self._begin(work, job)
        elif len(other.waiting) < MOST:
            with suppress(EndedError):
                answer = await other.ask(pickle.dumps((work, job)))
                if answer:
                    found: R = pickle.loads(answer)
                    return found
        # What fails there fails here as well, with an error that can be read.
        return await asyncio.to_thread(work, job)

    def _begin(self, work: Callable[[J], R], job: J) -> None:
        if self._life is None and time.monotonic() >= self._not_before:
            first = pickle.dumps((work, job))
            self._life = asyncio.create_task(self._live(first))

    async def _live(self, first: bytes) -> None:
        """Begin the process, and hear it until it ends.

        ``first``: a job that is done here as well: it warms the process up.
        """
        try:
            other = _Other(await _started())
            hearing = asyncio.create_task(other.hear())
            try:
                await other.ask(first)
                self._other = other
                await asyncio.shield(hearing)
            finally:
                self._other = None
                await other.end()
                await hearing
            log.warning("The process for pages has ended; it is begun again")
        except (OSError, EndedError) as exc:
            log.warning("There is no process for pages: %s", exc)
        finally:
            self._life = None
            self._not_before = time.monotonic() + AGAIN_S

    async def close(self) -> None:
        """End the process."""
        if self._life is not None:
            self._life.cancel()
            with suppress(asyncio.CancelledError):
                await self._life


async def _started() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streamproc.web.aside"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_READ_LIMIT,
    )


# -- in the process -----


def main() -> None:
    """Do jobs as they come; end with whoever sends them."""
    # Ctrl-C is for the worker, which ends this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whoever prints does not answer
    jobs, is_first = sys.stdin.buffer, True
    while job := _next(jobs):
        answer = _answered(job)
        answers.write(_SIZE.pack(len(answer)) + answer)
        answers.flush()
        if is_first:  # all that is loaded stays
            gc.collect()
            gc.freeze()
            is_first = False


def _next(jobs: BinaryIO) -> bytes:
    """The next job; empty when there will be none."""
    head = jobs.read(_SIZE.size)
    return jobs.read(*_SIZE.unpack(head)) if len(head) == _SIZE.size else b""


def _answered(job: bytes) -> bytes:
    """What comes of a job; empty when it has failed."""
    try:
        work, given = pickle.loads(job)
        return pickle.dumps(work(given))
    except Exception:
        return b""


if __name__ == "__main__":
    main()
