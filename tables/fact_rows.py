"""Facts as the messages of their topics have them, out of a table's keys and values.

The other way round than ``fact_records``: what it reads of a record made here is the
fact that the record was made of.
"""

from collections.abc import Callable
from typing import Any

import orjson

from streamproc.rules.exclusions import exclusion_row
from streamproc.rules.schedule import hours_rows, times_row
from streamproc.rules.special_hours import date_text
from tables import exclusions as exclusions_table
from tables import hours as hours_table
from tables import labels as labels_table
from tables import special_hours as special_hours_table
from tables import zones as zones_table
from tables.facts import decode_day, encode_key

Row = dict[str, Any]


def _hours(suffix: bytes, value: bytes) -> Row:
    row: Row = {"hours": hours_rows(hours_table.decode(value))}
    return {"valid_from": date_text(decode_day(suffix)), **row} if suffix else row


def _zone(suffix: bytes, value: bytes) -> Row:
    return {"timezone_str": zones_table.decode(value)}


def _special_hours(suffix: bytes, value: bytes) -> Row:
    found = special_hours_table.decode(suffix, value)
    openings = [times_row(opening) for opening in found.openings]
    note = {"note": found.note} if found.note else {}
    return {"date": date_text(found.day), "openings": openings, **note}


def _exclusion(suffix: bytes, value: bytes) -> Row:
    return exclusion_row(exclusions_table.decode(value))


def _labels(suffix: bytes, value: bytes) -> Row:
    found = labels_table.decode(value)
    row = {"name": found.name, "labels": dict(found.labels), "target": found.target}
    return {name: told for name, told in row.items() if told is not None}


_ROWS: dict[str, Callable[[bytes, bytes], Row]] = {
    "hours": _hours,
    "zones": _zone,
    "special_hours": _special_hours,
    "exclusions": _exclusion,
    "labels": _labels,
}


def row_of(kind: str, suffix: bytes, value: bytes) -> Row:
    """The fields of a fact's message, but the store id; ``kind``: its table's name."""
    return _ROWS[kind](suffix, value)


def key_text(kind: str, suffix: bytes) -> str:
    """What follows the store id in a record's key: a date, an id, or nothing."""
    if not suffix:
        return ""
    is_id = kind == "exclusions"
    return suffix.decode() if is_id else date_text(decode_day(suffix))


def record_of(
    kind: str, store_id: bytes, suffix: bytes, value: bytes | None
) -> tuple[bytes, bytes | None]:
    """Key and value of the record that makes a fact so; without value it forgets it."""
    key = encode_key(store_id, key_text(kind, suffix).encode())
    if value is None:
        return key, None
    told = {"store_id": store_id.decode(), **row_of(kind, suffix, value)}
    return key, orjson.dumps(told)
