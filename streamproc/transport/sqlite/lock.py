"""One worker per log: an advisory lock on a file beside it."""

import fcntl
import os
from pathlib import Path

from streamproc.errors import LogLockedError


class WorkerLock:
    """Held for as long as the process lives, however it ends."""

    def __init__(self, log_path: Path) -> None:
        self._path = log_path.with_name(log_path.name + ".lock")
        self._log_path = log_path
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock; raise LogLockedError that names its holder."""
        if self._fd is not None:
            return
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            holder = os.read(fd, 32).decode(errors="replace").strip() or "unknown"
            os.close(fd)
            raise LogLockedError(
                f"{self._log_path}: a worker already runs on this log (process"
                f" {holder}). Stop it, or give this one its own data directory;"
                " several workers together need Apache Kafka as the broker."
            ) from exc
        os.ftruncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode())
        self._fd = fd

    def is_held(self) -> bool:
        """Whether some process holds the lock now."""
        try:
            self.acquire()
        except LogLockedError:
            return True
        self.release()
        return False

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
