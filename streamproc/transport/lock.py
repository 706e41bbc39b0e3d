"""One process at a time: an advisory lock on a file, whose holder is named."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from streamproc.errors import StreamprocError


class ProcessLock:
    """Held for as long as the process lives, however it ends.

    ``refusal``: makes the error for whoever comes second, of the holder's process id.
    """

    def __init__(self, path: Path, refusal: Callable[[str], StreamprocError]) -> None:
        self._path = path
        self._refusal = refusal
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock; raise the refusal, which names its holder."""
        if self._fd is not None:
            return
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            holder = os.read(fd, 32).decode(errors="replace").strip() or "unknown"
            os.close(fd)
            raise self._refusal(holder) from exc
        os.ftruncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode())
        self._fd = fd

    def is_held(self) -> bool:
        """Whether some process holds the lock now."""
        try:
            self.acquire()
        except StreamprocError:
            return True
        self.release()
        return False

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
