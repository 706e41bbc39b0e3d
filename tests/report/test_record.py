"""A report from request to Complete or Failed."""

import json
from dataclasses import asdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamproc.errors import InvalidInput
from streamproc.report import record
from streamproc.report.record import (
    ALL,
    COMPLETE,
    FAILED,
    HOURLY,
    LATEST,
    NOW,
    RUNNING,
    STORE,
    Order,
    Part,
    Report,
    Request,
    time_text,
)
from streamproc.rules.calendar import open_intervals
from streamproc.rules.schedule import parse_hours
from streamproc.transport.partitioner import partition_for
from tests.reference import HOUR_US
from tests.rules.test_reference import utc, weekly

NOW_US = utc("2025-05-06 12:34:56.789")
HOUR_AT_US = utc("2025-05-06 12:00")
DAY_US = 24 * HOUR_US

QUICK = settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)

numbers = st.integers(-(2**63), 2**63 - 1)
maybe = st.one_of(st.none(), numbers)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
parts = st.builds(Part, numbers, maybe, numbers, numbers, maybe)
reports = st.builds(
    Report,
    report_id=texts,
    kind=st.sampled_from((ALL, HOURLY, STORE)),
    as_of=st.one_of(st.sampled_from((NOW, LATEST)), numbers),
    requested_us=numbers,
    store_id=st.one_of(st.none(), texts),
    state=st.sampled_from((RUNNING, COMPLETE, FAILED)),
    as_of_us=maybe,
    created_us=numbers,
    progress_us=numbers,
    collector=texts,
    attempt=numbers,
    parts=st.dictionaries(st.integers(0, 1023), parts, max_size=5),
    rows=numbers,
    finished_us=maybe,
    error=st.one_of(st.none(), texts),
)


def request(**changes: object) -> bytes:
    """A request as JSON, with some fields changed."""
    row = {"report_id": "r1", "kind": ALL, "as_of": NOW, "requested_us": NOW_US}
    return json.dumps(row | changes).encode()


def started(partitions: int = 3, **changes: object) -> Report:
    """The record of a report that has just been asked for."""
    asked = record.decode_request(request(**changes))
    return record.start(asked, range(partitions), NOW_US, "me")


# -- requests --------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        Request("r1", ALL, NOW, NOW_US),
        Request("R_2-x", ALL, LATEST, NOW_US),
        Request("0" * 64, ALL, HOUR_AT_US, NOW_US),
        Request("s1", STORE, NOW, NOW_US, "7"),
        Request("s1", STORE, LATEST, NOW_US, "é 店"),
        Request("r1", ALL, 0, 0),
        record.hourly_request(HOUR_AT_US),
    ],
)
def test_a_request_is_read_back(asked: Request) -> None:
    """Encoding and decoding give the same request."""
    assert asked == record.decode_request(record.encode_request(asked))


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
    with pytest.raises(InvalidInput, match="report_id") as caught:
        record.decode_request(request(report_id=report_id))
    assert caught.value.reason == "bad-request"
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "value",
    [
        *(None, b"", b"{", b"\xff", b"null", b"7", b'"r1"', b"[]", b"{}"),
        b'["r1", "all", "now", 0]',
        request()[:-1],
        request(surprise=1),
        b'{"report_id": "r1", "kind": "all", "as_of": "now"}',
    ],
)
def test_what_is_no_request_is_refused(value: bytes | None) -> None:
    """Any producer may have written it, so nothing is taken on trust."""
    with pytest.raises(InvalidInput) as caught:
        record.decode_request(value)
    assert caught.value.reason == "bad-request"


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "weekly"},
        {"kind": None},
        {"kind": ["all"]},
        {"as_of": "yesterday"},
        {"as_of": "2025-05-06"},
        {"as_of": None},
        {"as_of": True},
        {"as_of": 1.5},
        {"as_of": [NOW]},
        {"requested_us": None},
        {"requested_us": "now"},
        {"requested_us": 1.5},
        {"requested_us": True},
        {"kind": STORE},
        {"kind": STORE, "store_id": None},
        {"kind": STORE, "store_id": 7},
        {"kind": ALL, "store_id": "7"},
        {"kind": HOURLY, "store_id": "7"},
    ],
    ids=str,
)
def test_a_request_with_a_wrong_field_is_refused(changes: dict[str, object]) -> None:
    """Kind, time and store have to be what they can be."""
    with pytest.raises(InvalidInput) as caught:
        record.decode_request(request(**changes))
    assert caught.value.reason == "bad-request"


