"""The Faust tables to look into: partitions, keys in order, values decoded."""

import heapq
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson
from faust.types import TP

from streamproc.report import record
from streamproc.report.record import time_text
from streamproc.rules import history
from streamproc.rules.schedule import ALWAYS_CLOSED
from streamproc.rules.special_hours import date_text
from streamproc.rules.units import DAY_US
from streamproc.web.cluster.calls import table_named
from streamproc.web.refusal import unknown
from streamproc.web.site import Site
from streamproc.web.store.view import WEEKDAYS, opening_text
from streamproc.web.tables.answers import Partition, Table
from streamproc.web.tables.calls import ITEMS, PARTITION_INFO
from tables import exclusions as exclusions_table
from tables import hours as hours_table
from tables import special_hours as special_hours_table
from tables import zones as zones_table
from tables.batch_table import BatchTable
from tables.facts import ALL_STORES, decode_day, decode_key

SHOWN_POLLS = 2_000


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


def find(site: Site, name: str) -> BatchTable:
    """A table by its name; raises a 404 Refusal."""
    table = table_named(site.program, name)
    if table is None:
        raise unknown("table", name)
    return table


def names(site: Site) -> list[str]:
    """Names of all tables, in the order of their making."""
    return list(site.program.app.tables)


async def describe(site: Site, name: str) -> Table:
    """What a table is for, its partitions and who owns them."""
    table = find(site, name)
    topic = table.changelog_topic.get_topic_name()
    infos = await site.cluster.ask_all(PARTITION_INFO, table.partitions, table=name)
    ends = await site.app.run(_ends(site, topic, table.partitions))
    partitions = [
        Partition(
            number,
            site.cluster.owner(name, number),
            info.keys,
            info.changelog_offset,
            ends.get(number),
            info.newest_us,
        )
        for number, info in enumerate(infos)
    ]
    keys = sum(info.keys for info in infos)
    return Table(name, table.help, topic, keys, partitions)


async def _ends(site: Site, topic: str, partitions: int) -> dict[int, int]:
    """The changelog's end, where this worker's consumer can tell."""
    tps = [TP(topic, number) for number in range(partitions)]
    found = await site.program.app.consumer.highwaters(*tps)
    return {tp.partition: end for tp, end in found.items() if end is not None}


async def entries(
    site: Site, name: str, prefix: str, after: str, limit: int
) -> tuple[list[Entry], bool]:
    """A page of keys in order over all partitions, and whether there are more."""
    table = find(site, name)
    start = bytes.fromhex(after) + b"\0" if after else prefix.encode()
    found = await site.cluster.ask_all(
        ITEMS, table.partitions, table=name, start=start.hex(), limit=limit + 1
    )
    wanted = prefix.encode()
    merged = heapq.merge(
        *(
            [(key, number, value) for key, value in items if key.startswith(wanted)]
            for number, items in enumerate(found)
        )
    )
    page = [_entry(name, *item) for item in islice(merged, limit + 1)]
    return page[:limit], len(page) > limit


def _entry(name: str, key: bytes, partition: int, value: bytes) -> Entry:
    shown, store_id = _key(name, key)
    summary, decoded = _DECODERS[name](value)
    return Entry(shown, partition, len(value), summary, decoded, store_id, key.hex())


def _key(name: str, key: bytes) -> tuple[str, str | None]:
    """A key in words, and the store it belongs to."""
    if name == "reports":
        return key.decode(errors="replace"), None
    if name != "histories":
        return _fact_key(name, key)
    raw, day = history.split_key(key)
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
    polls = history.unpack(value).tolist()
    shown = [
        {
            "time": time_text(history.time_of(poll)),
            "status": "active" if history.is_active(poll) else "inactive",
            **({"thinned": True} if history.is_thinned(poll) else {}),
        }
        for poll in polls[:SHOWN_POLLS]
    ]
    active = sum(map(history.is_active, polls))
    return f"{len(polls)} polls, {active} active", shown


def _hours(value: bytes) -> tuple[str, Any]:
    openings = hours_table.decode(value)
    if openings == ALWAYS_CLOSED:
        return "always closed", []
    texts = [f"{WEEKDAYS[o.day]} {opening_text(o)}" for o in openings]
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


_DECODERS = {
    "histories": _segment,
    "hours": _hours,
    "zones": _zone,
    "special_hours": _special_hours,
    "exclusions": _exclusion,
    "reports": _report,
}
