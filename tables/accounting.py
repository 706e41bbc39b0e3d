"""Stores with their polls and facts, and what comes of them. Pure.

Whoever has both at hand makes the same rows of them: ``snapshot`` reads them from the
tables, ``streamproc.batch.report`` has them of files.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from streamproc.report.rows import NO_ROWS, Rows, rows_of
from streamproc.rules import uptime
from streamproc.rules.packing import Flags
from streamproc.rules.uptime import Rules, Times
from streamproc.rules.windows import WINDOWS, Window
from tables.calendars import FactNumbers, OwnFacts, StoreFacts
from tables.chunks import Chunk


@dataclass(frozen=True, slots=True)
class Stores:
    """Some stores, in id order: ``counts`` polls each in ``packed``, their facts.

    ``schedule``: shape (n,), the number of each store's facts in ``numbers``.
    """

    store_ids: list[bytes]
    counts: Ints
    packed: Ints
    schedule: Ints
    numbers: FactNumbers

    @classmethod
    def of(
        cls,
        store_ids: list[bytes],
        counts: Ints,
        packed: Ints,
        facts: Sequence[StoreFacts],
    ) -> "Stores":
        """Stores with the facts of each."""
        numbers = FactNumbers()
        return cls(store_ids, counts, packed, numbers.of(facts), numbers)

    @property
    def facts(self) -> list[StoreFacts]:
        """What is known of each store."""
        return [self.numbers.facts[number] for number in self.schedule.tolist()]

    def times(self, begin_us: int, end_us: int, as_polled: bool = False) -> Times:
        """The time that counts of each number."""
        return self.numbers.times(begin_us, end_us, as_polled)

    def chosen(self, wanted: Flags) -> "Stores":
        """Some of them; ``wanted``: shape (n,)."""
        if wanted.all():
            return self
        return Stores(
            [self.store_ids[at] for at in np.flatnonzero(wanted).tolist()],
            self.counts[wanted],
            self.packed[np.repeat(wanted, self.counts)],
            self.schedule[wanted],
            self.numbers,
        )


def with_facts(
    chunk: Chunk,
    own: OwnFacts,
    of_all: StoreFacts,
    numbers: FactNumbers,
    left_out: Collection[bytes] = (),
) -> Stores:
    """A chunk with what is known of its stores, and those without polls between.

    ``left_out``: stores that are not wanted.
    """
    known = own.store_ids
    store_ids, counts = chunk.store_ids, chunk.counts
    if known != store_ids:
        polled = dict(zip(store_ids, counts.tolist(), strict=True))
        silent = set(known).difference(store_ids, left_out)
        store_ids = sorted([*store_ids, *silent]) if silent else store_ids
        counts = np.array([polled.get(i, 0) for i in store_ids], np.int64)
    number, distinct = own.of(store_ids)
    if any(of_all):
        distinct = [each.with_all(of_all) for each in distinct]
    schedule = numbers.of(distinct)[number]
    return Stores(store_ids, counts, chunk.packed, schedule, numbers)


def account(
    some: Stores,
    as_of_us: int,
    rules: Rules,
    as_polled: bool = False,
    windows: tuple[Window, ...] = WINDOWS,
) -> Rows:
    """Rows of some stores; ``as_polled``: as if there were no exclusions."""
    if not some.store_ids:
        return NO_ROWS
    longest_us = max(window.length_us for window in windows)
    times = some.times(as_of_us - longest_us, as_of_us, as_polled)
    accounts = uptime.account(
        some.packed, some.counts, some.schedule, times, rules, windows
    )
    return rows_of(some.store_ids, accounts)
