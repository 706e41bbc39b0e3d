"""A store's calendar: from weeks, special dates and zone to open intervals.

Pure. Comes from ``schedule``; leads to ``uptime`` and ``timeline``. Times are UTC
microseconds since 1970, intervals half-open ``[start, end)``; a local date is its
days since 1970-01-01.
"""

import functools
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from streamproc.rules.days import date_of, day_of_date
from streamproc.rules.schedule import Opening, Schedule
from streamproc.rules.units import DAY_S, SECOND_US
from streamproc.rules.zones import load_zone


def instant_us(zone: ZoneInfo, day: int, second: int) -> int:
    """UTC microseconds of a local wall-clock second.

    A time that does not exist moves forward by the gap, an ambiguous one is
    the first: both are what ``fold=0`` means (PEP 495).
    """
    local = datetime.combine(
        date_of(day + second // DAY_S), datetime.min.time(), zone
    ).replace(
        hour=second % DAY_S // 3600, minute=second % 3600 // 60, second=second % 60
    )
    offset = local.utcoffset()
    assert offset is not None  # a ZoneInfo always knows its offset
    return (day * DAY_S + second) * SECOND_US - int(offset / timedelta(microseconds=1))


def local_instant_us(zone_name: str, wall_s: int) -> int:
    """UTC microseconds of a wall-clock second since 1970-01-01 00:00 there.

    One that does not exist moves forward by the gap, an ambiguous one is the first.
    """
    return instant_us(load_zone(zone_name), *divmod(wall_s, DAY_S))


def _uniform_midnight_us(zone_name: str, day: int) -> int | None:
    """UTC microseconds of a local midnight, or None when the day is not 24 hours.

    Almost every day is uniform, and there a wall-clock time is plain
    addition; the two days after it are looked at too, since an opening may
    run into them.
    """
    midnight, after = _midnight_us(zone_name, day), _midnight_us(zone_name, day + 1)
    return None if midnight is None or after is None else midnight


@functools.lru_cache(maxsize=16_384)
def _midnight_us(zone_name: str, day: int) -> int | None:
    """UTC microseconds of a local midnight; None when the clock changes on that day.

    All its hours, and the next midnight, have the same distance from UTC then.
    """
    zone = load_zone(zone_name)
    midnight = datetime.combine(date_of(day), time.min, zone)
    offset = midnight.utcoffset()
    if any((midnight + hour).utcoffset() != offset for hour in _HOURS):
        return None
    return instant_us(zone, day, 0)


_HOURS = [timedelta(hours=hour) for hour in range(1, 25)]


def local_day(zone_name: str, time_us: int) -> int:
    """Days since 1970-01-01 of the local date at a UTC instant."""
    moment = datetime.fromtimestamp(time_us // SECOND_US, UTC)
    return day_of_date(moment.astimezone(load_zone(zone_name)).date())


def _exists(zone: ZoneInfo, day: int) -> bool:
    """Whether the zone has the date; Apia went from 2011-12-29 to 2011-12-31."""
    return instant_us(zone, day, 0) < instant_us(zone, day + 1, 0)


@dataclass(frozen=True, slots=True)
class Calendar:
    """What decides when a store is open.

    ``weeks``: what its week is from which local date on, in the order of the dates;
    None for a week that was given without a date, which comes first. A week that is
    empty, or none at all, means open 24x7. ``special``: openings of single local
    dates, in place of those the week has; none at all means closed on that date.
    """

    zone: str
    weeks: tuple[tuple[int | None, Schedule], ...] = ()
    special: tuple[tuple[int, Schedule], ...] = ()

    @classmethod
    def weekly(cls, openings: Schedule, zone: str) -> "Calendar":
        """A calendar with one week, whatever the date."""
        return cls(zone, ((None, openings),))

    def week_on(self, day: int) -> Schedule:
        """The week in force on a local date."""
        weeks = self.weeks or ((None, ()),)
        # The first one is also in force before its date.
        dates = [since or 0 for since, _ in weeks[1:]]
        return weeks[bisect_right(dates, day)][1]

    @property
    def is_always_open(self) -> bool:
        """Whether no date has an end."""
        return not self.special and not any(week for _, week in self.weeks)


class _Openings:
    """Looks up which openings begin on a local date."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._by_weekday = {week: _by_weekday(week) for _, week in calendar.weeks}
        self._by_weekday.setdefault((), _by_weekday(()))
        self._special = dict(calendar.special)

    def on(self, day: int) -> Schedule:
        """The openings that begin on the date."""
        if day in self._special:
            return self._special[day]
        week = self._by_weekday[self._calendar.week_on(day)]
        return week[(day + 3) % 7]  # 1970-01-01 was a Thursday


def _by_weekday(week: Schedule) -> list[Schedule]:
    """A week's openings by weekday; an empty one is open from midnight to midnight."""
    if not week:
        return [(Opening(day, 0, DAY_S),) for day in range(7)]
    return [tuple(o for o in week if o.day == day) for day in range(7)]


def _day_intervals(
    openings: Schedule, zone_name: str, day: int
) -> Iterator[tuple[int, int]]:
    """Openings of one local date as UTC intervals; a vanished one is left out."""
    if not openings:
        return
    midnight = _uniform_midnight_us(zone_name, day)
    zone = load_zone(zone_name)
    if midnight is None and not _exists(zone, day):
        return
    for opening in openings:
        if midnight is not None:
            start = midnight + opening.start_s * SECOND_US
            end = midnight + opening.end_s * SECOND_US
        else:
            start = instant_us(zone, day, opening.start_s)
            end = instant_us(zone, day, opening.end_s)
        if end > start:
            yield start, end


def open_intervals(
    calendar: Calendar, start_us: int, end_us: int
) -> list[tuple[int, int]]:
    """Merged open intervals within ``[start_us, end_us)``, in order.

    An opening belongs to the local date on which it begins: the openings of a special
    date replace those that the week has on it, and what began the evening before goes
    on. On each date that week is in force whose own date is the latest not after it.
    """
    if start_us >= end_us:
        return []
    if calendar.is_always_open:
        return [(start_us, end_us)]
    openings, zone = _Openings(calendar), calendar.zone
    # An opening may begin up to two local dates before the instant it covers.
    first, last = local_day(zone, start_us) - 2, local_day(zone, end_us) + 1
    found = sorted(
        interval
        for day in range(first, last + 1)
        for interval in _day_intervals(openings.on(day), zone, day)
    )
    return _merge(found, start_us, end_us)


def _merge(
    intervals: Iterable[tuple[int, int]], start_us: int, end_us: int
) -> list[tuple[int, int]]:
    """Clip sorted intervals to the window and join those that touch."""
    merged: list[tuple[int, int]] = []
    for start, end in intervals:
        start, end = max(start, start_us), min(end, end_us)
        if end <= start:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
