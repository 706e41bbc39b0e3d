"""Where a record of a fact comes from: which change it belongs to, who made it, how.

Written into the record's headers by whoever publishes facts, and read from them by
``agents.stores``, which writes it to the log of changes. A producer's own records need
none of it.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from streamproc.transport.columns import Headers

TOPIC, API, PAGE, LOAD = "topic", "api", "page", "load"
"""The doors: a producer of the topic, a request, a form, a file."""

DOORS = (TOPIC, API, PAGE, LOAD)

BY, CHANGE, DOOR, NOTE, UNDOES, PUBLISHED = (
    *("by", "change", "door"),
    *("note", "undoes", "published-ms"),
)
"""Headers. ``published-ms``: when the fact was first published that is brought back."""

MAX_TEXT, MAX_DIGITS = 500, 16
MINUTE_MS = 60_000

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who made a change, and at which door.

    ``change``: equal for all records that were made together. ``undoes``: the change
    whose values it brings back.
    """

    change: str
    door: str = TOPIC
    by: str | None = None
    note: str | None = None
    undoes: str | None = None


def new_change() -> str:
    """An id that no other change has."""
    return secrets.token_hex(8)


def is_change(text: str) -> bool:
    """Whether a text can be the id of a change."""
    return _ID.match(text) is not None


def headers_of(origin: Origin) -> Headers:
    """The headers that ``origin_of`` reads."""
    told = (
        (CHANGE, origin.change),
        (DOOR, origin.door),
        (BY, origin.by),
        (NOTE, origin.note),
        (UNDOES, origin.undoes),
    )
    return tuple((name, text.encode()) for name, text in told if text)


def origin_of(headers: Headers, kind: str, at_ms: int) -> Origin:
    """Whence a record comes; of a producer that says nothing, its kind and minute.

    So what a producer writes of one kind within a minute is one change.
    """
    return _origin(tuple(headers), kind, at_ms // MINUTE_MS)


@lru_cache(maxsize=1024)
def _origin(headers: tuple[tuple[str, bytes], ...], kind: str, minute: int) -> Origin:
    told = {
        name: value.decode(errors="replace")[:MAX_TEXT]
        for name, value in headers
        if value is not None
    }
    change = told.get(CHANGE, "")
    if not is_change(change):
        change = f"topic-{kind}-{_minute_text(minute)}"
    door, undoes = told.get(DOOR, TOPIC), told.get(UNDOES, "")
    return Origin(
        change,
        door if door in DOORS else TOPIC,
        told.get(BY) or None,
        told.get(NOTE) or None,
        undoes if is_change(undoes) else None,
    )


def published_ms(headers: Headers, at_ms: int) -> int:
    """When a record's fact was published: as it says itself, but not later than it."""
    for name, text in headers:
        if name == PUBLISHED and text and text.isdigit() and len(text) < MAX_DIGITS:
            return min(int(text), at_ms)
    return at_ms


def _minute_text(number: int) -> str:
    try:
        return f"{datetime.fromtimestamp(60 * number, UTC):%Y%m%dT%H%MZ}"
    except (OverflowError, ValueError, OSError):
        return str(number)  # a producer may stamp its records with anything
