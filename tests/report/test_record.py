"""A report from request to Complete or Failed."""

from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamproc.errors import InvalidInput, ReportFailedError
from streamproc.report import record, survey
from streamproc.report.hourly import due_hour, hourly_request
from streamproc.report.messages import ALL, HOURLY, LATEST, NOW, STORE, Request
from streamproc.report.record import COMPLETE, FAILED, RUNNING, Part, Report
from streamproc.transport.partitioner import partition_for
from tests.reference import HOUR_US
from tests.rules.test_reference import MINUTE_US, utc

NOW_US = utc("2025-05-06 12:34:56.789")
HOUR_AT_US = utc("2025-05-06 12:00")
DAY_US = 24 * HOUR_US

QUICK = settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)

numbers = st.integers(-(2**63), 2**63 - 1)
maybe = st.one_of(st.none(), numbers)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
parts = st.builds(
    Part, numbers, maybe, numbers, numbers, maybe, st.none() | texts, numbers, numbers
)
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
    doubted=st.booleans(),
)


def started(partitions: int = 3, **changes: Any) -> Report:
    """The record of a report that has just been asked for."""
    asked = replace(Request("r1", ALL, NOW, NOW_US), **changes)
    return record.start(asked, range(partitions), NOW_US, "me")


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
    asked = hourly_request(utc(hour))
    assert asked == Request(report_id, HOURLY, utc(hour), utc(hour))


def hourly(as_of_us: int, **changes: Any) -> Report:
    """The record of an hourly report."""
    report = record.start(hourly_request(as_of_us), range(1), as_of_us, "me")
    return replace(report, **changes)


@pytest.mark.parametrize(
    ("now", "last", "due"),
    [
        ("2025-05-06 12:00", None, "2025-05-06 12:00"),
        ("2025-05-06 12:59:59.999999", None, "2025-05-06 12:00"),
        ("2025-05-06 12:00", "2025-05-06 11:00", "2025-05-06 12:00"),
        ("2025-05-06 11:59:59.999999", "2025-05-06 11:00", None),
        ("2025-05-06 12:30", "2025-05-06 12:00", None),
        ("2025-05-06 12:57", "2025-05-06 13:00", None),
        ("2025-05-06 12:30", "2025-05-06 13:00", "2025-05-06 12:00"),
        ("2025-05-06 12:30", "2025-05-06 15:00", "2025-05-06 12:00"),
        ("2025-05-06 12:30", "2024-01-01 00:00", "2025-05-06 12:00"),
        ("1970-01-01 00:30", None, "1970-01-01 00:00"),
    ],
)
def test_the_newest_full_hour_is_due_once(
    now: str, last: str | None, due: str | None
) -> None:
    """After an outage only the newest missed hour; a report of the future is none."""
    reports = [] if last is None else [hourly(utc(last))]
    due_us = None if due is None else utc(due)
    assert due_us == due_hour(utc(now), reports)


def test_an_hour_that_was_reported_too_early_is_due_again() -> None:
    """By a clock that was ahead; other reports of that hour do not count for it."""
    early = hourly(HOUR_AT_US, doubted=True)
    other = replace(hourly(HOUR_AT_US), kind=ALL)
    assert due_hour(HOUR_AT_US, [early, other]) == HOUR_AT_US


@QUICK
@given(now_us=st.integers(0, 2**53), lasts_us=st.lists(st.integers(0, 2**53)))
def test_nothing_is_due_after_what_was_due(now_us: int, lasts_us: list[int]) -> None:
    """Once the due hour is written, the same moment asks for no other."""
    reports = [hourly(last_us) for last_us in lasts_us]
    due_us = due_hour(now_us, reports)
    if due_us is not None:
        assert 0 <= now_us - due_us < HOUR_US
        assert due_us % HOUR_US == 0
        assert due_hour(now_us, [*reports, hourly(due_us)]) is None


# -- the future --------------------------------------------------------------------


def test_as_of_may_lie_five_minutes_ahead_and_no_more() -> None:
    """Clocks differ a little; what is more is a slip of the pen or a wrong clock."""
    assert record.check_as_of(NOW_US + 5 * MINUTE_US, NOW_US) == NOW_US + 5 * MINUTE_US
    with pytest.raises(InvalidInput, match="over 5 minutes in the future"):
        record.check_as_of(NOW_US + 5 * MINUTE_US + 1, NOW_US)


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"kind": HOURLY}, True),
        ({"state": FAILED}, False),
        ({"kind": STORE, "store_id": "7"}, False),
        ({"doubted": True}, False),
        ({"as_of_us": NOW_US + DAY_US}, False),
    ],
)
def test_the_newest_report_is_complete_of_all_stores_and_not_of_the_future(
    changes: dict[str, Any], counts: bool
) -> None:
    """Only such a one keeps others from being combined_report.csv."""
    report = replace(record.finished(started(), NOW_US, 1), **changes)
    assert report.counts_as_of(NOW_US) == counts


def surveyed(*told: tuple[int, str | None, int]) -> Report:
    """A report whose partitions have told newest, its store, and the next newest."""
    report = started(partitions=len(told), as_of=LATEST)
    for partition, (newest_us, store, next_us) in enumerate(told):
        report = record.with_part(
            report,
            partition,
            NOW_US,
            newest_us=newest_us,
            newest_store=store,
            next_us=next_us,
        )
    return report


@pytest.mark.parametrize(
    "told",
    [
        [(9 * DAY_US, "D", 7 * DAY_US), (-1, None, -1)],
        [(9 * DAY_US, "D", -1), (7 * DAY_US, "A", 6 * DAY_US)],
        [(7 * DAY_US, "A", 0), (9 * DAY_US, "D", 5 * DAY_US)],
    ],
)
def test_one_bad_clock_does_not_say_what_is_latest(
    told: list[tuple[int, str | None, int]],
) -> None:
    """Alone over a day after all others: both times and the store are named."""
    with pytest.raises(ReportFailedError) as caught:
        survey.surveyed_as_of(surveyed(*told), NOW_US)
    text = str(caught.value)
    for part in ("store D", "1970-01-10T00:00:00Z", "1970-01-08T00:00:00Z", "--as-of"):
        assert part in text


@pytest.mark.parametrize(
    "told",
    [
        [(9 * DAY_US, "D", 8 * DAY_US), (-1, None, -1)],
        [(9 * DAY_US, "D", -1), (-1, None, -1)],
        [(9 * DAY_US, "D", 0), (9 * DAY_US - 1, "A", -1)],
    ],
)
def test_a_newest_poll_with_company_or_the_only_store_is_latest(
    told: list[tuple[int, str | None, int]],
) -> None:
    """Within a day of another store's, or with no other store at all."""
    assert survey.surveyed_as_of(surveyed(*told), NOW_US) == 9 * DAY_US


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
    assert as_of_us == survey.surveyed_as_of(report, NOW_US)


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


def test_a_time_that_no_date_can_have_is_refused_like_any_other_in_the_future() -> None:
    """The last day of 9999 west of Greenwich is told in words, and breaks nothing."""
    beyond_us = 253_402_300_800 * 1_000_000
    assert record.time_text(beyond_us - 1_000_000) == "9999-12-31T23:59:59Z"
    with pytest.raises(InvalidInput, match="after the year 9999"):
        record.check_as_of(beyond_us, 0)
