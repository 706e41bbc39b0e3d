"""Polls: from the bytes a producer wrote to store, time and status.

Pure. Comes from the topic ``store-polls``; leads through ``poll_batch``, which reads
many at once, to ``history``. Every value is checked; what is refused keeps its
reason (``InvalidPoll``).
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from streamproc.errors import InvalidPoll, shown
from streamproc.rules.timestamp import parse_timestamp, timestamp_text

STATUS = {"inactive": False, "active": True}
"""What a status says: whether the store was up."""

UNKNOWN_STATUS = "unknown-status"
"""Why a poll is refused whose status is neither of them."""

MAX_STORE_ID_BYTES = 128
ALL_STORES = "*"
"""Names all stores in special hours and exclusions; no store has it as its id."""

MAX_FUTURE_US = 5 * 60 * 1_000_000
IN_THE_FUTURE = "in-the-future"
"""Reason of polls further ahead of this machine's clock than that."""

MANGLED = re.compile(r"[+-]?\d+(?:[.,]\d+E\+?|E\+)\d+\Z", re.ASCII | re.IGNORECASE)
"""Numbers as a spreadsheet or a float writes them; ``12e3`` is an id like others."""

_LONGEST_STATUS = 40


@dataclass(frozen=True, slots=True)
class Poll:
    """One status poll; ``time_us`` is UTC microseconds since 1970."""

    store_id: str
    time_us: int
    active: bool


def check_store_id(store_id: object) -> str:
    """The id without blanks around it; raises InvalidPoll when it can be none."""
    if store_id is None or store_id == "":
        raise InvalidPoll("missing-store-id", "store_id is missing or empty")
    if not isinstance(store_id, str):
        raise InvalidPoll(
            "bad-store-id", f"store_id is {shown(store_id)}, expected a string"
        )
    text = store_id.strip()
    if not text:
        raise InvalidPoll("missing-store-id", "store_id is blank")
    if text == ALL_STORES:
        raise InvalidPoll(
            "bad-store-id", "store_id is *, which stands for all stores elsewhere"
        )
    if len(text.encode(errors="surrogatepass")) > MAX_STORE_ID_BYTES:
        raise InvalidPoll(
            "long-store-id", f"store_id is longer than {MAX_STORE_ID_BYTES} bytes"
        )
    plain = text.isascii() and text.isprintable()
    if not plain and (hidden := next(filter(_is_hidden, text), None)):
        raise InvalidPoll(
            "bad-store-id",
            f"store_id is {shown(text)}, with U+{ord(hidden):04X}, a character that"
            " nobody sees",
        )
    if MANGLED.match(text):
        raise InvalidPoll(
            "mangled-id",
            f"store_id is {text}: a spreadsheet has rounded it, the digits are lost;"
            " export the file again with the column as text",
        )
    return text


def _is_hidden(char: str) -> bool:
    """Controls, line ends, what cannot be encoded, and what takes no place.

    Two ids that look the same are two stores otherwise: zero-width blanks, byte order
    marks and soft hyphens come along from web pages and concatenated files.
    """
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def parse_status(status: object, words: Mapping[str, bool] = STATUS) -> bool:
    """Whether a status says up: ``active`` or ``inactive``, in any case.

    ``words``: what a producer says instead, in small letters.
    """
    if isinstance(status, str) and len(status) < _LONGEST_STATUS:
        up = words.get(status.strip().lower())
        if up is not None:
            return up
    expected = " or ".join(sorted(words))
    raise InvalidPoll(UNKNOWN_STATUS, f"status is {shown(status)}, expected {expected}")


def check_time(time_us: int, now_us: int, text: object) -> int:
    """A poll's time, which may be at most 5 minutes in the future."""
    if time_us > now_us + MAX_FUTURE_US:
        raise InvalidPoll(
            IN_THE_FUTURE,
            f"timestamp_utc is {shown(text)}, over 5 minutes in the future",
        )
    return time_us


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
    return poll_of(
        row.get("store_id"), row.get("status"), row.get("timestamp_utc"), now_us
    )


def poll_of(
    store_id: object,
    status: object,
    stamp: object,
    now_us: int,
    words: Mapping[str, bool] = STATUS,
) -> Poll:
    """Check the fields of a poll; raise InvalidPoll with the reason of the first."""
    checked, active = check_store_id(store_id), parse_status(status, words)
    return Poll(checked, check_time(parse_timestamp(stamp), now_us, stamp), active)


def encode_poll(poll: Poll) -> bytes:
    """Write a poll the way producers do."""
    return orjson.dumps(
        {
            "store_id": poll.store_id,
            "timestamp_utc": timestamp_text(poll.time_us),
            "status": "active" if poll.active else "inactive",
        }
    )
