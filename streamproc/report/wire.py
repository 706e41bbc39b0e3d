"""The form of what travels to make a report: a record's key, value, headers. Pure.

A message is a record whose key is the report's id. Its headers name the kind of
message, the app it belongs to and a fingerprint of the sender's rules; its value is
JSON, but a piece's: that is the rows themselves, and what is told of them stands in
one more header. A field is checked by its name, so it means the same in every message.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TypeVar

import orjson

from streamproc.errors import ForeignMessage, InvalidInput, shown
from streamproc.report.messages import (
    KINDS,
    LATEST,
    NOW,
    Doubt,
    Expire,
    Failed,
    Identity,
    Message,
    Order,
    Piece,
    Request,
    Retry,
    Survey,
    Sweep,
    Swept,
    ToCollector,
    ToOwner,
    Waiting,
)
from streamproc.report.period_asked import period_asked
from streamproc.rules.poll import check_store_id
from streamproc.rules.zones import zone_names

M = TypeVar("M", bound=Message)

KIND, APP, RULES, PIECE = "kind", "app", "rules", "piece"
"""The headers."""

Headers = Sequence[tuple[str, bytes]]

_ID_CHARACTERS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
)
_ID_LENGTH = 64
_LONGEST_NAME = 300


INBOX: dict[str, type[ToCollector]] = {
    "request": Request,
    "survey": Survey,
    "waiting": Waiting,
    "failed": Failed,
    "rows": Piece,
    "retry": Retry,
    "expire": Expire,
    "doubt": Doubt,
    "swept": Swept,
}
ORDERS: dict[str, type[ToOwner]] = {"order": Order, "sweep": Sweep}
_KINDS = {cls: kind for kind, cls in (INBOX | ORDERS).items()}

_ANY_RULES = (Request, Retry, Expire, Doubt, Sweep)
"""Who asks for a report need not know how it is counted."""


@dataclass(frozen=True, slots=True)
class Record:
    """A message the way a topic holds it."""

    key: bytes
    value: bytes
    headers: Headers


# -- encoding --------------------------------------------------------------------


def encode(message: Message, sender: Identity) -> Record:
    """The record of a message."""
    facts = asdict(message)
    headers = [
        (KIND, _KINDS[type(message)].encode()),
        (APP, sender.app.encode()),
        (RULES, sender.rules.encode()),
    ]
    value = facts.pop("body", b"")
    if isinstance(message, Piece):
        headers.append((PIECE, orjson.dumps(facts)))
    else:
        value = orjson.dumps(facts)
    return Record(message.report_id.encode(), value, headers)


# -- decoding --------------------------------------------------------------------


def decode_inbox(headers: Headers, value: bytes | None, mine: Identity) -> ToCollector:
    """Message of ``report-inbox``; see ``_decode``."""
    return _decode(INBOX, headers, value, mine)


def decode_order(headers: Headers, value: bytes | None, mine: Identity) -> ToOwner:
    """Message of ``report-orders``; see ``_decode``."""
    return _decode(ORDERS, headers, value, mine)


def overheard(headers: Headers, value: bytes | None, app: str) -> ToCollector | None:
    """A message of an app for somebody who reads along, whatever rules it counts by.

    None for what is no message of it.
    """
    found = dict(headers)
    try:
        sender = _sender(found)
        message = _decode(INBOX, headers, value, sender)
    except InvalidInput:
        return None
    return message if sender.app == app else None


def _decode(
    kinds: dict[str, type[M]], headers: Headers, value: bytes | None, mine: Identity
) -> M:
    """Check a message, which any producer may have written.

    Raises InvalidInput for what is no message or has a field that cannot be, and
    ForeignMessage for one of another app or of a worker that counts otherwise.
    """
    found = dict(headers)
    kind = found.get(KIND, b"").decode(errors="replace")
    if kind not in kinds:
        raise InvalidInput("bad-request", f"unknown kind of message {shown(kind)}")
    message = _read(kinds[kind], found, value or b"")
    sender = _sender(found)
    if sender.app != mine.app:
        raise ForeignMessage(sender.app, sender.rules)
    if sender.rules != mine.rules and not isinstance(message, _ANY_RULES):
        raise ForeignMessage(sender.app, sender.rules)
    return message


def _sender(headers: dict[str, bytes]) -> Identity:
    app, rules = (
        headers.get(name, b"").decode(errors="replace") for name in (APP, RULES)
    )
    if not app or not rules or max(len(app), len(rules)) > _LONGEST_NAME:
        raise InvalidInput("bad-request", "the message does not say whose it is")
    return Identity(app, rules)


def _read(cls: type[M], headers: dict[str, bytes], value: bytes) -> M:
    """A message of the class, every field checked."""
    is_piece = cls is Piece
    try:
        facts = orjson.loads(headers.get(PIECE, b"") if is_piece else value)
    except orjson.JSONDecodeError as exc:
        raise InvalidInput("bad-request", f"not JSON: {exc}") from exc
    if not isinstance(facts, dict):
        raise InvalidInput("bad-request", "expected a JSON object")
    if is_piece:
        facts["body"] = value
    known = {field.name for field in fields(cls)}
    if facts.keys() - known:
        raise InvalidInput(
            "bad-request", "the message has fields that it must not have"
        )
    for name, fact in facts.items():
        if not _CHECKS[name](fact):
            raise InvalidInput("bad-request", f"bad {name} {shown(fact)}")
    try:
        return cls(**facts)
    except TypeError as exc:
        raise InvalidInput("bad-request", f"a field is missing: {exc}") from exc


# -- what a field can be ----------------------------------------------------------


def _is_report_id(value: object) -> bool:
    """Whether it can be a file's name, too."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= _ID_LENGTH
        and value[0] not in "_-"
        and _ID_CHARACTERS.issuperset(value)
    )


