"""Records that nobody should send: what every door is tried with.

Deep nesting around every limit that is met on the way (254 where JSON is written,
1,000 of the interpreter, 1,024 where it is read), huge numbers, halves of characters,
NaN, and messages that are nearly right.
"""

import json
from typing import Any

from hypothesis import strategies as st

DEPTHS = (250, 254, 255, 300, 500, 900, 950, 990, 1000, 1010, 1023, 1024, 1025, 1100)
BRACKETS = b"[" * 1000 + b"]" * 1000
"""What once stopped every worker for good."""


def nested(depth: int) -> bytes:
    """Lists in lists."""
    return b"[" * depth + b"]" * depth


def nested_objects(depth: int) -> bytes:
    """Objects in objects."""
    return b'{"a":' * depth + b"1" + b"}" * depth


deep = st.builds(
    lambda depth, make: make(depth),
    st.sampled_from(DEPTHS) | st.integers(900, 1100),
    st.sampled_from([nested, nested_objects]),
)
odd_numbers = st.sampled_from(
    [b"NaN", b"Infinity", b"-0", b"1e999", b"-1", b"0.5", b"true", b"9" * 25, b"null"]
) | st.integers(-(1 << 80), 1 << 80).map(lambda number: b"%d" % number)
odd_texts = st.sampled_from(
    [
        rb'"\ud800"',
        rb'"\udfff\ud800"',
        b'"\xed\xa0\x80"',
        b'"\x00"',
        rb'"\u0000"',
        b'""',
    ]
) | st.text(max_size=200).map(lambda text: json.dumps(text).encode())
json_bytes = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner)
    ),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode())
odd_values = deep | odd_numbers | odd_texts | json_bytes
odd_bytes = odd_values | st.binary(max_size=60)


def objects(fields: dict[str, bytes]) -> st.SearchStrategy[bytes]:
    """The object with these fields, given as JSON, and some of them spoilt."""

    def put_together(chosen: dict[str, bytes], extra: bytes | None) -> bytes:
        row = [b'"%b":%b' % (name.encode(), value) for name, value in chosen.items()]
        more = [] if extra is None else [b'"more":%b' % extra]
        return b"{" + b",".join(row + more) + b"}"

    optional: Any = {
        name: st.just(value) | odd_values for name, value in fields.items()
    }
    return st.builds(
        put_together,
        st.fixed_dictionaries({}, optional=optional),
        st.none() | odd_values,
    )


def records(fields: dict[str, bytes]) -> st.SearchStrategy[list[bytes | None]]:
    """Some records of a topic whose good records have these fields."""
    one = st.none() | odd_bytes | objects(fields)
    return st.lists(one, min_size=1, max_size=6)


POLL = {
    "store_id": b'"42"',
    "timestamp_utc": b'"2023-01-25 11:00:00 UTC"',
    "status": b'"active"',
}
OPENING = (
    b'{"dayOfWeek":1,"start_time_local":"09:00","end_time_local":"17:00","more":%b}'
)
HOURS = {"store_id": b'"42"', "hours": b"[%b]" % (OPENING % b"1")}
SPECIAL_HOURS = {
    "store_id": b'"42"',
    "date": b'"2026-12-25"',
    "openings": b"[%b]" % (OPENING % b"1"),
    "note": b'"a note"',
}
EXCLUSION = {
    "store_id": b'"42"',
    "id": b'"m1"',
    "from": b'"2026-11-23T12:00:00Z"',
    "to": b'"2026-11-23T13:00:00Z"',
    "kind": b'"maintenance"',
    "note": b'"a note"',
    "by": b'"me"',
    "withdrawn": b"false",
}
LABELS = {
    "store_id": b'"42"',
    "name": b'"Main Street"',
    "labels": b'{"region":"West","open":"late"}',
    "target": b"98.5",
}
ZONE = {"store_id": b'"42"', "timezone_str": b'"Europe/Berlin"'}
REQUEST = {
    "report_id": b'"r1"',
    "kind": b'"all"',
    "as_of": b'"now"',
    "requested_us": b"1674648000000000",
    "store_id": b"null",
}
ORDER = {
    "report_id": b'"r1"',
    "kind": b'"all"',
    "attempt": b"1",
    "as_of_us": b"1674648000000000",
    "store_id": b"null",
}
NEWS = {
    "report_id": b'"r1"',
    "attempt": b"1",
    "partition": b"0",
    "behind": b"3",
    "newest_us": b"1674648000000000",
    "reason": b'"no disk"',
    "report_ids": b'["r0"]',
}
PIECE = {
    "report_id": b'"r1"',
    "attempt": b"1",
    "partition": b"0",
    "number": b"0",
    "rows": b"3",
    "last": b"true",
}
