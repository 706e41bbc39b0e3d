"""What is posted of some events: the body, and the headers that vouch for it. Pure."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import orjson

from streamproc.events import Event, Suspect, as_json
from streamproc.rules.transitions import DOWN, HEARD, RETRACTED, SILENT, UP
from streamproc.rules.units import MINUTE_US
from streamproc.settings.webhook import JSON

TIMESTAMP = "X-Streamproc-Timestamp"
SIGNATURE = "X-Streamproc-Signature"

MANY = 20
"""More than so many events at once become one line a kind, for people."""

Told = Event | Suspect

_SAID = {
    DOWN: "down",
    UP: "up",
    SILENT: "silent",
    HEARD: "heard again",
    RETRACTED: "not down after all",
}


def body_of(events: Sequence[Told], form: str) -> bytes:
    """The body of a post: a list of all events, or a text that tells of them."""
    if form == JSON:
        return orjson.dumps([as_json(event) for event in events])
    return orjson.dumps({"text": text_of(events)})


def headers_of(body: bytes, secret: str, now_s: int) -> dict[str, str]:
    """The headers of a post: when it was made and, with a secret, the signature."""
    headers = {"Content-Type": "application/json", TIMESTAMP: str(now_s)}
    if secret:
        headers[SIGNATURE] = f"sha256={signature(secret, now_s, body)}"
    return headers


def signature(secret: str, now_s: int, body: bytes) -> str:
    """HMAC-SHA256 of the time in seconds, a dot and the body; hexadecimal."""
    signed = str(now_s).encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def text_of(events: Sequence[Told]) -> str:
    """What people read: a line an event, or one a kind when there are many."""
    suspects = [one for one in events if isinstance(one, Suspect)]
    others = [one for one in events if isinstance(one, Event)]
    lines = [_suspect_line(one) for one in suspects]
    if len(others) > MANY:
        lines += _summary(others)
    else:
        lines += [_line(one) for one in others]
    return "\n".join(lines)


def _summary(events: Sequence[Event]) -> list[str]:
    """One line a kind, such as ``45 stores silent, all poller=p3``."""
    by_kind: dict[str, list[Event]] = {}
    for event in events:
        by_kind.setdefault(event.kind, []).append(event)
    return [_kind_line(kind, some) for kind, some in by_kind.items()]


def _kind_line(kind: str, events: Sequence[Event]) -> str:
    count = len({event.store_id for event in events})
    said = f"{count:,} store{'' if count == 1 else 's'} {_SAID[kind]}"
    shared = common_labels(events)
    if shared and count > 1:
        said += f", all {_labels_text(shared)}"
    return said


def common_labels(events: Sequence[Told]) -> dict[str, str]:
    """The labels that all events have in common."""
    shared = set(events[0].labels.items())
    for event in events:
        shared &= event.labels.items()
    return dict(sorted(shared))


def _line(event: Event) -> str:
    name = _escaped(event.name or "")
    store_id = _escaped(event.store_id)
    who = f"{name} ({store_id})" if name else store_id
    if event.kind == UP and event.down_us is not None:
        return f"{who} is up again after {event.down_us / MINUTE_US:,.0f} min down"
    if event.kind == RETRACTED:
        return f"{who} was not down after all"
    since = _clock(event.since_us)
    heard = "last heard" if event.kind == SILENT else "since"
    return f"{who} is {_SAID[event.kind]}, {heard} {since}"


def _suspect_line(one: Suspect) -> str:
    whose = f" with {_labels_text(one.labels)}" if one.labels else ""
    return (
        f"{one.stores:,} of {one.expected:,} stores{whose} silent or down at once since"
        f" {_clock(one.since_us)}: is it what polls them that is broken?"
    )


def _labels_text(labels: Mapping[str, str]) -> str:
    return _escaped(", ".join(f"{name}={value}" for name, value in labels.items()))


def _escaped(text: str) -> str:
    """A text without what would be markup there."""
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return text


def _clock(time_us: int) -> str:
    return f"{datetime.fromtimestamp(time_us // 1_000_000, UTC):%Y-%m-%d %H:%M} UTC"
