"""Weekly hours, as producers write them and as they are meant.

Pure. Comes from the topic ``store-hours``; leads through the table ``hours`` to
``calendar``, which makes open intervals of them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streamproc.errors import InvalidHours, shown

SECOND_US = 1_000_000
DAY_S = 86_400
DAY_US = DAY_S * SECOND_US

_LAST_MINUTE_S = DAY_S - 60
_LONGEST = 40
_WEEKDAY = re.compile(r"0?(\d)(?:\.0+)?\Z", re.ASCII)
_NAMES = {
    name: day
    for day, names in enumerate(
        (
            ("monday", "mon"),
            ("tuesday", "tue", "tues"),
            ("wednesday", "wed"),
            ("thursday", "thu", "thur", "thurs"),
            ("friday", "fri"),
            ("saturday", "sat"),
            ("sunday", "sun"),
        )
    )
    for name in names
}
_TIME = re.compile(
    r"(?:(\d{1,2})([:.])(\d\d)(?:\2(\d\d)(?:\.\d+)?)?|(\d{1,2})(?=\s?[ap]))"
    r"(?:\s?([ap])\.?m\.?)?\Z",
    re.ASCII | re.IGNORECASE,
)


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


@dataclass(frozen=True, slots=True)
class Closing:
    """A weekday on which a store does not open; ``day`` is 0 for Monday."""

    day: int


Schedule = tuple[Opening, ...]
"""A store's week; empty means open 24x7, as nothing is known."""


ALWAYS_CLOSED: Schedule = (Opening(0, 0, 0),)
"""A week without opening hours: one opening that ends as it begins."""


@dataclass(frozen=True, slots=True)
class Weekdays:
    """How a producer counts weekdays: the least number, and which is Monday."""

    first: int
    monday: int

    def __str__(self) -> str:
        names = {(n - self.monday) % 7: n for n in self.numbers}
        return f"{names[0]} (Monday) to {names[6]} (Sunday)"

    @property
    def numbers(self) -> range:
        """The seven numbers that are a weekday."""
        return range(self.first, self.first + 7)

    def day(self, number: int) -> int:
        """0 (Monday) to 6 (Sunday) of a producer's number."""
        return (number - self.monday) % 7


WEEKDAYS = {
    "0-6": Weekdays(first=0, monday=0),
    "1-7": Weekdays(first=1, monday=1),
    "0-6-sunday": Weekdays(first=0, monday=1),
    "1-7-sunday": Weekdays(first=1, monday=2),
}
"""The conventions that have a name; 0-6 with 0 for Monday is the topics'."""


def _clock_s(text: object, field: str) -> int:
    """Seconds after midnight of ``HH:MM[:SS]`` or ``9:00 AM``; 24:00 is allowed."""
    match = None
    if isinstance(text, str) and len(text) < _LONGEST:
        match = _TIME.match(text.strip())
    if match is None:
        raise InvalidHours(
            "bad-time",
            f"{field} is {shown(text)}, expected HH:MM[:SS], with AM or PM or without,"
            " or closed in both fields",
        )
    hours = int(match[1] or match[5])
    minutes, seconds = int(match[3] or 0), int(match[4] or 0)
    half = (match[6] or "").lower()
    if half and not 1 <= hours <= 12:
        minutes = 60  # there is no 0 PM and no 13 AM
    hours = hours % 12 + 12 * (half == "p") if half else hours
    total = hours * 3600 + minutes * 60 + seconds
    if minutes > 59 or seconds > 59 or total > DAY_S:
        raise InvalidHours("bad-time", f"{field} is {shown(text)}, not a time of day")
    return total


def parse_weekday(value: object, weekdays: Weekdays = WEEKDAYS["0-6"]) -> int:
    """Return 0 (Monday) to 6 (Sunday) from a number, its text, or an English name."""
    if isinstance(value, str):
        number = _weekday_number(value.strip().lower(), weekdays)
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    else:
        number = value if isinstance(value, int) and value is not True else None
    if value is False or number is None or number not in weekdays.numbers:
        raise InvalidHours(
            "bad-weekday",
            f"dayOfWeek is {shown(value)}, expected {weekdays} or an English name",
        )
    return weekdays.day(number)


def _weekday_number(text: str, weekdays: Weekdays) -> int | None:
    """The producer's number of a weekday as text; None when it is none."""
    if match := _WEEKDAY.match(text):
        return int(match[1])
    if text in _NAMES:
        return next(n for n in weekdays.numbers if weekdays.day(n) == _NAMES[text])
    return None


