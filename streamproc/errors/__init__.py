"""Every error a person may meet, in one tree.

StreamprocError
├── SettingsError          a setting has a value it cannot have
├── InvalidInput           a message or a row that cannot be understood
│   ├── InvalidPoll
│   ├── InvalidHours
│   ├── InvalidZone
│   └── ForeignMessage
├── LogError               the embedded log cannot be used
│   ├── NotALogError
│   ├── LogVersionError
│   ├── LogLockedError
│   ├── LogDamagedError
│   ├── LogDiskError
│   └── UnknownTopicError
├── TableError             a table on this disk cannot be used
│   ├── TableLockedError
│   ├── TableDamagedError
│   └── TableDiskError
├── TopicMissingError      a topic that was there is gone
├── TopicMismatchError     a topic exists, but not as this program needs it
├── BrokerUnavailableError nothing answers at the broker's address
├── BrokerError            the broker refuses what it is asked for
│   ├── AccessDeniedError     … because this user may not
│   ├── ForeignConsumerError  … because another program is in the group
│   └── ClockError            … because of the time on this machine
├── DamagedRecordsError    records of a topic cannot be read
├── SkipRefusedError       records are not to be skipped
├── RecordTooLargeError    a record does not fit into any message of the broker
├── StalledError           a worker makes no progress although there is work
├── ReportFailedError      a report ended as Failed
├── DataDirLockedError     another worker runs on this data directory
├── WebAddressError        the web cannot listen where it should
├── WebhookError           the webhook was not delivered
│   └── WebhookAddressError   … because it must not be called there
├── LoadError              an input file cannot be loaded
│   └── OptionNeededError     … unless an option says how it is to be read
└── ReplayError            refused records cannot be sent again

Here is also what every refusal is worded with: ``shown``, ``plain``,
``counted``, ``did_you_mean`` (from ``wording``) and ``as_refusal``.
"""

from collections.abc import Callable
from typing import Protocol

from streamproc.errors.root import StreamprocError as StreamprocError
from streamproc.errors.storage import LogDamagedError as LogDamagedError
from streamproc.errors.storage import LogDiskError as LogDiskError
from streamproc.errors.storage import LogError as LogError
from streamproc.errors.storage import LogLockedError as LogLockedError
from streamproc.errors.storage import LogVersionError as LogVersionError
from streamproc.errors.storage import NotALogError as NotALogError
from streamproc.errors.storage import TableDamagedError as TableDamagedError
from streamproc.errors.storage import TableDiskError as TableDiskError
from streamproc.errors.storage import TableError as TableError
from streamproc.errors.storage import TableLockedError as TableLockedError
from streamproc.errors.storage import UnknownTopicError as UnknownTopicError
from streamproc.errors.wording import SHOWN_CHARS as SHOWN_CHARS
from streamproc.errors.wording import counted as counted
from streamproc.errors.wording import did_you_mean as did_you_mean
from streamproc.errors.wording import plain as plain
from streamproc.errors.wording import shown as shown


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


def as_refusal(exc: Exception, reason: str = "unreadable") -> InvalidInput:
    """The refusal of a record whose reading has raised this, whatever it is.

    One record that nobody can read must never be the end of a worker, which would
    meet it again after every restart.
    """
    if isinstance(exc, InvalidInput):
        return exc
    kind = type(exc).__name__
    refusal = InvalidInput(reason, f"cannot be read: {kind}: {shown(str(exc))}")
    refusal.__cause__ = exc
    return refusal


class InvalidPoll(InvalidInput):
    """Raised when a poll breaks a rule of ``docs/accounting.md``."""


class InvalidHours(InvalidInput):
    """Raised when business hours cannot be understood."""


class InvalidZone(InvalidInput):
    """Raised when a time zone's name is not in the tz database."""


class ForeignMessage(InvalidInput):
    """Raised for a message of another app, or of a worker with other rules.

    Operator action: give every worker of an app the same version and the same
    ``hold``, ``backfill``, ``bridge``, ``day_starts`` and ``partitions``, and every
    other app its own ``app_id``.
    """

    def __init__(self, app: str, rules: str) -> None:
        super().__init__("foreign", f"a message of app {app} with rules {rules}")
        self.app = app
        self.rules = rules


