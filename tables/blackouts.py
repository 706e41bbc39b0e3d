"""How many stores were without data in each step of a span, by label: one partition.

Leads to ``GET /api/v1/suspects``.
"""

from collections.abc import Mapping

import numpy as np

from streamproc.cells import Ints
from streamproc.rules.blackouts import without_data
from streamproc.rules.labels import Labels
from streamproc.rules.suspicion import FLEET, Group
from streamproc.rules.uptime import Rules
from tables.board_labels import NO_LABELS
from tables.board_source import Heard, Source
from tables.calendars import times_of

MOST_VALUES = 200
"""A label with more values names stores rather than groups of them."""

Steps = tuple[Ints, Ints]
"""Stores in business in each step, and those of them without data."""


def steps_by_group(
    source: Source,
    labels: Mapping[bytes, Labels],
    rules: Rules,
    known_us: int,
    edges: Ints,
) -> dict[Group, Steps]:
    """Both counts of the whole partition, and of each value of each label.

    Stores that were never heard are left out. ``known_us``: since when polls are at
    hand, some time before the first of the ``edges``.
    """
    groups = _groups(labels)
    found: dict[Group, Steps] = {}
    for heard in source.all():
        if heard.store_ids:
            _add(found, heard, labels, groups, rules, known_us, edges)
    return found


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


def _add(
    found: dict[Group, Steps],
    heard: Heard,
    labels: Mapping[bytes, Labels],
    groups: frozenset[Group],
    rules: Rules,
    known_us: int,
    edges: Ints,
) -> None:
    """Add some stores to the counts of their groups."""
    times = times_of(heard.distinct, known_us, int(edges[-1]))
    columns = heard.packed, heard.counts, heard.number, times, rules, edges
    for rows, in_business, without in without_data(*columns):
        polled = heard.counts[rows] > 0
        members: dict[Group, list[int]] = {FLEET: np.flatnonzero(polled).tolist()}
        for row in members[FLEET]:
            mine = labels.get(heard.store_ids[rows][row], NO_LABELS).labels
            for group in groups.intersection(mine.items()):
                members.setdefault(group, []).append(row)
        for group, some in members.items():
            counts = in_business[some].sum(axis=0), without[some].sum(axis=0)
            before = found.get(group)
            found[group] = counts if before is None else _sum(before, counts)


def _sum(some: Steps, others: Steps) -> Steps:
    return some[0] + others[0], some[1] + others[1]
