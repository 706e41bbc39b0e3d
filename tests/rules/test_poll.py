"""What a poll must look like, one at a time and a batch at a time."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from operator import itemgetter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamproc.errors import InvalidPoll
from streamproc.rules import poll_batch
from streamproc.rules.poll import (
    Poll,
    check_store_id,
    encode_poll,
    parse_poll,
)
from streamproc.rules.poll_batch import parse_polls
from streamproc.rules.timestamp import parse_as_of, parse_timestamp
from tests.rules.test_reference import MINUTE_US, utc

NOW_US = utc("2025-05-06 12:00")
LATEST_US = NOW_US + 5 * MINUTE_US
LAST_US = utc("9999-12-31 23:59:59.999999")
USUAL = {
    "store_id": "1481966498820158979",
    "timestamp_utc": "2025-05-06 11:00:00.5 UTC",
    "status": "active",
}

QUICK = settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow]
)
THOROUGH = settings(QUICK, max_examples=600)

# (as written, the instant in UTC)
STAMPS = [
    # The usual form: no fraction, trimmed zeros, any number of digits.
    ("2023-01-25 18:13:22 UTC", "2023-01-25 18:13:22"),
    ("2023-01-25 18:13:22.5 UTC", "2023-01-25 18:13:22.500000"),
    ("2023-01-25 18:13:22.47922 UTC", "2023-01-25 18:13:22.479220"),
    ("2023-01-25 18:13:22.479220 UTC", "2023-01-25 18:13:22.479220"),
    ("2023-01-25 18:13:22.000001 UTC", "2023-01-25 18:13:22.000001"),
    ("2023-01-25 18:13:22.0 UTC", "2023-01-25 18:13:22"),
    ("2023-01-25 18:13:22.000000 UTC", "2023-01-25 18:13:22"),
    ("2023-01-25 18:13:22.999999 UTC", "2023-01-25 18:13:22.999999"),
    ("2023-01-25 18:13:22.9999999 UTC", "2023-01-25 18:13:22.999999"),
    ("2023-01-25 18:13:22.123456789 UTC", "2023-01-25 18:13:22.123456"),
    ("2023-01-25 18:13:22.0000009 UTC", "2023-01-25 18:13:22"),
    ("2023-01-25 18:13:22.1234567890123456789 UTC", "2023-01-25 18:13:22.123456"),
    # The edges of the calendar.
    ("1970-01-01 00:00:00 UTC", "1970-01-01 00:00:00"),
    ("1970-01-01 00:00:00.000001 UTC", "1970-01-01 00:00:00.000001"),
    ("2023-12-31 23:59:59 UTC", "2023-12-31 23:59:59"),
    ("2024-01-01 00:00:00 UTC", "2024-01-01 00:00:00"),
    ("2024-02-29 12:00:00 UTC", "2024-02-29 12:00:00"),
    ("2024-03-01 00:00:00 UTC", "2024-03-01 00:00:00"),
    ("2023-02-28 23:59:59 UTC", "2023-02-28 23:59:59"),
    ("2000-02-29 00:00:00 UTC", "2000-02-29 00:00:00"),
    ("2000-12-31 00:00:00 UTC", "2000-12-31 00:00:00"),
    # ISO 8601, with Z or an offset.
    ("2023-01-25T18:13:22Z", "2023-01-25 18:13:22"),
    ("2023-01-25T18:13:22.47922Z", "2023-01-25 18:13:22.479220"),
    ("2023-01-25T18:13:22.123456789Z", "2023-01-25 18:13:22.123456"),
    ("2023-01-25T18:13:22+00:00", "2023-01-25 18:13:22"),
    ("2023-01-25T18:13:22-00:00", "2023-01-25 18:13:22"),
    ("2023-01-25T18:13:22+05:30", "2023-01-25 12:43:22"),
    ("2023-01-25T18:13:22-08:00", "2023-01-26 02:13:22"),
    ("2023-01-25T18:13:22.5+01:00", "2023-01-25 17:13:22.500000"),
    ("2023-01-25T18:13:22+0530", "2023-01-25 12:43:22"),
    ("2023-01-25T18:13:22+05", "2023-01-25 13:13:22"),
    ("2023-01-25T18:13Z", "2023-01-25 18:13:00"),
    ("2023-01-25 18:13:22Z", "2023-01-25 18:13:22"),
    ("2023-01-25 18:13:22+00:00", "2023-01-25 18:13:22"),
    ("2024-02-29T23:30:00-01:00", "2024-03-01 00:30:00"),
    ("1970-01-01T01:00:00+01:00", "1970-01-01 00:00:00"),
    ("1969-12-31T23:00:00-01:00", "1970-01-01 00:00:00"),
    # No zone: the field's name says UTC.
    ("2023-01-25 18:13:22", "2023-01-25 18:13:22"),
    ("2023-01-25T18:13:22", "2023-01-25 18:13:22"),
    ("2023-01-25 18:13:22.5", "2023-01-25 18:13:22.500000"),
    ("2023-01-25T18:13:22.123456", "2023-01-25 18:13:22.123456"),
    ("2023-01-25 18:13:22.1234567", "2023-01-25 18:13:22.123456"),
    # Minutes without seconds.
    ("2023-01-25 18:13", "2023-01-25 18:13:00"),
    ("2023-01-25T18:13", "2023-01-25 18:13:00"),
    ("2023-01-25 18:13 UTC", "2023-01-25 18:13:00"),
    # UTC by other names, in any case.
    ("2023-01-25 18:13:22 GMT", "2023-01-25 18:13:22"),
    ("2023-01-25 18:13:22 gmt", "2023-01-25 18:13:22"),
    ("2023-01-25 18:13:22 utc", "2023-01-25 18:13:22"),
    ("2023-01-25T18:13:22z", "2023-01-25 18:13:22"),
    ("2023-01-25t18:13:22z", "2023-01-25 18:13:22"),
    ("2023-01-25 18:13:22UTC", "2023-01-25 18:13:22"),
    ("2023-01-25 18:13:22.5 +0000 UTC", "2023-01-25 18:13:22.500000"),
    ("2023-01-25T18:13:22 UTC", "2023-01-25 18:13:22"),
    ("2023-01-25 18:13:22,5 UTC", "2023-01-25 18:13:22.500000"),
    # Blanks around.
    (" 2023-01-25 18:13:22 UTC", "2023-01-25 18:13:22"),
    ("2023-01-25 18:13:22 UTC ", "2023-01-25 18:13:22"),
    ("2023-01-25 18:13:22 UTC\n", "2023-01-25 18:13:22"),
]
BAD_STAMPS = [
    # No such day or time of day.
    "2023-02-29 12:00:00 UTC",
    "2100-02-29 12:00:00 UTC",
    "1900-02-29 12:00:00 UTC",
    "2024-02-30 12:00:00 UTC",
    "2023-04-31 12:00:00 UTC",
    "2023-00-10 12:00:00 UTC",
    "2023-13-10 12:00:00 UTC",
    "2023-01-00 12:00:00 UTC",
    "2023-01-32 12:00:00 UTC",
    "0000-01-01 00:00:00 UTC",
    "2023-01-25 24:00:00 UTC",
    "2023-01-25T24:00:00Z",
    "2023-01-25 23:60:00 UTC",
    "2016-12-31 23:59:60 UTC",
    "2016-12-31T23:59:60Z",
    # Before 1970.
    "1969-12-31 23:59:59.999999 UTC",
    "1970-01-01T00:00:00+00:01",
    "0001-01-01T00:00:00+05:00",
    # Another zone.
    "2023-01-25 18:13:22 CET",
    "2023-01-25 18:13:22 America/Chicago",
    "2023-01-25 18:13:22 UTC+1",
    "2023-01-25 18:13:22 -0500 UTC",
    "2023-01-25 18:13:22 +0000 GMT",
    "2023-01-25 18:13:22 +0000 UTC UTC",
    # Junk between the digits and the zone.
    "2023-01-25 18:13:22.123456x UTC",
    "2023-01-25 18:13:22.12345x UTC",
    "2023-01-25 18:13:22.123456xZ",
    "2023-01-25 18:13:22.123456x",
    "2023-01-25 18:13:22x",
    "2023-01-25 18:13:22x UTC",
    "2023-01-25T18:13:22+24:00",
    "2023-01-25T18:13:22+05:60",
    "2023-01-25T18:13:22+5",
    "2023-01-25T18:13:22+5:30",
    "2023-01-25T18:13:22+05:30:15",
    "2023-01-25T18:13:22Z+01:00",
    # Other forms.
    "",
    " ",
    "UTC",
    "now",
    "1674670402",
    "2023-01-25",
    "2023-01-25 UTC",
    "25-01-2023 18:13:22 UTC",
    "2023/01/25 18:13:22 UTC",
    "2023-1-25 18:13:22 UTC",
    "23-01-25 18:13:22 UTC",
    "12023-01-25 18:13:22 UTC",
    "-2023-01-25 18:13:22 UTC",
    "2023-01-25 8:13:22 UTC",
    "2023-01-25  18:13:22 UTC",
    "2023-01-25 18:13:22  UTC",
    "2023-01-25 18:13:22. UTC",
    "2023-01-25 18:13:22.",
    "2023-01-25 18",
    "2023-01-25 18:1",
    "2023-01-25x18:13:22 UTC",
    "25/01/2023 18:13",
    "01/25/2023 18:13:22",
    "44951.759282407",
    "1674670402000",
    "2023-01-25 18:13:22:5 UTC",
    "2023-01-25 18:13:2205 UTC",
    "2023-01-25 18:13:22.-5 UTC",
    "2023-01-25 18:13:22.5.5 UTC",
    "2023-01-25 18:13:22.5e1 UTC",
    "2023-01-25 18:13:22 .5UTC",
    "2023-01-25 18-13-22 UTC",
    "2023-01-25\t18:13:22 UTC",
    "2023-W04-3T18:13:22Z",
    "20230125T181322Z",
    "2023-01-25T18:13.5Z",
    # Digits that are no ASCII digits, and other look-alikes.
    "٢٠٢٣-٠١-٢٥ ١٨:١٣:٢٢ UTC",
    "2023-01-25 18:13:2２ UTC",
    "2023-01-25 18:13:22.５ UTC",
    "2023-01-25 18:13:22\u00a0UTC",
    "2023\u201101\u201125 18:13:22 UTC",
    "2023-01-25 18:13:22 UTC\0",
    # Huge.
    "2023-01-25 18:13:22." + "9" * 5_000 + " UTC",
    "9" * 100_000,
    "2023-01-25 18:13:22 UTC" * 1_000,
]

# (store_id, the reason it is refused for)
STORE_IDS = [
    ("1481966498820158979", None),
    ("0", None),
    ("a", None),
    ("store 7", None),
    ("12e3", None),
    ("73928e03", None),
    ("4E872096", None),
    ("1.02", None),
    ("a.1e+5", None),
    ("e-7.2", None),
    ("1.02E+18", "mangled-id"),
    ("1,48E+18", "mangled-id"),
    ("1.48e+18", "mangled-id"),
    ("1.48E18", "mangled-id"),
    ("1E+05", "mangled-id"),
    ("-1E+05", "mangled-id"),
    ("7\u200b", "bad-store-id"),
    ("\ufeff7", "bad-store-id"),
    ("7\u00ad8", "bad-store-id"),
    ("\u202e7", "bad-store-id"),
    ("=1+1", None),
    ('a,"b"', None),
    ("é", None),
    ("店", None),
    ("😀", None),
    ("x" * 128, None),
    ("é" * 64, None),
    ("😀" * 32, None),
    ("x" * 129, "long-store-id"),
    ("é" * 64 + "x", "long-store-id"),
    ("😀" * 32 + "x", "long-store-id"),
    ("x" * 100_000, "long-store-id"),
    (None, "missing-store-id"),
    ("", "missing-store-id"),
    (" ", "missing-store-id"),
    ("   ", "missing-store-id"),
    ("\u00a0\u3000", "missing-store-id"),
    (0, "bad-store-id"),
    (1481966498820158979, "bad-store-id"),
    (7.5, "bad-store-id"),
    (True, "bad-store-id"),
    (False, "bad-store-id"),
    ([], "bad-store-id"),
    (["7"], "bad-store-id"),
    ({}, "bad-store-id"),
    ({"id": "7"}, "bad-store-id"),
    ("a\0b", "bad-store-id"),
    ("a\tb", "bad-store-id"),
    ("a\nb", "bad-store-id"),
    ("a\rb", "bad-store-id"),
    ("\x1ba", "bad-store-id"),
    ("a\x1fb", "bad-store-id"),
    ("a\x7f", "bad-store-id"),
    ("a\x80", "bad-store-id"),
    ("a\x85b", "bad-store-id"),
    ("a\x9f", "bad-store-id"),
    ("a\u2028b", "bad-store-id"),
    ("a\u2029b", "bad-store-id"),
]


def written(**changes: object) -> bytes:
    """A poll as JSON, with some of its fields changed."""
    return json.dumps(USUAL | changes).encode()


def without(field: str) -> bytes:
    """A poll as JSON that lacks a field."""
    return json.dumps({k: v for k, v in USUAL.items() if k != field}).encode()


# (value, the reason it is refused for)
REFUSED = [
    (None, "no-value"),
    (b"", "bad-json"),
    (b"{", "bad-json"),
    (b"\xff\xfe", "bad-json"),
    (b"{'store_id': '7'}", "bad-json"),
    (written()[:-1], "bad-json"),
    (written() + written(), "bad-json"),
    (written(store_id="\ud800"), "bad-json"),
    (b"NaN", "bad-json"),
    (b"null", "bad-json"),
    (b"true", "bad-json"),
    (b"7", "bad-json"),
    (b'"store_id"', "bad-json"),
    (b"[]", "bad-json"),
    (b"[" + written() + b"]", "bad-json"),
    (b"[" * 100_000, "bad-json"),
    (b"{}", "missing-store-id"),
    (without("store_id"), "missing-store-id"),
    (without("status"), "unknown-status"),
    (written(status=None), "unknown-status"),
    (written(status=""), "unknown-status"),
    (written(status="open"), "unknown-status"),
    (written(status="act ive"), "unknown-status"),
    (written(status="actıve"), "unknown-status"),
    (written(status=1), "unknown-status"),
    (written(status=True), "unknown-status"),
    (written(status=["active"]), "unknown-status"),
    (written(status={"active": 1}), "unknown-status"),
    (written(status="x" * 100_000), "unknown-status"),
    (without("timestamp_utc"), "bad-timestamp"),
    (written(timestamp_utc=None), "bad-timestamp"),
    (written(timestamp_utc=1674670402), "bad-timestamp"),
    (written(timestamp_utc=1674670402.5), "bad-timestamp"),
    (written(timestamp_utc=True), "bad-timestamp"),
    (written(timestamp_utc=["2023-01-25 18:13:22 UTC"]), "bad-timestamp"),
    (written(timestamp_utc="2025-05-06 12:05:00.000001 UTC"), "in-the-future"),
    (written(timestamp_utc="2025-05-06T14:05:01+02:00"), "in-the-future"),
    (written(timestamp_utc="9999-12-31 23:59:59.999999 UTC"), "in-the-future"),
    (written(timestamp_utc="9999-12-31T23:59:59-23:59"), "in-the-future"),
    *(
        (written(store_id=store_id), reason)
        for store_id, reason in STORE_IDS
        if reason is not None
    ),
]
REASONS = {
    *("no-value", "bad-json", "missing-store-id", "bad-store-id", "long-store-id"),
    *("mangled-id", "unknown-status", "bad-timestamp", "in-the-future"),
}


def stamp_of(time_us: int) -> str:
    """A time as the encoder writes it."""
    row: dict[str, str] = json.loads(encode_poll(Poll("7", time_us, True)))
    return row["timestamp_utc"]


def accepted_in(values: Sequence[bytes | None], now_us: int) -> list[tuple[int, Poll]]:
    """Row and poll of each record a batch accepts."""
    batch = parse_polls(values, now_us)
    assert len(set(batch.store_ids)) == len(batch.store_ids)
    columns = (batch.rows, batch.codes, batch.packed)
    ids = [store_id.decode() for store_id in batch.store_ids.present()]
    return sorted(
        (
            (row, Poll(ids[code], packed >> 2, bool(packed & 1)))
            for row, code, packed in zip(*(c.tolist() for c in columns), strict=True)
        ),
        key=itemgetter(0),
    )


def rejected_in(
    values: Sequence[bytes | None], now_us: int
) -> list[tuple[int, str, str]]:
    """Row, reason and message of each record a batch refuses."""
    batch = parse_polls(values, now_us)
    return [(row, exc.reason, str(exc)) for row, exc in batch.rejected]


stamp_digits = st.text("0123456789", max_size=9)
moments = st.integers(0, LAST_US).map(
    lambda time_us: datetime.fromtimestamp(time_us // 1_000_000, UTC)
)
usual_stamps = st.one_of(
    st.builds(
        lambda moment, digits: (
            f"{moment:%Y-%m-%d %H:%M:%S}" + (f".{digits}" if digits else "") + " UTC"
        ),
        moments,
        stamp_digits,
    ),
    st.integers(-2, 2).map(lambda by: stamp_of(LATEST_US + by)),
)
odd_stamps = st.sampled_from([stamp for stamp, _ in STAMPS] + BAD_STAMPS)
damaged_stamps = st.builds(
    lambda stamp, at, char: stamp[:at] + char + stamp[at + 1 :],
    st.one_of(usual_stamps, odd_stamps.filter(lambda stamp: len(stamp) < 80)),
    st.integers(0, 30),
    st.one_of(st.sampled_from("0123456789:-. TZ+٣"), st.characters(), st.just("")),
)
ids = st.text(
    st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]),
    min_size=1,
    max_size=60,
).filter(
    lambda text: text == text.strip() and text != "*" and len(text.encode()) <= 128
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "store_id": st.one_of(
            ids,
            st.text(max_size=3),
            st.text("0123456789eE+-., ", max_size=8),
            st.sampled_from([i for i, _ in STORE_IDS]),
        ),
        "timestamp_utc": st.one_of(
            usual_stamps, odd_stamps, damaged_stamps, st.integers(), st.none()
        ),
        "status": st.sampled_from(
            ["active", "inactive", "ACTIVE", "Inactive", " active", "", 1, None, []]
        ),
        "note": st.integers(),
    },
)
good_records = st.builds(
    lambda store_id, stamp, status: written(
        store_id=store_id, timestamp_utc=stamp, status=status
    ),
    ids,
    st.one_of(usual_stamps, st.sampled_from([stamp for stamp, _ in STAMPS])),
    st.sampled_from(["active", "inactive"]),
)
odd_records = st.builds(lambda row: json.dumps(USUAL | row).encode(), fields)
partial_records = fields.map(lambda row: json.dumps(row).encode())
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
garbage = st.one_of(
    st.none(),
    st.binary(max_size=20),
    st.sampled_from([value for value, _ in REFUSED]),
    st.one_of(
        leaves,
        st.lists(leaves, max_size=3),
        st.dictionaries(
            st.sampled_from(list(USUAL)),
            leaves | st.lists(leaves, max_size=3),
            max_size=3,
        ),
    ).map(lambda row: json.dumps(row).encode()),
)
batches = st.one_of(
    st.lists(good_records, max_size=12),
    st.lists(odd_records, max_size=12),
    st.lists(
        st.one_of(good_records, odd_records, partial_records, garbage), max_size=12
    ),
)
polls = st.builds(Poll, ids, st.integers(0, LAST_US), st.booleans())


@pytest.mark.parametrize(("stamp", "instant"), STAMPS)
def test_a_timestamp_is_the_instant_in_the_table(stamp: str, instant: str) -> None:
    """Fractions of any length and any offset are read, alone and in a batch."""
    assert utc(instant) == parse_timestamp(stamp)
    poll = Poll(USUAL["store_id"], utc(instant), True)
    assert [(0, poll)] == accepted_in([written(timestamp_utc=stamp)], NOW_US)


@pytest.mark.parametrize("stamp", BAD_STAMPS, ids=lambda stamp: f"{stamp!a:.40}")
def test_any_other_timestamp_is_refused(stamp: str) -> None:
    """What is not in the two forms is a bad timestamp, alone and in a batch."""
    with pytest.raises(InvalidPoll) as caught:
        parse_timestamp(stamp)
    assert caught.value.reason == "bad-timestamp"
    value = written(timestamp_utc=stamp)
    assert accepted_in([value], NOW_US) == []
    assert [(row, reason) for row, reason, _ in rejected_in([value], NOW_US)] == [
        (0, "bad-timestamp")
    ]


@pytest.mark.parametrize("value", [None, 0, 1674670402, 1.5, True, [], {}, b"now"])
def test_a_timestamp_is_text(value: object) -> None:
    """Numbers and other types are a bad timestamp."""
    with pytest.raises(InvalidPoll, match="timestamp_utc"):
        parse_timestamp(value)


@QUICK
@given(moment=moments, digits=stamp_digits)
def test_digits_beyond_microseconds_are_cut_off(moment: datetime, digits: str) -> None:
    """A fraction counts up to its sixth digit, trailing zeros or not."""
    fraction = f".{digits}" if digits else ""
    seconds, micros = int(moment.timestamp()), int(digits[:6].ljust(6, "0"))
    expected = seconds * 1_000_000 + micros
    assert expected == parse_timestamp(f"{moment:%Y-%m-%d %H:%M:%S}{fraction} UTC")
    assert expected == parse_timestamp(f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z")


@pytest.mark.parametrize(
    ("store_id", "reason"), STORE_IDS, ids=[f"{i!a:.40}" for i, _ in STORE_IDS]
)
def test_a_store_id_is_short_printable_text(
    store_id: object, reason: str | None
) -> None:
    """Up to 128 bytes of text, each character of which is seen; kept as it is."""
    if reason is None:
        assert store_id == check_store_id(store_id)
        assert store_id == parse_poll(written(store_id=store_id), NOW_US).store_id
    else:
        with pytest.raises(InvalidPoll) as caught:
            check_store_id(store_id)
        assert caught.value.reason == reason


@pytest.mark.parametrize("around", ["{} ", " {}", "\t{}\r\n", "\u00a0{}\u3000"])
def test_blanks_around_a_store_id_do_not_make_another_store(around: str) -> None:
    """Alone and in a batch."""
    assert check_store_id(around.format("store 7")) == "store 7"
    value = written(store_id=around.format("store 7"))
    assert [poll.store_id for _, poll in accepted_in([value], NOW_US)] == ["store 7"]


def test_a_refusal_names_the_character_that_nobody_sees() -> None:
    """By its number in Unicode, since it cannot be shown."""
    with pytest.raises(InvalidPoll, match=r"with U\+200B"):
        check_store_id("7\u200b")


@pytest.mark.parametrize("status", ["Active", " active ", "ACTIVE", "active\n"])
def test_a_status_is_known_in_any_case(status: str) -> None:
    """And with blanks around; alone and in a batch."""
    value = written(status=status)
    assert parse_poll(value, NOW_US).active
    assert [poll.active for _, poll in accepted_in([value], NOW_US)] == [True]


@pytest.mark.parametrize(
    ("stamp", "said"),
    [
        ("25/01/2023 12:00", "day and month could be either way round"),
        ("1/2/23", "day and month could be either way round"),
        ("1674670402", "seconds since 1970"),
        (1674670402.5, "seconds since 1970"),
        ("1674670402000", "seconds since 1970"),
        ("44951.75", "number of days"),
        ("2023-01-25", "the time of day is missing"),
        ("soon", "expected YYYY-MM-DD HH:MM:SS"),
    ],
)
def test_a_refused_timestamp_says_what_is_expected(stamp: object, said: str) -> None:
    """And why the way it is written is not guessed at."""
    with pytest.raises(InvalidPoll, match=said) as caught:
        parse_timestamp(stamp)
    assert "expected YYYY-MM-DD HH:MM:SS" in str(caught.value)


def test_a_date_alone_is_asked_about_as_its_midnight() -> None:
    """A time asked for may be a date; a refusal speaks of as_of."""
    assert parse_as_of("2023-01-28") == utc("2023-01-28 00:00")
    assert parse_as_of("2023-01-28T06:00") == utc("2023-01-28 06:00")
    for text in ("yesterday", "2023-02-30", "1969-12-31", None):
        with pytest.raises(InvalidPoll, match="as_of is"):
            parse_as_of(text)


def test_a_store_id_that_is_no_unicode_text_is_refused() -> None:
    """A lone surrogate cannot be a key, so it cannot be an id."""
    with pytest.raises(InvalidPoll, match="store_id"):
        check_store_id("a\ud800")


@pytest.mark.parametrize("time_us", [LATEST_US, LATEST_US - 1, NOW_US + 1, NOW_US, 0])
def test_a_poll_may_be_five_minutes_in_the_future(time_us: int) -> None:
    """Exactly five minutes are allowed, alone and in a batch."""
    poll = Poll("7", time_us, False)
    assert poll == parse_poll(encode_poll(poll), NOW_US)
    assert [(0, poll)] == accepted_in([encode_poll(poll)], NOW_US)


@pytest.mark.parametrize("time_us", [LATEST_US + 1, LATEST_US + MINUTE_US, LAST_US])
def test_a_poll_further_in_the_future_is_refused(time_us: int) -> None:
    """One microsecond more than five minutes is too much."""
    value = encode_poll(Poll("7", time_us, False))
    with pytest.raises(InvalidPoll, match="future") as caught:
        parse_poll(value, NOW_US)
    assert caught.value.reason == "in-the-future"
    assert accepted_in([value], NOW_US) == []


@pytest.mark.parametrize(
    ("value", "reason"), REFUSED, ids=[f"{v!a:.60}" for v, _ in REFUSED]
)
def test_a_refused_poll_has_a_reason(value: bytes | None, reason: str) -> None:
    """The reason is one word for counting, the message a short sentence."""
    with pytest.raises(InvalidPoll) as caught:
        parse_poll(value, NOW_US)
    assert caught.value.reason == reason
    assert 0 < len(str(caught.value)) < 300


def test_every_reason_is_in_the_table() -> None:
    """The table above shows each reason at least once, and no other."""
    assert {reason for _, reason in REFUSED} == REASONS


@pytest.mark.parametrize(
    ("value", "reason"), REFUSED, ids=[f"{v!a:.60}" for v, _ in REFUSED]
)
def test_one_bad_record_leaves_the_others_accepted(
    value: bytes | None, reason: str
) -> None:
    """The good records keep their rows, the bad one its row and reason."""
    good = [Poll(f"store {n}", NOW_US - n, bool(n % 2)) for n in range(4)]
    values: list[bytes | None] = [encode_poll(poll) for poll in good]
    values[2:2] = [value]
    assert accepted_in(values, NOW_US) == list(zip((0, 1, 3, 4), good, strict=True))
    assert [(2, reason)] == [(row, why) for row, why, _ in rejected_in(values, NOW_US)]


@pytest.mark.parametrize("extra", [{"note": "x"}, {"hours": []}, {"": None}])
def test_fields_nobody_asked_for_do_not_matter(extra: dict[str, object]) -> None:
    """A poll may carry more than its three fields."""
    expected = parse_poll(written(), NOW_US)
    assert expected == parse_poll(written(**extra), NOW_US)
    assert [(0, expected)] == accepted_in([written(**extra)], NOW_US)


def test_an_empty_batch_is_a_batch() -> None:
    """No record: nothing accepted, nothing refused."""
    assert accepted_in([], NOW_US) == []
    assert rejected_in([], NOW_US) == []


USUAL_FORMS = [
    written(),
    written().replace(b'": "', b'":"').replace(b'", "', b'","'),
    json.dumps(dict(reversed(USUAL.items()))).encode(),
    written(timestamp_utc="2025-05-06 11:00:00 UTC"),
    written(timestamp_utc="2025-05-06 11:00:00.123456 UTC"),
    written(timestamp_utc="2025-05-06T11:00:00Z"),
    written(timestamp_utc="2025-05-06T11:00:00.25Z"),
    written(timestamp_utc="2025-05-06T11:00:00+00:00"),
    written(timestamp_utc="2025-05-06T11:00:00.123456+00:00"),
    written(timestamp_utc="2025-05-06 11:00:00"),
    written(timestamp_utc="2025-05-06 11:00:00.5"),
    written(timestamp_utc="2025-05-06T11:00:00.123456"),
    written(timestamp_utc="2025-05-06T11:00:00 UTC"),
    written(timestamp_utc="2025-05-06 11:00:00Z"),
    written(status="Active"),
    written(status="INACTIVE"),
    written(store_id="73928e03"),
    written(store_id="shop.12"),
    written(note=["fields", {"nobody": "asked for"}]),
    written().replace(b", ", b",\n\t"),
    written(store_id="a/b").replace(b"/", b"\\/"),
    written(status="inactive"),
    written(store_id="A"),
    written(store_id="Main St. 5 / {b:c, d}"),
    written(store_id="7f2c1f0e-6f0a-4c57-9d37-1b3a6b1d0c11"),
    written(store_id="x" * 128),
]


@pytest.mark.parametrize("value", USUAL_FORMS, ids=lambda value: f"{value!a:.70}")
def test_the_usual_forms_are_read_all_at_once(
    value: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What producers commonly write does not go through the rules one by one."""
    expected = parse_poll(value, NOW_US)
    monkeypatch.delattr(poll_batch, "parse_poll")
    assert accepted_in([value] * 3, NOW_US) == [(row, expected) for row in range(3)]


