"""What may be wrong with the embedded log, or with a table on this disk."""

from streamproc.errors.root import StreamprocError


class LogError(StreamprocError):
    """Raised when the embedded log cannot be used."""


class NotALogError(LogError):
    """Raised when the log's path holds some other file.

    Operator action: point the broker setting at another path, or move the
    file away; it was not changed.
    """


class LogVersionError(LogError):
    """Raised when the log was written by a newer version of this program.

    Operator action: upgrade, or use another log; it was not changed.
    """


class LogLockedError(LogError):
    """Raised when another worker already runs on this log.

    Operator action: stop that worker; its process is named. More than one
    worker needs Apache Kafka as the broker.
    """


class LogDamagedError(LogError):
    """Raised when the structure of the log's file is damaged.

    Operator action: restore the log from a backup.
    """


class LogDiskError(LogError):
    """Raised when the disk of the log is full, or cannot be read or written.

    Operator action: make room or mend the disk, and start again.
    """


class UnknownTopicError(LogError):
    """Raised when a topic is read or written that was never created."""


class TableError(StreamprocError):
    """Raised when a table's database on this disk cannot be used."""


class TableLockedError(TableError):
    """Raised when another process has a table's database open.

    Operator action: stop that worker, or give this one its own data directory.
    """


class TableDamagedError(TableError):
    """Raised when a damaged table could not be built anew while the worker runs.

    Operator action: start the worker again, which builds it anew from its changelog;
    when that happens again and again, replace the disk.
    """


class TableDiskError(TableError):
    """Raised when the disk of the tables is full, or cannot be read or written.

    Operator action: make room or mend the disk, and start the worker again.
    """
