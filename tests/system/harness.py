"""Worker processes, generated polls, and what must come of them."""

import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from streamproc.report.request import new_request
from streamproc.report.rows import Rows
from streamproc.report_client import ReportClient
from streamproc.rules.poll import Poll, encode_poll
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.connect import connect
from tests.reference import reference
from tests.waiting import LIMIT_S

STOP_S = 15.0
"""A worker's promise, 10 s after SIGTERM it has ended, on a machine that is busy."""


class WorkerProcess:
    """``streamproc worker`` in a process of its own; its log goes to a file.

    Without pages and monthly reports, unless the arguments say otherwise.
    """

    def __init__(self, data_dir: Path, arguments: Sequence[object]) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self.log = data_dir.parent / f"worker-{time.monotonic_ns()}.log"
        with self.log.open("wb") as stream:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "streamproc", "worker"),
                    *("--data-dir", str(data_dir), "--no-web", "--no-monthly"),
                    *map(str, arguments),
                ],
                stdout=stream,
                stderr=stream,
                cwd=data_dir.parent,
            )

    def text(self) -> str:
        """What the worker has logged so far."""
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str, limit_s: float = LIMIT_S) -> "WorkerProcess":
        """Wait until the worker has logged the text; fail when it ends first."""
        deadline = time.monotonic() + limit_s
        while text not in self.text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"no {text!r} in: {self.text()}")
            time.sleep(0.02)
        return self

    def ready(self) -> "WorkerProcess":
        """Wait until the worker consumes."""
        return self.wait_for("Worker ready")

    def end(self, how: signal.Signals, limit_s: float = LIMIT_S) -> int:
        """Send a signal, unless it has ended; return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(limit_s)

    def exit_code(self, limit_s: float = LIMIT_S) -> int:
        """Wait for the end."""
        return self.process.wait(limit_s)


async def publish(settings: Settings, polls: Iterable[Poll]) -> None:
    """Publish polls as a producer does."""
    listed = list(polls)
    await publish_raw(
        settings,
        [poll.store_id.encode() for poll in listed],
        [encode_poll(poll) for poll in listed],
    )


async def publish_raw(
    settings: Settings,
    keys: Sequence[bytes],
    values: Sequence[bytes | None],
    topic: str = "polls",
) -> None:
    """Publish messages to one of the program's topics."""
    topics = topics_for(settings)
    client = await connect(settings)
    try:
        await client.create_topics(topics)
        await client.publish(getattr(topics, topic), keys, values)
    finally:
        await client.close()


async def report(settings: Settings, as_of: str = "latest", **request: Any) -> Rows:
    """A report of the running worker, with all its figures."""
    client = await connect(settings)
    try:
        asked = new_request(as_of, time.time_ns() // 1000, **request)
        _, rows = await ReportClient(settings, client).run(asked, lambda _: None)
    finally:
        await client.close()
    return rows


def check_rows(
    rows: Rows, polls: Iterable[Poll], as_of_us: int, settings: Settings, every: int = 1
) -> None:
    """Hold the rows of stores open 24x7 against the reference.

    Every store must be there, once and in order; the figures of each ``every``-th
    are recomputed by ``tests.reference``.
    """
    by_store: defaultdict[str, list[tuple[int, bool]]] = defaultdict(list)
    for poll in polls:
        by_store[poll.store_id].append((poll.time_us, poll.active))
    assert rows.store_ids == sorted(by_store)
    rules = settings.rules
    for row in range(0, len(rows), every):
        store_id = rows.store_ids[row]
        expected = reference(
            by_store[store_id], None, None, as_of_us, rules.hold_us, rules.backfill
        )
        for window, name in enumerate(("hour", "day", "week")):
            figures = expected[name]
            got = tuple(int(a[window, row]) for a in (rows.up, rows.down, rows.open))
            assert got == (figures.up_us, figures.down_us, figures.open_us), store_id


def random_polls(count: int, stores: int, seed: int, begin_us: int) -> list[Poll]:
    """Polls of some days, about in time order, with repeats."""
    draw = np.random.default_rng(seed)
    step_us = 6 * 86_400 * 1_000_000 // count
    times = begin_us + np.arange(count) * step_us + draw.integers(0, 900_000_000, count)
    numbers = draw.integers(0, stores, count)
    active = draw.random(count) < 0.85
    polls = [
        Poll(f"store-{number}", time_us, up)
        for number, time_us, up in zip(
            numbers.tolist(), times.tolist(), active.tolist(), strict=True
        )
    ]
    return polls + polls[:: max(count // 50, 1)]
