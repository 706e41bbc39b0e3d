"""What travels to make a report: read back whole, or refused with a reason."""

from dataclasses import asdict, replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.errors import ForeignMessage, InvalidInput
from streamproc.report import messages, period_record, record, wire
from streamproc.report.hourly import hourly_request
from streamproc.report.messages import (
    ALL,
    HOURLY,
    LATEST,
    MONTHLY,
    NOW,
    PERIOD,
    STORE,
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
    Waiting,
    identity_of,
)
from streamproc.report.wire import Record, decode_inbox, decode_order, encode
from streamproc.rules.calendar import Calendar, open_intervals
from streamproc.rules.schedule import parse_hours
from streamproc.rules.uptime import Rules
from tests.rules.test_reference import utc, weekly

NOW_US = utc("2025-05-06 12:34:56.789")
DAY_US = 86_400 * 1_000_000
ME = identity_of("store-uptime", Rules(), 4)

TO_COLLECTOR: list[Any] = [
    Request("r1", ALL, NOW, NOW_US),
    Request("R_2-x", ALL, LATEST, NOW_US),
    Request("0" * 64, ALL, NOW_US, NOW_US),
    Request("s1", STORE, LATEST, NOW_US, "é 店"),
    Request("r1", ALL, 0, 0),
    hourly_request(utc("2025-05-06 12:00")),
    Survey("r1", 1, 3, -1, None, -1),
    Survey("r1", 2, 0, NOW_US, "é", 5),
    Waiting("r1", 1, 1023, 5),
    Failed("r1", 7, 0, 'no "space" left\n é'),
    Piece("r1", 1, 0, 0, 0, True, b""),
    Piece("r1", 1, 2, 7, 2000, False, b'{"\xff": 1}'),
    Retry("r1", 4, "no news for 60 s"),
    Expire("r1", ["r1", "r2"]),
    Doubt("r1", ["r1", "r2"]),
    Swept("r1", 3, 7, 2, NOW_US, "store"),
    Swept("r1", 0, 0, 0, -1, None, "the clocks differ"),
    Piece("r1", 1, 0, 1, 2, True, b"", 3, "store"),
    period_record.monthly_request("month:2026-10", NOW_US),
    Request("p1", PERIOD, LATEST, NOW_US, period="last-month", by="day"),
    Request(
        "p1",
        PERIOD,
        NOW,
        NOW_US,
        as_polled=True,
        period="2026-10-01..2026-10-15",
        zone="Asia/Tokyo",
        where="region=West é",
        group_by="region",
    ),
    Survey("r1", 2, 0, NOW_US, "é", 5, 7, 8, ["Asia/Tokyo", "UTC"]),
]
ORDERS: list[Any] = [
    Order("r1", ALL, 1, None, None),
    Order("r1", HOURLY, 2, NOW_US, None),
    Order("r1", STORE, 5, NOW_US, "é"),
    Order("p1", PERIOD, 1, None, None, period="last-month", zone="UTC"),
    Order(
        *("p1", MONTHLY, 1, NOW_US, None, True, "month:2026-10", "day"),
        *("UTC", "region=", 5, 6),
    ),
    Sweep("r1", NOW_US, True),
]


def decode(sent: Record, me: Identity = ME) -> Message:
    """What a worker reads from a record of either topic."""
    kind = dict(sent.headers)["kind"].decode()
    read = decode_order if kind in wire.ORDERS else decode_inbox
    return read(sent.headers, sent.value, me)


def changed(message: Message, changes: dict[str, Any]) -> Record:
    """The record of a message with some fields changed, whatever they become."""
    sent = encode(message, ME)
    facts = asdict(message) | changes
    if not isinstance(message, Piece):
        return replace(sent, value=orjson.dumps(facts))
    facts.pop("body")
    headers = dict(sent.headers) | {"piece": orjson.dumps(facts)}
    return replace(sent, headers=list(headers.items()))


def refused(sent: Record) -> InvalidInput:
    """The reason a message is refused for."""
    with pytest.raises(InvalidInput) as caught:
        decode(sent)
    assert caught.value.reason == "bad-request"
    assert len(str(caught.value)) < 400
    return caught.value


@pytest.mark.parametrize(
    "message", [*TO_COLLECTOR, *ORDERS], ids=lambda m: f"{m!r:.40}"
)
def test_every_message_is_read_back(message: Message) -> None:
    """Encoding and decoding give the same one; its key is the report's id."""
    sent = encode(message, ME)
    assert decode(sent) == message
    assert sent.key == message.report_id.encode()


