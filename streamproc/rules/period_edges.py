"""Where a period's slices begin and end, of what is kept, in each zone. Pure.

Comes from ``periods`` (dates); leads to ``sliced``, which counts between the edges.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from streamproc.errors import InvalidInput
from streamproc.rules.calendar import local_day
from streamproc.rules.periods import BAD, Asked, Period, edge_us, slices
from streamproc.rules.timestamp import timestamp_text
from streamproc.rules.units import DAY_US


def date_at(zone: str, time_us: int, day_starts_s: int = 0) -> int:
    """The date whose part holds an instant."""
    day = local_day(zone, time_us)
    while edge_us(zone, day, day_starts_s) > time_us:
        day -= 1
    while edge_us(zone, day + 1, day_starts_s) <= time_us:
        day += 1
    return day


@dataclass(frozen=True, slots=True)
class Kept:
    """Since when polls are known, of any store; what was before is not told.

    ``first_us``: the first poll that is kept. ``whole_us``: before it polls have been
    let go. The first date told is that of the first poll, or the first one that is
    whole.
    """

    first_us: int
    whole_us: int = 0

    def joined(self, other: "Kept") -> "Kept":
        """Of the stores of both."""
        return Kept(
            min(self.first_us, other.first_us), max(self.whole_us, other.whole_us)
        )

    def begin_us(self, zone: str, day_starts_s: int = 0) -> int:
        """Where the first date that is told begins in a zone."""
        begin = edge_us(zone, date_at(zone, self.first_us, day_starts_s), day_starts_s)
        if begin >= self.whole_us:
            return begin
        day = date_at(zone, self.whole_us - 1, day_starts_s) + 1
        return edge_us(zone, day, day_starts_s)


@dataclass(frozen=True, slots=True)
class Span:
    """What of a period is told: from where it is kept up to ``as_of_us``.

    ``by``: how it is sliced. ``zone``: whose dates are meant; None: each store's own.
    """

    period: Period
    by: str | None
    kept: Kept
    as_of_us: int
    zone: str | None = None
    day_starts_s: int = 0

    def slices(self) -> tuple[Period, ...]:
        """Its slices, without dates that lie before history or after now anywhere."""
        first = (self.kept.first_us - 2 * DAY_US) // DAY_US
        last = (self.as_of_us + 2 * DAY_US) // DAY_US + 1
        if self.by is None:
            return (self.period,)
        return slices(self.period.cut(Period("", first, last)), self.by)

    @property
    def names(self) -> list[str]:
        """Names of its slices."""
        return [part.name for part in self.slices()]

    def edges_us(self, zones: Sequence[str]) -> Ints:
        """Where the slices begin and end in each zone, shape (zones, slices + 1).

        Slices follow one another; what is not told has no length.
        """
        parts = self.slices()
        days = [part.first_day for part in parts]
        days.append(parts[-1].end_day if parts else self.period.first_day)
        rows = [self._edges_us(self.zone or zone, days) for zone in zones]
        return np.array(rows, np.int64).reshape(len(zones), len(days))

    def _edges_us(self, zone: str, days: Sequence[int]) -> Ints:
        begin_us = self.kept.begin_us(zone, self.day_starts_s)
        edges = [edge_us(zone, day, self.day_starts_s) for day in days]
        return np.clip(edges, begin_us, max(begin_us, self.as_of_us))

    def since_us(self, zones: Sequence[str]) -> int | None:
        """Since when it is told, where the period reaches before history; else None."""
        begins = [
            (self.kept.begin_us(zone, self.day_starts_s), zone)
            for zone in ([self.zone] if self.zone else zones)
        ]
        late = [
            begin
            for begin, zone in begins
            if edge_us(zone, self.period.first_day, self.day_starts_s) < begin
        ]
        return min(late) if late else None


def span_of(
    asked: Asked,
    by: str | None,
    zone: str | None,
    kept: Kept | None,
    as_of_us: int,
    zones: Sequence[str],
    day_starts_s: int = 0,
) -> Span:
    """What is told of a period that was asked for, as of an instant.

    ``zones``: those of all stores; ``zone`` goes before them. Raises InvalidInput,
    which says why, when nothing of it is kept.
    """
    zones = [zone] if zone else zones
    if kept is None or kept.first_us >= as_of_us or not zones:
        told = f"no poll of any store lies before {timestamp_text(as_of_us)}"
        raise InvalidInput(BAD, f"nothing of {asked.text} is known: {told}")
    period = asked.resolve(as_of_us, zones, day_starts_s)
    span = Span(period, by, kept, as_of_us, zone, day_starts_s)
    if (np.diff(span.edges_us(zones), axis=1) > 0).any():
        return span
    begins_us = min(kept.begin_us(each, day_starts_s) for each in zones)
    why = (
        f"polls are kept since {timestamp_text(begins_us)}"
        if edge_us(zones[0], period.end_day, day_starts_s) <= begins_us
        else f"it has not begun as of {timestamp_text(as_of_us)}"
    )
    raise InvalidInput(BAD, f"nothing of {period.name} is kept: {why}")
