"""Worker processes on a broker, to be watched, stopped and killed.

``fleet.py`` says what they should have made of the polls. Only processes started
here are ever signalled, and every wait has a limit.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from streamproc.settings import Settings, env_name, load
from tests.kafka.node import _tied

ROOT = Path(__file__).parents[2]
READY = "Worker ready"
SESSION_S = 15
"""Until a worker that is not heard is out of its group; one that is busy is heard."""
READY_S = ENDED_S = 240.0
"""For whatever a worker does: a machine that has much else to do is waited for."""
STOP_S = 30.0
"""A worker's promise, 10 s after SIGTERM it has ended, on a machine that is busy."""


class WorkerError(Exception):
    """Raised when a worker does not do what was waited for; holds its log."""


class Worker:
    """One worker process with a data directory of its own."""

    def __init__(
        self, folder: Path, settings: Mapping[str, object], fault: str = ""
    ) -> None:
        self.folder = folder
        self.log = folder / "worker.log"
        self.options = {**settings, "data_dir": folder / "data"}
        self.fault = fault
        self.process: subprocess.Popen[bytes] | None = None
        self._mark = 0

    @property
    def settings(self) -> Settings:
        """What the worker runs with."""
        return load(self.options, {})

    def start(self) -> None:
        """Launch the process without waiting for it."""
        if self.running:
            raise WorkerError("already runs")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._mark = self.log.stat().st_size if self.log.exists() else 0
        environ = {k: v for k, v in os.environ.items() if "STREAMPROC" not in k}
        environ |= {env_name(k): str(v) for k, v in self.options.items()}
        command = [*_tied(), sys.executable, "-m", "tests.kafka.run_worker"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environ | {"KAFKA_TESTS_FAULT": self.fault},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def said(self) -> str:
        """What it has logged since it was started last."""
        with self.log.open("rb") as log:
            log.seek(self._mark)
            return log.read().decode(errors="replace")

    def ready(self, limit_s: float = READY_S) -> None:
        """Wait until its tables are recovered and it consumes."""
        self.says(READY, limit_s)

    def says(self, pattern: str, limit_s: float = READY_S) -> re.Match[str]:
        """Wait for a line in its log; fails at once when the process ends."""
        give_up = time.monotonic() + limit_s
        while True:
            alive = self.running
            if found := re.search(pattern, self.said):
                return found
            if not alive:
                raise WorkerError(f"ended before it said {pattern!r}:\n{self.tail()}")
            if time.monotonic() > give_up:
                raise WorkerError(f"never said {pattern!r}:\n{self.tail()}")
            time.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        if self.process is None or not self.running:
            raise WorkerError(f"does not run:\n{self.tail()}")
        self.process.send_signal(number)

    def pause(self) -> None:
        """Freeze it (SIGSTOP)."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(ENDED_S)

    def stop(self) -> float:
        """SIGTERM; return after how many seconds it had ended."""
        started = time.monotonic()
        self.signal(signal.SIGTERM)
        self.ended()
        return time.monotonic() - started

    def ended(self, limit_s: float = ENDED_S) -> int:
        """Wait for the process to end; return its exit code."""
        assert self.process is not None
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise WorkerError(f"did not end in {limit_s} s:\n{self.tail()}") from None

    def tail(self, lines: int = 40) -> str:
        """The end of its log."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


Start = Callable[..., Worker]
"""Makes a worker on the shared broker."""

StartOn = Callable[..., Worker]
"""The same on a broker at an address."""
