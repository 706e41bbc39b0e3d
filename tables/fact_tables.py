"""The tables of what is known of stores besides their polls.

Written by ``agents.stores``. What they hold is read without them, and without Faust:
the values by ``hours``, ``zones``, ``special_hours``, ``exclusions`` and ``labels``,
the keys by ``facts``; ``calendars`` makes the time that counts of both.
"""

from dataclasses import dataclass

from streamproc.rules.labels import Labels
from tables import labels as labels_table
from tables.batch_table import BatchTable
from tables.calendars import OwnFacts, StoreFacts
from tables.facts import (
    AFTER_FACTS,
    ALL_STORES,
    Facts,
    NumberedFacts,
    decode_key,
    numbered,
)


class Hours(BatchTable):
    """Business hours by store id."""


class Zones(BatchTable):
    """Time zone by store id."""


class SpecialHoursTable(BatchTable):
    """Special hours by store id and date."""


class Exclusions(BatchTable):
    """Exclusions by store id and id."""


class LabelsTable(BatchTable):
    """Labels by store id."""


@dataclass(frozen=True, slots=True)
class FactTables:
    """The tables of what is known of stores besides their polls."""

    hours: Hours
    zones: Zones
    special_hours: SpecialHoursTable
    exclusions: Exclusions

    @property
    def _tables(self) -> tuple[BatchTable, ...]:
        return self.hours, self.zones, self.special_hours, self.exclusions

    def of_all(self, partition: int) -> StoreFacts:
        """What is told of all stores."""
        return StoreFacts(
            special=facts_of(self.special_hours, partition, ALL_STORES),
            exclusions=facts_of(self.exclusions, partition, ALL_STORES),
        )

    def of(self, partition: int, store_id: bytes) -> StoreFacts:
        """One store's own facts."""
        return StoreFacts(
            facts_of(self.hours, partition, store_id),
            self.zones.read(partition, store_id),
            facts_of(self.special_hours, partition, store_id),
            facts_of(self.exclusions, partition, store_id),
        )

    def between(self, partition: int, after: bytes, upto: bytes | None) -> "OwnFacts":
        """The own facts of the stores with ``after`` < id <= ``upto``; None: no end."""
        tables = self._tables
        return OwnFacts(
            *(facts_between(table, partition, after, upto) for table in tables)
        )


def facts_of(table: BatchTable, partition: int, store_id: bytes) -> Facts:
    """All that a table holds of a store."""
    found = []
    for key, value in table.scan(partition, store_id):
        owner, suffix = decode_key(key)
        if owner != store_id:
            break
        found.append((suffix, value))
    return tuple(found)


def facts_between(
    table: BatchTable, partition: int, after: bytes, upto: bytes | None
) -> NumberedFacts:
    """All facts of the stores with ``after`` < id <= ``upto``; None for no end.

    What is told of all stores is of none.
    """
    start = after + AFTER_FACTS if after else b""
    end = None if upto is None else upto + AFTER_FACTS
    keys: list[bytes] = []
    values: list[bytes] = []
    for some_keys, some_values in table.runs(partition, start, end):
        keys += some_keys
        values += some_values
    return numbered(keys, values)


def labels_between(
    table: LabelsTable,
    partition: int,
    store_ids: list[bytes],
    after: bytes,
    upto: bytes | None,
) -> list[Labels]:
    """The labels of each store; those with ``after`` < id <= ``upto`` are asked."""
    held = facts_between(table, partition, after, upto)
    values = [facts[0][1] if facts else None for facts in held.distinct]
    distinct = [labels_table.decode(value) for value in values]
    return [distinct[number] for number in held.of(store_ids)]
