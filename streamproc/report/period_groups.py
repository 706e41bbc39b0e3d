"""Stores of a period's report by the value of a label: what they are together. Pure."""

from dataclasses import dataclass, fields

import numpy as np

from streamproc.cells import Ints
from streamproc.report.period_rows import PeriodRows

WHOLE = 10**12
"""All of a store's observed time, as a share of it is counted."""


@dataclass(frozen=True, slots=True)
class Groups:
    """One row per value and slice, by value, then slice; shape (m,).

    ``values``: of the label, of each row; stores without it have the empty one.
    ``up`` to ``incidents`` are sums, ``from_us`` is the earliest, ``to_us`` the latest,
    ``longest`` the maximum. ``shares``: sum of each observed store's share of up time,
    ``worst``: the least of them, both in parts of ``WHOLE``.
    """

    values: list[str]
    slice: Ints
    stores: Ints
    observed: Ints
    from_us: Ints
    to_us: Ints
    up: Ints
    down: Ints
    excluded: Ints
    open: Ints
    incidents: Ints
    longest: Ints
    shares: Ints
    worst: Ints

    @property
    def unknown(self) -> Ints:
        """Business time that nothing is known of."""
        return self.open - self.excluded - self.up - self.down

    def __len__(self) -> int:
        return len(self.values)

    def of(self, field: str) -> Ints:
        """One column, shape (m,)."""
        column: Ints = getattr(self, field)
        return column

    def chosen(self, rows: Ints) -> "Groups":
        """Some of the rows, in this order."""
        columns = [getattr(self, each.name) for each in fields(self)[1:]]
        values = [self.values[row] for row in rows.tolist()]
        return Groups(values, *(column[rows] for column in columns))


@dataclass(frozen=True, slots=True)
class _Cells:
    """Rows put together: ``of_row`` is the cell of each row, ``count`` how many."""

    of_row: Ints
    count: int

    def sum(self, values: Ints) -> Ints:
        """The sum of each cell; integers of any length where 64 bits cannot hold it."""
        small = int(values.max(initial=0)) * len(values) < 1 << 63
        total = np.zeros(self.count, np.int64 if small else object)
        np.add.at(total, self.of_row, values)
        return total

    def least(self, values: Ints) -> Ints:
        """The least of each cell."""
        found = np.full(self.count, np.iinfo(np.int64).max)
        np.minimum.at(found, self.of_row, values)
        return found

    def most(self, values: Ints) -> Ints:
        """The greatest of each cell."""
        return -self.least(-values)


def grouped(rows: PeriodRows, label: str | None) -> Groups:
    """Stores by the value of a label; None: all of them together, as value ``""``."""
    texts = [named.labels.get(label, "") if label else "" for named in rows.stores]
    known = sorted(set(texts))
    number = {text: at for at, text in enumerate(known)}
    of_store = np.array([number[text] for text in texts], np.int64)
    slices = int(rows.of("slice").max(initial=-1)) + 1
    numbers, of_row = np.unique(
        of_store[rows.of("store")] * slices + rows.of("slice"), return_inverse=True
    )
    cells = _Cells(of_row, len(numbers))
    up, down = rows.of("up"), rows.of("down")
    observed, share = up + down > 0, shares_of(up, down)
    seen = cells.sum(observed.astype(np.int64))
    return Groups(
        values=[known[at] for at in (numbers // max(slices, 1)).tolist()],
        slice=numbers % max(slices, 1),
        stores=np.bincount(of_row, minlength=len(numbers)),
        observed=seen,
        from_us=cells.least(rows.of("from_us")),
        to_us=cells.most(rows.of("to_us")),
        up=cells.sum(up),
        down=cells.sum(down),
        excluded=cells.sum(rows.of("excluded")),
        open=cells.sum(rows.of("open")),
        incidents=cells.sum(rows.of("incidents")),
        longest=cells.most(rows.of("longest")),
        shares=cells.sum(np.where(observed, share, 0)),
        worst=np.where(seen > 0, cells.least(np.where(observed, share, WHOLE)), 0),
    )


def shares_of(up_us: Ints, down_us: Ints) -> Ints:
    """Up time as a share of what is observed; all or nothing only where it is so."""
    seen = np.maximum(up_us + down_us, 1).astype(object)
    shares = ((2 * WHOLE * up_us.astype(object) + seen) // (2 * seen)).astype(np.int64)
    shares = np.where(down_us > 0, np.minimum(shares, WHOLE - 1), shares)
    shares = np.where(up_us > 0, np.maximum(shares, 1), shares)
    exact: Ints = shares.astype(np.int64)
    return exact