@pytest.mark.parametrize("field", ["as_of", "requested_us"])
@pytest.mark.parametrize(
    "time_us", [-(10**18), -(2**63), 10**18, 2**62, 2**63, 2**64 - 1, 2**64]
)
def test_a_time_no_calendar_has_is_refused(field: str, time_us: int) -> None:
    """What is accepted can be computed and shown: it must not stop a worker."""
    try:
        asked = record.decode_request(request(**{field: time_us}))
    except InvalidInput as exc:
        assert exc.reason == "bad-request"  # noqa: PT017 - both ways are right
        return
    as_of_us = record.start(asked, [0], NOW_US, "me").as_of_us
    assert as_of_us is not None
    assert time_text(as_of_us)
    hours = parse_hours(weekly((0, "09:00", "17:00")))
    assert open_intervals(hours, "UTC", as_of_us - 7 * DAY_US, as_of_us) is not None


def test_an_order_is_read_back() -> None:
    """A survey has no time, a store's order has its id."""
    for order in (
        Order("r1", ALL, 1, None, None),
        Order("r1", STORE, 5, HOUR_AT_US, "é"),
    ):
        assert order == record.decode_order(record.encode_order(order))


@pytest.mark.parametrize(
    "value", [None, b"", b"{", b"\xff", b"null", b"7", b'"r1"', b"[]", b"{}", b"[1, 2]"]
)
def test_what_is_no_order_is_refused(value: bytes | None) -> None:
    """Any producer may have written it: it must not stop a worker."""
    with pytest.raises(InvalidInput) as caught:
        record.decode_order(value)
    assert caught.value.reason == "bad-request"


@pytest.mark.parametrize(
    "changes",
    [
        {"report_id": 7},
        {"report_id": None},
        {"attempt": None},
        {"attempt": "1"},
        {"as_of_us": "now"},
        {"as_of_us": 1.5},
        {"as_of_us": True},
        {"as_of_us": 10**18},
        {"as_of_us": -(10**18)},
        {"as_of_us": 2**63},
        {"store_id": 7},
        {"store_id": ["7"]},
        {"surprise": 1},
    ],
    ids=str,
)
def test_an_order_with_a_wrong_field_is_refused(changes: dict[str, object]) -> None:
    """What is accepted can be carried out."""
    row = asdict(Order("r1", ALL, 1, HOUR_AT_US, None)) | changes
    with pytest.raises(InvalidInput) as caught:
        record.decode_order(json.dumps(row).encode())
    assert caught.value.reason == "bad-request"


# -- hours -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hour", "report_id"),
    [
        ("2025-05-06 12:00", "hourly-20250506T1200Z"),
        ("2024-02-29 00:00", "hourly-20240229T0000Z"),
        ("1970-01-01 00:00", "hourly-19700101T0000Z"),
    ],
)
def test_an_hour_has_one_id(hour: str, report_id: str) -> None:
    """So that asking twice is asking once; it is as of that hour."""
    asked = record.hourly_request(utc(hour))
    assert asked == Request(report_id, HOURLY, utc(hour), utc(hour))
    assert asked == record.decode_request(record.encode_request(asked))


@pytest.mark.parametrize(
    ("now", "last", "due"),
    [
        ("2025-05-06 12:00", None, "2025-05-06 12:00"),
        ("2025-05-06 12:59:59.999999", None, "2025-05-06 12:00"),
        ("2025-05-06 12:00", "2025-05-06 11:00", "2025-05-06 12:00"),
        ("2025-05-06 11:59:59.999999", "2025-05-06 11:00", None),
        ("2025-05-06 12:30", "2025-05-06 12:00", None),
        ("2025-05-06 12:30", "2025-05-06 13:00", None),
        ("2025-05-06 12:30", "2024-01-01 00:00", "2025-05-06 12:00"),
        ("1970-01-01 00:30", None, "1970-01-01 00:00"),
    ],
)
def test_the_newest_full_hour_is_due_once(
    now: str, last: str | None, due: str | None
) -> None:
    """After an outage only the newest missed hour is due, not each one."""
    last_us = None if last is None else utc(last)
    due_us = None if due is None else utc(due)
    assert due_us == record.due_hour(utc(now), last_us)


@QUICK
@given(
    now_us=st.integers(0, 2**55), last_us=st.one_of(st.none(), st.integers(0, 2**55))
)
def test_nothing_is_due_after_what_was_due(now_us: int, last_us: int | None) -> None:
    """Once the due hour is written, the same moment asks for no other."""
    due_us = record.due_hour(now_us, last_us)
    if due_us is not None:
        assert 0 <= now_us - due_us < HOUR_US
        assert due_us % HOUR_US == 0
        assert record.due_hour(now_us, due_us) is None


# -- the record ------------------------------------------------------------------


