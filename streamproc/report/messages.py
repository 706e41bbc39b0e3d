"""What travels to make a report; encoded and decoded here only. Pure.

``report-inbox``, to the collector: ``Request``, ``Survey``, ``Waiting``, ``Failed``,
``Piece``, ``Retry``, ``Expire``. ``report-orders``, to a partition's owner: ``Order``.

A message is a record whose key is the report's id. Its headers name the kind of
message, the app it belongs to and a fingerprint of the sender's rules; its value is
JSON, but a piece's: that is the rows themselves, and what is told of them stands in
one more header. A field is checked by its name, so it means the same in every message.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from typing import TypeVar

import orjson

from streamproc.errors import ForeignMessage, InvalidInput, shown
from streamproc.rules.poll import check_store_id
from streamproc.rules.uptime import Rules
from streamproc.rules.windows import WINDOWS

PROTOCOL = 2
"""Of the messages; raised whenever one of them changes its meaning or its form."""

ALL, HOURLY, STORE = "all", "hourly", "store"
NOW, LATEST = "now", "latest"

KIND, APP, RULES, PIECE = "kind", "app", "rules", "piece"
"""The headers."""

Headers = Sequence[tuple[str, bytes]]

_ID_CHARACTERS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
)
_ID_LENGTH = 64
_LONGEST_NAME = 300


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose message it is: the app, and a fingerprint of the rules it counts by."""

    app: str
    rules: str


def identity_of(app: str, rules: Rules, partitions: int) -> Identity:
    """Two workers with the same identity compute the same figures."""
    counted_by = {
        "protocol": PROTOCOL,
        "hold_us": rules.hold_us,
        "backfill": rules.backfill,
        "windows": [(each.name, each.length_us) for each in WINDOWS],
        "partitions": partitions,
        "zones": version("tzdata"),
    }
    text = orjson.dumps(counted_by, option=orjson.OPT_SORT_KEYS)
    return Identity(app, hashlib.sha256(text).hexdigest()[:12])


def _check_store_goes_with(kind: str, store_id: str | None) -> None:
    if (kind == STORE) != (store_id is not None):
        raise InvalidInput("bad-request", "store_id goes with kind store")


@dataclass(frozen=True, slots=True)
class Request:
    """A report to be made.

    ``as_of``: ``now``, ``latest`` (the newest poll any partition has seen), or UTC
    microseconds. ``store_id``: only for kind ``store``.
    """

    report_id: str
    kind: str
    as_of: str | int
    requested_us: int
    store_id: str | None = None

    def __post_init__(self) -> None:
        _check_store_goes_with(self.kind, self.store_id)


@dataclass(frozen=True, slots=True)
class Order:
    """What the collector asks of a partition; no ``as_of_us``: a survey."""

    report_id: str
    kind: str
    attempt: int
    as_of_us: int | None
    store_id: str | None

    def __post_init__(self) -> None:
        _check_store_goes_with(self.kind, self.store_id)


@dataclass(frozen=True, slots=True)
class Survey:
    """The newest poll of a partition, and that of its next newest store.

    Times are -1 where there is none; what lies in the future is left out.
    """

    report_id: str
    attempt: int
    partition: int
    newest_us: int
    newest_store: str | None
    next_us: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many records a partition has yet to read before it can answer."""

    report_id: str
    attempt: int
    partition: int
    behind: int


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a partition cannot answer."""

    report_id: str
    attempt: int
    partition: int
    reason: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a partition, numbered from 0; ``last`` when no more follow.

    ``left_out``: with the last one, how many stores have no row, since their history
    is not kept that far; ``such_as``: one of them.
    ``body``: see ``streamproc.report.rows``; it is not looked into here.
    """

    report_id: str
    attempt: int
    partition: int
    number: int
    rows: int
    last: bool
    body: bytes
    left_out: int = 0
    such_as: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """A report stands still, or a part of it is lost: it is to be started over."""

    report_id: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class Expire:
    """The timer's: reports that are to be deleted; ``report_id`` is the first's."""

    report_id: str
    report_ids: list[str]


@dataclass(frozen=True, slots=True)
class Doubt:
    """The timer's: reports as of the future, which a wrong clock has made too early."""

    report_id: str
    report_ids: list[str]


News = Survey | Waiting | Failed
"""What a partition's owner tells besides rows."""

ToCollector = Request | News | Piece | Retry | Expire | Doubt
Message = ToCollector | Order
M = TypeVar("M", bound=Message)

INBOX: dict[str, type[ToCollector]] = {
    "request": Request,
    "survey": Survey,
    "waiting": Waiting,
    "failed": Failed,
    "rows": Piece,
    "retry": Retry,
    "expire": Expire,
    "doubt": Doubt,
}
ORDERS: dict[str, type[Order]] = {"order": Order}
_KINDS = {cls: kind for kind, cls in (INBOX | ORDERS).items()}

_ANY_RULES = (Request, Retry, Expire, Doubt)
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


def decode_order(headers: Headers, value: bytes | None, mine: Identity) -> Order:
    """Message of ``report-orders``; see ``_decode``."""
    return _decode(ORDERS, headers, value, mine)


def piece_of(headers: Headers, value: bytes | None, app: str) -> Piece | None:
    """A piece for somebody who reads along, by whatever rules it was counted.

    None for every other message, and for what is none.
    """
    found = dict(headers)
    try:
        sender = _sender(found)
        message = _decode(INBOX, headers, value, sender)
    except InvalidInput:
        return None
    return message if isinstance(message, Piece) and sender.app == app else None


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


_CHECKS: dict[str, Callable[[object], bool]] = {
    "report_id": _is_report_id,
    "report_ids": _are_report_ids,
    "kind": lambda value: isinstance(value, str) and value in (ALL, HOURLY, STORE),
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
    "last": lambda value: isinstance(value, bool),
    "body": lambda value: isinstance(value, bytes),
}
