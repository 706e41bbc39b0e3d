"""What a board says of its stores at an instant, as columns."""

from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from streamproc.rules.now import Phases, now
from streamproc.rules.standing import Standings
from tables.calendars import StoreFacts

_SLICE = 32_768
"""Stores whose states are worked out at once: they fit into the cache."""


@dataclass(frozen=True, slots=True)
class View:
    """The stores of a partition as of an instant, as columns of shape (n,).

    Rows of views of the same ``epoch`` are of the same stores. ``state``: position in
    ``rules.now.STATES``. Other columns: see ``rules.now.Now`` and
    ``rules.standing.Standings``. ``anew``: at which ``sequence`` a store was begun
    anew, since it had a late poll, other hours or a correction.
    """

    epoch: int
    sequence: int
    as_of_us: int
    store_ids: list[bytes]
    facts: list[StoreFacts]
    schedule: Ints
    state: Ints
    since_us: Ints
    last: Ints
    streak: Ints
    confirmed_us: Ints
    usual_us: Ints
    silent_at_us: Ints
    run_up: Ints
    run_start_us: Ints
    anew: Ints
    is_behind: bool

    def __len__(self) -> int:
        return len(self.store_ids)

    def zone_of(self, row: int) -> str:
        """Zone of a store."""
        return self.facts[int(self.schedule[row])].zone_name


def states_of(
    standings: Standings, phase: Phases, schedule: Ints, as_of_us: int
) -> tuple[Ints, Ints]:
    """State and since of all stores, shape (n,); ``phase``: of each schedule."""
    count = len(standings)
    state, since = np.empty(count, np.int64), np.empty(count, np.int64)
    for first in range(0, count, _SLICE):
        some = slice(first, first + _SLICE)
        found = now(standings[some], phase[schedule[some]], as_of_us)
        state[some], since[some] = found.state, found.since_us
    return state, since
