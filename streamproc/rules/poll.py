"""Polls: from the bytes a producer wrote to store, time and status.

Pure. Comes from the topic ``store-polls``; leads through ``poll_batch``, which reads
many at once, to ``history``. Every value is checked; what is refused keeps its
reason (``InvalidPoll``).
"""

from dataclasses import dataclass

import orjson

from streamproc.errors import InvalidPoll, shown
from streamproc.rules.timestamp import parse_timestamp, timestamp_text

STATUS = {"inactive": 0, "active": 1}
MAX_STORE_ID_BYTES = 128
MAX_FUTURE_US = 5 * 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class Poll:
    """One status poll; ``time_us`` is UTC microseconds since 1970."""

    store_id: str
    time_us: int
    active: bool


def check_store_id(store_id: object) -> str:
    """Return the id when it can be one; raise InvalidPoll otherwise."""
    if store_id is None or store_id == "":
        raise InvalidPoll("missing-store-id", "store_id is missing or empty")
    if not isinstance(store_id, str):
        raise InvalidPoll(
            "bad-store-id", f"store_id is {shown(store_id)}, expected a string"
        )
    if store_id.isspace():
        raise InvalidPoll("missing-store-id", "store_id is blank")
    if len(store_id.encode(errors="surrogatepass")) > MAX_STORE_ID_BYTES:
        raise InvalidPoll(
            "long-store-id", f"store_id is longer than {MAX_STORE_ID_BYTES} bytes"
        )
    if any(_is_control(char) for char in store_id):
        raise InvalidPoll("bad-store-id", "store_id holds a control character")
    return store_id


def _is_control(char: str) -> bool:
    """C0, DEL, C1, and what cannot be encoded or breaks a line."""
    code = ord(char)
    return (
        code < 32
        or 127 <= code < 160
        or char in "\u2028\u2029"
        or (0xD800 <= code <= 0xDFFF)
    )


def parse_poll(value: bytes | None, now_us: int) -> Poll:
    """Parse one poll; raise InvalidPoll with the reason it is refused for."""
    if value is None:
        raise InvalidPoll("no-value", "the record has no value (a tombstone)")
    try:
        row = orjson.loads(value)
    except orjson.JSONDecodeError as exc:
        raise InvalidPoll("bad-json", f"not JSON: {exc}") from exc
    return poll_from_row(row, now_us)


def poll_from_row(row: object, now_us: int) -> Poll:
    """Check a decoded poll; raise InvalidPoll with the reason it is refused for."""
    if not isinstance(row, dict):
        raise InvalidPoll("bad-json", f"expected a JSON object, not {shown(row)}")
    store_id = check_store_id(row.get("store_id"))
    status = row.get("status")
    if not isinstance(status, str) or status not in STATUS:
        raise InvalidPoll(
            "unknown-status", f"status is {shown(status)}, expected active or inactive"
        )
    time_us = parse_timestamp(row.get("timestamp_utc"))
    if time_us > now_us + MAX_FUTURE_US:
        raise InvalidPoll(
            "in-the-future",
            f"timestamp_utc is {row['timestamp_utc']}, over 5 minutes in the future",
        )
    return Poll(store_id, time_us, status == "active")


def encode_poll(poll: Poll) -> bytes:
    """Write a poll the way producers do."""
    return orjson.dumps(
        {
            "store_id": poll.store_id,
            "timestamp_utc": timestamp_text(poll.time_us),
            "status": "active" if poll.active else "inactive",
        }
    )
