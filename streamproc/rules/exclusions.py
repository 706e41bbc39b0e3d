"""Exclusions: time that is not to be counted, and statuses put right by hand. Pure.

Comes from the topic ``store-exclusions``; leads to ``statuses`` and ``uptime``.
``maintenance`` takes out all open time it covers; a correction sets the status of the
time it covers. The rules and their examples: ``docs/accounting.md``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from streamproc.errors import InvalidInput, InvalidPoll, shown
from streamproc.rules.business import Interval
from streamproc.rules.calendar import local_instant_us
from streamproc.rules.timestamp import parse_timestamp, timestamp_text

MAINTENANCE = "maintenance"
UP, DOWN, UNKNOWN = 1, 0, -1
"""What a correction says; as a poll's ``active``, and -1 for no data."""

CORRECTIONS = {
    "correction-up": UP,
    "correction-down": DOWN,
    "correction-unknown": UNKNOWN,
}
KINDS = (MAINTENANCE, *CORRECTIONS)
MAX_TEXT = 500

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}\Z", re.ASCII)
_LOCAL = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?\Z", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One exclusion of a store, or of all stores.

    ``begin`` and ``end``: half-open, in UTC microseconds; with ``local`` in seconds
    of the wall clock since 1970, read in each store's own zone. ``at_ms``: when it was
    published, which decides where two corrections overlap.
    """

    exclusion_id: str
    kind: str
    begin: int
    end: int
    local: bool = False
    note: str | None = None
    by: str | None = None
    withdrawn: bool = False
    at_ms: int = 0

    def interval(self, zone: str) -> Interval:
        """The UTC microseconds it covers, of a store in a zone; it may be empty."""
        if not self.local:
            return self.begin, self.end
        return local_instant_us(zone, self.begin), local_instant_us(zone, self.end)


UTC_ENDS = ("from", "to")
"""Names of begin and end in UTC, in a message."""

_LOCAL_ENDS = ("from_local", "to_local")


def parse_exclusion(
    row: Mapping[str, Any], at_ms: int, utc_ends: tuple[str, str] = UTC_ENDS
) -> Exclusion:
    """The exclusion of a message; raises InvalidInput and names the field.

    ``utc_ends``: what begin and end in UTC are called, where it is not a message's.
    """
    kind = row.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        known = ", ".join(KINDS)
        raise InvalidInput(
            "bad-kind", f"kind is {shown(kind)}, expected one of {known}"
        )
    withdrawn = row.get("withdrawn", False)
    if not isinstance(withdrawn, bool):
        raise InvalidInput(
            "bad-exclusion", f"withdrawn is {shown(withdrawn)}, expected true or false"
        )
    begin, end, local = _ends(row, utc_ends)
    return Exclusion(
        check_exclusion_id(row.get("id")),
        kind,
        begin,
        end,
        local,
        _text(row, "note"),
        _text(row, "by"),
        withdrawn,
        at_ms,
    )


def check_exclusion_id(text: object) -> str:
    """Return an id when it can be one; it is part of a key and of an address."""
    if not isinstance(text, str) or not _ID.match(text):
        raise InvalidInput(
            "bad-exclusion-id",
            f"id is {shown(text)}, expected 1 to 64 of A-Z a-z 0-9 . _ : - and first a"
            " letter or digit",
        )
    return text


def _ends(row: Mapping[str, Any], utc: tuple[str, str]) -> tuple[int, int, bool]:
    """Begin and end, and whether they are local; just one pair may be given."""
    given = [name for name in (*utc, *_LOCAL_ENDS) if row.get(name) is not None]
    local = not set(given).isdisjoint(_LOCAL_ENDS)
    if local and not set(given).isdisjoint(utc):
        pairs = " or ".join(" and ".join(pair) for pair in (utc, _LOCAL_ENDS))
        told = f"{', '.join(given)} are given, expected {pairs}"
        raise InvalidInput("bad-exclusion", told)
    names = _LOCAL_ENDS if local else utc
    read = _local_s if local else _utc_us
    begin, end = (read(row.get(name), name) for name in names)
    if begin >= end:
        raise InvalidInput("bad-exclusion", f"{names[0]} is not before {names[1]}")
    return begin, end, local


def _utc_us(text: object, field: str) -> int:
    try:
        return parse_timestamp(text, field)
    except InvalidPoll as exc:
        raise InvalidInput("bad-exclusion", str(exc)) from exc


def _local_s(text: object, field: str) -> int:
    """Seconds of the wall clock since 1970-01-01 00:00 there."""
    if isinstance(text, str) and _LOCAL.match(text.strip()):
        try:
            moment = datetime.fromisoformat(text.strip()).replace(tzinfo=UTC)
        except ValueError as exc:
            told = f"{field} is {shown(text)}: {exc}"
            raise InvalidInput("bad-exclusion", told) from exc
        if moment >= _EPOCH:
            return (moment - _EPOCH) // timedelta(seconds=1)
    raise InvalidInput(
        "bad-exclusion",
        f"{field} is {shown(text)}, expected YYYY-MM-DD HH:MM[:SS], local time",
    )


def exclusion_row(exclusion: Exclusion) -> dict[str, Any]:
    """An exclusion as ``parse_exclusion`` reads it; what is not set is left out."""
    write = _local_text if exclusion.local else timestamp_text
    names = _LOCAL_ENDS if exclusion.local else UTC_ENDS
    ends = (write(exclusion.begin), write(exclusion.end))
    row = {
        "id": exclusion.exclusion_id,
        "kind": exclusion.kind,
        **dict(zip(names, ends, strict=True)),
        "note": exclusion.note,
        "by": exclusion.by,
        "withdrawn": exclusion.withdrawn or None,
    }
    return {name: value for name, value in row.items() if value is not None}


def _local_text(wall_s: int) -> str:
    return f"{_EPOCH + timedelta(seconds=wall_s):%Y-%m-%d %H:%M:%S}"


def _text(row: Mapping[str, Any], field: str) -> str | None:
    text = row.get(field)
    if text is not None and (not isinstance(text, str) or len(text) > MAX_TEXT):
        raise InvalidInput(
            "bad-exclusion",
            f"{field} is {shown(text)}, expected up to {MAX_TEXT} chars",
        )
    return text or None


def excluded(exclusions: Iterable[Exclusion], zone: str) -> list[Interval]:
    """What maintenance takes out, in order; several may overlap."""
    return sorted(
        interval
        for exclusion in exclusions
        if exclusion.kind == MAINTENANCE
        and not exclusion.withdrawn
        and (interval := exclusion.interval(zone))[0] < interval[1]
    )


@dataclass(frozen=True, slots=True)
class Correction:
    """The status of ``[begin_us, end_us)`` as somebody has put it right."""

    begin_us: int
    end_us: int
    status: int


def corrections(exclusions: Iterable[Exclusion], zone: str) -> list[Correction]:
    """What is put right, in order and without overlaps: the latest said counts.

    Of two published at the same time the one with the greater id.
    """
    ranked = sorted(
        (exclusion.at_ms, exclusion.exclusion_id, exclusion.interval(zone), status)
        for exclusion in exclusions
        if (status := CORRECTIONS.get(exclusion.kind)) is not None
        and not exclusion.withdrawn
    )
    cuts = sorted({edge for _, _, interval, _ in ranked for edge in interval})
    found: list[Correction] = []
    for begin, end in pairwise(cuts):
        says = [status for _, _, (a, z), status in ranked if a <= begin and end <= z]
        if not says:
            continue
        last = found[-1] if found else None
        if last is not None and (last.end_us, last.status) == (begin, says[-1]):
            found[-1] = Correction(last.begin_us, end, says[-1])
        else:
            found.append(Correction(begin, end, says[-1]))
    return found


def without(intervals: Iterable[Interval], taken: Iterable[Interval]) -> list[Interval]:
    """Intervals less what is taken out; both in order, ``taken`` may overlap."""
    left: list[Interval] = []
    holes = list(taken)
    for begin, end in intervals:
        for hole_begin, hole_end in holes:
            if hole_begin >= end:
                break
            if hole_end <= begin:
                continue
            if begin < hole_begin:
                left.append((begin, hole_begin))
            begin = max(begin, hole_end)
        if begin < end:
            left.append((begin, end))
    return left
