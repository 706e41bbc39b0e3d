"""Refused records published again: those that would not be refused once more."""

import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from streamproc.errors import ReplayError, as_refusal
from streamproc.rechecking import Check, checks
from streamproc.rejected import LOAD, Rejected
from streamproc.topics import Topics
from streamproc.transport.client import Client
from streamproc.transport.topic import Topic

LATE = "late"
"""Reason of polls that no correction of the program's helps: only an edited one."""

ROWS_OF_FILES = "rows of files"
BETWEEN_WORKERS = "messages between workers"
_AT_ONCE = 5_000

Record = tuple[bytes | None, bytes | None]
"""Key and value."""


@dataclass
class Replayed:
    """What came of it: records sent, and what was not, by reason."""

    sent: int = 0
    kept_back: Counter[str] = field(default_factory=Counter)


class Replay:
    """Sends refused records again; ``edit`` is a shell command that corrects them."""

    def __init__(self, topics: Topics, now_us: int, edit: str | None = None) -> None:
        self._edit = edit
        self._checks = checks(topics, now_us)

    async def run(self, client: Client, records: Sequence[Rejected]) -> Replayed:
        """Send what is understood now; nothing when the command fails."""
        done = Replayed()
        known = {topic.name for topic, _ in self._checks}
        for one in records:
            if one.door == LOAD:
                done.kept_back[ROWS_OF_FILES] += one.count
            elif one.topic not in known:
                done.kept_back[BETWEEN_WORKERS] += 1
        chosen = [
            (topic, self._understood(topic, check, records, done))
            for topic, check in self._checks
        ]
        for topic, found in chosen:
            for first in range(0, len(found), _AT_ONCE):
                part = found[first : first + _AT_ONCE]
                await client.publish(topic, [k for k, _ in part], [v for _, v in part])
            done.sent += len(found)
        return done

    def _understood(
        self, topic: Topic, check: Check, records: Sequence[Rejected], done: Replayed
    ) -> list[tuple[bytes, bytes | None]]:
        """Store id and value of those of a topic that its readers accept now."""
        found = []
        mine = [r for r in records if r.topic == topic.name and r.door != LOAD]
        for key, value in self._candidates(mine, done):
            try:
                found.append((check(key, value), value))
            except Exception as exc:
                done.kept_back[as_refusal(exc).reason] += 1
        return found

    def _candidates(
        self, records: Sequence[Rejected], done: Replayed
    ) -> Iterable[Record]:
        """The records as the command gives them back, or without one as they are."""
        if self._edit is None:
            fresh = [one for one in records if one.reason != LATE]
            if late := len(records) - len(fresh):
                done.kept_back[LATE] += late
            return [(one.key, one.value) for one in fresh]
        if not records:
            return []
        lines = [as_line(one.value) for one in records]
        return [(None, value) for value in edited(self._edit, lines)]


def edited(command: str, lines: Sequence[bytes]) -> list[bytes]:
    """The values a shell command makes of lines; raises ReplayError when it fails."""
    done = subprocess.run(
        command,
        shell=True,
        input=b"".join(line + b"\n" for line in lines),
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise ReplayError(
            f"nothing was sent: the command of --edit ended with {done.returncode}"
        )
    return [from_line(line) for line in done.stdout.splitlines() if line.strip()]


def as_line(value: bytes | None) -> bytes:
    """A value as one line of JSON; what is no JSON as a JSON string of its text."""
    if value is None:
        return b"null"
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return orjson.dumps(value.decode(errors="replace"))
    # Between JSON's tokens a line break means nothing, and inside there is none.
    return value.replace(b"\n", b" ").replace(b"\r", b" ")


def from_line(line: bytes) -> bytes:
    """The value a line stands for: a JSON string stands for its text."""
    if line.strip().startswith(b'"'):
        try:
            return str(orjson.loads(line)).encode()
        except orjson.JSONDecodeError:
            return line
    return line