@QUICK
@given(report=reports)
def test_a_record_is_read_back(report: Report) -> None:
    """Everything in the table's value comes back, the parts by number."""
    assert report == record.decode(record.encode(report))


@pytest.mark.parametrize(
    ("as_of", "as_of_us"), [(NOW, NOW_US), (LATEST, None), (HOUR_AT_US, HOUR_AT_US)]
)
def test_a_report_begins_as_running(as_of: object, as_of_us: int | None) -> None:
    """``now`` is the time of the request; ``latest`` is not known yet."""
    report = started(as_of=as_of)
    assert (RUNNING, as_of_us, 1) == (report.state, report.as_of_us, report.attempt)
    assert report.parts == {0: Part(), 1: Part(), 2: Part()}
    assert (
        report.created_us,
        report.progress_us,
        report.collector,
    ) == (NOW_US, NOW_US, "me")


def test_now_is_when_it_was_asked_for() -> None:
    """Not when the collector came to it."""
    assert started(requested_us=NOW_US - HOUR_US).as_of_us == NOW_US - HOUR_US


@pytest.mark.parametrize(
    ("told", "as_of_us"),
    [
        ([None, None, None], None),
        ([5, None, 7], None),
        ([-1, None, -1], None),
        ([5, 9, 7], 9),
        ([-1, 5, -1], 5),
        ([0, -1, -1], 0),
        ([-1, -1, -1], NOW_US),
    ],
)
def test_latest_is_known_when_every_partition_has_told(
    told: list[int | None], as_of_us: int | None
) -> None:
    """It is the newest poll of them all; with no polls at all it is now."""
    report = started(as_of=LATEST)
    for partition, newest_us in enumerate(told):
        report = record.with_part(report, partition, NOW_US, newest_us=newest_us)
    assert as_of_us == record.surveyed_as_of(report, NOW_US)


def test_a_resolved_report_asks_every_partition_anew() -> None:
    """What the survey told is forgotten, the time is set."""
    report = record.with_part(started(as_of=LATEST), 1, NOW_US, newest_us=7)
    report = record.resolved(report, 7, 3)
    assert (7, {0: Part(), 1: Part(), 2: Part()}) == (report.as_of_us, report.parts)


@pytest.mark.parametrize("store_id", ["7", "é", "1481966498820158979"])
def test_a_store_report_asks_its_partition_only(store_id: str) -> None:
    """The one the store's polls go to."""
    report = record.resolved(started(kind=STORE, store_id=store_id), NOW_US, 4)
    assert list(report.parts) == [partition_for(store_id.encode(), 4)]


@pytest.mark.parametrize(
    ("part", "complete"),
    [
        (Part(), False),
        (Part(pieces=3), False),
        (Part(pieces=2, expected=3), False),
        (Part(pieces=3, expected=3), True),
        (Part(pieces=0, expected=0), True),
    ],
)
def test_a_part_is_complete_with_its_last_piece(part: Part, complete: bool) -> None:
    """How many there are is known from the last one."""
    assert complete == part.complete


def test_news_change_one_part_and_count_as_progress() -> None:
    """The other parts stay, and the record before is not touched."""
    before = started()
    after = record.with_part(before, 1, NOW_US + 5, pieces=2, expected=2, rows=7)
    assert after.parts == {0: Part(), 1: Part(2, 2, 7), 2: Part()}
    assert (after.progress_us, after.complete_parts) == (NOW_US + 5, 1)
    assert (before.progress_us, before.complete_parts) == (NOW_US, 0)


def test_another_attempt_begins_with_nothing() -> None:
    """What was collected is void; the report, its time and its age stay."""
    first = record.with_part(started(), 1, NOW_US, pieces=2, expected=2, rows=7)
    second = record.again(first, NOW_US + 9, "another")
    assert (
        second.attempt,
        second.collector,
        second.progress_us,
    ) == (2, "another", NOW_US + 9)
    assert second.parts == dict.fromkeys(first.parts, Part())
    assert asdict(second) | {
        "attempt": 1,
        "collector": "me",
        "progress_us": NOW_US,
    } == (asdict(first) | {"parts": asdict(second)["parts"]})


def test_a_report_ends_as_complete_or_failed() -> None:
    """With the time, and its rows or the reason."""
    complete = record.finished(started(), NOW_US + 1, 14_000)
    failed = record.failed(started(), NOW_US + 2, "no space left")
    assert (
        complete.state,
        complete.rows,
        complete.finished_us,
        complete.error,
    ) == (COMPLETE, 14_000, NOW_US + 1, None)
    assert (
        failed.state,
        failed.rows,
        failed.finished_us,
        failed.error,
    ) == (FAILED, 0, NOW_US + 2, "no space left")
