"""Runs a benchmark in a process of its own and reads its figures."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass

MARK = "RESULT "


@dataclass(frozen=True, slots=True)
class Measured:
    """What a process reached: its own figures, CPU seconds, peak memory."""

    figures: dict[str, float]
    cpu_s: float
    peak_mib: float

    @property
    def rate(self) -> float:
        """Polls per second, from the first consumed to everything committed."""
        return self.figures["polls"] / self.figures["seconds"]


def run(*arguments: object, limit_s: float = 900.0) -> Measured:
    """Run ``python -m …`` to its end; its last RESULT line holds the figures."""
    process = subprocess.Popen(
        [sys.executable, "-m", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return finish(process, str(arguments[0]), limit_s)


def finish(process: "subprocess.Popen[str]", name: str, limit_s: float) -> Measured:
    """Wait for a benchmark's process and read its figures."""
    assert process.stdout is not None
    watchdog = _kill_after(process, limit_s)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    watchdog.cancel()
    lines = [line for line in said.splitlines() if line.startswith(MARK)]
    if not lines:
        raise RuntimeError(f"{name} ended with {process.returncode}, no result: {said}")
    return Measured(
        json.loads(lines[-1].removeprefix(MARK)),
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
    )


def _kill_after(process: "subprocess.Popen[str]", limit_s: float) -> threading.Timer:
    timer = threading.Timer(limit_s, process.kill)
    timer.daemon = True
    timer.start()
    return timer


def tell(**figures: float) -> None:
    """Say the figures of this process, for ``run`` to read."""
    assert sys.__stdout__ is not None  # Faust redirects sys.stdout to its log
    sys.__stdout__.write("\n" + MARK + json.dumps(figures) + "\n")
    sys.__stdout__.flush()


def table(title: str, rows: Sequence[tuple[str, ...]]) -> None:
    """Print a table; the first row is its head."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    out = sys.stdout.write
    out(f"\n{title}\n")
    for number, row in enumerate(rows):
        cells = [
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        out("  " + "  ".join(cells).rstrip() + "\n")
        if number == 0:
            out("  " + "  ".join("-" * width for width in widths) + "\n")
    sys.stdout.flush()
