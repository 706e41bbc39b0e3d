"""One worker per log: a lock on a file beside it."""

from pathlib import Path

from streamproc.errors import LogLockedError
from streamproc.transport.lock import ProcessLock


class WorkerLock(ProcessLock):
    """Held by the worker that consumes a log; raises LogLockedError."""

    def __init__(self, log_path: Path) -> None:
        def refusal(holder: str) -> LogLockedError:
            return LogLockedError(
                f"{log_path}: a worker already runs on this log (process"
                f" {holder}). Stop it, or give this one its own data directory;"
                " several workers together need Apache Kafka as the broker."
            )

        super().__init__(log_path.with_name(log_path.name + ".lock"), refusal)
