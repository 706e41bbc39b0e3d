"""How each program is started on the Kafka broker, each in its own processes.

All read the same topic; app id, changelog and folder are fresh for every run.
"""

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Measured, finish
from benchmarks.peers import streams
from benchmarks.program import DONE, JOINED

LIMIT_S = 600.0
PAIR_LIMIT_S = 180.0


@dataclass(frozen=True, slots=True)
class Site:
    """What all runs have in common; ``quix`` is None where it cannot be had."""

    brokers: str
    root: Path
    classes: Path
    quix: Path | None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one program on one load; ``prefix`` is the load's topics'."""

    site: Site
    app_id: str
    prefix: str
    count: int

    @property
    def topic(self) -> str:
        """Where the polls are."""
        return f"{self.prefix}store-polls"

    @property
    def folder(self) -> Path:
        """Where it keeps its state."""
        return self.site.root / self.app_id

    @property
    def url(self) -> str:
        """The broker."""
        return f"kafka://{self.site.brokers}"


Variant = Callable[[Run], Measured]


def _start(command: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _whole(command: list[str], name: str) -> Measured:
    process = _start(command)
    try:
        return finish(process, name, LIMIT_S)
    finally:
        process.kill()  # of no effect unless this was interrupted


def _program(run: Run, folder: Path, workers: int) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.program", str(folder), run.url]
    command += ["--app-id", run.app_id, "--prefix", run.prefix]
    return [*command, "--workers", str(workers)]


def program(run: Run) -> Measured:
    """This program, one worker."""
    return _whole(_program(run, run.folder, 1), "this program")


def program_pair(run: Run) -> Measured:
    """This program, two workers: from when both have joined until both are done."""
    run.folder.mkdir()
    workers = [_start(_program(run, run.folder / str(n), 2)) for n in range(2)]
    limit = threading.Timer(PAIR_LIMIT_S, _end, [workers])
    limit.start()
    try:
        # Neither leaves the group, which would halt the other, before both are done.
        for expected in (JOINED, DONE):
            for worker in workers:
                _hear(worker, expected)
            for worker in workers:
                _go_on(worker)
        return _together([finish(w, "this program", PAIR_LIMIT_S) for w in workers])
    finally:
        limit.cancel()
        _end(workers)


def _end(workers: "list[subprocess.Popen[str]]") -> None:
    for worker in workers:
        worker.kill()


def _hear(worker: "subprocess.Popen[str]", expected: str) -> None:
    assert worker.stdout is not None
    for line in worker.stdout:
        if line.strip() == expected:
            return
    raise RuntimeError(f"a worker ended before it said {expected}")


def _go_on(worker: "subprocess.Popen[str]") -> None:
    assert worker.stdin is not None
    worker.stdin.write("\n")
    worker.stdin.flush()


def _together(parts: list[Measured]) -> Measured:
    first = min(part.figures["first"] for part in parts)
    last = max(part.figures["last"] for part in parts)
    polls = sum(part.figures["polls"] for part in parts)
    return Measured(
        {"polls": polls, "seconds": last - first},
        sum(part.cpu_s for part in parts),
        sum(part.peak_mib for part in parts),
    )


def plain_faust(run: Run) -> Measured:
    """Faust as its documentation shows it."""
    command = [sys.executable, "-m", "benchmarks.plain_faust", str(run.folder), run.url]
    return _whole([*command, str(run.count), run.app_id, run.prefix], "plain Faust")


def quix(run: Run) -> Measured:
    """Quix Streams in its own environment."""
    command = [str(run.site.quix), "-m", "benchmarks.peers.quix", run.site.brokers]
    command += [run.app_id, run.topic, str(run.folder), str(run.count)]
    return _whole(command, "Quix Streams")


def kafka_streams(threads: int, cached: bool) -> Variant:
    """Kafka Streams with so many threads."""

    def start(run: Run) -> Measured:
        rest = (run.app_id, run.site.brokers, run.topic, run.folder, run.count)
        command = streams.command(run.site.classes, threads, cached, *rest)
        return _whole(command, "Kafka Streams")

    return start
