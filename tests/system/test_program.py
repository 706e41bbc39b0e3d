"""What becomes of every kind of input, in a program run by the test itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from streamproc.cli.rejected import read_rejected
from streamproc.errors import ReportFailedError
from streamproc.program import Program
from streamproc.rejected import Rejected
from streamproc.report import record
from streamproc.report.messages import ALL, NOW, STORE, Request, Waiting
from streamproc.report.record import Report
from streamproc.report.wire import INBOX, encode
from streamproc.rules import packing
from streamproc.rules.poll import Poll, encode_poll
from streamproc.sweeping import Sweeper
from streamproc.topics import identity_for, topics_for
from streamproc.transport.connect import connect
from streamproc.transport.partitioner import partition_for
from streamproc.transport.sqlite.consumer import Consumer
from streamproc.transport.tp import TP
from tests.hostile import BRACKETS
from tests.system.harness import publish, publish_raw
from tests.waiting import LIMIT_S, until_in_loop

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
NOON_US = 1_674_648_000_000_000  # 2023-01-25 12:00 UTC, a Wednesday

StartProgram = Callable[..., Any]


class Clock:
    """A wall clock that the test moves."""

    def __init__(self, now_us: int = NOON_US) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        """Now, as the program sees it."""
        return self.now_us


def clock_of(program: Program) -> Clock:
    """The clock that a test may move."""
    assert isinstance(program.now_us, Clock)
    return program.now_us


_numbers = iter(range(1_000_000))


async def make_report(
    program: Program, as_of: str | int = "now", store_id: str | None = None
) -> Report:
    """Ask for a report and wait for its end."""
    kind = STORE if store_id else ALL
    report_id = f"test-{next(_numbers)}"
    request = Request(report_id, kind, as_of, program.now_us(), store_id)
    await program.to_collector(request)
    return await ended(program, report_id)


async def ended(program: Program, report_id: str) -> Report:
    """The report once it is Complete or Failed."""

    def over() -> Report | None:
        report = program.reports.find(report_id)
        return None if report is None or report.state == record.RUNNING else report

    report = await until_in_loop(over)
    assert report is not None
    return report


def csv_of(program: Program, report: Report) -> list[list[str]]:
    """Rows of a finished report's file, without the header."""
    path = program.report_files.path(report.report_id)
    return [line.split(",") for line in path.read_text().splitlines()[1:]]


async def rejected(program: Program) -> list[Rejected]:
    """Everything in the topic of rejected records."""
    client = await connect(program.settings)
    try:
        return await read_rejected(client, program.topics.rejected)
    finally:
        await client.close()


def counted(program: Program, outcome: str) -> float:
    """How many polls had an outcome."""
    value = program.metrics.registry.get_sample_value(
        "streamproc_polls_total", {"outcome": outcome}
    )
    return value or 0.0


@pytest.fixture
async def program(start_program: StartProgram) -> AsyncIterator[Program]:
    """A program whose clock stands at a Wednesday noon."""
    async with start_program(now_us=Clock()) as running:
        yield running


