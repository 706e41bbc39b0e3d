"""Runs a program as a worker process: signals, errors, a bounded stop."""

import asyncio
import gc
import logging
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import faust
from aiokafka.errors import KafkaError
from mode.threads import WorkerThread

from streamproc.errors import (
    BrokerUnavailableError,
    DataDirLockedError,
    StreamprocError,
)
from streamproc.program import Program
from streamproc.transport.connect import connect
from streamproc.transport.kafka.refusals import translated
from streamproc.transport.lock import ProcessLock
from streamproc.transport.topic import Topic
from streamproc.worker.logs import is_told, said_at_the_end
from streamproc.worker.watchdog import Watchdog

log = logging.getLogger(__name__)

BROKER_RETRY_S = 3.0
LAST_TASKS_S = 2.0
STOP_TIMEOUT_S = 9.0
"""A worker that joins a group may not notice a signal; then the process exits."""

_YOUNG_OBJECTS = 100_000


class Worker(faust.Worker):
    """Faust's worker, quiet, and sure to stop."""

    def __init__(self, program: Program, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            program.app,
            loop=loop,
            quiet=True,
            override_logging=False,
            redirect_stdouts=False,
        )
        self.spinner = None
        self._program = program
        self.last_resort: threading.Timer | None = None

    def _on_sigint(self) -> None:
        self._on_sigterm()

    def _on_sigterm(self) -> None:
        log.info("Stopping")
        self._exit_in_time(0)
        super()._on_sigterm()

    def _crash(self, reason: BaseException) -> None:
        """Stop with an error; this, too, within a set time."""
        said_at_the_end.ending = is_told(reason)
        self._exit_in_time(1, told_of(reason, self._program))
        super()._crash(reason)

    def _exit_in_time(self, code: int, why: StreamprocError | None = None) -> None:
        if self.last_resort is None:
            self.last_resort = exit_after(STOP_TIMEOUT_S, code, why)

    def _setproctitle(self, info: str, *, ident: str = "streamproc") -> None:
        """Leave the process title as it is."""

    def _gather_all(self) -> None:
        """Cancel what still runs; Faust waits a second for it to end by itself."""
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks, timeout=LAST_TASKS_S))

    async def _sentinel_task(self) -> None:
        """Let go of the loop when nobody uses it any more; Faust waits a second.

        A consumer's thread, of those on Kafka, tells the loop that it has ended.
        """
        loop = asyncio.get_running_loop()
        give_up = loop.time() + LAST_TASKS_S
        for thread in threading.enumerate():
            if isinstance(thread, WorkerThread):
                left_s = max(give_up - loop.time(), 0.0)
                await asyncio.to_thread(thread.join, left_s)

    async def on_startup_finished(self) -> None:
        """Say that the tables are recovered and polls are consumed."""
        log.info("Worker ready on %s", self._program.settings.broker_url)


def told_of(reason: BaseException | None, program: Program) -> StreamprocError | None:
    """What has ended a worker, in one line; None where only a traceback tells it."""
    if isinstance(reason, KafkaError):
        return translated(reason, group=program.settings.app_id)
    return reason if isinstance(reason, StreamprocError) else None


def exit_after(
    seconds: float, code: int, why: StreamprocError | None = None
) -> threading.Timer:
    """End the process when stopping takes longer; nothing acked is lost.

    ``why``: what it stops for, which nobody else will have said by then.
    """

    def end() -> None:
        log.warning("Not stopped within %g s: exiting", seconds)
        if why is not None:
            log.error("%s", why)
        logging.shutdown()
        os._exit(code)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    return timer


async def prepare(program: Program) -> None:
    """Create the topics, or check that they are as they must be.

    An absent broker is waited for; raises BrokerUnavailableError in the end.
    """
    limit_s = program.settings.broker_timeout
    clock = asyncio.get_running_loop().time
    give_up = clock() + limit_s
    while True:
        try:
            return await _prepare(program)
        except BrokerUnavailableError as exc:
            left_s = give_up - clock()
            if left_s <= 0:
                raise BrokerUnavailableError(
                    f"gave up after {limit_s:g} s: {exc}"
                ) from exc
            log.warning("Waiting for the broker, %.0f s more: %s", left_s, exc)
            await asyncio.sleep(min(BROKER_RETRY_S, left_s))


async def _prepare(program: Program) -> None:
    client = await connect(program.settings)
    try:
        await client.create_topics([*program.topics, *_changelogs(program)])
        await client.check_access([*program.consumed_topics, *_changelogs(program)])
    finally:
        await client.close()


def _changelogs(program: Program) -> list[Topic]:
    return [
        Topic(table.changelog_topic.get_topic_name(), table.partitions, compacted=True)
        for table in program.tables
    ]


def collect_less_often() -> None:
    """Have Python search for garbage after many more objects than by default.

    A batch makes thousands of objects at once, none of them in a cycle, and each
    search looks at all the young ones. What there is when the worker starts stays.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)


def run(
    program: Program,
    alongside: Callable[[Program], Awaitable[None]] | None = None,
) -> int:
    """Run until a signal or a crash; return the process's exit code.

    ``alongside`` runs in the worker's event loop once it is ready; when it
    returns or raises, the worker stops.
    """
    lock = data_lock(program.settings.data_dir)
    lock.acquire()
    try:
        return _run(program, alongside)
    finally:
        lock.release()


def data_lock(data_dir: Path) -> ProcessLock:
    """Keeps two workers from one data directory; raises DataDirLockedError."""
    data_dir.mkdir(parents=True, exist_ok=True)
    return ProcessLock(
        data_dir / "worker.lock",
        lambda holder: DataDirLockedError(
            f"{data_dir}: a worker already runs on this data directory (process"
            f" {holder}); stop it, or set another data_dir for this one"
        ),
    )


def _run(
    program: Program, alongside: Callable[[Program], Awaitable[None]] | None
) -> int:
    collect_less_often()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(prepare(program))
    # Started again at once it takes its own place, and nobody waits for its session.
    program.app.conf.consumer_group_instance_id = program.member_id
    worker = Worker(program, loop)
    outcome: list[BaseException] = []
    if alongside is not None:
        _attach(worker, program, alongside, outcome)
    watchdog = Watchdog(program)
    watchdog.start(loop)
    try:
        worker.execute_from_commandline()
    except SystemExit as exc:
        code, cause = int(exc.code or 0), exc.__context__
    finally:
        watchdog.stop()
        if worker.last_resort is not None:
            worker.last_resort.cancel()
    if outcome:
        raise outcome[0]
    reason = worker.crash_reason or program.app.crash_reason or cause
    told = told_of(reason, program)
    if told is not None:
        raise told from (None if told is reason else reason)
    return code


def _attach(
    worker: Worker,
    program: Program,
    alongside: Callable[[Program], Awaitable[None]],
    outcome: list[BaseException],
) -> None:
    """Start ``alongside`` with the app's tasks; stop the worker after it."""

    @program.app.task
    async def accompany() -> None:
        try:
            await alongside(program)
        except Exception as exc:
            outcome.append(exc)
        worker._on_sigterm()
