"""Files of hours: a store's rows make its whole week, or none."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from streamproc.errors import InvalidHours, LoadError
from streamproc.loading.header import HOURS, HOURS_ALSO
from streamproc.loading.refused import OnRefused
from streamproc.loading.rows import Row
from streamproc.loading.source import Progress
from streamproc.loading.stores import Cells, StoreFile, key_of, read_rows
from streamproc.rules.schedule import (
    WEEKDAYS,
    Closing,
    Opening,
    Weekdays,
    parse_opening,
    week_of,
)
from streamproc.rules.special_hours import date_text, parse_date

Message = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Hours:
    """What a row of hours says; many rows say the same, and share one of these.

    ``since``: the local date it counts from; empty in an undated week.
    """

    since: str
    hours: Opening | Closing
    message: Message


@dataclass(slots=True)
class _Weeks:
    """The rows of a file, by store and ``since``.

    ``first``: of each store. ``seen``: the line of each number of a weekday.
    """

    weeks: dict[tuple[str, str], list[_Hours]] = field(default_factory=dict)
    first: dict[str, Row] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)

    def add(self, store_id: str, row: Row, found: _Hours) -> None:
        """Take a row in."""
        self.weeks.setdefault((store_id, found.since), []).append(found)
        self.first.setdefault(store_id, row)

    def refuse_contradicting(self, file: StoreFile, tell: OnRefused) -> None:
        """Refuse the stores whose rows do not make a week."""
        for (store_id, _), week in self.weeks.items():
            try:
                week_of(each.hours for each in week)
            except InvalidHours as exc:
                file.refuse(self.first[store_id], exc, store_id, tell)

    def messages(self, broken: set[str]) -> dict[str, Message]:
        """A message for each week of the other stores, their undated weeks first."""
        return {
            key_of(store_id, since): {
                "store_id": store_id,
                **({"valid_from": since} if since else {}),
                "hours": [each.message for each in week],
            }
            for (store_id, since), week in sorted(self.weeks.items())
            if store_id not in broken
        }


def read_hours(
    path: Path,
    progress: Progress,
    tell: OnRefused,
    names: Mapping[str, str],
    weekdays: Weekdays | None = None,
) -> StoreFile:
    """One store-hours message per store and ``valid_from``: a whole week.

    A store's undated week goes first, as it forgets the dated ones before it.

    ``weekdays``: how the file counts them, when that was said; a file whose numbers
    are not those of the topics is refused as a whole otherwise.
    """
    file, weeks = StoreFile(path, "hours"), _Weeks()
    parse = functools.cache(functools.partial(_parse, weekdays or WEEKDAYS["0-6"]))

    def read(row: Row, cells: Cells) -> tuple[Row, _Hours]:
        weeks.seen.setdefault(cells[0], row.line)
        return row, parse(*cells)

    columns = HOURS, HOURS_ALSO
    for store_id, (row, found) in read_rows(file, columns, names, read, progress, tell):
        weeks.add(store_id, row, found)
    if weekdays is None:
        _refuse_other_weekdays(path, weeks.seen)
    weeks.refuse_contradicting(file, tell)
    file.messages = weeks.messages(file.broken)
    return file


def _parse(weekdays: Weekdays, day: str, start: str, end: str, since: str) -> _Hours:
    if since:
        since = date_text(parse_date(since, "valid_from"))
    hours = parse_opening(day, start, end, weekdays)
    times = {"start_time_local": start, "end_time_local": end}
    return _Hours(since, hours, {"dayOfWeek": hours.day, **times})


def _refuse_other_weekdays(path: Path, seen: Mapping[str, int]) -> None:
    """A 7 without any 0 disproves that Monday is 0, for all rows of the file."""
    numbers = {day.removesuffix(".0").lstrip("0") or "0": seen[day] for day in seen}
    if "7" in numbers and "0" not in numbers:
        raise LoadError(
            f"{path}, line {numbers['7']}: dayOfWeek is 7, and no row has 0; so 0 is"
            " not Monday here. Say which is: --weekdays 1-7 (1 is Monday, 7 is Sunday)"
            " or --weekdays 1-7-sunday (1 is Sunday)"
        )
