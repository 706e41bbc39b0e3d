"""Forms that change what is known of stores: their fields read into records. Pure.

What the records may hold is judged by ``changes.change``, as for the API.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from streamproc.errors import InvalidHours, shown
from streamproc.rules.schedule import parse_hours
from streamproc.web.changes.change import (
    EXCLUSION,
    HOURS,
    LABELS,
    SPECIAL_HOURS,
    ZONE,
    Noun,
)
from streamproc.web.refusal import Refusal

Form = Mapping[str, str]
Row = dict[str, Any]

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MOST_DATES = 31
"""Dates that one form may close, or open, at once."""

UTC = "utc"
"""Value of the clock that times of a form are read by, where it is not the stores'."""

CLOSED, ALWAYS = "closed", ("24 h", "24h", "24 hours")
_DASH = re.compile(r"\s*(?:-|–|\bto\b)\s*")


@dataclass(frozen=True, slots=True)
class Told:
    """One record of each store: its key, where it has one of its own, and fields."""

    key: str
    row: Row


@dataclass(frozen=True, slots=True)
class Editor:
    """A form: what it changes, how its fields are read, which fields those are."""

    what: str
    title: str
    noun: Noun
    read: Callable[[Form], list[Told]]
    fields: tuple[str, ...]

    def told(self, form: Form) -> list[Told]:
        """The records of a form; raises a 422 Refusal that names the field.

        A note is of the fact where that has one, else of the change.
        """
        told, note = self.read(form), form.get("note", "").strip()
        more = {"note": note} if note else {}
        return [Told(one.key, {**more, **one.row}) for one in told]


def _bad(field: str, text: str, expected: str) -> Refusal:
    return Refusal(
        422, f"bad-{field}", f"{field} is {shown(text)}, expected {expected}."
    )


def openings(field: str, text: str) -> list[dict[str, str]]:
    """``05:00-20:30, 22:00-02:00`` as openings; closed, or nothing, as none."""
    text = text.strip()
    if text.lower() in ("", CLOSED):
        return []
    if text.lower() in ALWAYS:
        return [{"start_time_local": "00:00", "end_time_local": "24:00"}]
    found = []
    for part in text.split(","):
        ends = _DASH.split(part.strip())
        if len(ends) != 2 or not all(ends):
            expected = "openings such as 09:00-17:30, 19:00-22:00, or closed, or 24 h"
            raise _bad(field, text, expected)
        found.append({"start_time_local": ends[0], "end_time_local": ends[1]})
    return found


def openings_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """Openings as ``openings`` reads them; seconds only where there are some."""
    found = []
    for row in rows:
        ends = [
            row[name].removesuffix(":00") if row[name].count(":") == 2 else row[name]
            for name in ("start_time_local", "end_time_local")
        ]
        found.append(ALWAYS[0] if ends[0] == ends[1] else f"{ends[0]}–{ends[1]}")
    return ", ".join(found) or CLOSED


def day_text(rows: Iterable[Mapping[str, Any]], number: int) -> str:
    """A weekday's openings out of the rows of a week; 0 is Monday."""
    return openings_text(
        row
        for row in rows
        if int(row["dayOfWeek"]) == number and "start_time_local" in row
    )


def _week(form: Form) -> list[Told]:
    """The whole week; nothing for all days is open 24x7."""
    rows: list[dict[str, Any]] = []
    for number, day in enumerate(DAYS):
        found = openings(day, form.get(f"day{number}", ""))
        rows += _of_weekday(number, found)
    row: Row = {"hours": rows}
    if since := form.get("valid_from", "").strip():
        row["valid_from"] = since
    return [Told("", row)]


def _of_weekday(number: int, found: list[dict[str, str]]) -> list[Row]:
    """A weekday's rows; raises a 422 Refusal that names the day."""
    rows: list[Row] = [{"dayOfWeek": number, **one} for one in found]
    rows = rows or [{"dayOfWeek": number, "closed": True}]
    try:
        parse_hours(rows)
    except InvalidHours as exc:
        raise Refusal(422, exc.reason, f"{DAYS[number]}: {exc}.") from exc
    return rows


def _dates(form: Form) -> list[Told]:
    """The openings of one date, or of each up to another."""
    first, last = form.get("date", "").strip(), form.get("until", "").strip()
    row: Row = {"openings": openings("openings", form.get("openings", ""))}
    return [Told(day, row) for day in _days(first, last or first)]


def _days(first: str, last: str) -> list[str]:
    try:
        begin, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError as exc:
        raise _bad("date", first, "a date as YYYY-MM-DD") from exc
    count = (end - begin).days + 1
    if not 1 <= count <= MOST_DATES:
        raise _bad("until", last, f"a date up to {MOST_DATES - 1} days after {first}")
    return [(begin + timedelta(days=n)).isoformat() for n in range(count)]


def _exclusion(form: Form) -> list[Told]:
    """Maintenance or a correction between two times: of each store's clock, or UTC."""
    begin, end = _time(form.get("from_local", "")), _time(form.get("to_local", ""))
    row: Row = {"kind": form.get("kind", "")}
    if form.get("clock") == UTC:
        row |= {"from": f"{begin} UTC", "to": f"{end} UTC"}
    else:
        row |= {"from_local": begin, "to_local": end}
    return [Told(form.get("id", ""), row)]


def _time(text: str) -> str:
    """A date and time as browsers send it, as the rules read it."""
    return text.strip().replace("T", " ")


def in_utc(fields: Mapping[str, str]) -> dict[str, str]:
    """The form's fields of a link with ``from`` and ``to`` in UTC, as the API has."""
    ends = {
        f"{name}_local": fields[name].strip().removesuffix("Z").replace(" ", "T")
        for name in ("from", "to")
        if fields.get(name)
    }
    return {**ends, "clock": UTC} if ends else {}


def _labels(form: Form) -> list[Told]:
    """Name, target, and labels: one a line."""
    labels = {}
    for line in form.get("labels", "").splitlines():
        if not line.strip():
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise _bad("labels", line, "label=value on each line")
        labels[name.strip()] = value.strip()
    row: Row = {"labels": labels}
    for field in ("name", "target"):
        if text := form.get(field, "").strip():
            row[field] = text
    return [Told("", row)]


def _zone(form: Form) -> list[Told]:
    return [Told("", {"timezone_str": form.get("timezone_str", "").strip()})]


EDITORS = {
    editor.what: editor
    for editor in (
        Editor(
            "hours",
            "Change hours",
            HOURS,
            _week,
            ("valid_from", *(f"day{number}" for number in range(7)), "note"),
        ),
        Editor(
            "special-hours",
            "Special hours",
            SPECIAL_HOURS,
            _dates,
            ("date", "until", "openings", "note"),
        ),
        Editor(
            "exclusion",
            "Exclude or correct",
            EXCLUSION,
            _exclusion,
            ("id", "kind", "clock", "from_local", "to_local", "note"),
        ),
        Editor(
            "labels",
            "Name, labels, target",
            LABELS,
            _labels,
            ("name", "labels", "target", "note"),
        ),
        Editor("zone", "Time zone", ZONE, _zone, ("timezone_str", "note")),
    )
}
"""The forms, by what they change."""
