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

    def chosen(self, rows: Ints) -> "Groups":
        """Some of the rows, in this order."""
        columns = [getattr(self, each.name) for each in fields(self)[1:]]
        values = [self.values[row] for row in rows.tolist()]
        return Groups(values, *(column[rows] for column in columns))


def grouped(rows: PeriodRows, label: str | None) -> Groups:
    """Stores by the value of a label; None: all of them together, as value ``""``."""
    texts = [named.labels.get(label, "") if label else "" for named in rows.stores]
    known = sorted(set(texts))
    number = {text: at for at, text in enumerate(known)}
    of_store = np.array([number[text] for text in texts], np.int64)
    slices = int(rows.of("slice").max(initial=-1)) + 1
    cell = of_store[rows.of("store")] * slices + rows.of("slice")
    cells, row = np.unique(cell, return_inverse=True)
    up, down = rows.of("up"), rows.of("down")
    observed, share = up + down > 0, shares_of(up, down)

    def summed(values: Ints) -> Ints:
        # Integers of any length where 64 bits could not hold the sum.
        small = int(values.max(initial=0)) * len(values) < 1 << 63
        total = np.zeros(len(cells), np.int64 if small else object)
        np.add.at(total, row, values)
        return total

    def least(values: Ints) -> Ints:
        found = np.full(len(cells), np.iinfo(np.int64).max)
        np.minimum.at(found, row, values)
        return found

    seen = summed(observed.astype(np.int64))
    return Groups(
        values=[known[at] for at in (cells // max(slices, 1)).tolist()],
        slice=cells % max(slices, 1),
        stores=np.bincount(row, minlength=len(cells)),
        observed=seen,
        from_us=least(rows.of("from_us")),
        to_us=-least(-rows.of("to_us")),
        up=summed(up),
        down=summed(down),
        excluded=summed(rows.of("excluded")),
        open=summed(rows.of("open")),
        incidents=summed(rows.of("incidents")),
        longest=-least(-rows.of("longest")),
        shares=summed(np.where(observed, share, 0)),
        worst=np.where(seen > 0, least(np.where(observed, share, WHOLE)), 0),
    )


def shares_of(up_us: Ints, down_us: Ints) -> Ints:
    """Up time as a share of what is observed; all or nothing only where it is so."""
    seen = np.maximum(up_us + down_us, 1).astype(object)
    shares = ((2 * WHOLE * up_us.astype(object) + seen) // (2 * seen)).astype(np.int64)
    shares = np.where(down_us > 0, np.minimum(shares, WHOLE - 1), shares)
    shares = np.where(up_us > 0, np.maximum(shares, 1), shares)
    exact: Ints = shares.astype(np.int64)
    return exact
