"""A partition's incidents: of all its stores, or of one.

Leads to ``GET /api/v1/incidents``. What is kept of the polls bounds how far back.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from streamproc.rules import history
from streamproc.rules.incidents import NONE, incidents, up_within
from streamproc.rules.units import DAY_US
from tables.snapshot import Snapshot, Stores


@dataclass(frozen=True, slots=True)
class Outage:
    """One incident of a store; times and lengths in microseconds.

    ``end_us`` is None while it goes on, ``after_us`` where no active poll is known
    before it; see ``rules.incidents``.
    """

    store_id: str
    start_us: int
    end_us: int | None
    after_us: int | None
    down_us: int
    unknown_us: int
    wall_us: int
    by_up: bool


@dataclass(frozen=True, slots=True)
class Outages:
    """Incidents that overlap a span of time, and the up time of their stores in it."""

    found: list[Outage]
    up_us: int


def known_since(as_of_us: int) -> int:
    """From when on incidents are known: as far back as all polls are kept."""
    return as_of_us - history.KEPT_DAYS * DAY_US


def outages(
    snapshot: Snapshot,
    bridge_us: int,
    begin_us: int,
    end_us: int,
    store_id: bytes | None = None,
) -> Outages:
    """Incidents, whole, that overlap ``[begin_us, end_us)``, by store and start."""
    some: Iterable[Stores] = snapshot.stores()
    if store_id is not None:
        some = [snapshot.store(store_id)]
    parts = [
        _outages(snapshot, each, bridge_us, begin_us, end_us)
        for each in some
        if each.store_ids
    ]
    return Outages(
        [outage for part in parts for outage in part.found],
        sum(part.up_us for part in parts),
    )


def _outages(
    snapshot: Snapshot, some: Stores, bridge_us: int, begin_us: int, end_us: int
) -> Outages:
    as_of_us, rules = snapshot.as_of_us, snapshot.rules
    times = some.times(known_since(as_of_us), as_of_us)
    polls = some.packed, some.counts, some.schedule, times, rules
    found = incidents(*polls, bridge_us)
    up_us = int(up_within(*polls, begin_us, end_us).sum())
    columns = (
        found.store,
        found.start_us,
        found.end_us,
        found.started_after_us,
        found.down_us,
        found.unknown_us,
        found.wall_us,
        found.by_up,
    )
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return Outages(
        [
            Outage(
                some.store_ids[store].decode(),
                start,
                None if end == NONE else end,
                None if after == NONE else after,
                *rest,
            )
            for store, start, end, after, *rest in rows
            if start < end_us and (end == NONE or end > begin_us)
        ],
        up_us,
    )
