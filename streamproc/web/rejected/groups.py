"""Refused records by what is wrong with them: one fault of a producer is one group.

Pure. Records with the same message of the same topic are one group; where a reason has
many messages, as each quotes another time, its records are one group together.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from streamproc.rejected import LOAD, Rejected
from streamproc.rules.poll import STATUS, UNKNOWN_STATUS

MANY_MESSAGES = 3
"""So many messages of a reason stand apart; more are one group."""

FIELDS = {
    UNKNOWN_STATUS: "status",
    "bad-timestamp": "timestamp_utc",
    "in-the-future": "timestamp_utc",
    "late": "timestamp_utc",
    "unknown-zone": "timezone_str",
}
"""The field that a reason is about, where it is about a text."""


@dataclass(frozen=True, slots=True)
class Group:
    """Records that are refused for the same; newest first, at least one.

    ``alike``: whether all have the same message.
    """

    key: str
    records: tuple[Rejected, ...]
    alike: bool

    @property
    def newest(self) -> Rejected:
        """The record that was refused last."""
        return self.records[0]

    @property
    def count(self) -> int:
        """How many there are, rows of files each counted."""
        return sum(one.count for one in self.records)

    @property
    def can_be_sent(self) -> bool:
        """Whether they can be mended here: rows of files are not kept."""
        return self.newest.door != LOAD and self.newest.value is not None

    @property
    def wrong_text(self) -> str:
        """The text that is to be replaced in all of them; empty when not known."""
        return wrong_text(self.newest) if self.alike else ""

    @property
    def choices(self) -> tuple[str, ...]:
        """The texts that could stand instead, where there are few."""
        return tuple(STATUS) if self.newest.reason == UNKNOWN_STATUS else ()


def groups(records: Sequence[Rejected]) -> list[Group]:
    """The groups of records, which are newest first; so are the groups."""
    messages: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for one in records:
        messages[_kind(one)].add(one.message)
    members: defaultdict[tuple[str, ...], list[Rejected]] = defaultdict(list)
    for one in records:
        apart = len(messages[_kind(one)]) <= MANY_MESSAGES
        members[(*_kind(one), one.message if apart else "")].append(one)
    return [
        Group(_digest(name), tuple(found), len({one.message for one in found}) == 1)
        for name, found in members.items()
    ]


def _kind(one: Rejected) -> tuple[str, ...]:
    return (one.topic, one.reason, one.file if one.door == LOAD else "")


def _digest(name: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(name).encode(errors="replace")).hexdigest()[:16]


def wrong_text(one: Rejected) -> str:
    """The text of the field that a record was refused for, if it can be told."""
    name = FIELDS.get(one.reason)
    try:
        value: Any = orjson.loads(one.value or b"")
    except orjson.JSONDecodeError:
        return ""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
