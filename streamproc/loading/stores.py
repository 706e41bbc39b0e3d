"""Files of hours and zones: a store's rows are taken whole or not at all."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from streamproc.errors import InvalidHours, InvalidInput, LoadError
from streamproc.loading.header import HOURS, HOURS_ALSO, ZONES
from streamproc.loading.refused import OnRefused, Refused, counted
from streamproc.loading.rows import Row, rows_in, rows_of
from streamproc.loading.source import Progress
from streamproc.rules.poll import ALL_STORES, check_store_id
from streamproc.rules.schedule import (
    WEEKDAYS,
    Closing,
    Opening,
    Weekdays,
    parse_opening,
    week_of,
)
from streamproc.rules.special_hours import date_text, parse_date
from streamproc.rules.zones import DEFAULT_ZONE, zone_or_none, zone_remark

Cells = Sequence[str]
Columns = tuple[tuple[str, ...], tuple[str, ...]]
"""Those that must be there, and those that may."""

Read = Callable[[Row, Cells], Any]
"""What a row says, of its cells after the store id; raises InvalidInput."""


@dataclass
class StoreFile:
    """What a file says of each store, as messages; and what of it was refused.

    ``messages``: by key, which begins with the store id. ``broken``: stores of which
    a row was refused; nothing is said of them. ``refused``: number of such rows,
    ``first_refused`` the first of them. ``remarks``: what a person should know.
    ``others``: names of the columns that nobody asked for, where they matter.
    """

    path: Path
    kind: str
    messages: dict[str, Mapping[str, object]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    refused: int = 0
    first_refused: Refused | None = None
    remarks: list[str] = field(default_factory=list)
    others: tuple[str, ...] = ()

    def refuse(
        self, row: Row, exc: InvalidInput, store_id: str | None, tell: OnRefused
    ) -> None:
        """Note a refused row, and the store it speaks of."""
        refused = Refused(self.path, row.line, exc.reason, str(exc), row.text)
        self.refused += 1
        self.first_refused = self.first_refused or refused
        if store_id is not None:
            self.broken.add(store_id)
        tell(refused)

    def leave_out(self, store_ids: set[str]) -> None:
        """Say nothing of some stores."""
        self.messages = {
            key: message
            for key, message in self.messages.items()
            if store_of(key) not in store_ids
        }

    @property
    def store_ids(self) -> list[str]:
        """The stores that something is said of, in order."""
        stores = dict.fromkeys(map(store_of, self.messages))
        return [store_id for store_id in stores if store_id != ALL_STORES]

    def columns(self) -> tuple[list[bytes], list[bytes]]:
        """Keys and values to publish."""
        return (
            [key.encode() for key in self.messages],
            [orjson.dumps(message) for message in self.messages.values()],
        )


def store_of(key: str) -> str:
    """The store id of a fact's key."""
    return key.partition("\0")[0]


def key_of(store_id: str, rest: str) -> str:
    """Key of a fact: a store id alone or with what it is about."""
    return f"{store_id}\0{rest}" if rest else store_id


@dataclass(frozen=True, slots=True)
class _Hours:
    """What a row of hours says; many rows say the same, and share one of these.

    ``since``: the local date it counts from; empty in an undated week.
    """

    since: str
    hours: Opening | Closing
    message: Mapping[str, object]


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
    file = StoreFile(path, "hours")
    weeks: dict[tuple[str, str], list[_Hours]] = {}
    first: dict[str, Row] = {}
    seen: dict[str, int] = {}

    @functools.cache
    def parse(day: str, start: str, end: str, since: str) -> _Hours:
        if since:
            since = date_text(parse_date(since, "valid_from"))
        hours = parse_opening(day, start, end, weekdays or WEEKDAYS["0-6"])
        times = {"start_time_local": start, "end_time_local": end}
        return _Hours(since, hours, {"dayOfWeek": hours.day, **times})

    def read(row: Row, cells: Cells) -> tuple[Row, _Hours]:
        day, start, end, since = cells
        seen.setdefault(day, row.line)
        return row, parse(day, start, end, since)

    columns = HOURS, HOURS_ALSO
    for store_id, (row, found) in read_rows(file, columns, names, read, progress, tell):
        weeks.setdefault((store_id, found.since), []).append(found)
        first.setdefault(store_id, row)
    if weekdays is None:
        _refuse_other_weekdays(path, seen)
    for (store_id, _), week in weeks.items():
        try:
            week_of(each.hours for each in week)
        except InvalidHours as exc:
            file.refuse(first[store_id], exc, store_id, tell)
    file.messages = {
        key_of(store_id, since): {
            "store_id": store_id,
            **({"valid_from": since} if since else {}),
            "hours": [each.message for each in week],
        }
        for (store_id, since), week in sorted(weeks.items())
        if store_id not in file.broken
    }
    return file


