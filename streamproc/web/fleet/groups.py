"""Stores by the values of a label: what they are together in a period."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from streamproc.cells import Ints
from streamproc.rules.labels import commonest_values
from streamproc.web.bars import Bar, bars
from streamproc.web.fleet.performance import Amounts
from streamproc.web.fleet.standing import Standing, pooled_percent

MOST_GROUPS = 12
LEAST_PLACES = 14
"""Bars that a group has room for at least: two days are no walls."""


@dataclass(frozen=True, slots=True)
class Group:
    """The stores that share a value of a label.

    ``worst``: percent of the store with the least; None where nothing was observed.
    """

    value: str
    stores: int
    amounts: Amounts
    down_now: int
    worst: str | None
    days: Sequence[Bar]
    picture: Markup

    @property
    def share(self) -> float:
        """Percent of the observed time; more than all where nothing was observed."""
        seen = int(self.amounts.up + self.amounts.down)
        return 100 * int(self.amounts.up) / seen if seen else 101.0

    @property
    def coverage(self) -> float:
        """Percent of the open time that counts which was observed."""
        seen = int(self.amounts.up + self.amounts.down)
        counted = seen + int(self.amounts.unknown)
        return 100 * seen / counted if counted else 101.0


def groups_of(
    standing: Standing,
    rows: Ints,
    label: str,
    shown: Standing | None = None,
    height: int = 30,
) -> list[Group]:
    """Groups of some stores, worst first; those of most stores when there are many.

    ``shown``: the same stores in the days that are drawn, where those are others.
    """
    values = standing.values(label)
    by_value: dict[str, list[int]] = {}
    for row in rows.tolist():
        by_value.setdefault(values[row], []).append(row)
    sizes = {value: len(rows) for value, rows in by_value.items()}
    found = [
        _group(standing, value, np.array(by_value[value]), shown or standing, height)
        for value in commonest_values(sizes, MOST_GROUPS)
    ]
    return sorted(found, key=lambda group: (group.share, group.value))


def _group(
    standing: Standing, value: str, rows: Ints, shown: Standing, height: int
) -> Group:
    amounts, down_now = standing.pooled(rows), standing.down_now(rows)
    days, picture = _days(shown, rows), Markup()
    if days:
        name, target = value or "none", shown.fleet_target
        picture = bars(days, target, name, height, places=LEAST_PLACES)
    worst = standing.worst(rows)
    share = None if worst is None else pooled_percent(standing.whole.chosen(worst))
    return Group(value, len(rows), amounts, down_now, share, days, picture)


def _days(shown: Standing, rows: Ints) -> list[Bar]:
    if shown.figures is None or not shown.figures.days:
        return []
    return shown.pooled_bars(rows)
