"""What is told of a partition's stores, until its board takes it in."""

import math
import threading
import time
from collections.abc import Iterable, Iterator, Sequence

from streamproc.cells import Cells, Ints

KEPT_POLLS = 2_000_000
"""Polls that are kept before they are folded in; more are let go of."""

TOGETHER = 131_072
"""Polls that are folded in at once, about: so many fit into the processor's cache."""

CALM_S = 3.0
"""Without another batch for so long, a backlog is worked off."""

BACKLOG_MS = 10_000
"""Polls that were sent so long ago are a backlog."""

Batch = tuple[Cells, Ints, Ints]
"""Store ids, and of each poll the number of its store, and itself."""


class Noted:
    """Polls, and stores that are to be looked up; told of and taken by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batches: list[Batch] = []
        self._stale: set[bytes] = set()
        self._sent_ms = 0
        self._added_at = -math.inf
        #: Polls that wait.
        self.polls = 0
        #: Whether polls were let go of, as nobody has taken them for too long.
        self.is_lossy = False

    def add(self, batch: Batch, sent_ms: int) -> None:
        """Note polls that are in the tables; ``sent_ms``: when the last was sent."""
        with self._lock:
            self._sent_ms, self._added_at = sent_ms, time.monotonic()
            self._batches.append(batch)
            self.polls += len(batch[2])
            self.is_lossy |= self.polls > KEPT_POLLS
            if self.is_lossy:
                self._batches, self.polls = [], 0

    def touch(self, store_ids: Iterable[bytes]) -> None:
        """Note stores that are to be looked up."""
        with self._lock:
            self._stale.update(store_ids)

    def take(self) -> tuple[list[Batch], set[bytes]]:
        """What was noted since this was asked last."""
        with self._lock:
            taken = self._batches, self._stale
            self._batches, self.polls, self._stale = [], 0, set()
        return taken

    @property
    def is_stale(self) -> bool:
        """Whether stores are to be looked up."""
        return bool(self._stale)

    def is_backlog(self) -> bool:
        """Whether polls are coming that were sent long ago."""
        is_old = time.time() * 1000 - self._sent_ms > BACKLOG_MS
        return is_old and time.monotonic() - self._added_at < CALM_S


def in_parts(batches: Sequence[Batch]) -> Iterator[list[Batch]]:
    """Batches in their order, as many as are folded in together; at least one part."""
    part: list[Batch] = []
    polls = 0
    for batch in batches:
        if part and polls + len(batch[2]) > TOGETHER:
            yield part
            part, polls = [], 0
        part.append(batch)
        polls += len(batch[2])
    yield part
