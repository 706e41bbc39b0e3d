"""Whether history is being loaded into a partition just now. Pure.

Comes from the polls that are taken in; ``agents.events`` waits for its end: a day that
is not loaded yet would look like silence. A month's report waits longer, as it is made
once.
"""

from streamproc.cells import Ints
from streamproc.rules import packing
from streamproc.rules.units import HOUR_US, MINUTE_US, SECOND_US

OLD_US = HOUR_US
"""A poll that comes so late is of the past."""

MANY = 500
"""So many polls of the past at once are history, not a producer that was away."""

QUIET_US = 5 * SECOND_US
"""How long after the last of them it is over."""

BETWEEN_FILES_US = MINUTE_US
"""How long where one file may follow another: the next has to be read first."""


class Bulk:
    """When polls of the past came last, many at once, by partition."""

    def __init__(self) -> None:
        self._seen_us: dict[int, int] = {}

    def note(self, partition: int, packed: Ints, now_us: int) -> None:
        """Look at the polls of a batch."""
        if len(packed) < MANY:
            return
        old = (packing.time_of(packed) < now_us - OLD_US).sum()
        if old >= MANY and 2 * old > len(packed):
            self._seen_us[partition] = now_us

    def is_going_on(self, partition: int, now_us: int) -> bool:
        """Whether more of it is to be expected; not when a clock went back."""
        return self._came_within(QUIET_US, partition, now_us)

    def may_be_followed(self, partition: int, now_us: int) -> bool:
        """Whether another file may come after the one that was loaded."""
        return self._came_within(BETWEEN_FILES_US, partition, now_us)

    def _came_within(self, quiet_us: int, partition: int, now_us: int) -> bool:
        seen_us = self._seen_us.get(partition)
        return seen_us is not None and abs(now_us - seen_us) < quiet_us
