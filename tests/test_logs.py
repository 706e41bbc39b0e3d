"""What a worker logs: what libraries repeat once in a while, what is told once."""

import asyncio
import inspect
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from aiokafka.consumer import group_coordinator
from aiokafka.errors import (
    NotLeaderForPartitionError,
    TopicAuthorizationFailedError,
    UnknownMemberIdError,
)
from mode.threads import ServiceThread

from streamproc.errors import StalledError
from streamproc.worker.logs import (
    JOINED_AGAIN,
    OWN_REPEATED_S,
    REPEATED_S,
    OncePerWhile,
    SaidAtTheEnd,
    set_up_logging,
)


def line(name: str, text: str, *args: object, **extra: object) -> logging.LogRecord:
    """A line as a logger makes it."""
    return logging.makeLogRecord(
        {"name": name, "msg": text, "args": args, "levelno": logging.ERROR, **extra}
    )


@contextmanager
def logging_as_a_worker() -> Iterator[None]:
    """Lines are shown as a worker shows them."""
    kept = logging.getLogger().handlers[:]
    try:
        set_up_logging("info")
        yield
    finally:
        logging.getLogger().handlers[:] = kept


class Clock:
    """A clock that stands still until it is set."""

    now = 100.0

    def __call__(self) -> float:
        """The time, in seconds."""
        return self.now


def test_a_line_of_a_library_is_shown_once_in_a_while() -> None:
    """With the number of those held back, whatever their arguments were."""
    clock = Clock()
    limit = OncePerWhile(clock)
    first = line("aiokafka.client", "Unable connect to node %s", 1)
    assert limit.filter(first)
    assert first.getMessage() == "Unable connect to node 1"
    for node in range(80):
        assert not limit.filter(
            line("aiokafka.client", "Unable connect to node %s", node)
        )
    assert limit.filter(line("aiokafka.client", "Failed fetch from %s", 1))
    clock.now += REPEATED_S
    again = line("aiokafka.client", "Unable connect to node %s", 2)
    assert limit.filter(again)
    assert again.getMessage() == "Unable connect to node 2 (and 80 more of the kind)"


def test_a_line_of_the_program_is_always_shown_unless_it_asks() -> None:
    """Lines that tell different things must not hold each other back."""
    clock = Clock()
    limit = OncePerWhile(clock)
    for partition in range(3):
        assert limit.filter(line("streamproc.x", "partition %d", partition))
    for partition in range(3):
        kind = ("lag", partition)
        assert limit.filter(line("streamproc.x", "late", once_per_while=kind))
        assert not limit.filter(line("streamproc.x", "late", once_per_while=kind))
    clock.now += OWN_REPEATED_S
    assert limit.filter(line("streamproc.x", "late", once_per_while=("lag", 0)))


@pytest.mark.parametrize(
    "exc", [StalledError("it stands"), TopicAuthorizationFailedError("polls")]
)
def test_an_error_that_is_told_at_the_end_has_no_traceback(exc: Exception) -> None:
    """Neither where it passes through a library nor of what breaks while it ends."""
    said = SaidAtTheEnd()
    try:
        raise exc
    except Exception:
        info = sys.exc_info()
    assert not said.filter(
        line("mode.services", "Crashed reason=%r", exc, exc_info=info)
    )
    assert said.filter(line("mode.services", "Error while stopping child"))
    said.ending = True
    assert not said.filter(line("mode.services", "Error while stopping child"))
    assert said.filter(line("streamproc.worker", "Stopping"))


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    """Else nobody could mend it."""
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        info = sys.exc_info()
    assert SaidAtTheEnd().filter(line("faust.agents", "Crashed", exc_info=info))


@pytest.mark.parametrize(
    ("name", "arg", "level"),
    [
        ("aiokafka.consumer.fetcher", NotLeaderForPartitionError("polls"), "WARNING"),
        ("aiokafka.consumer.fetcher", TopicAuthorizationFailedError("polls"), "ERROR"),
        ("aiokafka.client", OSError("refused"), "ERROR"),
        ("streamproc.x", NotLeaderForPartitionError("polls"), "ERROR"),
    ],
)
def test_what_a_library_tries_again_is_a_warning(
    name: str, arg: Exception, level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A partition without a leader for a moment is nothing to look after."""
    with logging_as_a_worker():
        logging.getLogger(name).error("Failed fetch offsets from %s: %s", 1, arg)
    assert f" {level} " in capsys.readouterr().err


async def test_a_machine_that_stood_still_for_seconds_is_a_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Mode's own line of it, which asks for nothing; another one stays an error."""
    text = "Thread keepalive is not responding..."
    assert f'self.log.error("{text}")' in inspect.getsource(ServiceThread._keepalive2)
    loop = asyncio.get_running_loop()
    thread = ServiceThread(loop=loop, thread_loop=loop)
    with logging_as_a_worker():
        thread.log.error(text)
        thread.log.error("Thread is not responding at all")
    still, gone = capsys.readouterr().err.splitlines()
    assert " WARNING " in still
    assert " ERROR " in gone


@pytest.mark.parametrize("text", JOINED_AGAIN)
def test_a_worker_that_joins_its_group_again_is_a_warning(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Aiokafka's own lines; of another group that cannot be joined it is an error."""
    source = re.sub(r'"\s*"', "", inspect.getsource(group_coordinator))
    assert f'log.error("{text}"' in re.sub(r"\(\s*", "(", source)
    lines = logging.getLogger("aiokafka.consumer.group_coordinator")
    args = ("uptime", UnknownMemberIdError())[: text.count("%s")]
    with logging_as_a_worker():
        lines.error(text, *args)
        lines.error("OffsetCommit failed for group %s - %s", "uptime", "Denied")
    joined, refused = capsys.readouterr().err.splitlines()
    assert " WARNING " in joined
    assert " ERROR " in refused