NEARLY_USUAL = [
    written() + b" ",
    b" " + written(),
    written().replace(b"{", b"["),
    written().replace(b"}", b"]"),
    written().replace(b'":', b'"='),
    written().replace(b'", "', b'"; "'),
    written().replace(b", ", b",\n"),
    written().replace(b"store_id", b"store-id"),
    written().replace(b'"status"', b'"store_id"'),
    written().replace(b'"status"', b'"status\\u0000"'),
    written().replace(b"active", b"actives"),
    written(store_id="1.02E+18"),
    written(store_id="e+1.5"),
    written(store_id="x "),
    written().replace(b"{", b"{x"),
    written().replace(b"{", b"{ "),
    written().replace(b"{", b"{,"),
    written().replace(b'": "', b'":x"'),
    written().replace(b'": "', b'":\t"'),
    written().replace(b'": "', b'":\x00"'),
    written(timestamp_utc="2025-05-06 11:00:00.123456x UTC"),
    written(timestamp_utc="2025-05-06 11:00:00.123456x"),
    written(store_id="a\\b"),
    written(store_id='"'),
    written(store_id=" x"),
    written(store_id="é"),
    written(store_id="x" * 129),
    written().replace(b"1481", b"14\x0081"),
    written().replace(b"1481", b"14\x8181"),
    written(timestamp_utc="2025-05-06T11:00:00-00:00"),
    written(timestamp_utc="2025-05-06T11:00:00.+00:00"),
    written(timestamp_utc="2025-05-06T11:00:00.1234567+00:00"),
    written(timestamp_utc="2025-05-06 11:00:00.1234567 UTC"),
    written(timestamp_utc="2025-05-06 11:00:00. UTC"),
    written(timestamp_utc="2025-05-06T11:00:00.Z"),
    written(note="x"),
    b"",
    None,
]


