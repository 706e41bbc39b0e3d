"""What stands on a period's page of paper, of some stores. Pure."""

from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from streamproc.rules.days import date_of
from streamproc.rules.percent import percent
from streamproc.web.fleet.groups import Group, groups_of
from streamproc.web.fleet.performance import Amounts
from streamproc.web.fleet.standing import Standing, pooled_percent
from streamproc.web.periods.choice import Chosen

MOST = 10
"""Stores, and incidents, that are listed."""

MOST_GROUPS = 7
MOST_LABELS = 2
MOST_ROWS = 2_000
"""Stores of the whole table; more are a file's work."""

COVERED = 95.0
"""Percent of coverage below which a store is told among the data's quality."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the data is that the figures are made of; lengths in microseconds."""

    coverage: str | None
    unknown_us: int
    excluded_us: int
    thin: int
    unseen: int


@dataclass(frozen=True, slots=True)
class Before:
    """The period before: what it is called, and its figures of the same stores."""

    name: str
    standing: Standing
    rows: Ints

    @property
    def share(self) -> str | None:
        """Percent up of all of them; None where nothing was observed."""
        return pooled_percent(self.standing.pooled(self.rows))

    def of_group(self, label: str, value: str) -> Amounts:
        """Figures of the stores with a label's value."""
        values = self.standing.values(label)
        mine = [row for row in self.rows.tolist() if values[row] == value]
        return self.standing.pooled(np.array(mine, np.int64))


def changed(now: Amounts, before: Amounts) -> str:
    """By how many points of percent it has changed; empty where one is not known."""
    a, b = pooled_percent(now), pooled_percent(before)
    if a is None or b is None:
        return ""
    points = round(float(a) - float(b), 2)
    sign = "+" if points > 0 else "\N{MINUS SIGN}" if points < 0 else "±"
    return f"{sign}{abs(points):.2f}"


def title_of(period: Chosen) -> str:
    """``October 2026`` for a month, else its dates."""
    first, last = date_of(period.period.first_day), date_of(period.period.end_day - 1)
    whole = first.day == 1 and (first.year, first.month) == (last.year, last.month)
    if whole and period.period.name.startswith("month:"):
        return f"{first:%B %Y}{' so far' if period.goes_on else ''}"
    return period.dates


def groups(standing: Standing, rows: Ints) -> list[tuple[str, list[Group]]]:
    """The first labels with their groups, worst first."""
    labels = list(standing.names.values)[:MOST_LABELS]
    return [(each, groups_of(standing, rows, each)[:MOST_GROUPS]) for each in labels]


def worst(standing: Standing, rows: Ints, most: int = MOST) -> list[int]:
    """Those with most down time; who had none is not among them."""
    found = [row for row in by_down(standing, rows) if standing.whole.down[row]]
    return found[:most]


def by_down(standing: Standing, rows: Ints) -> list[int]:
    """Some stores, those with most down time first."""
    order = np.argsort(-standing.whole.down[rows], kind="stable")
    found: list[int] = rows[order].tolist()
    return found


def share_of(standing: Standing, some: list[int], rows: Ints) -> int | None:
    """Percent of the down time that some of the stores make, rounded down."""
    whole = int(standing.whole.down[rows].sum())
    part = int(standing.whole.down[some].sum()) if some else 0
    return 100 * part // whole if whole else None


def quality(standing: Standing, rows: Ints) -> Quality:
    """How good the data of some stores is."""
    pooled, some = standing.pooled(rows), standing.whole.chosen(rows)
    seen = some.up + some.down
    counted = seen + some.unknown
    share = np.where(counted > 0, 100 * seen / np.maximum(counted, 1), 100.0)
    return Quality(
        percent(int(pooled.up + pooled.down), int(pooled.unknown), 1),
        int(pooled.unknown),
        int(pooled.excluded),
        int(((share < COVERED) & (seen > 0)).sum()),
        int(((seen == 0) & (counted > 0)).sum()),
    )