def parse_opening(
    day: object, start: object, end: object, weekdays: Weekdays = WEEKDAYS["0-6"]
) -> Opening | Closing:
    """Build an opening from local times as producers write them.

    Equal start and end mean 24 hours; an end in the day's last minute means
    midnight; an end before the start lies on the next day. ``closed`` twice, or two
    empty times, close the weekday.
    """
    weekday = parse_weekday(day, weekdays)
    if _is_closed(start) and _is_closed(end):
        return Closing(weekday)
    start_s = _clock_s(start, "start_time_local")
    end_s = _clock_s(end, "end_time_local")
    if end_s == start_s:
        return Opening(weekday, start_s, start_s + DAY_S)
    if end_s >= _LAST_MINUTE_S:
        end_s = DAY_S
    if end_s < start_s:
        end_s += DAY_S
    return Opening(weekday, start_s, end_s)


def _is_closed(text: object) -> bool:
    return isinstance(text, str) and text[:_LONGEST].strip().lower() in ("", "closed")


def parse_hours(rows: object) -> Schedule:
    """Return a store's openings, sorted and without repeats.

    ``rows`` is the ``hours`` list of a store-hours message: objects with
    ``dayOfWeek``, ``start_time_local`` and ``end_time_local``, or ``dayOfWeek`` and
    ``closed: true``. Raises InvalidHours and names the field.
    """
    if not isinstance(rows, list):
        raise InvalidHours("bad-hours", f"hours is {shown(rows)}, expected a list")
    found: list[Opening | Closing] = []
    for row in rows:
        if not isinstance(row, Mapping):
            raise InvalidHours(
                "bad-hours", f"hours holds {shown(row)}, expected objects"
            )
        found.append(_row(row))
    return week_of(found)


def _row(row: Mapping[str, object]) -> Opening | Closing:
    """What one object says; raises InvalidHours when it says two things."""
    day, closed = row.get("dayOfWeek", row.get("day")), row.get("closed")
    start, end = row.get("start_time_local"), row.get("end_time_local")
    if day != row.get("day", day):
        raise InvalidHours(
            "bad-weekday", f"dayOfWeek is {shown(day)}, day is {shown(row['day'])}"
        )
    if closed is not None and not isinstance(closed, bool):
        raise InvalidHours(
            "bad-hours", f"closed is {shown(closed)}, expected true or false"
        )
    if not closed:
        return parse_opening(day, start, end)
    if any(not _is_closed(time) for time in (start, end) if time is not None):
        raise InvalidHours("bad-hours", "closed is true, and a time is given, too")
    return Closing(parse_weekday(day))


def week_of(rows: Iterable[Opening | Closing]) -> Schedule:
    """A store's week of its rows; raises InvalidHours when they contradict.

    A week in which all that is said is ``closed`` is ``ALWAYS_CLOSED``.
    """
    rows = set(rows)
    openings = sorted(row for row in rows if isinstance(row, Opening))
    closed = {row.day for row in rows if isinstance(row, Closing)}
    if both := closed & {opening.day for opening in openings}:
        raise InvalidHours(
            "bad-hours", f"dayOfWeek {min(both)} is closed in one row, open in another"
        )
    return tuple(openings) if openings or not closed else ALWAYS_CLOSED


def hours_rows(week: Schedule) -> list[dict[str, object]]:
    """A week as ``parse_hours`` reads it, every weekday in it; none for 24x7."""
    if not week:
        return []
    found: list[dict[str, object]] = []
    for day in range(7):
        rows = [times_row(o) for o in week if o.day == day and o.end_s > o.start_s]
        found += [{"dayOfWeek": day, **row} for row in rows]
        if not rows:
            found.append({"dayOfWeek": day, "closed": True})
    return found


def times_row(opening: Opening) -> dict[str, str]:
    """Start and end of an opening as ``parse_opening`` reads them."""
    start_s, end_s = opening.start_s, opening.end_s
    if end_s - start_s == DAY_S:
        end_s = start_s
    elif end_s > DAY_S:
        end_s -= DAY_S
    return {
        "start_time_local": clock_text(start_s),
        "end_time_local": clock_text(end_s),
    }


def clock_text(seconds: int) -> str:
    """``HH:MM:SS`` of seconds after midnight."""
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