def _are_report_ids(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_report_id, value))


def _is_number(value: object, least: int = 0, bits: int = 53) -> bool:
    """Whether it is a whole number that every sum of such can hold."""
    return type(value) is int and least <= value < 1 << bits


def _is_time(value: object) -> bool:
    """Whether it can be a time in UTC microseconds, up to the year 2255."""
    return _is_number(value)


def _is_store(value: object) -> bool:
    if value is None:
        return True
    try:
        return check_store_id(value) == value
    except InvalidInput:
        return False


def _is_asked(**part: object) -> bool:
    """Whether it is a part of what is asked of a period, as ``period_asked`` has it."""
    try:
        asked = period_asked(**{"period": "today"} | part)
    except InvalidInput:
        return False
    return asked is not None and all(
        getattr(asked, name) == value for name, value in part.items()
    )


def _is_zone(value: object) -> bool:
    return isinstance(value, str) and value in zone_names()


_CHECKS: dict[str, Callable[[object], bool]] = {
    "report_id": _is_report_id,
    "report_ids": _are_report_ids,
    "kind": lambda value: isinstance(value, str) and value in KINDS,
    "as_of": lambda value: (
        _is_time(value) or (isinstance(value, str) and value in (NOW, LATEST))
    ),
    "as_of_us": lambda value: value is None or _is_time(value),
    "requested_us": _is_time,
    "store_id": _is_store,
    "attempt": lambda value: _is_number(value, 1, 31),
    "partition": lambda value: _is_number(value, 0, 31),
    "newest_us": lambda value: _is_number(value, -1),
    "newest_store": _is_store,
    "next_us": lambda value: _is_number(value, -1),
    "left_out": lambda value: _is_number(value, 0, 31),
    "such_as": _is_store,
    "behind": _is_number,
    "reason": lambda value: isinstance(value, str),
    "number": lambda value: _is_number(value, 0, 31),
    "rows": lambda value: _is_number(value, 0, 31),
    "polls": _is_number,
    "stores": _is_number,
    "purge": lambda value: isinstance(value, bool),
    "refused": lambda value: value is None or isinstance(value, str),
    "last": lambda value: isinstance(value, bool),
    "as_polled": lambda value: isinstance(value, bool),
    "full": lambda value: isinstance(value, bool),
    "period": lambda value: value is None or _is_asked(period=value),
    "by": lambda value: _is_asked(by=value),
    "zone": lambda value: value is None or _is_zone(value),
    "zones": lambda value: isinstance(value, list) and all(map(_is_zone, value)),
    "loading": lambda value: isinstance(value, bool),
    "where": lambda value: _is_asked(where=value),
    "group_by": lambda value: _is_asked(group_by=value),
    "first_us": lambda value: value is None or _is_time(value),
    "whole_us": _is_time,
    "kept_us": lambda value: _is_number(value, -1),
    "body": lambda value: isinstance(value, bytes),
}