class TopicMissingError(StreamprocError):
    """Raised when a topic that was there is gone.

    Operator action: create it again, or restart the workers, which create it.
    """


class TopicMismatchError(StreamprocError):
    """Raised when a topic exists with other settings than this program needs.

    Operator action: the message names both and says what to do.
    """


class BrokerUnavailableError(StreamprocError):
    """Raised when the broker has not answered within the time allowed.

    Operator action: start the broker or correct the broker setting.
    """


class BrokerError(StreamprocError):
    """Raised when the broker refuses what this program asks of it.

    Operator action: the message holds the broker's own words.
    """


class AccessDeniedError(BrokerError):
    """Raised when the user has no permission for a topic or a group.

    Operator action: grant what the message names.
    """


class ForeignConsumerError(BrokerError):
    """Raised when a consumer of another program is in the workers' group.

    Operator action: stop that one, or set another ``app_id``.
    """


class ClockError(BrokerError):
    """Raised when the broker finds the time of this machine impossible.

    Operator action: set the clock right.
    """


class DamagedRecordsError(StreamprocError):
    """Raised for records that are damaged; names topic, partition and offsets.

    ``first``: offset of the first of them, ``end``: the one after the last. Operator
    action: restore them, or go past them with ``streamproc skip``.
    """

    def __init__(self, message: str, first: int, end: int) -> None:
        super().__init__(message)
        self.first, self.end = first, end


class SkipRefusedError(StreamprocError):
    """Raised when records are not to be skipped: nothing was changed."""


class RecordTooLargeError(StreamprocError):
    """Raised when a record does not fit into any message of the broker.

    Operator action: raise the topic's ``max.message.bytes``.
    """


class LibraryChangedError(StreamprocError):
    """Raised at the start when Faust or aiokafka lacks what is borrowed from it.

    Operator action: install the versions in ``constraints.txt``.
    """


class OffsetsLostError(StreamprocError):
    """Raised when a table's changelog has lost what was being read of it.

    Operator action: start the worker again; it rebuilds the table.
    """


class StalledError(StreamprocError):
    """Raised when a worker has made no progress for ``stall_timeout``.

    Operator action: none where a supervisor restarts the worker.
    """


class DataDirLockedError(StreamprocError):
    """Raised when another worker already runs on this data directory.

    Operator action: stop that worker, whose process is named, or set ``data_dir``.
    """


class WebAddressError(StreamprocError):
    """Raised when the web cannot listen on its address and port.

    Operator action: stop what listens there, or set another ``web_port``.
    """


class ReportFailedError(StreamprocError):
    """Raised by a client that waits for a report which ended as Failed."""


class WebhookError(StreamprocError):
    """Raised when a test of the webhook was not delivered.

    Operator action: correct ``webhook_url``, or look at the receiver.
    """


class WebhookAddressError(WebhookError):
    """Raised when the webhook is at an address where clouds tell credentials.

    Operator action: correct ``webhook_url``, or set ``webhook_link_local``.
    """


class LoadError(StreamprocError):
    """Raised when an input file cannot be loaded; names file and line."""


class Naming(Protocol):
    """How whoever is told of an option calls it, with a value or without."""

    def __call__(self, option: str, value: str = "") -> str:
        """The option in words."""


class OptionNeededError(LoadError):
    """Raised when an option has to say how an input file is to be read.

    ``option``: its name; ``value``: what it has to be where that is sure, else empty.
    ``tell``: the message, of how options are called by whoever reads it.
    """

    def __init__(
        self, message: str, tell: Callable[[Naming], str], option: str, value: str = ""
    ) -> None:
        super().__init__(message)
        self.tell, self.option, self.value = tell, option, value


class ReplayError(StreamprocError):
    """Raised when refused records cannot be sent again; nothing was sent."""
