"""What is known of many stores over time: from when until when each status held. Pure.

Comes from ``history`` (polls) and ``exclusions`` (corrections); leads to ``uptime``
and ``incidents``, which count it in business time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streamproc.cells import Ints
from streamproc.rules.exclusions import UNKNOWN, UP, Correction
from streamproc.rules.newest import newest_at

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Statuses:
    """Spans of one status each as columns, by store and begin; shape (k,).

    ``store``: the store's number. ``begin_us`` and ``end_us``: half-open; a store's
    spans do not overlap, and what lies between them is not known. ``up``: else down.
    """

    store: Ints
    begin_us: Ints
    end_us: Ints
    up: Flags

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, chosen: Flags | Ints) -> "Statuses":
        """Some of the spans."""
        return Statuses(
            self.store[chosen],
            self.begin_us[chosen],
            self.end_us[chosen],
            self.up[chosen],
        )

    def holding(self, store: Ints, at_us: Ints) -> tuple[Ints, Flags]:
        """Which span holds an instant of a store, and whether one does.

        Of spans that overlap, the one that begins last.
        """
        return _holding(self.store, self.begin_us, self.end_us, store, at_us)


def _holding(
    store: Ints, begin: Ints, end: Ints, of_store: Ints, at_us: Ints
) -> tuple[Ints, Flags]:
    """Which span holds an instant of a store, and whether one does."""
    row, has_begun = newest_at(store, begin, of_store, at_us)
    if not len(store):
        return row, has_begun
    return row, has_begun & (at_us < end[row])


def corrected(
    statuses: Statuses, corrections: Sequence[Sequence[Correction]]
) -> Statuses:
    """The statuses where people have put some of them right.

    ``corrections``: of each store, in order and without overlaps.
    """
    having = [store for store, mine in enumerate(corrections) if mine]
    if not having:
        return statuses
    theirs = np.isin(statuses.store, having)
    own = statuses[theirs]
    said = _columns(having, corrections)
    store, begin, end = _pieces(own, said)
    own_row, is_own = own.holding(store, begin)
    said_row, is_said = _holding(said.store, said.begin_us, said.end_us, store, begin)
    told = np.where(is_own, own.up[own_row] if len(own) else False, UNKNOWN)
    status = np.where(is_said, said.status[said_row], told)
    known = status != UNKNOWN
    put_right = Statuses(store[known], begin[known], end[known], status[known] == UP)
    return merged(statuses[~theirs], put_right)


@dataclass(frozen=True, slots=True)
class _Said:
    """Corrections as columns."""

    store: Ints
    begin_us: Ints
    end_us: Ints
    status: Ints


def _columns(
    having: Sequence[int], corrections: Sequence[Sequence[Correction]]
) -> _Said:
    rows = [
        (store, c.begin_us, c.end_us, c.status)
        for store in having
        for c in corrections[store]
    ]
    return _Said(*np.array(rows, np.int64).T)


def _pieces(own: Statuses, said: _Said) -> tuple[Ints, Ints, Ints]:
    """Store, begin and end of the pieces between neighbouring edges of a store."""
    store = np.concatenate((own.store, own.store, said.store, said.store))
    time = np.concatenate((own.begin_us, own.end_us, said.begin_us, said.end_us))
    order = np.lexsort((time, store))
    store, time = store[order], time[order]
    inside = (store[1:] == store[:-1]) & (time[1:] > time[:-1])
    return store[:-1][inside], time[:-1][inside], time[1:][inside]


def merged(some: Statuses, others: Statuses) -> Statuses:
    """The spans of both, by store and begin; a store's are all in one of them."""
    joined = Statuses(
        np.concatenate((some.store, others.store)),
        np.concatenate((some.begin_us, others.begin_us)),
        np.concatenate((some.end_us, others.end_us)),
        np.concatenate((some.up, others.up)),
    )
    return joined[np.argsort(joined.store, kind="stable")]
