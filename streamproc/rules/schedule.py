"""Weekly hours and time zones, as producers write them and as they are meant.

Pure. Comes from the topics ``store-hours`` and ``store-zones``; leads through the
tables ``hours`` and ``zones`` to ``calendar``, which makes open intervals of them.
"""

import functools
import importlib.resources
import re
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from streamproc.errors import InvalidHours, InvalidZone, shown

DEFAULT_ZONE = "America/Chicago"
SECOND_US = 1_000_000
DAY_S = 86_400
DAY_US = DAY_S * SECOND_US

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
        raise InvalidHours("bad-time", f"{field} is {shown(text)}, expected HH:MM:SS")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    total = hours * 3600 + minutes * 60 + seconds
    if minutes > 59 or seconds > 59 or total > DAY_S:
        raise InvalidHours("bad-time", f"{field} is {shown(text)}, not a time of day")
    return total


def parse_weekday(value: object) -> int:
    """Return 0 (Monday) to 6 (Sunday) from an int or its text."""
    if isinstance(value, str) and _WEEKDAY.match(value.strip()):
        value = int(value.strip())
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 6:
        raise InvalidHours(
            "bad-weekday",
            f"dayOfWeek is {shown(value)}, expected 0 (Monday) to 6 (Sunday)",
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
        raise InvalidHours("bad-hours", f"hours is {shown(rows)}, expected a list")
    openings = set()
    for row in rows:
        if not isinstance(row, Mapping):
            raise InvalidHours(
                "bad-hours", f"hours holds {shown(row)}, expected objects"
            )
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
            "unknown-zone",
            f"timezone_str is {shown(name)}, not a name of the tz database",
        )
    return name
