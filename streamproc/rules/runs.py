"""Runs of one status in business time: what an incident is for down. Pure.

Comes from ``statuses`` and ``business``; leads to ``standing``.
"""

from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from streamproc.rules.business import NONE, BusinessTime
from streamproc.rules.statuses import Statuses


@dataclass(slots=True)
class Runs:
    """The last run of one status of each store, as columns of shape (n,).

    A run is what an incident is for down: statuses with at most ``bridge`` of business
    time between them. ``up``: 1, 0, or NONE where nothing was ever told. ``start_us``:
    its first instant in business time. ``end_us``: where its last status ends.
    """

    up: Ints
    start_us: Ints
    end_us: Ints

    @classmethod
    def none(cls, count: int) -> "Runs":
        """Of stores that nothing was told of."""
        return cls(*(np.full(count, NONE, np.int64) for _ in range(3)))

    def told(self) -> Statuses:
        """The runs as spans of one status each."""
        store = np.flatnonzero(self.up != NONE)
        return Statuses(
            store, self.start_us[store], self.end_us[store], self.up[store] == 1
        )


def last_runs(
    told: Statuses, schedule: Ints, business: BusinessTime, bridge_us: int
) -> Runs:
    """The last run of each store; ``schedule``: shape (n,).

    Statuses that cover no business time neither end a run nor begin one.
    """
    own = schedule[told.store]
    begin = business.before(own, told.begin_us)
    end = business.before(own, told.end_us)
    speaks = np.flatnonzero(end > begin)
    store, up = told.store[speaks], told.up[speaks]
    begin, end = begin[speaks], end[speaks]
    breaks = np.ones(len(store), bool)
    breaks[1:] = (store[1:] != store[:-1]) | (up[1:] != up[:-1])
    breaks[1:] |= begin[1:] - end[:-1] > bridge_us
    first = np.maximum.accumulate(np.where(breaks, np.arange(len(store)), 0))
    last = np.flatnonzero(np.append(store[1:] != store[:-1], True)[: len(store)])
    first, whose = first[last], store[last]
    runs = Runs.none(len(schedule))
    runs.up[whose] = up[last]
    runs.end_us[whose] = told.end_us[speaks][last]
    started = told.begin_us[speaks][first]
    # Further back the business time is not at hand; it was when the run was carried on.
    runs.start_us[whose] = np.where(
        started < business.begin_us,
        started,
        business.first_instant(schedule[whose], begin[first]),
    )
    return runs