@pytest.mark.parametrize("value", NEARLY_USUAL, ids=lambda value: f"{value!a:.70}")
def test_what_is_nearly_in_the_usual_form_is_read_by_the_rules(
    value: bytes | None,
) -> None:
    """Each among usual ones, at the beginning, in the middle and at the end."""
    try:
        expected = [parse_poll(value, NOW_US)]
    except InvalidPoll:
        expected = []
    usual = parse_poll(written(), NOW_US)
    found = accepted_in([value, written(), value, written(), value], NOW_US)
    polls = [poll for _, poll in found]
    assert polls == [*expected, usual, *expected, usual, *expected]


@pytest.mark.parametrize("junk", [b"x", b" ", b",", b"\0", b"\\"])
def test_junk_between_the_brace_and_the_first_quote_is_not_read_over(
    junk: bytes,
) -> None:
    """Every byte of the usual form is looked at."""
    values = [written(), b"{" + junk + written()[1:], written()]
    assert len(accepted_in(values, NOW_US)) == (3 if junk == b" " else 2)


@pytest.mark.parametrize("byte", sorted({*range(256)} - set(b' "\t\n\r')))
def test_any_byte_between_a_colon_and_its_value_is_not_read_over(byte: int) -> None:
    """A blank may stand there, as JSON has it, and nothing else."""
    for field in USUAL:
        before = f'"{field}":'.encode()
        broken = written().replace(before + b" ", before + bytes([byte]))
        assert [row for row, _ in accepted_in([broken, written()], NOW_US)] == [1]


