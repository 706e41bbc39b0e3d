"""One key of a Faust table, with its value made readable. Pure."""

from dataclasses import asdict, dataclass
from typing import Any

import orjson

from streamproc.report import record
from streamproc.report.record import time_text
from streamproc.rules import history, months, packing
from streamproc.rules.schedule import ALWAYS_CLOSED
from streamproc.rules.special_hours import date_text
from streamproc.rules.units import DAY_US
from streamproc.web.changes.changed_facts import Fact
from streamproc.web.changes.log_answers import fact_change
from streamproc.web.store.openings import opening_text, week_rows
from tables import exclusions as exclusions_table
from tables import hours as hours_table
from tables import labels as labels_table
from tables import special_hours as special_hours_table
from tables import zones as zones_table
from tables.changed import decode_deltas, decode_head, decode_time
from tables.facts import ALL_STORES, decode_day, decode_key

SHOWN_POLLS = 2_000
SHOWN_FACTS = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a table, with its value made readable.

    ``cursor``: where the next page goes on.
    """

    key: str
    partition: int
    size: int
    summary: str
    value: Any
    store_id: str | None
    cursor: str


def entry_of(name: str, key: bytes, partition: int, value: bytes) -> Entry:
    """A stored key with its value, made readable."""
    shown, store_id = _key(name, key)
    summary, decoded = _DECODERS[name](value)
    return Entry(shown, partition, len(value), summary, decoded, store_id, key.hex())


def _key(name: str, key: bytes) -> tuple[str, str | None]:
    """A key in words, and the store it belongs to."""
    if name == "reports":
        return key.decode(errors="replace"), None
    if name == "changes":
        return time_text(decode_time(key) * 1_000), None
    if name not in _SPLIT:
        return _fact_key(name, key)
    raw, day = _SPLIT[name](key)
    store_id = raw.decode(errors="replace")
    return f"{store_id} · {time_text(day * DAY_US)[:10]}", store_id


def _fact_key(name: str, key: bytes) -> tuple[str, str | None]:
    raw, suffix = decode_key(key)
    store_id = raw.decode(errors="replace")
    shown = store_id
    if suffix:
        is_id = name == "exclusions"
        what = suffix.decode() if is_id else date_text(decode_day(suffix))
        shown = f"{store_id} · {what}"
    return shown, None if raw == ALL_STORES else store_id


def _segment(value: bytes) -> tuple[str, Any]:
    polls = packing.unpack(value).tolist()
    shown = [
        {
            "time": time_text(packing.time_of(poll)),
            "status": "active" if packing.is_active(poll) else "inactive",
            **({"thinned": True} if packing.is_thinned(poll) else {}),
        }
        for poll in polls[:SHOWN_POLLS]
    ]
    active = sum(map(packing.is_active, polls))
    polls_word = "poll" if len(polls) == 1 else "polls"
    return f"{len(polls)} {polls_word}, {active} active", shown


def _hours(value: bytes) -> tuple[str, Any]:
    openings = hours_table.decode(value)
    if openings == ALWAYS_CLOSED:
        return "always closed", []
    texts = [f"{days} {text}" for days, text in week_rows(openings)] if openings else []
    rows = [{"day": o.day, "start_s": o.start_s, "end_s": o.end_s} for o in openings]
    return "; ".join(texts) or "open 24x7", rows


def _zone(value: bytes) -> tuple[str, Any]:
    zone = zones_table.decode(value)
    return zone, zone


def _report(value: bytes) -> tuple[str, Any]:
    report = record.decode(value)
    return f"{report.state}, {report.kind}, {report.rows} rows", orjson.loads(value)


def _special_hours(value: bytes) -> tuple[str, Any]:
    special = special_hours_table.decode(b"", value)
    texts = [opening_text(opening) for opening in special.openings]
    return "; ".join(texts) or "closed", orjson.loads(value)


def _exclusion(value: bytes) -> tuple[str, Any]:
    exclusion = exclusions_table.decode(value)
    withdrawn = ", withdrawn" if exclusion.withdrawn else ""
    return f"{exclusion.kind}{withdrawn}", orjson.loads(value)


def _labels(value: bytes) -> tuple[str, Any]:
    found = labels_table.decode(value)
    texts = [f"{name} {text}" for name, text in found.labels.items()]
    return ", ".join([*filter(None, [found.name]), *texts]), orjson.loads(value)


def _changes(value: bytes) -> tuple[str, Any]:
    head = decode_head(value)
    rows = [fact_change(Fact(head.kind, delta)) for delta in decode_deltas(value)]
    by = head.origin.by or head.origin.door
    told = {**asdict(head.origin), "facts": [asdict(row) for row in rows[:SHOWN_FACTS]]}
    facts = f"{len(rows)} fact{'' if len(rows) == 1 else 's'}"
    return f"{head.kind}, {facts}, by {by}", told


_SPLIT = {"histories": history.split_key, "archive": months.split_archive_key}
"""How the key of a segment is read."""

_DECODERS = {
    "histories": _segment,
    "archive": _segment,
    "hours": _hours,
    "zones": _zone,
    "special_hours": _special_hours,
    "exclusions": _exclusion,
    "labels": _labels,
    "reports": _report,
    "changes": _changes,
}
