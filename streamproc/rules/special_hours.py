"""Special hours: the openings of one local date, in place of the week's. Pure.

Comes from the topic ``store-special-hours``; leads through the table
``special_hours`` to ``calendar``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from streamproc.errors import InvalidHours, shown
from streamproc.rules.days import date_of, day_of_date
from streamproc.rules.schedule import Closing, Schedule, parse_opening

MAX_NOTE = 500

_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class SpecialHours:
    """``openings`` of the local date ``day``; none at all means closed.

    ``day`` is days since 1970-01-01; an opening's own weekday says nothing here.
    """

    day: int
    openings: Schedule
    note: str | None = None


def parse_date(text: object, field: str) -> int:
    """Days since 1970-01-01 of ``YYYY-MM-DD``; raises InvalidHours."""
    if isinstance(text, str) and _DATE.match(text.strip()):
        try:
            day = day_of_date(date.fromisoformat(text.strip()))
        except ValueError as exc:
            raise InvalidHours("bad-date", f"{field} is {shown(text)}: {exc}") from exc
        if day >= 0:
            return day
    raise InvalidHours(
        "bad-date", f"{field} is {shown(text)}, expected YYYY-MM-DD from 1970 on"
    )


def date_text(day: int) -> str:
    """``YYYY-MM-DD`` of days since 1970-01-01."""
    return date_of(day).isoformat()


def parse_special_hours(row: Mapping[str, Any]) -> SpecialHours:
    """The special hours of a message; raises InvalidHours and names the field."""
    rows = row.get("openings")
    if not isinstance(rows, list):
        raise InvalidHours(
            "bad-hours", f"openings is {shown(rows)}, expected a list; [] means closed"
        )
    note = row.get("note")
    if note is not None and (not isinstance(note, str) or len(note) > MAX_NOTE):
        raise InvalidHours("bad-note", f"note is {shown(note)}, expected a short text")
    day = parse_date(row.get("date"), "date")
    return SpecialHours(day, date_openings(rows), note or None)


def date_openings(rows: list[Any]) -> Schedule:
    """The openings of a date, of objects with start and end; none means closed.

    ``closed`` twice, or two empty times, say the same as no opening.
    """
    found = set()
    for row in rows:
        if not isinstance(row, Mapping):
            raise InvalidHours(
                "bad-hours", f"openings holds {shown(row)}, expected objects"
            )
        found.add(
            parse_opening(0, row.get("start_time_local"), row.get("end_time_local"))
        )
    openings = sorted(row for row in found if not isinstance(row, Closing))
    if openings and len(openings) < len(found):
        raise InvalidHours("bad-hours", "the date is both closed and open")
    return tuple(openings)
