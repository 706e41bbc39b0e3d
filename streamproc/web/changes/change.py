"""A change of one fact of a store, as a request's body tells it. Pure.

It becomes a record of the fact's topic, and is judged by the rules that records of
that topic are read with.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import orjson

from streamproc.errors import as_refusal, shown
from streamproc.origin import MAX_TEXT
from streamproc.rules.exclusions import Exclusion, exclusion_row
from streamproc.rules.poll import ALL_STORES
from streamproc.web import requests, words
from streamproc.web.refusal import Refusal, bad
from tables.fact_records import KINDS, Fact, read_message
from tables.facts import encode_key

MAX_AUTHOR = 200
"""Characters of the name of who makes a change, through whichever door."""

MAX_FIELD = 200
"""Characters of a field's name that are compared with those that there are."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Noun:
    """What can be changed of a store.

    ``table``: where it is kept. ``needed``: fields that a body must have, ``others``:
    those that it may have. ``key``: the field that the path names, if one does.
    """

    table: str
    needed: tuple[str, ...]
    others: tuple[str, ...] = ()
    key: str = ""

    @property
    def of_all(self) -> bool:
        """Whether it can be told of all stores, under the id ``*``."""
        return KINDS[self.table].of_all

    @property
    def own_fields(self) -> tuple[str, ...]:
        """The fields of the record besides the store id and the key."""
        return (*self.needed, *self.others)

    def store_id(self, text: object) -> str:
        """A store id that it can be told of; raises a 400 Refusal."""
        if self.of_all and text == ALL_STORES:
            return ALL_STORES
        return requests.store_id(text)


HOURS = Noun("hours", ("hours",), ("valid_from",))
ZONE = Noun("zones", ("timezone_str",))
LABELS = Noun("labels", ("labels",), ("name", "target"))
SPECIAL_HOURS = Noun("special_hours", ("openings",), ("note",), key="date")
EXCLUSION = Noun(
    "exclusions",
    ("kind",),
    ("from", "to", "from_local", "to_local", "note", "withdrawn"),
    key="id",
)


@dataclass(frozen=True, slots=True)
class Change:
    """One fact to be published; ``value`` None forgets it.

    ``create``: also of a store that nothing is known of. ``by``: who makes it,
    ``note``: why. ``at_ms``: when the fact was published that is brought back.
    """

    noun: Noun
    store_id: str
    key: bytes
    value: bytes | None
    create: bool = False
    by: str = ""
    row: Row = field(default_factory=dict)
    note: str = ""
    at_ms: int | None = None

    @property
    def is_of_all(self) -> bool:
        """Whether it is told of all stores."""
        return self.store_id == ALL_STORES

    def fact(self, at_ms: int) -> Fact:
        """What the tables make of it when it is published at a time."""
        published = at_ms if self.at_ms is None else self.at_ms
        return read_message(0, self.key, self.value, published, KINDS[self.noun.table])


def change_of(noun: Noun, store_id: str, row: object, key: str = "") -> Change:
    """The change that a body tells; raises a Refusal that names the field.

    400 where it has not the right fields, 422 where their values are against the rules.
    """
    store_id = noun.store_id(store_id)
    row = _object(noun, store_id, row, key)
    create = row.get("create", False)
    if not isinstance(create, bool):
        raise bad("bad-create", f"create is {shown(create)}, expected true or false.")
    by = author(row.get("by"))
    told = {name: row[name] for name in noun.own_fields if name in row}
    message = {"store_id": store_id, **({noun.key: key} if noun.key else {}), **told}
    if noun is EXCLUSION and by:
        message["by"] = by
    record_key, value = _record(noun, message)
    note = remark(row.get("note"))
    return Change(noun, store_id, record_key, value, create, by, message, note)


def forgetting(
    noun: Noun, store_id: str, key: str = "", by: str = "", note: str = ""
) -> Change:
    """The change that forgets a fact; ``key``: what follows the store id in its key."""
    store_id = noun.store_id(store_id)
    record_key = encode_key(store_id.encode(), key.encode(errors="replace"))
    row = {"store_id": store_id, **({noun.key: key} if noun.key else {})}
    who, why = author(by), remark(note)
    change = Change(noun, store_id, record_key, None, False, who, row, why)
    _judged(lambda: change.fact(0))
    return change


def withdrawing(
    store_id: str, exclusion: Exclusion, by: str = "", note: str = ""
) -> Change:
    """The change that withdraws an exclusion, which stays listed."""
    row = {**exclusion_row(exclusion), "withdrawn": True}
    message = {"store_id": EXCLUSION.store_id(store_id), **row}
    key, value = _record(EXCLUSION, message)
    who, why = author(by), remark(note)
    return Change(EXCLUSION, store_id, key, value, False, who, message, why)


def author(text: object) -> str:
    """Who makes a change; empty when it is not told."""
    if text is None:
        return ""
    name = text.strip() if isinstance(text, str) else None
    if name is None or len(name) > MAX_AUTHOR or not name.isprintable():
        raise Refusal(
            422,
            "bad-by",
            f"by is {shown(text)}, expected a name of {MAX_AUTHOR} characters at "
            "most, all of them visible.",
        )
    return name


def remark(text: object) -> str:
    """Why a change is made; empty when it is not told."""
    if text is None:
        return ""
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        told = f"note is {shown(text)}, expected up to {MAX_TEXT} characters."
        raise Refusal(422, "bad-note", told)
    return " ".join(text.split())


def _record(noun: Noun, message: Row) -> tuple[bytes, bytes]:
    """Key and value of a message that the topic's readers accept."""

    def record() -> tuple[bytes, bytes]:
        value = orjson.dumps(message)
        return read_message(0, None, value, 0, KINDS[noun.table]).record_key, value

    return _judged(record)  # type: ignore[no-any-return]


def _judged(read: Any) -> Any:
    """What is read; a 422 Refusal where the rules refuse it."""
    try:
        return read()
    except Exception as exc:
        refusal = as_refusal(exc)
        raise Refusal(422, refusal.reason, words.sentence(str(refusal))) from exc


def _object(noun: Noun, store_id: str, row: object, key: str) -> Row:
    """A body with the fields it needs and no others, that speaks of the path's fact."""
    if not isinstance(row, dict):
        raise bad("bad-json", f"Expected a JSON object with {shown(noun.needed[0])}.")
    for name in noun.needed:
        if name not in row:
            raise bad("bad-json", f"Expected a JSON object with {shown(name)}.")
    known = ("store_id", noun.key, *noun.own_fields, "create", "by", "note")
    _check_fields(row, known)
    if row.get("store_id", store_id) != store_id:
        raise bad("bad-store-id", "store_id in the body is not that of the path.")
    if noun.key and row.get(noun.key, key) != key:
        raise bad(f"bad-{noun.key}", f"{noun.key} in the body is not that of the path.")
    return row


def _check_fields(row: Row, known: Iterable[str]) -> None:
    """Refuse a field that nobody would read: it may be another one misspelled."""
    names = list(dict.fromkeys(name for name in known if name))
    for name in row:
        if name not in names:
            near = get_close_matches(name[:MAX_FIELD], names, 1)
            told = f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}."
            raise bad("unknown-field", f"There is no field {shown(name)} here; {told}")
