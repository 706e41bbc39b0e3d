"""What a partition keeps: since when polls are known, and in which zones stores are.

Leads to reports of periods, which tell of no date before.
"""

from collections.abc import Iterator

from streamproc.rules import packing
from streamproc.rules.period_edges import Kept
from streamproc.rules.units import DAY_US
from tables import zones as zones_table
from tables.fact_tables import Zones
from tables.histories import Histories

_STORES_AT_ONCE = 4_000


def kept(histories: Histories, partition: int, not_before_us: int = 0) -> Kept | None:
    """Since when polls of the partition are kept; None when there are none.

    Where the first one lies before ``not_before_us``, any poll from before is told in
    its place: finding the first one takes longer.
    """
    since_us = histories.archive.kept_since(partition) * DAY_US
    first_us = histories.first_polls.of(
        partition, since_us, not_before_us, lambda: _first_polls(histories, partition)
    )
    return None if first_us is None else Kept(first_us, since_us)


def _first_polls(histories: Histories, partition: int) -> Iterator[int]:
    """Times of polls of which the least is that of the first poll of all."""
    for values in histories.archive.first_month(partition):
        yield packing.time_of(int(packing.unpack(b"".join(values)).min()))
    for chunk in histories.chunks(partition, _STORES_AT_ONCE):
        yield packing.time_of(int(chunk.packed.min()))


def zones_in_use(histories: Histories, zones: Zones, partition: int) -> set[str]:
    """The zones of the partition's stores; the default one where some have none."""
    named = dict(zones.scan(partition, b"\1"))
    found = {zones_table.decode(value) for value in set(named.values())}
    if any(store_id not in named for store_id in histories.store_ids(partition)):
        found.add(zones_table.decode(None))
    return found
