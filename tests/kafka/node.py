"""One Kafka process on 127.0.0.1: its folder, its ports, its signals.

``broker.Cluster`` writes its settings and decides when it lives. Every wait here
has a limit, and only the process started here is ever signalled.
"""

import functools
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.kafka.jars import jars, java

HOST = "127.0.0.1"
FORMAT_S = 120.0
KILL_S = 60.0
SPAWN_S = 60.0

_JVM = (
    "-Xms64m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
)

_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kafka-spawner")
"""Starts every broker, because a parent's death counts by thread: see _tied."""


class BrokerError(Exception):
    """Raised when a broker does not start, answer or stop; holds its log's end."""


class Broker:
    """One Kafka process, its folder and its ports. ``Cluster`` configures it."""

    def __init__(
        self,
        node: int,
        folder: Path,
        listeners: Iterable[str],
        *,
        host: str = HOST,
        kafka: str = "",
    ) -> None:
        self.node = node
        self.host = host
        self._kafka = kafka
        self.folder = folder
        self.log = folder / "broker.log"
        self.paused = False
        self._reserved = {name: _reserve(host) for name in listeners}
        self._ports = {n: s.getsockname()[1] for n, s in self._reserved.items()}
        self._process: subprocess.Popen[bytes] | None = None
        if sys.platform != "linux":
            self._release()

    def address(self, listener: str) -> str:
        """Return ``host:port`` of one of its listeners."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self._ports[listener]}"

    @property
    def pid(self) -> int | None:
        """The process id while the broker runs."""
        return self._process.pid if self._process and self.running else None

    @property
    def running(self) -> bool:
        """Whether the process lives, paused or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def crashed(self) -> bool:
        """Whether the process ended although nobody here asked it to."""
        return self._process is not None and not self.running

    def format(self, settings: Mapping[str, str], arguments: Iterable[str]) -> None:
        """Write the settings and make an empty data folder."""
        self.folder.mkdir(parents=True)
        lines = "".join(f"{key}={value}\n" for key, value in settings.items())
        self._settings.write_text(lines)
        command = _kafka("kafka.tools.StorageTool", "-Xmx128m", self._kafka)
        command += ["format", "-c", str(self._settings), *arguments]
        with self.log.open("ab") as log:
            done = subprocess.run(
                command, stdout=log, stderr=log, timeout=FORMAT_S, check=False
            )
        if done.returncode:
            raise BrokerError(f"formatting node {self.node} failed:\n{self.tail()}")

    def launch(self) -> None:
        """Start the process on its old data and ports, without waiting for it."""
        if self.running:
            raise BrokerError(f"node {self.node} already runs")
        broker = _kafka("kafka.Kafka", "-Xmx512m", self._kafka)
        command = [*_tied(), *broker, str(self._settings)]
        self.paused = False
        with self.log.open("ab") as log:
            self._process = _SPAWNER.submit(
                subprocess.Popen,
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            ).result(SPAWN_S)

    def kill(self) -> None:
        """End the process at once (SIGKILL); what it wrote to files stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(KILL_S)
        self._process = None
        self.paused = False

    def terminate(self) -> None:
        """Ask the process to end (SIGTERM), without waiting."""
        self.resume()
        self._signal(signal.SIGTERM)

    def ended(self, limit_s: float) -> None:
        """Wait for a process that was asked to end; kill it after the limit."""
        if self._process is None:
            return
        try:
            self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise BrokerError(
                f"node {self.node} did not stop in time:\n{self.tail()}"
            ) from None
        finally:
            self.kill()

    def pause(self) -> None:
        """Freeze the process (SIGSTOP): its ports stay open, nothing answers."""
        self._signal(signal.SIGSTOP)
        self.paused = True

    def resume(self) -> None:
        """Let a frozen process go on (SIGCONT)."""
        if self.paused:
            self._signal(signal.SIGCONT)
        self.paused = False

    def copy_log(self, topic: str) -> Path:
        """Copy what is on disk of a topic; the process must have been stopped."""
        kept = self.folder / f"kept-{topic}"
        for path in (self.folder / "data").glob(f"{topic}-[0-9]*"):
            shutil.copytree(path, kept / path.name)
        return kept

    def put_back(self, kept: Path) -> None:
        """Put a copy back, as if all that came later had been lost."""
        for path in kept.iterdir():
            log = self.folder / "data" / path.name
            shutil.rmtree(log)
            path.rename(log)

    def close(self) -> None:
        """Kill the process and give the ports back."""
        self.kill()
        self._release()

    def tail(self, lines: int = 30) -> str:
        """Return the end of the broker's log."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    @property
    def _settings(self) -> Path:
        return self.folder / "server.properties"

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None or not self.running:
            raise BrokerError(f"node {self.node} does not run:\n{self.tail()}")
        self._process.send_signal(number)

    def _release(self) -> None:
        for reserved in self._reserved.values():
            reserved.close()


def _kafka(program: str, heap: str, version: str) -> list[str]:
    """Return the command that runs one of Kafka's programs."""
    return [java(), heap, *_JVM, "-cp", f"{jars(version)}/*", program]


@functools.cache
def _tied() -> tuple[str, ...]:
    """Return the command that makes a process die with its parent thread.

    A test run that is itself killed then leaves no broker behind. Linux only;
    elsewhere brokers end with ``close``.
    """
    command = ("setpriv", "--pdeathsig", "KILL")
    if sys.platform != "linux" or shutil.which("setpriv") is None:
        return ()
    tried = subprocess.run(
        [*command, "true"], capture_output=True, timeout=SPAWN_S, check=False
    )
    return () if tried.returncode else command


def _reserve(host: str = HOST) -> socket.socket:
    """Take a free port and keep it: bound, but not listening.

    Linux lets the broker listen on it all the same, since both set SO_REUSEADDR,
    and gives it to nobody else: not even to a client that connects to a broker
    which is down just now.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reserved = socket.socket(family)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind((host, 0))
    return reserved
