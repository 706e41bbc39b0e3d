"""One store as the tables have it: read once, whatever is asked of it then."""

from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from streamproc.rules.labels import Labels
from tables import labels as labels_table
from tables.accounting import Stores
from tables.calendars import FactSource, StoreFacts
from tables.fact_tables import LabelsTable
from tables.histories import Histories


@dataclass(frozen=True, slots=True)
class OneStore:
    """A store's packed polls at hand, its own facts, those of all stores, its labels.

    ``polls`` are those in ``histories``; what has left there since they were read is in
    the archive by now.
    """

    partition: int
    store_id: bytes
    polls: Ints
    own: StoreFacts
    of_all: StoreFacts
    labels: Labels

    @classmethod
    def read(
        cls,
        histories: Histories,
        facts: FactSource,
        labels: LabelsTable,
        partition: int,
        store_id: bytes,
    ) -> "OneStore":
        """A store; it may turn out that nothing is known of it."""
        return cls(
            partition,
            store_id,
            histories.polls_of(partition, store_id),
            facts.of(partition, store_id),
            facts.of_all(partition),
            labels_table.decode(labels.read(partition, store_id)),
        )

    @property
    def is_known(self) -> bool:
        """Whether it was ever polled, or anything but labels was told of it."""
        return bool(len(self.polls)) or any(self.own)

    @property
    def facts(self) -> StoreFacts:
        """What decides how its time counts."""
        return self.own.with_all(self.of_all)

    @property
    def counts(self) -> Ints:
        """How many polls are at hand, shape (1,)."""
        return np.array([len(self.polls)], np.int64)

    @property
    def alone(self) -> Stores:
        """It as some stores, of which there is one."""
        return Stores.of([self.store_id], self.counts, self.polls, [self.facts])
