"""A store's calendar: from its week and zone to open intervals.

Pure. Comes from ``schedule``; leads to ``uptime`` and ``timeline``. Times are UTC
microseconds since 1970, intervals half-open ``[start, end)``; a local date is its
days since 1970-01-01.
"""

import functools
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from streamproc.rules.schedule import Opening, Schedule
from streamproc.rules.units import DAY_S, SECOND_US
from streamproc.rules.zones import load_zone

_EPOCH = date(1970, 1, 1)


def instant_us(zone: ZoneInfo, day: int, second: int) -> int:
    """UTC microseconds of a local wall-clock second.

    A time that does not exist moves forward by the gap, an ambiguous one is
    the first: both are what ``fold=0`` means (PEP 495).
    """
    local = datetime.combine(
        _EPOCH + timedelta(days=day + second // DAY_S), datetime.min.time(), zone
    ).replace(
        hour=second % DAY_S // 3600, minute=second % 3600 // 60, second=second % 60
    )
    offset = local.utcoffset()
    assert offset is not None  # a ZoneInfo always knows its offset
    return (day * DAY_S + second) * SECOND_US - int(offset / timedelta(microseconds=1))


@functools.lru_cache(maxsize=8192)
def _uniform_midnight_us(zone_name: str, day: int) -> int | None:
    """UTC microseconds of a local midnight, or None when the day is not 24 hours.

    Almost every day is uniform, and there a wall-clock time is plain
    addition; the two days after it are looked at too, since an opening may
    run into them.
    """
    zone = load_zone(zone_name)
    first = instant_us(zone, day, 0)
    for hour in range(49):
        if instant_us(zone, day, hour * 3600) != first + hour * 3600 * SECOND_US:
            return None
    return first


def local_day(zone_name: str, time_us: int) -> int:
    """Days since 1970-01-01 of the local date at a UTC instant."""
    moment = datetime.fromtimestamp(time_us // SECOND_US, UTC)
    return (moment.astimezone(load_zone(zone_name)).date() - _EPOCH).days


def _exists(zone: ZoneInfo, day: int) -> bool:
    """Whether the zone has the date; Apia went from 2011-12-29 to 2011-12-31."""
    return instant_us(zone, day, 0) < instant_us(zone, day + 1, 0)


def _day_intervals(
    by_weekday: Sequence[Sequence[Opening]], zone_name: str, day: int
) -> Iterable[tuple[int, int]]:
    """Openings of one local date as UTC intervals; a vanished one is left out."""
    openings = by_weekday[(day + 3) % 7]  # 1970-01-01 was a Thursday
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
    openings: Schedule, zone_name: str, start_us: int, end_us: int
) -> list[tuple[int, int]]:
    """Merged open intervals within ``[start_us, end_us)``, in order.

    No openings at all means open 24x7.
    """
    if start_us >= end_us:
        return []
    if not openings:
        return [(start_us, end_us)]
    by_weekday: list[list[Opening]] = [[] for _ in range(7)]
    for opening in openings:
        by_weekday[opening.day].append(opening)
    # An opening may begin up to two local dates before the instant it covers.
    first = local_day(zone_name, start_us) - 2
    last = local_day(zone_name, end_us) + 1
    found = sorted(
        interval
        for day in range(first, last + 1)
        for interval in _day_intervals(by_weekday, zone_name, day)
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
