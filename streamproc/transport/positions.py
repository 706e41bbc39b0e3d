"""Whether a position still means what it meant when it was taken.

Offsets of a partition only go forward, so that a position says what has been read. They
go back when the log has lost its tail (a power loss, an unclean election) or when its
topic was deleted and made again: then the offsets are given to other records, and a
position is worth nothing. Pure.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from faust.types import TP

Listener = Callable[[TP], None]


@dataclass(frozen=True, slots=True)
class Origin:
    """The log that a position was taken in; what is not known is None.

    ``topic_id``: of the topic. ``epoch``: the leader epoch of the record before the
    position, which goes up whenever the partition gets another leader.
    """

    topic_id: str | None = None
    epoch: int | None = None

    def encode(self) -> str:
        """As it stands beside a committed offset."""
        return f"{self.topic_id or ''}/{'' if self.epoch is None else self.epoch}"

    @classmethod
    def decode(cls, text: str | None) -> "Origin":
        """What was encoded; nothing is known of what somebody else has committed."""
        topic_id, _, epoch = (text or "").partition("/")
        known = epoch.isascii() and epoch.isdigit()
        return cls(topic_id or None, int(epoch) if known else None)


@dataclass(frozen=True, slots=True)
class Log:
    """A partition's log as it is now.

    Its records have offsets from ``begin`` to ``end`` - 1; those that are as old as a
    position's origin end at ``epoch_end``.
    """

    begin: int
    end: int
    topic_id: str | None = None
    epoch_end: int | None = None


def went_back(position: int, origin: Origin, log: Log) -> str | None:
    """Why a position cannot be believed any more; None when it can."""
    read = f"it was read up to offset {position}, but"
    if origin.topic_id and log.topic_id and origin.topic_id != log.topic_id:
        return f"{read} the topic was deleted and made again"
    if position > log.end:
        return f"{read} it ends at offset {log.end}"
    if log.epoch_end is not None and position > log.epoch_end:
        return f"{read} all from offset {log.epoch_end} on was lost and replaced"
    return None


class Epochs:
    """The leader epochs of the records read of one partition."""

    KEPT = 16

    def __init__(self) -> None:
        #: First offset and epoch of each, the newest last.
        self._begun: list[tuple[int, int]] = []
        #: Epochs that ended, and the position reached in each; to be looked at once.
        self.ended: dict[int, int] = {}

    def note(self, position: int, offset: int, epoch: int) -> None:
        """A batch of an epoch was read, from ``offset`` on, at a position."""
        if self._begun and self._begun[-1][1] == epoch:
            return
        if self._begun:
            self.ended[self._begun[-1][1]] = position
        self._begun = [*self._begun, (offset, epoch)][-self.KEPT :]

    def before(self, position: int) -> int | None:
        """Epoch of the record before a position; None when it is not known."""
        older = [epoch for offset, epoch in self._begun if offset < position]
        return older[-1] if older else None


def on_forgotten(app: Any, listener: Listener) -> None:
    """Have ``listener`` called for each partition whose positions are forgotten."""
    listeners(app).append(listener)


def listeners(app: Any) -> list[Listener]:
    """Who is told when positions are forgotten."""
    found: list[Listener] = app.__dict__.setdefault("_forgotten_listeners", [])
    return found


def tell_gone_back(log: logging.Logger, tp: TP, why: str, begin: int) -> None:
    """Say that the positions of a partition were forgotten, and why."""
    log.error(
        "%s, partition %d: offsets went back: %s; reading it anew from offset %d on",
        tp.topic,
        tp.partition,
        why,
        begin,
    )


def tell_deleted(log: logging.Logger, tp: TP, position: int, begin: int) -> None:
    """Say how many records were deleted unread."""
    if position < begin:
        log.error(
            "%s, partition %d: %d records were deleted before they were consumed; its"
            " retention is too short",
            tp.topic,
            tp.partition,
            begin - position,
        )
