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
from streamproc.report.rows import Rows
from streamproc.rules.packing import Flags
from streamproc.rules.uptime import Rules
from streamproc.rules.windows import WINDOWS, Window
from tables.accounting import Stores, account, with_facts
from tables.calendars import FactNumbers, FactSource, StoreFacts
from tables.chunks import Chunk
from tables.histories import Histories
from tables.past import Past

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
        self.store_ids += [chunk.store_ids[at] for at in np.flatnonzero(~kept).tolist()]
        return chunk.chosen(kept)

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


@dataclass(slots=True)
class Snapshot:
    """Rows of one partition as of ``as_of_us``.

    ``as_polled``: as if there were no exclusions. ``windows``: in the order of the
    rows' figures.
    """

    histories: Histories
    facts: FactSource
    partition: int
    as_of_us: int
    rules: Rules
    as_polled: bool = False
    windows: tuple[Window, ...] = WINDOWS

    left_out: LeftOut = field(default_factory=LeftOut)
    """Stores without a row, since their own history was let go."""

    def rows(self) -> Iterator[Rows]:
        """Rows of all known stores, in id order."""
        return (rows for rows, _ in self.rows_with_facts())

    def rows_with_facts(self) -> Iterator[tuple[Rows, list[StoreFacts]]]:
        """Rows of all known stores, in id order, with what is known of each store."""
        return ((self._account(some), some.facts) for some in self.stores())

    def stores(self) -> Iterator[Stores]:
        """All known stores, in id order."""
        of_all = self.facts.of_all(self.partition)
        done, numbers = b"", FactNumbers()
        for chunk in self.histories.at_hand(self.partition):
            last = chunk.store_ids[-1]
            if numbers.is_full:
                numbers = FactNumbers()
            yield self._stores(chunk, of_all, numbers, done, last)
            done = last
        rest = Chunk([], _NO_POLLS, _NO_POLLS)
        yield self._stores(rest, of_all, numbers, done, None)

    def row(self, store_id: bytes) -> Rows:
        """One store's row, or no rows when nothing is known of it."""
        polls = self.histories.polls_of(self.partition, store_id)
        return self._account(
            self._known(store_id, self._past.completed(store_id, polls))
        )

    def store(self, store_id: bytes) -> Stores:
        """One store with the polls at hand; none when nothing is known of it."""
        polls = self.histories.polls_of(self.partition, store_id)
        return self._known(store_id, polls)

    @property
    def _past(self) -> Past:
        archive = self.histories.archive
        return Past(archive, self.partition, self.as_of_us, self._length_us)

    @property
    def _length_us(self) -> int:
        return max(window.length_us for window in self.windows)

    def _known(self, store_id: bytes, polls: Ints) -> Stores:
        own = self.facts.of(self.partition, store_id)
        if not len(polls) and not any(own):
            return Stores.of([], _NO_POLLS, _NO_POLLS, [])
        facts = own.with_all(self.facts.of_all(self.partition))
        return Stores.of([store_id], np.array([len(polls)], np.int64), polls, [facts])

    def _stores(
        self,
        chunk: Chunk,
        of_all: StoreFacts,
        numbers: FactNumbers,
        after: bytes,
        upto: bytes | None,
    ) -> Stores:
        """A chunk and the stores without polls that lie in between."""
        chunk = self.left_out.without(*self._past.complete(chunk))
        own = self.facts.between(self.partition, after, upto)
        return with_facts(chunk, own, of_all, numbers, self.left_out.store_ids)

    def _account(self, some: Stores) -> Rows:
        return account(some, self.as_of_us, self.rules, self.as_polled, self.windows)
