"""Business hours: from a store's weekly hours and zone to open intervals.

Pure. Comes from the tables ``hours`` and ``zones``; leads to ``uptime``.
Times are UTC microseconds since 1970, intervals half-open ``[start, end)``.
"""

import functools
import importlib.resources
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from streamproc.errors import InvalidHours, InvalidZone

DEFAULT_ZONE = "America/Chicago"
SECOND_US = 1_000_000
DAY_S = 86_400
DAY_US = DAY_S * SECOND_US

_EPOCH = date(1970, 1, 1)
_LAST_MINUTE_S = DAY_S - 60
_WEEKDAY = re.compile(r"0?[0-6]\Z", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\Z", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """One weekly opening, in the store's local time.

    ``day`` is 0 for Monday; ``start_s`` and ``end_s`` are seconds after that
    day's midnight. ``end_s`` may exceed one day: the opening then ends on a
    later day.
    """

    day: int
    start_s: int
    end_s: int


Schedule = tuple[Opening, ...]
"""A store's week; empty means open 24x7."""


def _clock_s(text: object, field: str) -> int:
    """Seconds after midnight of ``HH:MM[:SS]``; 24:00 is allowed."""
    match = _TIME.match(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise InvalidHours("bad-time", f"{field} is {text!r}, expected HH:MM:SS")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    total = hours * 3600 + minutes * 60 + seconds
    if minutes > 59 or seconds > 59 or total > DAY_S:
        raise InvalidHours("bad-time", f"{field} is {text!r}, not a time of day")
    return total


def parse_weekday(value: object) -> int:
    """Return 0 (Monday) to 6 (Sunday) from an int or its text."""
    if isinstance(value, str) and _WEEKDAY.match(value.strip()):
        value = int(value.strip())
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 6:
        raise InvalidHours(
            "bad-weekday",
            f"dayOfWeek is {value!r:.80}, expected 0 (Monday) to 6 (Sunday)",
        )
    return value


def parse_opening(day: object, start: object, end: object) -> Opening:
    """Build an opening from local times as producers write them.

    Equal start and end mean 24 hours; an end in the day's last minute means
    midnight; an end before the start lies on the next day (design, section 6).
    """
    weekday = parse_weekday(day)
    start_s = _clock_s(start, "start_time_local")
    end_s = _clock_s(end, "end_time_local")
    if end_s == start_s:
        return Opening(weekday, start_s, start_s + DAY_S)
    if end_s >= _LAST_MINUTE_S:
        end_s = DAY_S
    if end_s < start_s:
        end_s += DAY_S
    return Opening(weekday, start_s, end_s)


def parse_hours(rows: object) -> Schedule:
    """Return a store's openings, sorted and without repeats.

    ``rows`` is the ``hours`` list of a store-hours message: objects with
    ``dayOfWeek``, ``start_time_local`` and ``end_time_local``. Raises
    InvalidHours and names the field.
    """
    if not isinstance(rows, list):
        raise InvalidHours("bad-hours", f"hours is {rows!r}, expected a list")
    openings = set()
    for row in rows:
        if not isinstance(row, Mapping):
            raise InvalidHours("bad-hours", f"hours holds {row!r}, expected objects")
        openings.add(
            parse_opening(
                row.get("dayOfWeek", row.get("day")),
                row.get("start_time_local"),
                row.get("end_time_local"),
            )
        )
    return tuple(sorted(openings))


@functools.cache
def zone_names() -> frozenset[str]:
    """Every zone name of the tzdata package."""
    listing = importlib.resources.files("tzdata").joinpath("zones").read_text("utf-8")
    return frozenset(listing.split())


@functools.cache
def load_zone(name: str) -> ZoneInfo:
    """Load a zone from the tzdata package, never from the system's copy.

    So that every worker, whatever its operating system, computes the same.
    """
    check_zone(name)
    resource = importlib.resources.files("tzdata").joinpath("zoneinfo", name)
    with resource.open("rb") as stream:
        return ZoneInfo.from_file(stream, key=name)


def check_zone(name: object) -> str:
    """Return ``name`` when the tz database knows it; raise InvalidZone otherwise."""
    if not isinstance(name, str) or name not in zone_names():
        raise InvalidZone(
            "unknown-zone", f"timezone_str is {name!r}, not a name of the tz database"
        )
    return name


def _instant_us(zone: ZoneInfo, day: int, second: int) -> int:
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
    first = _instant_us(zone, day, 0)
    for hour in range(49):
        if _instant_us(zone, day, hour * 3600) != first + hour * 3600 * SECOND_US:
            return None
    return first


def local_day(zone_name: str, time_us: int) -> int:
    """Days since 1970-01-01 of the local date at a UTC instant."""
    moment = datetime.fromtimestamp(time_us // SECOND_US, UTC)
    return (moment.astimezone(load_zone(zone_name)).date() - _EPOCH).days


def _day_intervals(
    by_weekday: Sequence[Sequence[Opening]], zone_name: str, day: int
) -> Iterable[tuple[int, int]]:
    """Openings of one local date as UTC intervals; a vanished one is left out."""
    openings = by_weekday[(day + 3) % 7]  # 1970-01-01 was a Thursday
    if not openings:
        return
    midnight = _uniform_midnight_us(zone_name, day)
    zone = load_zone(zone_name)
    for opening in openings:
        if midnight is not None:
            start = midnight + opening.start_s * SECOND_US
            end = midnight + opening.end_s * SECOND_US
        else:
            start = _instant_us(zone, day, opening.start_s)
            end = _instant_us(zone, day, opening.end_s)
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
