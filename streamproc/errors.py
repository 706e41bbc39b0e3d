"""Every error a person may meet, in one tree.

StreamprocError
├── SettingsError          a setting has a value it cannot have
├── InvalidInput           a message or a row that cannot be understood
│   ├── InvalidPoll
│   ├── InvalidHours
│   └── InvalidZone
├── LogError               the embedded log cannot be used
│   ├── NotALogError
│   ├── LogVersionError
│   ├── LogLockedError
│   └── UnknownTopicError
├── TopicMismatchError     a topic exists, but not as this program needs it
├── BrokerUnavailableError nothing answers at the broker's address
├── RecordTooLargeError    a record does not fit into any message of the broker
├── StalledError           a worker makes no progress although there is work
├── ReportFailedError      a report ended as Failed
├── WebAddressError        the web cannot listen where it should
└── LoadError              an input file cannot be loaded
"""


class StreamprocError(Exception):
    """Root of all errors this program raises on purpose."""


class SettingsError(StreamprocError):
    """Raised before anything starts when a setting has an impossible value.

    Operator action: correct the environment variable or option it names.
    """


class InvalidInput(StreamprocError):
    """Raised when a message or a row cannot be understood.

    ``reason`` is one word for counting, the message a sentence for people.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class InvalidPoll(InvalidInput):
    """Raised when a poll breaks a rule of ``docs/accounting.md``."""


class InvalidHours(InvalidInput):
    """Raised when business hours cannot be understood."""


class InvalidZone(InvalidInput):
    """Raised when a time zone's name is not in the tz database."""


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


class UnknownTopicError(LogError):
    """Raised when a topic is read or written that was never created."""


class TopicMismatchError(StreamprocError):
    """Raised when a topic exists with other settings than this program needs.

    Operator action: the message names both and says what to do.
    """


class BrokerUnavailableError(StreamprocError):
    """Raised when the broker has not answered within the time allowed.

    Operator action: start the broker or correct the broker setting.
    """


class RecordTooLargeError(StreamprocError):
    """Raised when a record does not fit into any message of the broker.

    Operator action: raise the topic's ``max.message.bytes``.
    """


class StalledError(StreamprocError):
    """Raised when a worker has made no progress for ``stall_timeout``.

    Operator action: none where a supervisor restarts the worker.
    """


class WebAddressError(StreamprocError):
    """Raised when the web cannot listen on its address and port.

    Operator action: stop what listens there, or set another ``web_port``.
    """


class ReportFailedError(StreamprocError):
    """Raised by a client that waits for a report which ended as Failed."""


class LoadError(StreamprocError):
    """Raised when an input file cannot be loaded; names file and line."""
