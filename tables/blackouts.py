"""How many stores were without data in each step of a span, by label: one partition.

Leads to ``GET /api/v1/suspects``. Reads ``histories`` and, of whom that is not enough,
``archive``, some stores at a time, so that memory does not grow with the fleet.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from streamproc.cells import Ints
from streamproc.rules.blackouts import without_data
from streamproc.rules.labels import Labels
from streamproc.rules.suspicion import FLEET, Group
from streamproc.rules.units import DAY_US
from streamproc.rules.uptime import Rules
from tables.accounting import Stores, with_facts
from tables.board_labels import NO_LABELS
from tables.calendars import FactNumbers
from tables.chunks import Chunk, before, rows_without
from tables.fact_tables import FactTables
from tables.histories import Histories
from tables.period_polls import SpanPolls

MOST_VALUES = 200
"""A label with more values names stores rather than groups of them."""

POLLS_PER_CHUNK = 1_000_000
_FIRST_STORES = 64
_MOST_STORES = 16_000
_GROWTH = 16
"""Times as many stores as in the chunk before, at most: others may have more polls."""

Steps = tuple[Ints, Ints]
"""Stores in business in each step, and those of them without data."""


@dataclass(frozen=True, slots=True)
class BlackoutSearch:
    """Counts stores in steps of a span; ``edges``: of the steps, shape (steps + 1,).

    ``labels``: of each store that has some.
    """

    histories: Histories
    facts: FactTables
    partition: int
    labels: Mapping[bytes, Labels]
    rules: Rules
    edges: Ints

    @property
    def since_us(self) -> int:
        """No poll before is kept; 0 while all are."""
        return self.histories.archive.kept_since(self.partition) * DAY_US

    def adding_to(self, found: dict[Group, Steps]) -> Iterator[None]:
        """Add both counts of the whole partition, and of each value of each label.

        Of some stores after the others; each counts from its first poll on.
        """
        groups = _groups(self.labels)
        for some in self._stores():
            self._add(found, some, groups)
            yield

    @property
    def _begin_us(self) -> int:
        return int(self.edges[0])

    @property
    def _end_us(self) -> int:
        return int(self.edges[-1])

    def _stores(self) -> Iterator[Stores]:
        """All stores that were ever heard, with the polls that tell of the span."""
        after, count = b"", _FIRST_STORES
        chunks, numbers = self.histories.chunks, FactNumbers()
        while chunk := next(chunks(self.partition, count, after), None):
            last = chunk.store_ids[-1]
            numbers = FactNumbers() if numbers.is_full else numbers
            polls = 0
            for part in self._whole(chunk):
                polls += len(part.packed)
                yield self._with_facts(part, after, last, numbers)
            after = last
            fitting = POLLS_PER_CHUNK * len(chunk.store_ids) // max(polls, 1)
            count = max(min(fitting, _GROWTH * len(chunk.store_ids), _MOST_STORES), 1)

    def _whole(self, chunk: Chunk) -> Iterator[Chunk]:
        """A chunk with what is archived of those whose polls at hand begin too late."""
        late = np.zeros(len(chunk.store_ids), bool)
        if self.histories.archive.holds_any(self.partition):
            late[rows_without(chunk, self._begin_us)] = True
        # Without a hold the last poll before the span is read, however old.
        rules = replace(self.rules, hold_us=None, backfill=False)
        polls = SpanPolls(
            self.histories.archive,
            self.partition,
            *(self._begin_us, self._end_us, self._end_us),
            rules,
        )
        if not late.all():
            yield before(chunk.chosen(~late), self._end_us)
        if late.any():
            yield polls.complete(chunk.chosen(late))

    def _with_facts(
        self, chunk: Chunk, after: bytes, upto: bytes, numbers: FactNumbers
    ) -> Stores:
        own = self.facts.between(self.partition, after, upto)
        of_all = self.facts.of_all(self.partition)
        some = with_facts(chunk, own, of_all, numbers)
        return some.chosen(some.counts > 0)

    def _add(
        self, found: dict[Group, Steps], some: Stores, groups: frozenset[Group]
    ) -> None:
        """Add some stores to the counts of their groups."""
        if not some.store_ids:
            return
        times = some.times(self._begin_us - DAY_US, self._end_us)
        columns = some.packed, some.counts, some.schedule, times, self.rules
        for rows, in_business, without in without_data(*columns, self.edges):
            for group, members in self._members(some.store_ids[rows], groups).items():
                counts = (
                    in_business[members].sum(axis=0),
                    without[members].sum(axis=0),
                )
                known = found.get(group)
                found[group] = counts if known is None else _sum(known, counts)

    def _members(
        self, store_ids: list[bytes], groups: frozenset[Group]
    ) -> dict[Group, list[int]]:
        """The rows of each group's stores."""
        members: dict[Group, list[int]] = {FLEET: list(range(len(store_ids)))}
        for row, store_id in enumerate(store_ids):
            mine = self.labels.get(store_id, NO_LABELS).labels
            for group in groups.intersection(mine.items()):
                members.setdefault(group, []).append(row)
        return members


def _groups(labels: Mapping[bytes, Labels]) -> frozenset[Group]:
    """The groups that are looked at."""
    values: dict[str, set[str]] = {}
    for each in labels.values():
        for label, value in each.labels.items():
            values.setdefault(label, set()).add(value)
    return frozenset(
        (label, value)
        for label, some in values.items()
        if len(some) <= MOST_VALUES
        for value in some
    )


def _sum(some: Steps, others: Steps) -> Steps:
    return some[0] + others[0], some[1] + others[1]
