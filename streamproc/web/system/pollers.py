"""What polls the stores: by a label, how timely, and how completely. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from markupsafe import Markup, escape

from streamproc.cells import Ints
from streamproc.rules import packing
from streamproc.rules.labels import commonest_values
from streamproc.rules.now import CLOSED, MAINTENANCE, SILENT
from streamproc.rules.percent import percent
from streamproc.web import words
from streamproc.web.fleet.performance import Amounts, Performance
from streamproc.web.now.everyone import Everyone
from streamproc.web.now.states import StoreState
from streamproc.web.store.names import POLLED_BY, Directory
from streamproc.web.suspicion.spans import Span

DAYS, WEEK = 30, 7
MOST = 20
"""Pollers that are told one by one: those of most stores."""

LEAST = 90.0
"""Percent at which a bar of coverage has no height."""

_STEP, _WIDTH, _HEIGHT = 6, 5, 16


@dataclass(frozen=True, slots=True)
class Poller:
    """The stores that share a value of a label; all together without a label.

    ``timely``: heard within their usual interval; ``late``: longer ago, but not silent
    yet; ``resting``: closed, or in maintenance. ``usual_us``: the median of their usual
    intervals. ``coverage``: percent of the last seven days that was observed.
    """

    value: str
    stores: int
    timely: int
    late: int
    silent: int
    resting: int
    usual_us: int | None
    coverage: str | None
    picture: Markup
    noticed: list[Span]


def poller_label(names: Directory, asked: str = "") -> str:
    """The label that tells them apart: the one asked for, else poller, else none."""
    if asked in names.values:
        return asked
    return POLLED_BY if POLLED_BY in names.values else ""


def pollers(
    everyone: Everyone,
    names: Directory,
    label: str,
    figures: Performance | None,
    spans: Sequence[Span],
) -> list[Poller]:
    """Those of most stores, the one with most that is amiss first.

    ``figures``: by day, up to today; ``spans``: when what polls them may have failed.
    """
    by_value: dict[str, list[StoreState]] = {}
    for one in everyone.stores:
        value = names.of(one.store_id).labels.get(label, "") if label else ""
        by_value.setdefault(value, []).append(one)
    sizes = {value: len(stores) for value, stores in by_value.items()}
    found = [
        _poller(label, value, by_value[value], everyone.as_of_us, figures, spans)
        for value in commonest_values(sizes, MOST)
    ]
    return sorted(found, key=lambda one: (-one.silent - one.late, one.value))


def _poller(
    label: str,
    value: str,
    stores: list[StoreState],
    as_of_us: int,
    figures: Performance | None,
    spans: Sequence[Span],
) -> Poller:
    resting = sum(one.state in (CLOSED, MAINTENANCE) for one in stores)
    silent = sum(one.state == SILENT for one in stores)
    late = sum(is_late(one, as_of_us) for one in stores)
    usual = [one.usual_us for one in stores if one.usual_us is not None]
    daily = _daily(figures, stores)
    return Poller(
        value,
        len(stores),
        len(stores) - resting - silent - late,
        late,
        silent,
        resting,
        round(median(usual)) if usual else None,
        None if daily is None else _coverage(daily, WEEK),
        Markup() if daily is None else picture(daily, value or "all stores"),
        [one for one in spans if one.labels == ({label: value} if value else {})],
    )


def is_late(one: StoreState, as_of_us: int) -> bool:
    """Whether a store should have been heard by now, but is not silent yet."""
    if one.state in (CLOSED, MAINTENANCE, SILENT) or one.usual_us is None:
        return False
    return one.last is not None and packing.time_of(one.last) + one.usual_us < as_of_us


def _daily(figures: Performance | None, stores: list[StoreState]) -> Amounts | None:
    """The days of some stores together, the last ones; None while not at hand."""
    if figures is None or not figures.days:
        return None
    rows = [figures.rows[s.store_id] for s in stores if s.store_id in figures.rows]
    daily = figures.daily.chosen(np.array(rows, np.int64)).pooled()
    told = np.flatnonzero(figures.told.any(axis=0))[-DAYS:]
    return daily.chosen(told)


def _coverage(daily: Amounts, days: int) -> str | None:
    some: Ints = np.arange(len(daily.up))[-days:]
    whole = daily.chosen(some).pooled()
    return percent(int(whole.up + whole.down), int(whole.unknown), 1)


def picture(daily: Amounts, label: str) -> Markup:
    """A bar a day, from 90 to 100 percent of what was to be observed."""
    shares = [percent(int(u + d), int(n), 1) for u, d, n in _columns(daily)]
    bars = "".join(_bar(at, share) for at, share in enumerate(shares) if share)
    known = [float(share) for share in shares if share]
    least = f", at least {words.percent(f'{min(known):.1f}')}" if known else ""
    said = escape(f"{label}: coverage of {len(shares)} days{least}")
    return Markup(
        f'<svg class="days cover" width="{_STEP * DAYS}" height="{_HEIGHT}" role="img"'
        f' aria-label="{said}">{bars}</svg>'
    )


def _columns(daily: Amounts) -> list[tuple[int, int, int]]:
    columns = daily.up.tolist(), daily.down.tolist(), daily.unknown.tolist()
    return list(zip(*columns, strict=True))


def _bar(at: int, share: str) -> str:
    """One day; at least a line, so that it is seen that there is one."""
    height = max((float(share) - LEAST) / (100 - LEAST) * _HEIGHT, 1)
    return (
        f'<rect class="bar" x="{at * _STEP}" y="{_HEIGHT - height:.1f}"'
        f' width="{_WIDTH}" height="{height:.1f}"/>'
    )
