"""What is known of a store besides its polls, and the business time that follows.

Stores with the same facts have the same bytes, so their time is worked out once for
all of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple, Protocol

import numpy as np

from streamproc.cells import Ints
from streamproc.rules.business import BusinessTime, Interval, clipped
from streamproc.rules.calendar import Calendar, open_intervals
from streamproc.rules.exclusions import (
    Correction,
    Exclusion,
    corrections,
    excluded,
    without,
)
from streamproc.rules.units import HOUR_US
from streamproc.rules.uptime import Times
from streamproc.rules.windows import LONGEST_US
from tables import exclusions as exclusions_table
from tables import hours as hours_table
from tables import special_hours as special_hours_table
from tables import zones as zones_table
from tables.facts import (
    Facts,
    NumberedFacts,
    decode_day,
)


class StoreFacts(NamedTuple):
    """What decides how a store's time counts, as the tables have it.

    Special hours and exclusions are its own and those of all stores.
    """

    hours: Facts = ()
    zone: bytes | None = None
    special: Facts = ()
    exclusions: Facts = ()

    @property
    def zone_name(self) -> str:
        """Its zone, or the default one."""
        return zones_table.decode(self.zone)

    @property
    def as_polled(self) -> "StoreFacts":
        """These facts without any exclusion: what decides when the store is open."""
        return self._replace(exclusions=()) if self.exclusions else self

    def with_all(self, of_all: "StoreFacts") -> "StoreFacts":
        """With what is told of all stores; its own special dates go before."""
        if not (of_all.special or of_all.exclusions):
            return self
        special = dict(of_all.special) | dict(self.special)
        return self._replace(
            special=tuple(sorted(special.items())),
            exclusions=self.exclusions + of_all.exclusions,
        )

    def open_between(self, begin_us: int, end_us: int) -> list[Interval]:
        """Open intervals within ``[begin_us, end_us)``, in order."""
        return _clipped(self.as_polled, begin_us, end_us)

    def business_between(self, begin_us: int, end_us: int) -> list[Interval]:
        """Those less the time that maintenance takes out."""
        opened = self.open_between(begin_us, end_us)
        if not self.exclusions:
            return opened
        return without(opened, excluded(self.decoded_exclusions, self.zone_name))

    def is_open(self, at_us: int) -> bool:
        """Whether the store is open at an instant."""
        # Over the time that its figures need, too, so that it is worked out once.
        around = self.open_between(at_us - LONGEST_US, at_us + 1)
        return bool(around) and around[-1][1] > at_us

    @property
    def corrections(self) -> list[Correction]:
        """Statuses that were put right, in order and without overlaps."""
        if not self.exclusions:
            return []
        return corrections(self.decoded_exclusions, self.zone_name)

    @property
    def decoded_exclusions(self) -> list[Exclusion]:
        """All exclusions, withdrawn ones too."""
        return [exclusions_table.decode(value) for _, value in self.exclusions]


NO_FACTS = StoreFacts()


def calendar_of(facts: StoreFacts) -> Calendar:
    """The calendar that the facts make."""
    return Calendar(
        facts.zone_name,
        tuple(
            (decode_day(suffix) if suffix else None, hours_table.decode(value))
            for suffix, value in facts.hours
        ),
        tuple(
            (decode_day(suffix), special_hours_table.decode(suffix, value).openings)
            for suffix, value in facts.special
        ),
    )


def _clipped(facts: StoreFacts, begin_us: int, end_us: int) -> list[Interval]:
    around = _around(facts, begin_us // HOUR_US, end_us // HOUR_US + 1)
    return clipped(around, begin_us, end_us)


@lru_cache(maxsize=8192)
def _around(facts: StoreFacts, first_hour: int, end_hour: int) -> tuple[Interval, ...]:
    """Open intervals of whole hours.

    Local time is what costs; within the hour only the clipping is done again.
    """
    calendar = calendar_of(facts)
    return tuple(open_intervals(calendar, first_hour * HOUR_US, end_hour * HOUR_US))


def times_of(facts: Sequence[StoreFacts], begin_us: int, end_us: int) -> Times:
    """The time that counts of each distinct set of facts, by its position."""
    opened = BusinessTime(
        [each.open_between(begin_us, end_us) for each in facts], begin_us, end_us
    )
    if not any(each.exclusions for each in facts):
        return Times.plain(opened)
    business = BusinessTime(
        [each.business_between(begin_us, end_us) for each in facts], begin_us, end_us
    )
    return Times(opened, business, [each.corrections for each in facts])


_MOST_NUMBERS = 8192


class FactNumbers:
    """Distinct facts by number, and the time that counts of each.

    A fleet has few distinct ones: their time is worked out once for many stores.
    """

    def __init__(self) -> None:
        self.facts: list[StoreFacts] = []
        self._number: dict[StoreFacts, int] = {}
        self._times: dict[tuple[int, int, bool], tuple[int, Times]] = {}

    @property
    def is_full(self) -> bool:
        """Whether it is better to begin anew: all times are made again as it grows."""
        return len(self.facts) >= _MOST_NUMBERS

    def of(self, facts: Iterable[StoreFacts]) -> Ints:
        """The number of each, new ones included; shape (n,)."""
        number = self._number
        found = [number.setdefault(each, len(number)) for each in facts]
        self.facts += islice(number, len(self.facts), None)
        return np.array(found, np.int64)

    def times(self, begin_us: int, end_us: int, as_polled: bool = False) -> Times:
        """The time that counts of each number; ``as_polled``: without exclusions."""
        key, count = (begin_us, end_us, as_polled), len(self.facts)
        known, times = self._times.get(key, (-1, None))
        if times is None or known != count:
            counted = [each.as_polled if as_polled else each for each in self.facts]
            times = times_of(counted, begin_us, end_us)
            self._times[key] = count, times
        return times


class FactSource(Protocol):
    """Whence a partition's facts come: its tables, or what they would be."""

    def of_all(self, partition: int) -> StoreFacts:
        """What is told of all stores."""

    def of(self, partition: int, store_id: bytes) -> StoreFacts:
        """One store's own facts."""

    def between(self, partition: int, after: bytes, upto: bytes | None) -> "OwnFacts":
        """The own facts of the stores with ``after`` < id <= ``upto``; None: no end."""


@dataclass(frozen=True, slots=True)
class OwnFacts:
    """Facts of some stores, table by table."""

    hours: NumberedFacts
    zones: NumberedFacts
    special: NumberedFacts
    exclusions: NumberedFacts

    def _parts(self) -> tuple[NumberedFacts, ...]:
        return self.hours, self.zones, self.special, self.exclusions

    @property
    def store_ids(self) -> list[bytes]:
        """Those that anything is known of, in order."""
        ids = [part.store_ids for part in self._parts() if part.store_ids]
        if all(each == ids[0] for each in ids[1:]):
            return ids[0] if ids else []
        return sorted(set().union(*ids))

    def of(self, store_ids: list[bytes]) -> tuple[Ints, list[StoreFacts]]:
        """The number of each store's facts, shape (n,), and the facts by number."""
        columns = [part.of(store_ids) for part in self._parts()]
        number: dict[tuple[int, ...], int] = {}
        rows = zip(*columns, strict=True)
        numbers = [number.setdefault(row, len(number)) for row in rows]
        return np.array(numbers, np.int64), [self._facts(*row) for row in number]

    def _facts(self, hours: int, zone: int, special: int, excluded: int) -> StoreFacts:
        return StoreFacts(
            self.hours.distinct[hours],
            self.zones.distinct[zone][0][1] if zone else None,
            self.special.distinct[special],
            self.exclusions.distinct[excluded],
        )
