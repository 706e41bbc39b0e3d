"""The file of a period's report: one row per store and slice, or per group. Pure."""

import csv
from collections.abc import Iterator, Sequence
from typing import TextIO

import numpy as np

from streamproc.cells import Ints
from streamproc.report.label_columns import label_columns
from streamproc.report.period_groups import WHOLE, Groups, grouped
from streamproc.report.period_rows import PeriodRows
from streamproc.report.record import time_text
from streamproc.report.rows import safe_cell
from streamproc.rules.percent import percents
from streamproc.rules.units import HOUR_US, MINUTE_US

_AMOUNTS = (
    "uptime(in hours)",
    "downtime(in hours)",
    "unknown(in hours)",
    "excluded(in hours)",
    "open(in hours)",
    "uptime_percent(of observed)",
)
_OUTAGES = ("incidents", "longest_incident(in minutes)")
_SLICE = ("period", "from_utc", "to_utc")

HEADER = ("store_id", "name", *_SLICE, *_AMOUNTS, "coverage_percent", *_OUTAGES)
"""Before the columns of the labels."""

GROUP_HEADER = (
    *("stores", "stores_observed", *_SLICE, *_AMOUNTS),
    *("mean_percent", "worst_percent", "coverage_percent", *_OUTAGES),
)
"""After the label's value."""

_HOUR_STEP, _HOUR_DIGITS = HOUR_US // 10_000, 4
_MINUTE_STEP, _MINUTE_DIGITS = MINUTE_US // 100, 2


def write_period_csv(
    stream: TextIO, rows: PeriodRows, names: Sequence[str], group_by: str | None = None
) -> int:
    """Write the report, header first; return how many rows follow it.

    ``names``: of the slices.
    """
    writer, lines = csv.writer(stream, lineterminator="\n"), 0
    for lines, cells in enumerate(period_table(rows, names, group_by)):  # noqa: B007
        writer.writerow(cells)
    return lines


def period_table(
    rows: PeriodRows, names: Sequence[str], group_by: str | None = None
) -> Iterator[Sequence[str]]:
    """Cells of the header and of each row."""
    if group_by is None:
        return _of_stores(rows, names)
    return _of_groups(grouped(rows, group_by), group_by, names)


def _of_stores(rows: PeriodRows, names: Sequence[str]) -> Iterator[Sequence[str]]:
    labels = sorted({label for named in rows.stores for label in named.labels})
    yield [*HEADER, *label_columns(labels, HEADER)]
    stores = [
        (
            (safe_cell(named.store_id), safe_cell(named.name or "")),
            [safe_cell(named.labels.get(label, "")) for label in labels],
        )
        for named in rows.stores
    ]
    percent, coverage = _percents(rows)
    columns = (
        [names[number] for number in rows.of("slice").tolist()],
        *_ends(rows.of("from_us"), rows.of("to_us")),
        *_amounts(rows),
        *(percent, coverage),
        *_outages(rows.of("incidents"), rows.of("longest")),
    )
    for store, *cells in zip(rows.of("store").tolist(), *columns, strict=True):
        who, labelled = stores[store]
        yield [*who, *cells, *labelled]


def _of_groups(
    groups: Groups, label: str, names: Sequence[str]
) -> Iterator[Sequence[str]]:
    yield [*label_columns([label], GROUP_HEADER), *GROUP_HEADER]
    percent, coverage = _percents(groups)
    columns = (
        [safe_cell(value) for value in groups.values],
        _whole(groups.stores),
        _whole(groups.observed),
        [names[number] for number in groups.slice.tolist()],
        *_ends(groups.from_us, groups.to_us),
        *_amounts(groups),
        percent,
        mean_percents(groups),
        worst_percents(groups),
        coverage,
        *_outages(groups.incidents, groups.longest),
    )
    yield from zip(*columns, strict=True)


def _amounts(rows: PeriodRows | Groups) -> list[list[str]]:
    up, down, excluded, opened = (
        rows.of(field) for field in ("up", "down", "excluded", "open")
    )
    return [
        _decimals(amount, _HOUR_STEP, _HOUR_DIGITS)
        for amount in (up, down, rows.unknown, excluded, opened)
    ]


def _percents(rows: PeriodRows | Groups) -> tuple[list[str], list[str]]:
    """Uptime and coverage; empty where nothing was observed, or nothing could be."""
    up, down = rows.of("up"), rows.of("down")
    return percents(up, down), percents(up + down, rows.unknown)


def mean_percents(groups: Groups) -> list[str]:
    """The mean of each group's stores that were observed."""
    return percents(groups.shares, groups.observed * WHOLE - groups.shares)


def worst_percents(groups: Groups) -> list[str]:
    """The least of each group's stores that were observed."""
    return percents(groups.worst, np.where(groups.observed, WHOLE - groups.worst, 0))


def _ends(from_us: Ints, to_us: Ints) -> list[list[str]]:
    """Few instants are the ends of many rows."""
    texts: dict[int, str] = {}
    for each in np.unique(np.concatenate((from_us, to_us))).tolist():
        texts[each] = time_text(each)
    return [[texts[each] for each in ends.tolist()] for ends in (from_us, to_us)]


def _outages(incidents: Ints, longest: Ints) -> list[list[str]]:
    """How many, and the longest in minutes; that is 0 only where nothing was down."""
    shown = np.where(longest > 0, np.maximum(longest, _MINUTE_STEP), 0)
    return [_whole(incidents), _decimals(shown, _MINUTE_STEP, _MINUTE_DIGITS)]


def _whole(numbers: Ints) -> list[str]:
    return [str(number) for number in numbers.tolist()]


def _decimals(amount_us: Ints, step_us: int, digits: int) -> list[str]:
    """Amounts with some decimals, of which ``step_us`` is the last one; half up."""
    one = 10**digits
    return [
        f"{number // one}.{number % one:0{digits}d}"
        for number in ((amount_us + step_us // 2) // step_us).tolist()
    ]
