"""Files of special hours and of exclusions: single dates and spans of stores."""

from collections.abc import Mapping
from pathlib import Path

from streamproc.errors import InvalidInput
from streamproc.loading.header import (
    EXCLUSIONS,
    EXCLUSIONS_ALSO,
    SPECIAL_HOURS,
    SPECIAL_HOURS_ALSO,
)
from streamproc.loading.refused import OnRefused
from streamproc.loading.rows import Row
from streamproc.loading.source import Progress
from streamproc.loading.stores import Cells, StoreFile, key_of, read_rows
from streamproc.rules.exclusions import UTC_ENDS, parse_exclusion
from streamproc.rules.special_hours import date_text, parse_date, parse_special_hours

_UTC_ENDS = ("from_utc", "to_utc")
_FIELDS = dict(zip(_UTC_ENDS, UTC_ENDS, strict=True))
"""What columns of exclusions are called in a message, where it is otherwise."""


def read_special_hours(
    path: Path, progress: Progress, tell: OnRefused, names: Mapping[str, str]
) -> StoreFile:
    """One store-special-hours message per store and date, of all its rows.

    ``closed`` or empty times close the date.
    """
    file = StoreFile(path, "special hours")
    dates: dict[tuple[str, str], list[tuple[Row, dict[str, str], str]]] = {}

    def read(row: Row, cells: Cells) -> tuple[str, Row, dict[str, str], str]:
        day, start, end, note = cells
        opening = {"start_time_local": start, "end_time_local": end}
        parse_special_hours({"date": day, "openings": [opening]})
        return date_text(parse_date(day, "date")), row, opening, note

    columns = SPECIAL_HOURS, SPECIAL_HOURS_ALSO
    for store_id, (date, *rest) in read_rows(
        file, columns, names, read, progress, tell, of_all=True
    ):
        dates.setdefault((store_id, date), []).append(tuple(rest))
    for (store_id, date), rows in sorted(dates.items()):
        notes = [note for _, _, note in rows if note]
        message = {
            "store_id": store_id,
            "date": date,
            "openings": [opening for _, opening, _ in rows],
            **({"note": notes[0]} if notes else {}),
        }
        try:
            parse_special_hours(message)
        except InvalidInput as exc:
            file.refuse(rows[0][0], exc, store_id, tell)
        file.messages[key_of(store_id, date)] = message
    file.leave_out(file.broken)
    return file


def read_exclusions(
    path: Path, progress: Progress, tell: OnRefused, names: Mapping[str, str]
) -> StoreFile:
    """One store-exclusions message per row; two of one id have to say the same."""
    file = StoreFile(path, "exclusions")
    columns = EXCLUSIONS, EXCLUSIONS_ALSO
    lines: dict[str, int] = {}

    def read(row: Row, cells: Cells) -> tuple[Row, dict[str, str]]:
        names = columns[0][1:] + columns[1]
        given = {name: text for name, text in zip(names, cells, strict=True) if text}
        parse_exclusion(given, 0, _UTC_ENDS)
        return row, {_FIELDS.get(name, name): text for name, text in given.items()}

    for store_id, (row, given) in read_rows(
        file, columns, names, read, progress, tell, of_all=True
    ):
        key = key_of(store_id, given["id"])
        message = {"store_id": store_id, **given}
        if file.messages.setdefault(key, message) != message:
            file.refuse(row, _said_before(given["id"], lines[key]), store_id, tell)
        lines.setdefault(key, row.line)
    file.leave_out(file.broken)
    return file


def _said_before(exclusion_id: str, line: int) -> InvalidInput:
    return InvalidInput(
        "bad-exclusion-id",
        f"id {exclusion_id} is that of line {line}, which says something else; each"
        " exclusion of a store has an id of its own",
    )
