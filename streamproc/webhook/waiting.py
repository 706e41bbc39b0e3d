"""Events that wait to be posted, in order, and when the next post is due. Pure.

All times are seconds, handed in. What waits is posted together: so order is kept, for
each store too, and after an hour without an answer it is one post that tells of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from streamproc.webhook.posts import MANY, Told

CALL_EVERY_S = 1.0
"""At most one call in so much time."""

GATHER_S = 0.5
QUIET_S = 1.2
GATHER_AT_MOST_S = 2.5
"""What comes together is posted together: a little later, and when it is many, only
when no more have come for a while."""

LONGEST_PAUSE_S = 60.0

AT_ONCE = 20_000
"""Most events in one post."""


@dataclass(frozen=True, slots=True)
class Record:
    """An event of the topic, where it stands, and when it was put there."""

    event: Told
    partition: int
    offset: int
    told_s: float


class Waiting:
    """The events that wait; the oldest come first."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._records: list[Record] = []
        self._first_s = self._newest_s = 0.0
        self._called_s = float("-inf")
        self._at_once = AT_ONCE
        self.failures = 0
        self._not_before_s = 0.0

    def __len__(self) -> int:
        return len(self._records)

    def add(self, records: Iterable[Record], now_s: float) -> None:
        """Let more events wait."""
        before = len(self._records)
        self._records += records
        if len(self._records) > before:
            self._newest_s = now_s
            self._first_s = self._first_s if before else now_s

    def due_s(self) -> float:
        """When the next post is due; infinity while nothing waits."""
        if not self._records:
            return float("inf")
        if self.failures:
            return self._not_before_s
        gathered_s = self._first_s + GATHER_S
        if len(self._records) > MANY:
            quiet_s = self._newest_s + QUIET_S
            gathered_s = max(gathered_s, min(quiet_s, self._first_s + GATHER_AT_MOST_S))
        return max(gathered_s, self._called_s + CALL_EVERY_S)

    def next_post(self, now_s: float) -> list[Record]:
        """What is to be posted now; to be followed by ``delivered`` or ``failed``."""
        self._called_s = now_s
        return self._records[: self._at_once]

    def delivered(self, records: list[Record], now_s: float) -> None:
        """The receiver has taken a post."""
        del self._records[: len(records)]
        self.failures, self._at_once = 0, AT_ONCE
        self._first_s = self._newest_s = (
            now_s - QUIET_S
        )  # what is left waits long enough

    def failed(
        self, now_s: float, wait_s: float = 0.0, too_large: bool = False
    ) -> None:
        """A post was not taken: wait longer each time, and as long as is asked for."""
        self.failures += 1
        pause_s = min(2.0 ** min(self.failures - 1, 20), LONGEST_PAUSE_S)
        self._not_before_s = now_s + max(pause_s, min(wait_s, self._patience_s))
        if too_large:
            self._at_once = max(min(self._at_once, len(self._records)) // 2, 1)

    def given_up(self, now_s: float) -> list[Record]:
        """Take out the events that were told too long ago to be of use."""
        oldest_s = now_s - self._patience_s
        old = [one for one in self._records if one.told_s < oldest_s]
        if old:
            self._records = [one for one in self._records if one.told_s >= oldest_s]
        if not self._records:
            self.failures = 0
        return old

    def first_offsets(self) -> dict[int, int]:
        """Offset of the first event of each partition that waits."""
        found: dict[int, int] = {}
        for one in self._records:
            found[one.partition] = min(one.offset, found.get(one.partition, one.offset))
        return found
