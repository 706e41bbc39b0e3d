"""Figures of stores as they are, and as they would be after one more fact.

Both are a ``Snapshot``, as reports make them: only the facts differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from streamproc.cells import Ints
from streamproc.errors import ReportFailedError
from streamproc.rules.uptime import Uptime
from streamproc.rules.windows import PREVIEWED
from tables.calendars import FactSource, OwnFacts, StoreFacts
from tables.fact_records import Fact, applied
from tables.facts import ALL_STORES
from tables.snapshot import LeftOut, Snapshot


@dataclass(frozen=True, slots=True)
class Preview:
    """Figures before and after, by the name of the window; None: no store is known.

    ``stores``: of how many stores they are the sums; ``changed``: of how many of them
    any figure changes. The month is absent where its polls are not kept, and where
    all stores are asked about.
    """

    before: dict[str, Uptime] | None
    after: dict[str, Uptime] | None
    stores: int
    changed: int


@dataclass(frozen=True, slots=True)
class FactsWith:
    """What is known of stores, and one more fact of the table called ``table``.

    A fact of one store is in ``of``, not in ``between``: that store is asked about
    alone.
    """

    known: FactSource
    table: str
    fact: Fact

    def of_all(self, partition: int) -> StoreFacts:
        """What is told of all stores."""
        return self._with(ALL_STORES, self.known.of_all(partition))

    def of(self, partition: int, store_id: bytes) -> StoreFacts:
        """One store's own facts."""
        return self._with(store_id, self.known.of(partition, store_id))

    def between(self, partition: int, after: bytes, upto: bytes | None) -> OwnFacts:
        """The own facts of the stores with ``after`` < id <= ``upto``; None: no end."""
        return self.known.between(partition, after, upto)

    def _with(self, store_id: bytes, own: StoreFacts) -> StoreFacts:
        if store_id != self.fact.store_id:
            return own
        match self.table:
            case "hours":
                return own._replace(hours=applied(own.hours, self.fact))
            case "zones":
                return own._replace(zone=self.fact.value)
            case "special_hours":
                return own._replace(special=applied(own.special, self.fact))
            case "exclusions":
                return own._replace(exclusions=applied(own.exclusions, self.fact))
        return own  # labels change no figure


def preview(snapshot: Snapshot, facts: Sequence[tuple[str, Fact]]) -> Preview:
    """What becomes of a partition's figures with more facts.

    ``facts``: at least one, with the table of each, in order; all of the same store,
    or of all stores. Raises ReportFailedError when polls of the windows are not kept.
    """
    if facts[0][1].is_of_all:
        return _compared(snapshot, facts)
    try:
        return _compared(replace(snapshot, windows=PREVIEWED), facts)
    except ReportFailedError:
        return _compared(snapshot, facts)


def _compared(snapshot: Snapshot, facts: Sequence[tuple[str, Fact]]) -> Preview:
    known: FactSource = snapshot.facts
    for table, fact in facts:
        known = FactsWith(known, table, fact)
    before = _amounts(replace(snapshot, left_out=LeftOut()), fact)
    after = _amounts(replace(snapshot, facts=known, left_out=LeftOut()), fact)
    stores = max(before.shape[2], after.shape[2])
    same = before.shape == after.shape
    changed = (before != after).any(axis=(0, 1)).sum() if same else stores
    return Preview(
        _summed(snapshot, before), _summed(snapshot, after), stores, int(changed)
    )


def _amounts(snapshot: Snapshot, fact: Fact) -> Ints:
    """Up, down, open and, of that, excluded; shape (windows, 4, stores)."""
    if fact.is_of_all:
        parts = list(snapshot.rows())
        snapshot.left_out.check(snapshot.as_of_us)
    else:
        parts = [snapshot.row(fact.store_id)]
    known = [
        np.stack((rows.up, rows.down, rows.open, rows.excluded), axis=1)
        for rows in parts
        if len(rows)
    ]
    nobody = np.zeros((len(snapshot.windows), 4, 0), np.int64)
    return np.concatenate([nobody, *known], axis=2)


def _summed(snapshot: Snapshot, amounts: Ints) -> dict[str, Uptime] | None:
    """The sums over all stores, by window."""
    if not amounts.shape[2]:
        return None
    sums = amounts.sum(axis=2).tolist()
    return {
        window.name: Uptime(*each)
        for window, each in zip(snapshot.windows, sums, strict=True)
    }