async def test_a_poll_becomes_uptime_in_the_report(program: Program) -> None:
    """Active at 11:00 and inactive at 11:30: half an hour each."""
    polls = [
        Poll("a", NOON_US - HOUR_US, True),
        Poll("a", NOON_US - HOUR_US // 2, False),
    ]
    await publish(program.settings, polls)
    await publish_raw(
        program.settings,
        [b"a"],
        [b'{"store_id": "a", "timezone_str": "UTC"}'],
        "zones",
    )
    report = await make_report(program)
    assert csv_of(program, report) == [
        ["a", "30.00", "0.50", "0.50", "30.00", "0.50", "0.50"]
    ]


async def test_stores_known_only_from_hours_or_zones_have_a_row(
    program: Program,
) -> None:
    """Rows are sorted by id, bytewise, whatever made the store known."""
    await publish(program.settings, [Poll("b", NOON_US - HOUR_US, True)])
    await publish_raw(
        program.settings, [b"c"], [b'{"store_id":"c","timezone_str":"UTC"}'], "zones"
    )
    await publish_raw(
        program.settings, [b"Z"], [b'{"store_id":"Z","hours":[]}'], "hours"
    )
    report = await make_report(program)
    assert [row[0] for row in csv_of(program, report)] == ["Z", "b", "c"]
    assert csv_of(program, report)[0][1:] == ["0.00"] * 6


async def test_null_forgets_hours_and_zone(program: Program) -> None:
    """By a tombstone, by JSON null, and by a null field."""
    week = orjson.dumps(
        {
            "store_id": "a",
            "hours": [
                {
                    "dayOfWeek": 2,
                    "start_time_local": "00:00:00",
                    "end_time_local": "00:01:00",
                }
            ],
        }
    )
    await publish(program.settings, [Poll("a", NOON_US - HOUR_US, True)])
    for forget in (None, b"null", b'{"store_id":"a","hours":null}'):
        await publish_raw(program.settings, [b"a"], [week], "hours")
        report = await make_report(program)
        assert csv_of(program, report)[0][1] == "0.00"
        await publish_raw(program.settings, [b"a"], [forget], "hours")
        report = await make_report(program)
        assert csv_of(program, report)[0][1] == "60.00"


GARBAGE: list[tuple[str, bytes | None, str]] = [
    ("polls", None, "no-value"),
    ("polls", b"\xff\xfe", "bad-json"),
    ("polls", b"[1, 2]", "bad-json"),
    ("polls", b'{"timestamp_utc": "x", "status": "active"}', "missing-store-id"),
    ("polls", b'{"store_id": "a", "status": "up"}', "unknown-status"),
    ("polls", b'{"store_id": "a", "status": "active"}', "bad-timestamp"),
    (
        "polls",
        b'{"store_id":"a","status":"active","timestamp_utc":"2023-01-25 12:05:01 UTC"}',
        "in-the-future",
    ),
    ("hours", b"{", "bad-json"),
    ("hours", b'{"store_id": "a"}', "bad-hours"),
    ("hours", b'{"store_id": "a", "hours": [{"dayOfWeek": 7}]}', "bad-weekday"),
    ("zones", b'{"store_id": "a", "timezone_str": "Mars/Base"}', "unknown-zone"),
    ("zones", b'"text"', "bad-json"),
    ("inbox", b"{}", "bad-request"),
    ("orders", b"garbage", "bad-request"),
    ("orders", b'{"as_of_us": "noon"}', "bad-request"),
    *((topic, BRACKETS, "bad-json") for topic in ("polls", "hours", "zones")),
    *((topic, BRACKETS, "bad-request") for topic in ("inbox", "orders")),
]


@pytest.mark.parametrize(("topic", "value", "reason"), GARBAGE)
async def test_garbage_is_kept_with_its_reason(
    topic: str, value: bytes | None, reason: str, program: Program
) -> None:
    """On every input topic: rejected, never a crash, never dropped in silence."""
    await publish(program.settings, [Poll("good", NOON_US - HOUR_US, True)])
    await publish_raw(program.settings, [b"a"], [value], topic)
    await publish(program.settings, [Poll("good", NOON_US - HOUR_US // 2, True)])
    report = await make_report(program)
    assert [row[0] for row in csv_of(program, report)] == ["good"]
    (one,) = await rejected(program)
    assert (one.reason, one.value) == (reason, value)
    assert one.topic == getattr(program.topics, topic).name


@pytest.mark.parametrize("kind", INBOX)
async def test_garbage_for_the_collector_is_kept_with_its_reason(
    kind: str, program: Program
) -> None:
    """Whoever can write to the internal topic cannot stop the worker."""
    headers = [
        ("kind", kind.encode()),
        ("app", program.identity.app.encode()),
        ("rules", program.identity.rules.encode()),
    ]
    for value in (b"{}", b"[]", b"\xff"):
        await program.app.producer.append_batch(
            program.topics.inbox.name, 0, [b"x"], [value], {0: headers}
        )
    assert (await make_report(program)).state == record.COMPLETE
    assert [one.reason for one in await rejected(program)] == ["bad-request"] * 3


async def test_two_apps_on_one_broker_do_not_mix_their_reports(
    start_program: StartProgram,
) -> None:
    """The internal topics carry the app's name; the input is shared."""
    async with start_program(now_us=Clock()) as program:
        mine = {program.topics.inbox.name, program.topics.orders.name}
        other = topics_for(replace(program.settings, app_id="another"))
        assert not mine & {topic.name for topic in other}
        assert other.polls == program.topics.polls


async def test_a_worker_with_other_rules_has_no_part_in_a_report(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    """Its messages are refused, counted by sender, and said once."""
    stranger = identity_for(replace(program.settings, hold=None))
    assert stranger != program.identity
    await publish(program.settings, [Poll("a", NOON_US - HOUR_US, True)])
    for behind in (1, 2):
        news = encode(Waiting("x", 1, 0, behind), stranger)
        await program.app.producer.append_batch(
            program.topics.inbox.name, 0, [news.key], [news.value], {0: news.headers}
        )
    assert (await make_report(program)).state == record.COMPLETE
    assert program.strangers == {stranger: 2}
    assert caplog.text.count("Messages refused") == 1
    assert not await rejected(program)


async def test_a_misplaced_poll_ends_in_the_right_store_once(program: Program) -> None:
    """Sent to every partition with another client's key: sent on, counted."""
    polls = [Poll("a", NOON_US - i * MINUTE_US, True) for i in range(1, 9)]
    keys = [f"key-{i}".encode() for i in range(8)]
    await publish_raw(program.settings, keys, [encode_poll(poll) for poll in polls])
    await make_report(program)
    partition = partition_for(b"a", program.settings.partitions)
    stored = program.histories.polls_of(partition, b"a")
    assert (stored >> packing.FLAG_BITS).tolist() == sorted(p.time_us for p in polls)
    away = sum(
        partition_for(key, program.settings.partitions) != partition for key in keys
    )
    assert counted(program, "rerouted") == away > 0
    assert counted(program, "accepted") == len(polls)


async def test_misplaced_hours_and_zones_are_sent_on(program: Program) -> None:
    """They too must meet the store's polls."""
    zone = b'{"store_id":"a","timezone_str":"UTC"}'
    for i in range(8):
        await publish_raw(program.settings, [f"key-{i}".encode()], [zone], "zones")
    await make_report(program)
    partition = partition_for(b"a", program.settings.partitions)
    assert program.zones.read(partition, b"a") == b"UTC"


async def test_a_late_poll_is_rejected_and_counted(program: Program) -> None:
    """It contradicts what was thinned out, so it cannot be placed exactly."""
    begin = NOON_US - 3 * HOUR_US
    dense = [Poll("a", begin + i * 10_000_000, True) for i in range(700)]
    await publish(program.settings, dense)
    await make_report(program)
    await publish(program.settings, [Poll("a", begin + 35_000_001, False)])
    await make_report(program)
    (one,) = await rejected(program)
    assert one.reason == "late"
    assert counted(program, "late") == 1


async def test_old_days_are_archived_but_the_newest_of_them(program: Program) -> None:
    """At hand: what lies within 8 days of the newest, and one day more."""
    days = [Poll("a", NOON_US - ago * DAY_US, True) for ago in range(20, -1, -1)]
    for poll in days:
        await publish(program.settings, [poll])
        await make_report(program)
    partition = partition_for(b"a", program.settings.partitions)
    stored = program.histories.polls_of(partition, b"a") >> packing.FLAG_BITS
    assert stored.tolist() == [NOON_US - ago * DAY_US for ago in range(9, -1, -1)]
    for ago, expired in ((15, 0), (440, 1)):
        await publish(program.settings, [Poll("a", NOON_US - ago * DAY_US, True)])
        await make_report(program)
        assert counted(program, "expired") == expired
    assert not await rejected(program)


async def test_as_of_latest_is_the_newest_poll_of_all_partitions(
    program: Program,
) -> None:
    """Historical data is reported as of its own end."""
    newest_us = NOON_US - 3 * DAY_US
    polls = [Poll(f"s{i}", newest_us - i * HOUR_US, True) for i in range(20)]
    await publish(program.settings, polls)
    report = await make_report(program, "latest")
    assert report.as_of_us == newest_us


async def test_as_of_may_not_lie_where_history_is_gone(
    start_program: StartProgram,
) -> None:
    """Where the week before it was let go of, the answer would be wrong."""
    days = [Poll("a", NOON_US - ago * DAY_US, True) for ago in range(60)]
    async with start_program(now_us=Clock(), history_days=8) as program:
        await publish(program.settings, days)
        report = await make_report(program, NOON_US - 10 * DAY_US)
        assert report.state == record.COMPLETE
        for store_id in (None, "a"):
            report = await make_report(program, NOON_US - 20 * DAY_US, store_id)
            assert report.state == record.FAILED
            assert "lies too far back" in (report.error or "")
            assert "a" in (report.error or "")


async def test_as_of_may_lie_anywhere_in_the_history(program: Program) -> None:
    """Three months of polls, newest first: reports of all and of one are right."""
    times = [NOON_US - day * DAY_US for day in range(90)]
    polls = [Poll("a", time_us, bool(n % 2)) for n, time_us in enumerate(times)]
    for first in range(0, len(polls), 30):
        await publish(program.settings, polls[first : first + 30])
    for day, store_id in ((80, None), (45, "a"), (21, None), (9, "a")):
        as_of_us = NOON_US - day * DAY_US + HOUR_US
        report = await make_report(program, as_of_us, store_id)
        assert report.state == record.COMPLETE, report.error
        ((_, up, _, _, down, _, _),) = csv_of(program, report)
        assert (up, down) == (("60.00", "0.00") if day % 2 else ("0.00", "60.00"))


async def test_as_of_may_lie_back_as_far_as_each_store_is_known(
    program: Program,
) -> None:
    """A store that has let go of nothing is answered for any time."""
    await publish(program.settings, [Poll("a", NOON_US - 3 * DAY_US, True)])
    await publish(program.settings, [Poll("a", NOON_US - HOUR_US, True)])
    report = await make_report(program, NOON_US - 3 * DAY_US + HOUR_US)
    assert csv_of(program, report) == [
        ["a", "60.00", "1.00", "1.00", "0.00", "0.00", "0.00"]
    ]


# -- clocks that were wrong --------------------------------------------------------


async def test_a_poll_of_the_future_decides_for_nobody(program: Program) -> None:
    """The worker's clock was 400 days ahead for a moment, and took such a poll."""
    clock = clock_of(program)
    week = [Poll("a", NOON_US - hour * HOUR_US, True) for hour in range(1, 200)]
    await publish(program.settings, [*week, Poll("b", NOON_US - HOUR_US, True)])
    clock.now_us += 400 * DAY_US
    await publish(program.settings, [Poll("a", clock.now_us - HOUR_US, False)])
    await make_report(program)
    clock.now_us = NOON_US
    for as_of in ("now", NOON_US - HOUR_US, "latest"):
        report = await make_report(program, as_of)
        assert report.state == record.COMPLETE, report.error
        rows = {row[0]: row for row in csv_of(program, report)}
        assert rows["a"][1:4] == ["60.00", "24.00", "168.00"]
    assert report.as_of_us == NOON_US - HOUR_US
    assert program.report_files.combined.read_text().count("\n") == 3


async def test_polls_of_the_future_are_found_and_purged(program: Program) -> None:
    """By a message to the owners; the rest of the history is as it was."""
    clock_of(program).now_us += 400 * DAY_US
    ahead = [Poll(f"s{n}", clock_of(program).now_us - HOUR_US, True) for n in range(9)]
    await publish(program.settings, [Poll("s1", NOON_US - HOUR_US, True), *ahead])
    await make_report(program)
    clock_of(program).now_us = NOON_US
    client = await connect(program.settings)
    try:
        sweeper = Sweeper(program.settings, client)
        for purge, polls in ((False, 9), (True, 9), (False, 0)):
            found = await sweeper.run(NOON_US, purge)
            assert [swept.partition for swept in found] == [0, 1, 2, 3]
            assert sum(swept.polls for swept in found) == polls
        with pytest.raises(ReportFailedError, match="nothing was done"):
            await sweeper.run(NOON_US + HOUR_US, True)
    finally:
        await client.close()
    assert (await make_report(program)).rows == 1


async def test_an_as_of_in_the_future_is_refused_by_the_collector(
    program: Program,
) -> None:
    """Whoever asks, by whatever program; the combined file is not replaced."""
    await publish(program.settings, [Poll("a", NOON_US - HOUR_US, True)])
    await make_report(program)
    before = program.report_files.combined.read_bytes()
    future = Request("typo", ALL, NOON_US + 4000 * DAY_US, NOON_US)
    ahead = Request("ahead", ALL, NOW, NOON_US + 3 * HOUR_US)
    for request in (future, ahead):
        await program.to_collector(request)
    report = await make_report(program)
    assert [one.reason for one in await rejected(program)] == ["bad-as-of"] * 2
    assert program.report_files.combined.read_bytes() == before
    assert [each.report_id for each in program.reports.all()][-1] == report.report_id


async def test_a_report_of_the_future_is_replaced_again(program: Program) -> None:
    """One that was made while the clock was wrong does not stay the newest."""
    await publish(program.settings, [Poll("a", NOON_US - HOUR_US, True)])
    clock_of(program).now_us += 4000 * DAY_US
    await make_report(program)
    assert ",0.00,0.00,0.00," in program.report_files.combined.read_text()
    clock_of(program).now_us = NOON_US
    await make_report(program)
    assert "a,60.00," in program.report_files.combined.read_text()


async def test_a_clock_ahead_does_not_stop_the_hourly_report(
    start_program: StartProgram, caplog: pytest.LogCaptureFixture
) -> None:
    """Three hours ahead once: each hour is reported when it comes, and said."""
    clock = Clock(NOON_US + 3 * HOUR_US)
    async with start_program(now_us=clock, hourly="on") as program:
        early = await ended(program, "hourly-20230125T1500Z")
        clock.now_us = NOON_US
        await ended(program, "hourly-20230125T1200Z")
        await publish(program.settings, [Poll("a", NOON_US - HOUR_US, True)])
        clock.now_us = NOON_US + HOUR_US
        await ended(program, "hourly-20230125T1300Z")
        clock.now_us = NOON_US + 3 * HOUR_US
        async with asyncio.timeout(LIMIT_S):
            late = early
            while late.doubted or late.rows == early.rows:
                await asyncio.sleep(0.02)
                late = program.reports.find(early.report_id) or early
        assert (early.rows, late.rows) == (0, 1)
    assert "lies in the future: was a clock wrong?" in caplog.text


async def test_one_bad_clock_stops_latest_and_is_named(program: Program) -> None:
    """Both times and the store; and a time that is asked for is answered."""
    day = [Poll("a", NOON_US - hour * HOUR_US, True) for hour in range(100, 130)]
    await publish(program.settings, [*day, Poll("d", NOON_US - HOUR_US, True)])
    report = await make_report(program, "latest")
    assert report.state == record.FAILED
    for part in ("store d", "2023-01-25T11:00:00Z", "2023-01-21T08:00:00Z", "--as-of"):
        assert part in (report.error or "")
    assert (await make_report(program, NOON_US - 99 * HOUR_US)).rows == 2


async def test_a_store_whose_clock_was_wrong_on_two_days_keeps_its_row(
    program: Program,
) -> None:
    """Its days have left for the archive, and are read from there."""
    good = [Poll(f"s{i}", NOON_US - HOUR_US, True) for i in range(40)]
    bad = [Poll("bad", NOON_US - ago * DAY_US, True) for ago in range(1, 12)]
    await publish(program.settings, [*good, *bad])
    await make_report(program)
    clock_of(program).now_us += 400 * DAY_US
    ahead = clock_of(program).now_us - HOUR_US
    wrong = [Poll("bad", ahead, True), Poll("bad", ahead - DAY_US, True)]
    await publish(program.settings, wrong)
    await make_report(program)
    clock_of(program).now_us = NOON_US
    report = await make_report(program)
    assert (report.state, report.rows) == (record.COMPLETE, 41)
    (row,) = [row for row in csv_of(program, report) if row[0] == "bad"]
    assert row[1:4] == ["0.00", "1.00", "7.00"]
    one = await make_report(program, store_id="bad")
    assert csv_of(program, one) == [row]


async def test_a_report_of_one_store_is_one_row(program: Program) -> None:
    """And of an unknown one it is Failed, with the reason."""
    await publish(program.settings, [Poll("a", NOON_US - HOUR_US, True)])
    report = await make_report(program, store_id="a")
    assert [row[0] for row in csv_of(program, report)] == ["a"]
    report = await make_report(program, store_id="b")
    assert (report.state, report.error) == (record.FAILED, "store b is not known")


async def test_the_same_request_twice_is_one_report(program: Program) -> None:
    """At-least-once delivery of requests."""
    request = Request("twice", ALL, "now", program.now_us())
    for _ in range(2):
        await program.to_collector(request)
    first = await ended(program, "twice")
    await make_report(program)
    assert program.reports.find("twice") == first


async def test_an_unwritable_report_directory_fails_the_report_only(
    program: Program,
) -> None:
    """Failed with its reason; the next one is made when the cause is gone."""
    await publish(program.settings, [Poll("a", NOON_US - HOUR_US, True)])
    reports = program.settings.data_dir / "reports"
    reports.write_text("in the way")
    report = await make_report(program)
    assert report.state == record.FAILED
    assert "reports" in (report.error or "")
    reports.unlink()
    assert (await make_report(program)).state == record.COMPLETE


async def test_a_missed_hour_is_written_once_the_newest_first(
    start_program: StartProgram,
) -> None:
    """Down at the hour: written when back; three hours missed: one report."""
    clock = Clock(NOON_US + 5 * MINUTE_US)
    async with start_program(now_us=clock, hourly="on") as program:
        await publish(program.settings, [Poll("a", NOON_US - HOUR_US, True)])
        await ended(program, "hourly-20230125T1200Z")
    clock.now_us += 3 * HOUR_US
    async with start_program(now_us=clock, hourly="on") as program:
        report = await ended(program, "hourly-20230125T1500Z")
        assert report.as_of_us == NOON_US + 3 * HOUR_US
        ids = [each.report_id for each in program.reports.all()]
        hourly = [name for name in ids if name.startswith("hourly-")]
        assert hourly == ["hourly-20230125T1200Z", "hourly-20230125T1500Z"]
        combined = program.report_files.combined.read_text()
        assert combined == program.report_files.path(report.report_id).read_text()


async def test_hourly_rows_go_to_the_uptime_topic(start_program: StartProgram) -> None:
    """One JSON row per store, keyed by its id."""
    async with start_program(now_us=Clock(), hourly="on") as program:
        await ended(program, "hourly-20230125T1200Z")
        clock_of(program).now_us += HOUR_US
        await publish(program.settings, [Poll("a", NOON_US, True)])
        await ended(program, "hourly-20230125T1300Z")
        client = await connect(program.settings)
        positions = await client.begin_offsets(program.topics.uptime)
        (batch,) = await client.read(positions, 5)
        await client.close()
    row = orjson.loads(batch.values[0] or b"")
    assert batch.keys == [b"a"]
    assert (row["as_of"], row["up_hour_s"]) == ("2023-01-25T13:00:00Z", 3600.0)


async def test_an_older_report_does_not_replace_the_combined_one(
    program: Program,
) -> None:
    """combined_report.csv is the newest by as_of."""
    await publish(program.settings, [Poll("a", NOON_US - HOUR_US, True)])
    await make_report(program, NOON_US)
    newest = program.report_files.combined.read_bytes()
    await make_report(program, NOON_US - 30 * MINUTE_US)
    assert program.report_files.combined.read_bytes() == newest


async def test_old_reports_are_deleted_with_their_files(
    start_program: StartProgram,
) -> None:
    """After report_retention; the combined one stays."""
    clock = Clock()
    async with start_program(now_us=clock, report_retention=1) as program:
        report = await make_report(program)
        clock.now_us += 2 * DAY_US
        await until_in_loop(lambda: program.reports.find(report.report_id) is None)
        assert not program.report_files.path(report.report_id).exists()
        assert program.report_files.combined.exists()


async def test_a_report_nobody_answers_is_failed_after_its_tries(
    start_program: StartProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never stays Running."""
    from agents import report_rows

    async def silent(*_: object) -> None:
        """An owner that never answers."""

    monkeypatch.setattr(report_rows, "answer", silent)
    async with start_program(report_timeout=0.5, report_tries=2) as program:
        report = await make_report(program)
        assert report.state == record.FAILED
        assert "did not answer in 2 tries" in (report.error or "")


async def test_orders_that_wait_for_input_do_not_hold_it_up(
    start_program: StartProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More orders than are buffered of input are fetched before any of the input."""
    partitions, read = 30, Consumer._read_all
    fetched = set[TP]()

    def orders_first(self: Consumer, tps: list[TP]) -> dict[TP, list[Any]]:
        inputs = {topic.name for topic in running.topics.inputs}
        waits = len(fetched) < partitions
        found = read(self, [tp for tp in tps if not (waits and tp.topic in inputs)])
        orders = running.topics.orders.name
        fetched.update(tp for tp in found if tp.topic == orders)
        return found

    async with start_program(now_us=Clock(), partitions=partitions) as running:
        assert partitions > 2 * running.app.conf.stream_buffer_maxsize
        monkeypatch.setattr(Consumer, "_read_all", orders_first)
        stores = [f"store-{number:03}" for number in range(300)]
        polls = [Poll(store_id, NOON_US - HOUR_US, True) for store_id in stores]
        await publish(running.settings, polls)
        report = await make_report(running)
        assert [row[0] for row in csv_of(running, report)] == stores