def _refuse_other_weekdays(path: Path, seen: Mapping[str, int]) -> None:
    """A 7 without any 0 disproves that Monday is 0, for all rows of the file."""
    numbers = {day.removesuffix(".0").lstrip("0") or "0": seen[day] for day in seen}
    if "7" in numbers and "0" not in numbers:
        raise LoadError(
            f"{path}, line {numbers['7']}: dayOfWeek is 7, and no row has 0; so 0 is"
            " not Monday here. Say which is: --weekdays 1-7 (1 is Monday, 7 is Sunday)"
            " or --weekdays 1-7-sunday (1 is Sunday)"
        )


def read_zones(
    path: Path, progress: Progress, tell: OnRefused, names: Mapping[str, str]
) -> StoreFile:
    """One store-zones message per store; the last row of a store counts."""
    file = StoreFile(path, "zones")
    zones: dict[str, tuple[int, str | None]] = {}
    twice: list[str] = []

    def read(row: Row, cells: Cells) -> tuple[int, str | None]:
        return row.line, zone_or_none(cells[0])

    for store_id, (line, zone) in read_rows(
        file, (ZONES, ()), names, read, progress, tell
    ):
        before = zones.get(store_id)
        if before is not None and before[1] != zone:
            twice.append(
                f"{store_id} has {before[1] or 'none'} on line {before[0]} and"
                f" {zone or 'none'} on line {line}"
            )
        zones[store_id] = line, zone
    file.messages = {
        store_id: {"store_id": store_id, "timezone_str": zone}
        for store_id, (_, zone) in zones.items()
        if store_id not in file.broken
    }
    file.remarks = [*_of_two_zones(path, twice), *_of_zones(path, zones)]
    return file


def _of_two_zones(path: Path, twice: list[str]) -> Iterator[str]:
    if twice:
        more = f", and {len(twice) - 3:,} more" if len(twice) > 3 else ""
        yield (
            f"{path}: two zones for one store, the later line counts:"
            f" {'; '.join(twice[:3])}{more}"
        )


def _of_zones(path: Path, zones: Mapping[str, tuple[int, str | None]]) -> Iterator[str]:
    counts: dict[str | None, int] = {}
    for _, zone in zones.values():
        counts[zone] = counts.get(zone, 0) + 1
    for zone, count in counts.items():
        if zone is None:
            remark: str | None = f"without a zone; {DEFAULT_ZONE} counts"
        else:
            remark = zone_remark(zone)
        if remark:
            yield f"{path}: {counted(count, 'store')}: {remark}"


def _store_id(text: str, of_all: bool) -> str:
    return ALL_STORES if of_all and text == ALL_STORES else check_store_id(text)


def read_rows(
    file: StoreFile,
    columns: Columns,
    names: Mapping[str, str],
    read: Read,
    progress: Progress,
    tell: OnRefused,
    of_all: bool = False,
    with_others: bool = False,
) -> Iterator[tuple[str, Any]]:
    """Store and value of every row that is taken; the others are noted.

    ``columns``: those that must be there, and those that may. ``of_all``: whether a
    row may speak of all stores. ``with_others``: the cells of all other columns come
    behind those, and the names of these are the file's ``others``.
    """
    wanted, optional = columns
    with rows_in(file.path, wanted, names, progress, optional, with_others) as (
        header,
        blocks,
    ):
        known = len(wanted) + len(optional)
        file.others = tuple(header.names[at] for at in header.at[known:])
        check = functools.cache(functools.partial(_store_id, of_all=of_all))
        for row in (row for block in blocks for row in rows_of(block, header)):
            store_id = None
            try:
                if isinstance(row.cells, InvalidInput):
                    raise row.cells
                store_id = check(row.cells[0])
                yield store_id, read(row, row.cells[1:])
            except InvalidInput as exc:
                file.refuse(row, exc, store_id, tell)