@pytest.mark.parametrize(
    "report_id",
    [
        *("", ".", "..", "../x", "../../etc/passwd", "a/b", "/etc/passwd", "a\\b"),
        *("..\\x", ".hidden", "-rf", "_a", "a.csv", "a.parts", "r1\n", "r1\0", " r1"),
        *("r 1", "r1;ls", "%2e%2e", "é", "٣", "0" * 65, "a" * 100_000),
        *(None, 7, True, [], ["r1"], {}),
    ],
    ids=lambda value: f"{value!a:.20}",
)
def test_an_id_that_could_leave_the_directory_is_refused(report_id: object) -> None:
    """It becomes a file name: letters, digits, dashes and underscores only."""
    for message in (TO_COLLECTOR[0], TO_COLLECTOR[6], ORDERS[0]):
        assert "report_id" in str(refused(changed(message, {"report_id": report_id})))
    refused(changed(Expire("r1", ["r1"]), {"report_ids": ["r1", report_id]}))


DEEP = b"[" * 1000 + b"]" * 1000


@pytest.mark.parametrize("kind", [*wire.INBOX, *wire.ORDERS])
@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"{", b"\xff", b"null", b"7", b'"r1"', b"[]", b"{}", DEEP),
        *(b'["r1", "all", "now", 0]', b'{"report_id": "r1"}', b'{"surprise": 1}'),
        b'{"report_id": ' + DEEP + b"}",
    ],
    ids=lambda value: f"{value!r:.24}",
)
def test_what_is_no_message_is_refused(kind: str, value: bytes) -> None:
    """Any producer may have written it, so nothing is taken on trust."""
    headers = [("kind", kind.encode()), ("app", ME.app.encode())]
    headers += [("rules", ME.rules.encode()), ("piece", value)]
    refused(Record(b"r1", value, headers))


@pytest.mark.parametrize("kind", [b"", b"rowz", b"\xff", b"x" * 10_000])
def test_a_message_of_no_known_kind_is_refused(kind: bytes) -> None:
    """And so is one without a kind, and one on the other topic."""
    sent = encode(ORDERS[0], ME)
    headers = dict(sent.headers) | {"kind": kind}
    for read in (decode_inbox, decode_order):
        with pytest.raises(InvalidInput, match="unknown kind"):
            read(list(headers.items()), sent.value, ME)
        with pytest.raises(InvalidInput, match="unknown kind"):
            read([], sent.value, ME)
    with pytest.raises(InvalidInput, match="unknown kind"):
        decode_inbox(sent.headers, sent.value, ME)


NO_COUNT: tuple[object, ...] = (None, "1", 1.5, True, -1, 2**53, 2**63, [1], {})
NO_TIME = (*NO_COUNT, "now", -(10**18), 10**18, 2**64 - 1)
WRONG: dict[str, tuple[object, ...]] = {
    "kind": ("weekly", None, ["all"], 1),
    "as_of": ("yesterday", "2025-05-06", None, True, 1.5, [NOW], -1, 10**18),
    "as_of_us": NO_TIME[1:],
    "requested_us": NO_TIME,
    "store_id": (7, ["7"], "", " ", "a\nb", "x" * 129),
    "attempt": (*NO_COUNT, 0),
    "partition": NO_COUNT,
    "newest_us": (*(x for x in NO_COUNT if x != -1), -2),
    "behind": NO_COUNT,
    "reason": (None, 7, ["why"], {}),
    "report_ids": (None, "r1", [7], [None], {"r1": 1}),
    "number": NO_COUNT,
    "newest_store": (7, ["7"], "", " ", "a\nb", "x" * 129),
    "next_us": (*(x for x in NO_COUNT if x != -1), -2),
    "left_out": NO_COUNT,
    "such_as": (7, ["7"], "", " ", "a\nb", "x" * 129),
    "rows": NO_COUNT,
    "polls": NO_COUNT,
    "stores": NO_COUNT,
    "purge": (None, 0, 1, "true", [True]),
    "refused": (7, ["why"], {}),
    "last": (None, 0, 1, "true", [True]),
    "as_polled": (None, 0, 1, "true", [True]),
    "full": (None, 0, 1, "true", [True]),
    "period": (7, "", " ", "month:2026-13", "month:2026-10 ", ["today"]),
    "by": (7, "", "hour", ["day"]),
    "zone": (7, "", "Mars", "utc", ["UTC"]),
    "loading": (None, 0, "no", [True]),
    "zones": (None, "UTC", ["Mars"], [None], {"UTC": 1}),
    "where": (7, "", "region", " region=West", ["region=West"]),
    "group_by": (7, "", " ", " region", "x" * 65, ["region"]),
    "first_us": NO_TIME[1:],
    "whole_us": NO_TIME,
    "kept_us": (*(x for x in NO_COUNT if x != -1), -2),
    "surprise": (1,),
}


