"""Stores with their polls and facts, and what comes of them in a period. Pure.

What ``accounting`` is for the last hour, day and week.
"""

from collections.abc import Sequence

import numpy as np

from streamproc.cells import Ints
from streamproc.report.period_rows import (
    NO_PERIOD_ROWS,
    Named,
    PeriodRows,
    period_rows,
)
from streamproc.rules.labels import Labels
from streamproc.rules.period_edges import Span
from streamproc.rules.sliced import account_slicings
from streamproc.rules.uptime import Rules
from tables.accounting import Stores

POLLS_PER_CHUNK = 500_000


def edges_of_each(span: Span, zones: Sequence[str], known: dict[str, Ints]) -> Ints:
    """Edges of stores by their zones, shape (stores, slices + 1).

    ``known``: those of zones that have been worked out; more are added.
    """
    number = {zone: at for at, zone in enumerate(dict.fromkeys(zones))}
    for zone in number.keys() - known.keys():
        known[zone] = span.edges_us([zone])[0]
    table = np.array([known[zone] for zone in number], np.int64)
    return table[[number[zone] for zone in zones]]


def rows_of_stores(
    some: Stores,
    labels: Sequence[Labels],
    span: Span,
    rules: Rules,
    bridge_us: int,
    as_polled: bool = False,
) -> PeriodRows:
    """Rows of stores all of whose polls before ``as_of`` are there."""
    if not some.store_ids:
        return NO_PERIOD_ROWS
    edges_us = edges_of_each(span, [facts.zone_name for facts in some.facts], {})
    if edges_us.min() == edges_us.max():
        return NO_PERIOD_ROWS
    return rows_of_slices(some, labels, edges_us, rules, bridge_us, as_polled)


def rows_of_slices(
    some: Stores,
    labels: Sequence[Labels],
    edges_us: Ints,
    rules: Rules,
    bridge_us: int,
    as_polled: bool,
) -> PeriodRows:
    """Rows of stores whose polls within the edges are there."""
    edges = [edges_us]
    return rows_of_slicings(some, labels, edges, rules, bridge_us, as_polled)[0]


def rows_of_slicings(
    some: Stores,
    labels: Sequence[Labels],
    edges_us: Sequence[Ints],
    rules: Rules,
    bridge_us: int,
    as_polled: bool,
) -> list[PeriodRows]:
    """Rows of the same stores by several edges, each shape (stores, slices + 1)."""
    begin_us = min(int(each.min()) for each in edges_us)
    end_us = max(int(each.max()) for each in edges_us)
    times = some.times(begin_us, end_us, as_polled)
    polled = some.packed, some.counts, some.schedule, times, rules
    found = account_slicings(*polled, edges_us, bridge_us)
    stores = [
        Named(store_id.decode(), each.name, each.labels)
        for store_id, each in zip(some.store_ids, labels, strict=True)
    ]
    return [
        period_rows(stores, edges, figures)
        for edges, figures in zip(edges_us, found, strict=True)
    ]
