"""Polls: from the bytes a producer wrote to store, time and status.

Pure. Comes from the topic ``store-polls``; leads to ``history``. Every value
is checked; what is refused keeps its reason (``InvalidPoll``).

``parse_poll`` states the rules, one poll at a time. ``parse_polls`` does the
same for a whole batch with numpy: it accepts what is written in the usual form
and hands everything else to ``parse_poll``, so the two never differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from streamproc import history
from streamproc.errors import InvalidPoll
from streamproc.timestamp import parse_timestamp, parse_timestamps, timestamp_text

Ints = npt.NDArray[np.int64]

STATUS = {"inactive": 0, "active": history.ACTIVE}
MAX_STORE_ID_BYTES = 128
MAX_FUTURE_US = 5 * 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class Poll:
    """One status poll; ``time_us`` is UTC microseconds since 1970."""

    store_id: str
    time_us: int
    active: bool


@dataclass(frozen=True, slots=True)
class PollBatch:
    """The polls of a batch.

    ``store_ids``: the distinct ids. ``codes`` and ``packed``: shape (m,), the
    store's number and the packed poll. ``rows``: shape (m,), the position in
    the batch. ``rejected``: positions that were refused, with the reason.
    """

    store_ids: list[str]
    codes: Ints
    packed: Ints
    rows: Ints
    rejected: list[tuple[int, InvalidPoll]]


def check_store_id(store_id: object) -> str:
    """Return the id when it can be one; raise InvalidPoll otherwise."""
    if store_id is None or store_id == "":
        raise InvalidPoll("missing-store-id", "store_id is missing or empty")
    if not isinstance(store_id, str):
        raise InvalidPoll(
            "bad-store-id", f"store_id is {store_id!r:.80}, expected a string"
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


def _is_plain_id(store_id: str) -> bool:
    """Quick yes for the ids nearly everybody has; a no is not final."""
    return (
        0 < len(store_id) <= MAX_STORE_ID_BYTES
        and store_id.isascii()
        and store_id.isprintable()
        and not store_id.isspace()
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
        raise InvalidPoll("bad-json", f"expected a JSON object, not {row!r:.80}")
    store_id = check_store_id(row.get("store_id"))
    status = row.get("status")
    if not isinstance(status, str) or status not in STATUS:
        raise InvalidPoll(
            "unknown-status", f"status is {status!r:.80}, expected active or inactive"
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


def _decode(values: Sequence[bytes | None]) -> list[Any]:
    """Decode every value; None stands for what is not JSON."""
    loads = orjson.loads
    try:
        return [loads(value) for value in values]  # type: ignore[arg-type]
    except orjson.JSONDecodeError:
        return [_loads_or_none(value) for value in values]


def _loads_or_none(value: bytes | None) -> Any:
    try:
        return orjson.loads(value)  # type: ignore[arg-type]
    except orjson.JSONDecodeError:
        return None


def _columns(rows: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """The three fields of every row; None where a row does not have them."""
    try:
        return (
            [row["store_id"] for row in rows],
            [row["timestamp_utc"] for row in rows],
            [row["status"] for row in rows],
        )
    except (KeyError, TypeError, IndexError):
        complete = [row if _is_complete(row) else _INCOMPLETE for row in rows]
        return (
            [row["store_id"] for row in complete],
            [row["timestamp_utc"] for row in complete],
            [row["status"] for row in complete],
        )


_INCOMPLETE = {"store_id": None, "timestamp_utc": None, "status": None}


def _is_complete(row: Any) -> bool:
    return isinstance(row, dict) and all(field in row for field in _INCOMPLETE)


def _only_text(column: list[Any]) -> list[str]:
    """The column with "" in place of what is not text."""
    if set(map(type, column)) <= {str}:
        return column
    return [cell if type(cell) is str else "" for cell in column]


def parse_polls(values: Sequence[bytes | None], now_us: int) -> PollBatch:
    """Parse a batch of polls, all rules checked."""
    ids, stamps, statuses = (_only_text(c) for c in _columns(_decode(values)))
    number: dict[str, int] = {}
    codes = np.array([number.setdefault(i, len(number)) for i in ids], np.int64)
    store_ids = list(number)
    plain_id = np.array([_is_plain_id(i) for i in store_ids], bool)
    status = np.array([STATUS.get(s, -1) for s in statuses], np.int64)
    time_us, good = parse_timestamps(stamps)
    good &= (status >= 0) & (time_us <= now_us + MAX_FUTURE_US)
    if len(codes):
        good &= plain_id[codes]
    packed = (time_us << history.FLAG_BITS) | status
    if good.all():
        return PollBatch(store_ids, codes, packed, np.arange(len(codes)), [])
    rejected: list[tuple[int, InvalidPoll]] = []
    for row in np.flatnonzero(~good).tolist():
        try:
            poll = parse_poll(values[row], now_us)
        except InvalidPoll as exc:
            rejected.append((row, exc))
        else:
            good[row] = True
            packed[row] = poll.time_us << history.FLAG_BITS | poll.active
    rows = np.flatnonzero(good)
    return PollBatch(store_ids, codes[rows], packed[rows], rows, rejected)
