"""All known stores, what they are now beside their figures of a period, as columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from streamproc.cells import Ints
from streamproc.report.label_columns import label_columns
from streamproc.report.record import time_text
from streamproc.report.rows import safe_cell
from streamproc.rules import packing
from streamproc.rules.business import NONE
from streamproc.rules.labels import Where
from streamproc.rules.now import DOWN, STATES
from streamproc.rules.percent import percent, percents
from streamproc.rules.targets import Floats, left_us
from streamproc.web.bars import Bar
from streamproc.web.fleet.performance import Amounts, Performance
from streamproc.web.now.everyone import Everyone
from streamproc.web.store.names import Directory

Flags = npt.NDArray[np.bool_]


@dataclass
class Standing:
    """Rows are the stores of ``everyone``, in its order.

    ``figures``: of the period; None when nothing of it is known. ``target``: of who has
    none of its own.
    """

    everyone: Everyone
    names: Directory
    figures: Performance | None
    target: float | None = None

    @property
    def lacks(self) -> int:
        """How many stores are not in the figures, as their worker does not answer."""
        without = self.figures is not None and self.figures.without
        return len(self.everyone.stale) if without else 0

    def is_missing(self, store_id: str) -> bool:
        """Whether a store is not in the figures, as its worker does not answer."""
        return bool(self.lacks) and store_id in self.everyone.stale

    @property
    def _store_ids(self) -> Sequence[str]:
        return self.everyone.stores.store_ids

    @cached_property
    def _places(self) -> Ints:
        """Each store's row of the figures; the one after the last for none."""
        rows = {} if self.figures is None else self.figures.rows
        places = [rows.get(each, len(rows)) for each in self._store_ids]
        return np.array(places, np.int64)

    def _of_stores(self, column: Ints) -> Ints:
        """A column of the figures, of the stores here; zero where there are none."""
        padded = np.concatenate([column, np.zeros((1, *column.shape[1:]), np.int64)])
        found: Ints = padded[self._places]
        return found

    @cached_property
    def whole(self) -> Amounts:
        """Of the whole period; shape (n,)."""
        if self.figures is None:
            return Amounts(*np.zeros((4, len(self.everyone.stores)), np.int64))
        return self.figures.whole.each(self._of_stores)

    @cached_property
    def daily(self) -> Amounts:
        """By day; shape (n, days)."""
        assert self.figures is not None
        return self.figures.daily.each(self._of_stores)

    def bars_of(self, row: int, goal: str = "") -> list[Bar]:
        """A store's days as bars; see ``Performance.bars_of``."""
        figures = self.figures
        assert figures is not None
        told = self.told_of(np.array([row]))
        return figures.bars_of(self.daily.chosen(row), told, goal)

    def pooled_bars(self, rows: Ints, goal: str = "") -> list[Bar]:
        """Days of some stores together as bars; told of is what is of any of them."""
        assert self.figures is not None
        return self.figures.bars_of(
            self.daily.chosen(rows).pooled(), self.told_of(rows), goal
        )

    def told_of(self, rows: Ints) -> Flags:
        """Of which days anything is told of some stores; shape (days,)."""
        assert self.figures is not None
        places = self._places[rows]
        known = places[places < len(self.figures.store_ids)]
        found: Flags = np.logical_or.reduce(self.figures.told[known], axis=0)
        return found

    @cached_property
    def incidents(self) -> Ints:
        """How many incidents each store had."""
        none = np.zeros(0, np.int64)
        return self._of_stores(none if self.figures is None else self.figures.incidents)

    @cached_property
    def longest(self) -> Ints:
        """Down time of each store's longest incident, in microseconds."""
        none = np.zeros(0, np.int64)
        return self._of_stores(none if self.figures is None else self.figures.longest)

    @cached_property
    def fleet_target(self) -> float | None:
        """What all stores together are measured by, in percent."""
        return self.names.target(self.target, len(self.everyone.stores))

    @cached_property
    def targets(self) -> Floats:
        """Each store's target in percent; NaN without one."""
        own = [self.names.of(each).target for each in self._store_ids]
        return np.array([each or self.target or np.nan for each in own], np.float64)

    @cached_property
    def percents(self) -> Floats:
        """Each store's percentage; NaN where nothing was observed."""
        seen = self.whole.up + self.whole.down
        return np.where(seen > 0, 100 * self.whole.up / np.maximum(seen, 1), np.nan)

    @cached_property
    def budget_us(self) -> Floats:
        """Down time that the target leaves of what was observed; NaN without one."""
        return left_us(self.whole.up, self.whole.down, self.targets)

    @cached_property
    def misses(self) -> Flags:
        """Which stores are below their target."""
        return np.nan_to_num(self.budget_us) < 0

    @property
    def met(self) -> tuple[int, int]:
        """How many stores met their target, of how many that were observed."""
        return self.met_by(np.arange(len(self.everyone.stores)))

    def met_by(self, rows: Ints) -> tuple[int, int]:
        """How many of some stores met their target, of how many that have one.

        A store of which nothing was observed is not judged.
        """
        judged = ~np.isnan(self.targets[rows]) & ~np.isnan(self.percents[rows])
        return int((judged & ~self.misses[rows]).sum()), int(judged.sum())

    @cached_property
    def last_us(self) -> Floats:
        """When each store was last heard; NaN for never."""
        last = self.everyone.stores.last
        return np.where(last == NONE, np.nan, packing.time_of(last))

    def labelled(self, wheres: list[Where], q: str) -> Flags:
        """Which stores have all of some labels, and a text in id or name."""
        names, wanted = self.names, q.casefold()
        found = [
            names.matches(each, wanted)
            and all(where.holds(names.of(each)) for where in wheres)
            for each in self._store_ids
        ]
        return np.array(found, np.bool_)

    def values(self, label: str) -> list[str]:
        """The value of a label of each store."""
        return [self.names.of(each).labels.get(label, "") for each in self._store_ids]

    def pooled(self, rows: Ints) -> Amounts:
        """Some stores together."""
        return self.whole.chosen(rows).pooled()

    def worst(self, rows: Ints) -> int | None:
        """Which of some stores has the least percentage; None without any."""
        observed = rows[~np.isnan(self.percents[rows])]
        if not len(observed):
            return None
        return int(observed[np.argmin(self.percents[observed])])

    def down_now(self, rows: Ints) -> int:
        """How many of some stores are down now."""
        return int((self.everyone.stores.state[rows] == DOWN).sum())

    def csv(self, rows: Ints) -> Iterator[tuple[str, ...]]:
        """Some stores as rows of CSV, header first; amounts in seconds."""
        labels = list(self.names.values)
        columns = label_columns(labels, (*_WHO, *_COLUMNS))
        yield (*_WHO, *columns, *_COLUMNS)
        shares = percents(self.whole.up, self.whole.down)
        for row in rows.tolist():
            one = self.everyone.stores[row]
            own = self.names.of(one.store_id)
            amounts = self.whole.of(row)
            yield (
                *map(safe_cell, (one.store_id, own.name or "")),
                *(safe_cell(own.labels.get(label, "")) for label in labels),
                *(f"{amount / 1e6:.6f}" for amount in amounts),
                shares[row],
                str(int(self.incidents[row])),
                f"{int(self.longest[row]) / 1e6:.6f}",
                STATES[one.state],
                "" if one.since_us is None else time_text(one.since_us),
                "" if one.last is None else time_text(packing.time_of(one.last)),
                "" if self.figures is None else self.figures.period.name,
                time_text(self.everyone.as_of_us),
            )


_WHO = ("store_id", "name")
_COLUMNS = (
    *("up_s", "down_s", "unknown_s", "excluded_s", "open_s", "uptime_percent"),
    *("incidents", "longest_incident_s", "now", "since_utc", "last_poll_utc"),
    *("period", "as_of_utc"),
)


def pooled_percent(amounts: Amounts, digits: int = 2) -> str | None:
    """Percent of the observed time of amounts that are sums."""
    return percent(int(amounts.up), int(amounts.down), digits)
