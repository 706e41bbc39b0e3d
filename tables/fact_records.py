"""Records of facts: what a message of a topic says, as the tables keep it.

Read by ``agents.stores`` and before a record is published; applied to what is known of
a store, it tells how that would be then.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from streamproc.errors import InvalidInput, shown
from streamproc.rules.exclusions import (
    Exclusion,
    check_exclusion_id,
    parse_exclusion,
)
from streamproc.rules.labels import parse_labels
from streamproc.rules.poll import check_store_id
from streamproc.rules.schedule import parse_hours
from streamproc.rules.special_hours import date_text, parse_date, parse_special_hours
from streamproc.rules.zones import zone_or_none
from tables import exclusions as exclusions_table
from tables import hours as hours_table
from tables import labels as labels_table
from tables import special_hours as special_hours_table
from tables import zones as zones_table
from tables.facts import ALL_STORES, Facts, encode_day, encode_key

Row = dict[str, Any]
Keys = Mapping[bytes, list[bytes]]


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of a store; ``value`` None forgets it.

    ``text``: what follows the store id in the record's key; ``suffix``: the same in
    the table's key. Without them it is the only fact that the store then has there:
    those before it are forgotten.
    """

    row: int
    store_id: bytes
    text: bytes
    suffix: bytes
    value: bytes | None

    @property
    def is_of_all(self) -> bool:
        """Whether it is told of all stores."""
        return self.store_id == ALL_STORES

    @property
    def is_the_only_one(self) -> bool:
        """Whether the store's other facts of that table are forgotten by it."""
        return not self.suffix

    @property
    def record_key(self) -> bytes:
        """Key of its record in the topic."""
        return encode_key(self.store_id, self.text)


@dataclass(frozen=True, slots=True)
class Kind:
    """How the messages of a topic are read.

    ``read``: what follows the store id in the record's key, and the table's value, of
    a message published at a time in milliseconds. ``suffix``: the former, as the
    table's key has it. ``of_all``: whether there are facts of all stores.
    """

    read: Callable[[Row, int], tuple[str, bytes | None]]
    suffix: Callable[[str], bytes]
    of_all: bool = False


def _hours(row: Row, at_ms: int) -> tuple[str, bytes | None]:
    if "hours" not in row:
        raise InvalidInput("bad-hours", "hours is missing; null forgets a store's")
    since = row.get("valid_from")
    text = "" if since is None else date_text(parse_date(since, "valid_from"))
    if row["hours"] is None:
        return text, None
    return text, hours_table.encode(parse_hours(row["hours"]))


def _zone(row: Row, at_ms: int) -> tuple[str, bytes | None]:
    if "timezone_str" not in row:
        raise InvalidInput("unknown-zone", "timezone_str is missing; null forgets it")
    zone = zone_or_none(row["timezone_str"])
    return "", None if zone is None else zones_table.encode(zone)


def _special_hours(row: Row, at_ms: int) -> tuple[str, bytes | None]:
    special = parse_special_hours(row)
    return date_text(special.day), special_hours_table.encode(special)


def _exclusion(row: Row, at_ms: int) -> tuple[str, bytes | None]:
    exclusion = parse_exclusion(row, at_ms)
    return exclusion.exclusion_id, exclusions_table.encode(exclusion)


def _labels(row: Row, at_ms: int) -> tuple[str, bytes | None]:
    return "", labels_table.encode(parse_labels(row))


def _no_suffix(text: str) -> bytes:
    if text:
        raise InvalidInput("bad-key", f"the key goes on after the store: {shown(text)}")
    return b""


def _week_suffix(text: str) -> bytes:
    return encode_day(parse_date(text, "valid_from")) if text else b""


def _date_suffix(text: str) -> bytes:
    return encode_day(parse_date(text, "date"))


def _exclusion_suffix(text: str) -> bytes:
    return check_exclusion_id(text).encode()


HOURS = Kind(_hours, _week_suffix)
ZONES = Kind(_zone, _no_suffix)
SPECIAL_HOURS = Kind(_special_hours, _date_suffix, of_all=True)
EXCLUSIONS = Kind(_exclusion, _exclusion_suffix, of_all=True)
LABELS = Kind(_labels, _no_suffix)

KINDS = {
    "hours": HOURS,
    "zones": ZONES,
    "special_hours": SPECIAL_HOURS,
    "exclusions": EXCLUSIONS,
    "labels": LABELS,
}
"""By the name of the table, which is that of the topic in ``Topics`` as well."""


def read_message(
    row: int, key: bytes | None, value: bytes | None, at_ms: int, kind: Kind
) -> Fact:
    """The fact of one message, the batch's ``row``; raises InvalidInput."""
    if value is None or value.strip() == b"null":
        store, _, rest = (key or b"").partition(b"\0")
        store_id = _store_id(store.decode(errors="replace"), kind)
        text, encoded = rest.decode(errors="replace"), None
    else:
        message = _object(value)
        store_id = _store_id(message.get("store_id"), kind)
        text, encoded = kind.read(message, at_ms)
    return Fact(row, store_id, text.encode(), kind.suffix(text), encoded)


def _object(value: bytes) -> Row:
    try:
        message = orjson.loads(value)
    except orjson.JSONDecodeError as exc:
        raise InvalidInput("bad-json", f"not JSON: {exc}") from exc
    if not isinstance(message, dict):
        raise InvalidInput("bad-json", f"expected a JSON object, not {shown(message)}")
    return message


def _store_id(text: object, kind: Kind) -> bytes:
    if kind.of_all and text == ALL_STORES.decode():
        return ALL_STORES
    return check_store_id(text).encode()


def applied(facts: Facts, fact: Fact) -> Facts:
    """What a table holds of a store after one more fact."""
    kept = {} if fact.is_the_only_one else dict(facts)
    kept.pop(fact.suffix, None)
    if fact.value is not None:
        kept[fact.suffix] = fact.value
    return tuple(sorted(kept.items()))


Changes = dict[bytes, bytes | None]
"""Keys of a table with their new values; None deletes."""


def steps_of(
    facts: Sequence[Fact], keys_under: Callable[[Iterable[bytes]], Keys]
) -> Iterator[tuple[Fact, Changes]]:
    """What each fact changes in a table, one after the other.

    ``keys_under``: keys of the table that go on after a NUL byte, by store id.
    """
    alone = sorted({fact.store_id for fact in facts if fact.is_the_only_one})
    others = dict(keys_under(alone))
    for fact in facts:
        key = encode_key(fact.store_id, fact.suffix)
        changes: Changes = {}
        if fact.is_the_only_one:
            changes.update(dict.fromkeys(others.pop(fact.store_id, ())))
        else:
            others.setdefault(fact.store_id, []).append(key)
        changes[key] = fact.value
        yield fact, changes


def same_value(kind: str, before: bytes | None, after: bytes | None) -> bool:
    """Whether values of a table mean the same; ``kind``: the table's name.

    When an exclusion was published does not matter, and a withdrawn one is as none.
    """
    if before == after:
        return True
    return kind == "exclusions" and _in_force(before) == _in_force(after)


def _in_force(value: bytes | None) -> Exclusion | None:
    found = None if value is None else exclusions_table.decode(value)
    return None if found is None or found.withdrawn else replace(found, at_ms=0)