def test_junk_after_the_sixth_digit_is_not_cut_off() -> None:
    """Digits beyond microseconds are; what is no digit makes no timestamp."""
    stamps = ["22.123456x UTC", "22.1234567 UTC", "22.123456xZ", "22.123456x"]
    values = [written(timestamp_utc=f"2025-05-06 11:00:{s}") for s in stamps]
    assert [row for row, _ in accepted_in(values, NOW_US)] == [1]


def test_a_batch_numbers_its_stores_once() -> None:
    """Polls of one store share a code; stores are in the order of their ids."""
    order = ["b", "a", "b", "c", "a"]
    batch = parse_polls([encode_poll(Poll(s, NOW_US, True)) for s in order], NOW_US)
    assert batch.store_ids == [b"a", b"b", b"c"]
    assert batch.codes.tolist() == [0, 0, 1, 1, 2]
    assert batch.rows.tolist() == [1, 4, 0, 2, 3]


@THOROUGH
@given(values=batches, now_us=st.sampled_from((NOW_US, LAST_US, 0)))
def test_a_batch_says_what_each_poll_says(
    values: list[bytes | None], now_us: int
) -> None:
    """Accepted and refused rows, reasons and messages are those of parse_poll."""
    accepted: list[tuple[int, Poll]] = []
    rejected: list[tuple[int, str, str]] = []
    for row, value in enumerate(values):
        try:
            accepted.append((row, parse_poll(value, now_us)))
        except InvalidPoll as exc:
            rejected.append((row, exc.reason, str(exc)))
    assert accepted == accepted_in(values, now_us)
    assert rejected == rejected_in(values, now_us)


@QUICK
@given(poll=polls)
def test_a_poll_that_is_written_is_read_back(poll: Poll) -> None:
    """Encoding and parsing give the same poll, alone and in a batch."""
    assert poll == parse_poll(encode_poll(poll), poll.time_us)
    assert [(0, poll)] == accepted_in([encode_poll(poll)], poll.time_us)


@pytest.mark.parametrize(
    ("time", "text"),
    [
        ("2023-01-25 18:13:22", "2023-01-25 18:13:22 UTC"),
        ("2023-01-25 18:13:22.500000", "2023-01-25 18:13:22.5 UTC"),
        ("2023-01-25 18:13:22.479220", "2023-01-25 18:13:22.47922 UTC"),
        ("2023-01-25 18:13:22.000001", "2023-01-25 18:13:22.000001 UTC"),
        ("1970-01-01 00:00:00", "1970-01-01 00:00:00 UTC"),
    ],
)
def test_a_written_poll_has_the_usual_form(time: str, text: str) -> None:
    """Trailing zeros of the fraction are trimmed; without one there is no point."""
    row = json.loads(encode_poll(Poll("7", utc(time), True)))
    assert row == {"store_id": "7", "timestamp_utc": text, "status": "active"}
