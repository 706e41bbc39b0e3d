"""Files of hours: a store's rows make its whole week, or none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from streamproc.cells import Ints
from streamproc.errors import InvalidHours
from streamproc.loading.choices import needs
from streamproc.loading.header import HOURS, HOURS_ALSO
from streamproc.loading.refused import OnRefused
from streamproc.loading.source import Progress
from streamproc.loading.store_rows import StoreRows, read_store_rows
from streamproc.loading.stores import StoreFile, key_of
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


@dataclass(frozen=True, slots=True, eq=False)
class _Hours:
    """What a row of hours says; rows that say the same share one of these.

    ``since``: the local date it counts from; empty in an undated week.
    """

    since: str
    hours: Opening | Closing
    message: Message


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
    file, seen = StoreFile(path, "hours"), dict[str, int]()
    counted = weekdays or WEEKDAYS["0-6"]

    def said(line: int, cells: Sequence[str]) -> _Hours:
        seen[cells[0]] = min(seen.get(cells[0], line), line)
        return _parse(counted, *cells)

    taken = read_store_rows(file, (HOURS, HOURS_ALSO), names, said, progress, tell)
    if weekdays is None:
        _refuse_other_weekdays(path, seen)
    weeks = [*_weeks(taken)]
    _refuse_contradicting(file, taken, weeks, tell)
    file.messages = _messages(weeks, file.broken)
    return file


@dataclass(frozen=True, slots=True)
class _Week:
    """One week of a store: the number of the store, and what its rows say.

    ``since``: the local date it counts from; empty in an undated week.
    """

    store: int
    store_id: str
    since: str
    rows: tuple[_Hours, ...]


def _weeks(taken: StoreRows) -> Iterator[_Week]:
    """The weeks of a file by store id and ``since``, their rows in order.

    Weeks whose rows say the same share one tuple of them.
    """
    ids, since = _order(taken.store_ids), _order([each.since for each in taken.said])
    order = np.lexsort((since[taken.values], ids[taken.stores]))  # lines stay in order
    stores, values = taken.stores[order], taken.values[order]
    new = (np.diff(stores, prepend=-1) != 0) | (np.diff(since[values], prepend=-1) != 0)
    edges = np.append(np.flatnonzero(new), len(values))
    rows: dict[bytes, tuple[_Hours, ...]] = {}
    for a, b in pairwise(edges.tolist()):
        said = values[a:b].tobytes()
        if said not in rows:
            rows[said] = tuple(taken.said[value] for value in values[a:b].tolist())
        store = int(stores[a])
        yield _Week(store, taken.store_ids[store], rows[said][0].since, rows[said])


def _order(texts: Sequence[str]) -> Ints:
    """The place of each text in their order; equal ones have the same."""
    place = {text: at for at, text in enumerate(sorted(set(texts)))}
    return np.array([place[text] for text in texts], np.int64)


def _refuse_contradicting(
    file: StoreFile, taken: StoreRows, weeks: Sequence[_Week], tell: OnRefused
) -> None:
    """Refuse the stores whose rows do not make a week, in the order of the file."""
    wrong: dict[tuple[_Hours, ...], InvalidHours] = {}
    for rows in {week.rows for week in weeks}:
        try:
            week_of(each.hours for each in rows)
        except InvalidHours as exc:
            wrong[rows] = exc
    found = [week for week in weeks if week.rows in wrong]
    for week in sorted(found, key=lambda each: taken.first[each.store]):
        row = taken.first_row(week.store)
        file.refuse(row, wrong[week.rows], week.store_id, tell)


def _messages(weeks: Sequence[_Week], broken: set[str]) -> dict[str, Message]:
    """A message for each week of the other stores, their undated weeks first."""
    hours: dict[tuple[_Hours, ...], list[Message]] = {}
    return {
        key_of(week.store_id, week.since): {
            "store_id": week.store_id,
            **({"valid_from": week.since} if week.since else {}),
            "hours": hours.setdefault(week.rows, [each.message for each in week.rows]),
        }
        for week in weeks
        if week.store_id not in broken
    }


def _parse(weekdays: Weekdays, day: str, start: str, end: str, since: str) -> _Hours:
    if since:
        since = date_text(parse_date(since, "valid_from"))
    hours = parse_opening(day, start, end, weekdays)
    times = {"start_time_local": start, "end_time_local": end}
    return _Hours(since, hours, {"dayOfWeek": hours.day, **times})


def _refuse_other_weekdays(path: Path, seen: Mapping[str, int]) -> None:
    """A 7 without any 0 disproves that Monday is 0, for all rows of the file."""
    numbers: dict[str, int] = {}
    for day, line in sorted(seen.items(), key=lambda each: each[1]):
        numbers.setdefault(day.removesuffix(".0").lstrip("0") or "0", line)
    if "7" in numbers and "0" not in numbers:
        raise needs(
            "weekdays",
            lambda say: (
                f"{path}, line {numbers['7']}: dayOfWeek is 7, and no row has 0; so 0"
                f" is not Monday here. Say which is: {say('weekdays', '1-7')} (1 is"
                f" Monday, 7 is Sunday) or {say('weekdays', '1-7-sunday')} (1 is"
                " Sunday)"
            ),
        )
