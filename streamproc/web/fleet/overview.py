"""All stores at one instant: totals, what is down now, sorting and search.

Made of every partition's ``shard``; see ``refreshing`` for when.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from streamproc.cells import Ints
from streamproc.report.rows import Rows
from streamproc.rules import packing
from streamproc.rules.now import STATES, WORST_FIRST
from streamproc.rules.uptime import Rules
from streamproc.rules.windows import NAMES
from streamproc.web.fleet.shard import Shard
from streamproc.web.now.counts import counted
from streamproc.web.store.names import NOBODY, Directory

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Total:
    """All stores' business time within one window, in microseconds."""

    window: str
    up_us: int
    down_us: int
    open_us: int
    excluded_us: int

    @property
    def unknown_us(self) -> int:
        """Business time that no poll covers."""
        return self.open_us - self.excluded_us - self.up_us - self.down_us


@dataclass
class Overview:
    """Every store's figures as of ``as_of_us``, as columns."""

    as_of_us: int
    shard: Shard
    rules: Rules
    _orders: dict[str, Ints] = field(default_factory=dict)

    @property
    def rows(self) -> Rows:
        """The figures, in the order of the store ids."""
        return self.shard.rows

    @cached_property
    def totals(self) -> list[Total]:
        """The sums over all stores, by window."""
        sums = [
            amounts.sum(axis=1).tolist()
            for amounts in (
                self.rows.up,
                self.rows.down,
                self.rows.open,
                self.rows.excluded,
            )
        ]
        return [Total(w, *parts) for w, *parts in zip(NAMES, *sums, strict=True)]

    @cached_property
    def last_us(self) -> Ints:
        """Time of each store's last poll, -1 for none."""
        return packing.time_of(self.rows.last)

    @property
    def states(self) -> Ints:
        """What each store is now: position in ``STATES``."""
        return self.shard.state

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many stores are in each state now, open, and known."""
        return counted(np.bincount(self.states, minlength=len(STATES)).tolist())

    def state_of(self, row: int) -> str:
        """What one store is now."""
        return STATES[int(self.states[row])]

    # -- sorting and search -----

    def find(self, q: str, now: str, names: Directory = NOBODY) -> Ints:
        """Rows whose id or name contains ``q`` and whose state now is ``now``."""
        chosen = np.ones(len(self.rows), bool)
        if q:
            wanted = q.casefold()
            ids = self.rows.store_ids
            found = (names.matches(each, wanted) for each in ids)
            chosen &= np.fromiter(found, bool, len(ids))
        if now == "open":
            chosen &= self.shard.is_open
        elif now:
            chosen &= self.states == STATES.index(now)
        return np.flatnonzero(chosen)

    def ordered(self, chosen: Ints, sort: str, descending: bool) -> Ints:
        """The chosen rows in the order of a column; ties by store id.

        Stores that have no value there come last, whichever way.
        """
        if sort not in self._orders:
            self._orders[sort] = _ranks(self._column(sort))
        ranks = self._orders[sort][chosen]
        keys = np.where(ranks < 0, len(self.rows), -ranks if descending else ranks)
        return chosen[np.argsort(keys, kind="stable")]

    def _column(self, sort: str) -> npt.NDArray[np.float64]:
        """What a column is sorted by; NaN for no value."""
        name, _, window = sort.partition("_")
        if sort == "store":
            return np.arange(len(self.rows), dtype=float)
        if sort == "now":
            return -np.argsort(WORST_FIRST).astype(float)[self.states]
        if sort == "zone":
            return self.shard.zone.astype(float)
        if sort == "last_poll":
            return np.where(self.last_us < 0, np.nan, self.last_us.astype(float))
        at = NAMES.index(window)
        up, down = self.rows.up[at], self.rows.down[at]
        if name == "percent":
            seen = up + down
            return np.where(seen > 0, up / np.maximum(seen, 1), np.nan)
        columns = {
            "up": up,
            "down": down,
            "open": self.rows.open[at],
            "unknown": self.rows.unknown[at],
            "excluded": self.rows.excluded[at],
        }
        column: npt.NDArray[np.float64] = columns[name].astype(float)
        return column


_SORTED = ("down", "up", "unknown", "open", "percent", "excluded")
SORTS = (
    "store",
    "now",
    "zone",
    "last_poll",
    *(f"{name}_{window}" for name in _SORTED for window in NAMES),
)


def _ranks(column: npt.NDArray[np.float64]) -> Ints:
    """Each value's rank, equal ones the same; -1 for no value."""
    values, ranks = np.unique(column, return_inverse=True)
    return np.where(np.isnan(column), -1, ranks) if len(values) else ranks
