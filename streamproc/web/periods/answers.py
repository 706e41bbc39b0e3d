"""Figures of periods as the API tells of them; amounts in seconds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from streamproc.report.period_csv import mean_percents, worst_percents
from streamproc.report.period_groups import Groups
from streamproc.report.period_rows import PeriodRows
from streamproc.report.record import time_text
from streamproc.rules.percent import percents
from streamproc.rules.periods import BY
from streamproc.web.shapes import OneOf, called

By = Annotated[str, OneOf(BY)]


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """What a slice of a period holds; ``from`` and ``to`` are its real ends.

    ``longest_incident_s`` is the down time in it of the incident with the most.
    """

    period: str
    start: str = field(metadata=called("from"))
    end: str = field(metadata=called("to"))
    up_s: float
    down_s: float
    unknown_s: float
    excluded_s: float
    open_s: float
    uptime_percent: float | None
    coverage_percent: float | None
    incidents: int
    longest_incident_s: float


@dataclass(frozen=True, slots=True)
class StorePeriods:
    """One store's period, whole and in slices.

    ``known_since`` is null unless the period reaches before what is kept.
    """

    store_id: str
    name: str | None
    as_of: str
    period: str
    known_since: str | None
    by: By | None
    zone: str
    total: PeriodFigures
    slices: list[PeriodFigures]


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """One store's figures in a slice."""

    store_id: str
    name: str | None
    labels: dict[str, str]
    figures: PeriodFigures


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """What several stores are together in a slice.

    ``group``: the value of the label they are grouped by; empty for those without it.
    The figures are pooled; mean and worst are of the stores that were observed.
    """

    group: str
    stores: int
    stores_observed: int
    mean_percent: float | None
    worst_percent: float | None
    figures: PeriodFigures


@dataclass(frozen=True, slots=True)
class PeriodPage:
    """A page of a period's rows: of ``stores``, or of ``groups`` when grouped.

    ``fleet``: all of them together, by slice. ``zone`` is null where each store's own
    counts, ``known_since`` unless the period reaches before what is kept.
    """

    as_of: str
    period: str
    known_since: str | None
    by: By | None
    zone: str | None
    where: str | None
    group_by: str | None
    total: int
    page: int
    per_page: int
    pages: int
    fleet: list[GroupFigures]
    stores: list[StoreFigures]
    groups: list[GroupFigures]


def figures_of(rows: PeriodRows, names: Sequence[str]) -> list[PeriodFigures]:
    """The figures of rows; ``names``: of the slices."""
    columns = {name: rows.of(name) for name in _COLUMNS}
    return _figures(columns | {"unknown": rows.unknown}, names)


def stores_of(rows: PeriodRows, names: Sequence[str]) -> list[StoreFigures]:
    """Rows with whose they are."""
    return [
        StoreFigures(named.store_id, named.name, dict(named.labels), figures)
        for named, figures in zip(
            (rows.stores[store] for store in rows.of("store").tolist()),
            figures_of(rows, names),
            strict=True,
        )
    ]


def groups_of(groups: Groups, names: Sequence[str]) -> list[GroupFigures]:
    """Groups with what they are together."""
    columns = {name: getattr(groups, name) for name in (*_COLUMNS, "unknown")}
    return [
        GroupFigures(value, stores, observed, _number(mean), _number(worst), figures)
        for value, stores, observed, mean, worst, figures in zip(
            groups.values,
            groups.stores.tolist(),
            groups.observed.tolist(),
            mean_percents(groups),
            worst_percents(groups),
            _figures(columns, names),
            strict=True,
        )
    ]


_COLUMNS = (
    *("slice", "from_us", "to_us", "up", "down", "excluded", "open"),
    *("incidents", "longest"),
)


def _figures(columns: dict[str, Any], names: Sequence[str]) -> list[PeriodFigures]:
    up, down, unknown = columns["up"], columns["down"], columns["unknown"]
    amounts = [
        (columns[name] / 1e6).tolist()
        for name in ("up", "down", "unknown", "excluded", "open")
    ]
    rows = zip(
        [names[number] for number in columns["slice"].tolist()],
        *(map(time_text, columns[name].tolist()) for name in ("from_us", "to_us")),
        *amounts,
        map(_number, percents(up, down)),
        map(_number, percents(up + down, unknown)),
        columns["incidents"].tolist(),
        (columns["longest"] / 1e6).tolist(),
        strict=True,
    )
    return [PeriodFigures(*row) for row in rows]


def _number(text: str) -> float | None:
    """A percentage as the rule shows it; None for nothing observed."""
    return float(text) if text else None
