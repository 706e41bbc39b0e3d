"""What a worker logs: its own lines, and of its libraries what is news.

Libraries repeat a line as often as something is tried, and log the traceback of an
error wherever it passes through. Here a line of theirs is shown once in a while, what
they try again by themselves is a warning, and an error that ends the worker is told in
one line at the end.
"""

import logging
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Hashable

from aiokafka.errors import KafkaError

from streamproc.errors import StreamprocError, plain

LIBRARIES = ("faust", "mode", "aiokafka", "asyncio")

# Faust's services log under the name of the module that derives from them.
_FAUST_LINES = (
    "streamproc.worker.app",
    "streamproc.worker.internals",
    "streamproc.transport.kafka.driver",
)
_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

_STOOD_STILL = re.compile(r"\[\^-*\w+\]: Thread keepalive is not responding\.\.\.")
"""What mode says when its loop had no turn for three seconds, as on a busy machine."""

JOINED_AGAIN = (
    "Heartbeat session expired - marking coordinator dead",
    "OffsetCommit failed for group %s due to group error (%s), will rejoin",
)
"""What aiokafka says when its worker was not heard in time, and joins again."""

REPEATED_S = 10.0
"""How long a line of a library is not repeated."""

OWN_REPEATED_S = 60.0
"""How long a line of ours that asks for it is not repeated."""


class Plain(logging.Formatter):
    """Writes lines without what a terminal would take for a command."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's lines."""
        return plain(super().format(record), keep="\n")


class OncePerWhile(logging.Filter):
    """Lets one line of a kind through, and then none for a while.

    A library's lines are of one kind when they differ in their arguments only; those
    of the program are all shown, but those with ``extra={"once_per_while": kind}``.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._shown_at: dict[Hashable, float] = {}
        self._held_back: Counter[Hashable] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to show a line; it then tells how many like it were held back."""
        kind = _kind(record)
        if kind is None:
            return True
        now = self._clock()
        seconds = REPEATED_S if _is_of_a_library(record) else OWN_REPEATED_S
        if now - self._shown_at.get(kind, -seconds) < seconds:
            self._held_back[kind] += 1
            return False
        self._shown_at[kind] = now
        if count := self._held_back.pop(kind, 0):
            record.msg = f"{record.getMessage()} (and {count} more of the kind)"
            record.args = ()
        return True


def _kind(record: logging.LogRecord) -> Hashable:
    """What a line is limited by; None when it is not."""
    if _is_of_a_library(record) and record.levelno < logging.CRITICAL:
        return record.name, record.msg
    return getattr(record, "once_per_while", None)


def _is_of_a_library(record: logging.LogRecord) -> bool:
    return record.name in _FAUST_LINES or record.name.split(".")[0] in LIBRARIES


class TriedAgain(logging.Filter):
    """Makes a warning of what a library logs as an error and tries again by itself.

    A partition that was just created, or that moves, has no leader for a moment; a
    machine that stood still goes on, and its worker joins its group again.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: the line is shown."""
        if record.levelno == logging.ERROR and _is_tried_again(record):
            record.levelno = logging.WARNING
            record.levelname = logging.getLevelName(logging.WARNING)
        return True


def _is_tried_again(record: logging.LogRecord) -> bool:
    args = record.args if isinstance(record.args, tuple) else ()
    return _is_of_a_library(record) and (
        any(isinstance(arg, KafkaError) and arg.retriable for arg in args)
        or record.msg in JOINED_AGAIN
        or _STOOD_STILL.fullmatch(record.getMessage()) is not None
    )


class SaidAtTheEnd(logging.Filter):
    """Leaves out what libraries log of an error that is said in one line at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.ending = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to show a line."""
        exc = record.exc_info[1] if record.exc_info else None
        if is_told(exc):
            return False
        return not (self.ending and _is_of_a_library(record))


said_at_the_end = SaidAtTheEnd()


def is_told(exc: BaseException | None) -> bool:
    """Whether an error is told in one line, without a traceback."""
    return isinstance(exc, StreamprocError | KafkaError)


def set_up_logging(level: str) -> None:
    """Our own lines at ``level``; those of libraries from warning on, and not twice."""
    logging.basicConfig(level=level.upper(), stream=sys.stderr, force=True)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(Plain(_FORMAT))
    if level == "debug":
        # It logs every request, also the one that carries the password.
        logging.getLogger("aiokafka.conn").setLevel(logging.INFO)
        return
    for name in (*LIBRARIES, *_FAUST_LINES):
        logging.getLogger(name).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(said_at_the_end)
        handler.addFilter(TriedAgain())
        handler.addFilter(OncePerWhile())
