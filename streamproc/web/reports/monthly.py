"""All stores month by month, together and by the values of each label. Pure.

Comes from figures of all stores by month; leads to the page of reports.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from streamproc.report.record import COMPLETE, Report
from streamproc.rules.days import date_of
from streamproc.rules.labels import commonest_values
from streamproc.rules.periods import UNITS, Period
from streamproc.rules.targets import left_us
from streamproc.web.periods.reading import FleetPeriod
from streamproc.web.store.names import Directory

MOST_VALUES = 8
"""Values of a label that have a column of their own: those of most stores."""

Sums = tuple[int, int, int]
"""Up, down, and open without what is excluded, in microseconds."""


@dataclass(frozen=True, slots=True)
class Month:
    """All stores in a calendar month, each in its own local dates.

    ``groups``: by label and value. ``met``: how many stores met their target, of how
    many that have one and were observed. ``incidents``: those that overlap it.
    """

    period: Period
    goes_on: bool
    pooled: Sums
    groups: Mapping[str, Mapping[str, Sums]]
    met: tuple[int, int]
    incidents: int

    @property
    def name(self) -> str:
        """As a period's name: ``month:2026-10``."""
        return self.period.name

    @property
    def text(self) -> str:
        """As it is called: ``Oct 2026``."""
        return f"{date_of(self.period.first_day):%b %Y}"


@dataclass(frozen=True, slots=True)
class MonthTable:
    """The months, the newest first; ``since_us``: since when history is kept.

    ``columns``: the values of each label that are shown, in order; ``others``: how many
    more there are. ``target``: of all stores together.
    """

    months: list[Month]
    since_us: int | None
    as_of_us: int
    columns: Mapping[str, list[str]]
    others: Mapping[str, int]
    target: float | None


def month_table(
    found: FleetPeriod, names: Directory, target: float | None
) -> MonthTable:
    """The months of figures by month; ``target``: of stores without their own."""
    rows = found.rows
    ids = [named.store_id for named in rows.stores]
    columns = {label: _values(ids, names, label) for label in names.values}
    months = []
    for number, part in enumerate(found.span.slices()):
        at = np.flatnonzero(rows.of("slice") == number)
        if len(at):
            months.append(_month(found, part, at, ids, names, columns, target))
    return MonthTable(
        months[::-1],
        found.since_us,
        found.span.as_of_us,
        columns,
        {label: len(names.values[label]) - len(columns[label]) for label in columns},
        names.target(target, len(ids)),
    )


def _values(ids: list[str], names: Directory, label: str) -> list[str]:
    """The values of a label that most stores have, by name."""
    held = Counter(names.of(store_id).labels.get(label, "") for store_id in ids)
    stores = {value: held[value] for value in names.values[label]}
    return sorted(commonest_values(stores, MOST_VALUES))


def _month(
    found: FleetPeriod,
    part: Period,
    at: Ints,
    ids: list[str],
    names: Directory,
    columns: Mapping[str, list[str]],
    target: float | None,
) -> Month:
    rows = found.rows
    up, down, opened, excluded = (
        rows.of(name)[at] for name in ("up", "down", "open", "excluded")
    )
    counted = opened - excluded
    stores = rows.of("store")[at].tolist()
    labels = [names.of(ids[store]) for store in stores]

    def sums(of: Ints | slice) -> Sums:
        return int(up[of].sum()), int(down[of].sum()), int(counted[of].sum())

    groups = {}
    for label, values in columns.items():
        held = np.array([each.labels.get(label, "") for each in labels], object)
        groups[label] = {value: sums(np.flatnonzero(held == value)) for value in values}
    targets = np.array([each.target or target or np.nan for each in labels], np.float64)
    left = left_us(up, down, targets)
    judged = ~np.isnan(left) & (up + down > 0)
    return Month(
        UNITS["month"].holding(part.first_day),
        part.end_day >= found.span.period.end_day,
        sums(slice(None)),
        groups,
        (int((judged & (left >= 0)).sum()), int(judged.sum())),
        int(rows.of("incidents")[at].sum()),
    )


def made_of(reports: Iterable[Report]) -> dict[str, Report]:
    """The newest complete report of all stores of each month, by the month's name.

    ``reports``: newest first.
    """
    found: dict[str, Report] = {}
    for report in reports:
        plain = not (report.by or report.zone or report.where or report.group_by)
        whole = report.store_id is None and not report.as_polled
        if report.state == COMPLETE and report.period and plain and whole:
            for name in (report.period, report.told):
                if name and name.startswith("month:"):
                    found.setdefault(name, report)
    return found