@pytest.mark.parametrize(
    "message", [*TO_COLLECTOR, *ORDERS], ids=lambda m: f"{m!r:.40}"
)
def test_every_field_is_checked(message: Message) -> None:
    """What is accepted can be summed, shown and carried out."""
    fields = {*asdict(message), "surprise"} - {"report_id", "body"}
    for field in fields:
        for value in WRONG[field]:
            refused(changed(message, {field: value}))


def test_a_store_goes_with_its_kind() -> None:
    """A report of a store names it, and no other report does."""
    for message in (TO_COLLECTOR[0], ORDERS[0]):
        refused(changed(message, {"kind": STORE}))
        refused(changed(message, {"store_id": "7"}))


def test_a_period_goes_with_its_kinds() -> None:
    """A report of a period names it, and no other report does."""
    for message in (TO_COLLECTOR[0], ORDERS[0]):
        refused(changed(message, {"kind": PERIOD}))
        refused(changed(message, {"kind": MONTHLY}))
        refused(changed(message, {"period": "today"}))
    rows = next(one for one in ORDERS if isinstance(one, Order) and one.first_us)
    refused(changed(rows, {"period": "last-month"}))


@pytest.mark.parametrize("time_us", [0, NOW_US, 2**53 - 1])
def test_a_time_that_is_accepted_can_be_computed_and_shown(time_us: int) -> None:
    """It must not stop a worker later."""
    decode(changed(TO_COLLECTOR[0], {"as_of": time_us}))
    assert record.time_text(time_us)
    hours = parse_hours(weekly((0, "09:00", "17:00")))
    assert open_intervals(Calendar.weekly(hours, "UTC"), time_us - 7 * DAY_US, time_us)


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_whatever_comes_is_read_or_refused(data: st.DataObject) -> None:
    """No bytes, in whatever header, raise anything else."""
    kinds = st.sampled_from([k.encode() for k in (*wire.INBOX, *wire.ORDERS)])
    json = st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
        lambda some: st.lists(some) | st.dictionaries(st.text(), some),
    ).map(lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))
    some_bytes = st.binary(max_size=50) | json
    headers = data.draw(
        st.dictionaries(
            st.sampled_from(["kind", "app", "rules", "piece"]), some_bytes | kinds
        )
    )
    sent = Record(b"k", data.draw(some_bytes), list(headers.items()))
    for read in (decode_inbox, decode_order):
        try:
            read(sent.headers, sent.value, ME)
        except InvalidInput:
            continue


# -- whose they are ----------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        identity_of("store-uptime", Rules(hold_us=None), 4),
        identity_of("store-uptime", Rules(hold_us=1), 4),
        identity_of("store-uptime", Rules(backfill=True), 4),
        identity_of("store-uptime", Rules(), 5),
        identity_of("store-uptime", Rules(), 4, bridge_us=1),
        identity_of("store-uptime", Rules(), 4, day_starts_s=60),
        identity_of("another", Rules(), 4),
    ],
)
def test_orders_news_and_pieces_of_others_are_refused(other: Identity) -> None:
    """Another app's, and those of a worker that would count otherwise."""
    assert other != ME
    for message in (*TO_COLLECTOR, *ORDERS):
        sent = encode(message, other)
        asks = isinstance(message, Request | Retry | Expire | Doubt | Sweep)
        if asks and other.app == ME.app:
            assert decode(sent) == message  # who asks need not know the rules
            continue
        with pytest.raises(ForeignMessage) as caught:
            decode(sent)
        assert (caught.value.app, caught.value.rules) == (other.app, other.rules)


def test_the_same_settings_are_the_same_identity() -> None:
    """On every worker, whatever machine it runs on."""
    assert identity_of("store-uptime", Rules(), 4) == ME


def test_a_fingerprint_names_the_windows_and_the_protocol(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that counts another window, or speaks another protocol, is another."""
    monkeypatch.setattr(messages, "PROTOCOL", messages.PROTOCOL + 1)
    assert identity_of("store-uptime", Rules(), 4) != ME


@pytest.mark.parametrize("missing", ["app", "rules"])
def test_a_message_says_whose_it_is(missing: str) -> None:
    """One that does not is no message."""
    sent = encode(TO_COLLECTOR[6], ME)
    headers = [(name, value) for name, value in sent.headers if name != missing]
    assert "whose" in str(refused(replace(sent, headers=headers)))


def test_who_reads_along_sees_what_is_of_its_app_only() -> None:
    """By whatever rules they were counted."""
    other = identity_of(ME.app, Rules(hold_us=None), 9)
    for message in (*TO_COLLECTOR, *ORDERS):
        sent = encode(message, other)
        seen = wire.overheard(sent.headers, sent.value, ME.app)
        assert seen == (None if message in ORDERS else message)
        assert wire.overheard(sent.headers, sent.value, "another") is None
