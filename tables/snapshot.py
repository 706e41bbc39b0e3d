"""A partition's tables as one: the rows of all its stores at one instant.

Reads ``histories`` and what is known of the stores side by side, some thousand stores
at a time, so that memory does not grow with the fleet.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from streamproc.cells import Ints
from streamproc.errors import ReportFailedError
from streamproc.report.record import time_text
from streamproc.report.rows import NO_ROWS, Rows, rows_of
from streamproc.rules import uptime
from streamproc.rules.history import Flags
from streamproc.rules.uptime import Rules, Times
from streamproc.rules.windows import LONGEST_US
from tables.calendars import NO_FACTS, FactTables, StoreFacts, times_of
from tables.histories import Chunk, Histories
from tables.past import Past

STORES_PER_CHUNK = 16_000

_NO_POLLS = np.zeros(0, np.int64)


@dataclass(slots=True)
class LeftOut:
    """Stores whose history is not kept as far back as the windows reach.

    Each store is judged by its own polls: one store's clock never decides for others.
    """

    store_ids: list[bytes] = field(default_factory=list)
    polled: int = 0

    def without(self, chunk: Chunk, kept: Flags) -> Chunk:
        """The chunk without such stores, which are noted; ``kept``: shape (n,)."""
        self.polled += len(kept)
        if kept.all():
            return chunk
        numbers = np.flatnonzero(kept).tolist()
        self.store_ids += [chunk.store_ids[at] for at in np.flatnonzero(~kept).tolist()]
        packed = chunk.packed[np.repeat(kept, chunk.counts)]
        return Chunk(
            [chunk.store_ids[at] for at in numbers], chunk.counts[kept], packed
        )

    def check(self, as_of_us: int) -> None:
        """Raise ReportFailedError when that is so of most stores.

        Then it is not their clocks: the time asked for lies too far back.
        """
        if 2 * len(self.store_ids) > self.polled:
            raise ReportFailedError(
                f"as_of {time_text(as_of_us)} lies too far back: the history of"
                f" {len(self.store_ids):,} of {self.polled:,} stores is not kept that"
                f" long, such as of {self.store_ids[0].decode()}"
            )


@dataclass(frozen=True, slots=True)
class Stores:
    """Some stores, in id order: ``counts`` polls each in ``packed``, their facts."""

    store_ids: list[bytes]
    counts: Ints
    packed: Ints
    facts: list[StoreFacts]

    def times(
        self, begin_us: int, end_us: int, as_polled: bool = False
    ) -> tuple[Ints, Times]:
        """Each store's schedule number, and the time that counts of each number."""
        number: dict[StoreFacts, int] = {}
        schedule = [number.setdefault(each, len(number)) for each in self.facts]
        counted = [each.as_polled if as_polled else each for each in number]
        return np.array(schedule, np.int64), times_of(counted, begin_us, end_us)


@dataclass(slots=True)
class Snapshot:
    """Rows of one partition as of ``as_of_us``.

    ``as_polled``: as if there were no exclusions.
    """

    histories: Histories
    facts: FactTables
    partition: int
    as_of_us: int
    rules: Rules
    as_polled: bool = False

    left_out: LeftOut = field(default_factory=LeftOut)
    """Stores without a row, since their own history was let go."""

    def rows(self) -> Iterator[Rows]:
        """Rows of all known stores, in id order."""
        return (rows for rows, _ in self.rows_with_facts())

    def rows_with_facts(self) -> Iterator[tuple[Rows, list[StoreFacts]]]:
        """The same, with what is known of each row's store."""
        return ((self._account(some), some.facts) for some in self.stores())

    def stores(self) -> Iterator[Stores]:
        """All known stores, in id order."""
        of_all = self.facts.of_all(self.partition)
        done = b""
        for chunk in self.histories.chunks(self.partition, STORES_PER_CHUNK):
            last = chunk.store_ids[-1]
            yield self._stores(chunk, of_all, done, last)
            done = last
        rest = Chunk([], _NO_POLLS, _NO_POLLS)
        yield self._stores(rest, of_all, done, None)

    def row(self, store_id: bytes) -> Rows:
        """One store's row, or no rows when nothing is known of it."""
        return self._account(self._known(store_id, self._past.polls_of(store_id)))

    def store(self, store_id: bytes) -> Stores:
        """One store with the polls at hand; none when nothing is known of it."""
        polls = self.histories.polls_of(self.partition, store_id)
        return self._known(store_id, polls)

    @property
    def _past(self) -> Past:
        return Past(self.histories, self.partition, self.as_of_us)

    def _known(self, store_id: bytes, polls: Ints) -> Stores:
        own = self.facts.of(self.partition, store_id)
        if not len(polls) and not any(own):
            return Stores([], _NO_POLLS, _NO_POLLS, [])
        facts = own.with_all(self.facts.of_all(self.partition))
        return Stores([store_id], np.array([len(polls)], np.int64), polls, [facts])

    def _stores(
        self, chunk: Chunk, of_all: StoreFacts, after: bytes, upto: bytes | None
    ) -> Stores:
        """A chunk and the stores without polls that lie in between."""
        chunk = self.left_out.without(*self._past.complete(chunk))
        known = self.facts.between(self.partition, after, upto)
        silent = known.keys() - {*chunk.store_ids, *self.left_out.store_ids}
        store_ids, counts = chunk.store_ids, chunk.counts
        if silent:
            polled = dict(zip(store_ids, counts.tolist(), strict=True))
            store_ids = sorted([*store_ids, *silent])
            counts = np.array([polled.get(i, 0) for i in store_ids], np.int64)
        facts = [known.get(store_id, NO_FACTS) for store_id in store_ids]
        if any(of_all):
            facts = [each.with_all(of_all) for each in facts]
        return Stores(store_ids, counts, chunk.packed, facts)

    def _account(self, some: Stores) -> Rows:
        if not some.store_ids:
            return NO_ROWS
        schedule, times = some.times(
            self.as_of_us - LONGEST_US, self.as_of_us, self.as_polled
        )
        accounts = uptime.account(some.packed, some.counts, schedule, times, self.rules)
        return rows_of(some.store_ids, accounts)
