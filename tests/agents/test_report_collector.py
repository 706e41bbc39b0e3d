"""The collector: what it keeps, in which order, and which messages count."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.report_collector import Collector
from streamproc.errors import RecordTooLargeError
from streamproc.program import Program
from streamproc.report import record
from streamproc.report.messages import (
    ALL,
    HOURLY,
    LATEST,
    NOW,
    STORE,
    Doubt,
    Expire,
    Failed,
    Message,
    Order,
    Piece,
    Request,
    Retry,
    Survey,
    Waiting,
)
from streamproc.report.record import COMPLETE, FAILED, RUNNING, Report
from streamproc.report.rows import NO_ROWS, Rows, encode_rows
from streamproc.report.wire import decode_order, encode
from streamproc.rules import packing
from streamproc.rules.units import DAY_US, HOUR_US, MINUTE_US
from streamproc.topics import identity_for
from streamproc.transport.partitioner import partition_for
from tests.agents import fakes
from tests.agents.fakes import NOW_US, Sent

ASKED = Request("r1", ALL, NOW_US - HOUR_US, NOW_US)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """A program of two partitions without a broker."""
    return fakes.program(tmp_path)


@pytest.fixture
def collector(program: Program) -> Collector:
    """Its collector."""
    return Collector(program)


def rows(*store_ids: str) -> Rows:
    """Rows of these stores; each was up for a minute of every window."""
    amounts = np.full((3, len(store_ids)), MINUTE_US)
    last = np.full(len(store_ids), packing.packed_of(NOW_US - DAY_US, 1))
    none = amounts * 0
    return Rows(list(store_ids), amounts, none, amounts, none, last)


def piece(
    partition: int, number: int, *store_ids: str, last: bool = False, attempt: int = 1
) -> Piece:
    """A piece of the report ``r1``."""
    body = encode_rows(rows(*store_ids) if store_ids else NO_ROWS)
    return Piece("r1", attempt, partition, number, len(store_ids), last, body)


async def take(program: Program, collector: Collector, *messages: Message) -> Report:
    """Hand the collector one batch; return the record of ``r1`` as it was saved."""
    await collector.handle(fakes.mail(program, *messages))
    kept: dict[str, Report] = program.reports.kept
    return kept["r1"]


def orders(program: Program) -> list[tuple[int, Order]]:
    """The orders that were sent, and to which partition."""
    sent = program.__dict__["happened"].sent(program.topics.orders.name)
    read = [decode_order(one.headers, one.value, program.identity) for one in sent]
    return [
        (one.partition, order)
        for one, order in zip(sent, read, strict=True)
        if isinstance(order, Order)
    ]


def rejected(program: Program) -> list[Sent]:
    """What was refused."""
    kept: list[Sent] = program.__dict__["happened"].sent(program.topics.rejected.name)
    return kept


# -- order of what is durable --------------------------------------------------


async def test_orders_are_sent_when_the_record_is_saved(
    program: Program, collector: Collector
) -> None:
    """Whoever answers an order finds its report, after any crash."""
    await take(program, collector, ASKED)
    events = program.__dict__["happened"].events
    assert events[0] == ("saved", "r1")
    assert [type(event) for event in events[1:]] == [Sent, Sent]
    order = Order("r1", ALL, 1, NOW_US - HOUR_US, None)
    assert orders(program) == [(0, order), (1, order)]


async def test_nothing_is_ordered_when_the_record_cannot_be_saved(
    program: Program, collector: Collector
) -> None:
    """The error ends the worker; the batch is read again."""
    reports: Any = program.reports
    reports.error = RecordTooLargeError("too large")
    with pytest.raises(RecordTooLargeError):
        await take(program, collector, ASKED)
    assert orders(program) == []


async def test_the_file_is_there_before_the_record_says_so(
    program: Program, collector: Collector
) -> None:
    """Complete is only said of a report whose file can be read."""
    await take(program, collector, ASKED)
    reports: Any = program.reports
    reports.error = RecordTooLargeError("too large")
    with pytest.raises(RecordTooLargeError):
        await take(
            program, collector, piece(0, 0, "a", last=True), piece(1, 0, last=True)
        )
    assert program.report_files.path("r1").exists()
    assert reports.kept["r1"].state == RUNNING


# -- requests ------------------------------------------------------------------


async def test_a_request_again_is_the_same_report(
    program: Program, collector: Collector
) -> None:
    """At-least-once delivery of requests."""
    await take(program, collector, ASKED, ASKED)
    assert len(orders(program)) == 2


async def test_a_store_is_asked_of_its_partition(
    program: Program, collector: Collector
) -> None:
    """But of all when the newest poll of all is to be found first."""
    home = partition_for(b"7", 2)
    await take(program, collector, Request("r1", STORE, NOW, NOW_US, "7"))
    assert [partition for partition, _ in orders(program)] == [home]
    latest = Request("r2", STORE, LATEST, NOW_US, "7")
    await collector.handle(fakes.mail(program, latest))
    assert [o.as_of_us for _, o in orders(program)[1:]] == [None, None]
    told = [Survey("r2", 1, p, NOW_US - p, "7", -1) for p in (0, 1)]
    await collector.handle(fakes.mail(program, *told))
    assert orders(program)[3:] == [(home, Order("r2", STORE, 1, NOW_US, "7"))]


async def test_the_records_of_before_are_read_when_the_partition_is_ours_again(
    program: Program, collector: Collector
) -> None:
    """Another worker may have written them meanwhile."""
    await take(program, collector, ASKED)
    reports: Any = program.reports
    reports.kept["r1"] = record.failed(reports.kept["r1"], NOW_US, "elsewhere")
    collector.known.refresh()
    assert collector.known.all()[0].state == RUNNING
    program.app.consumer_generation_id = 2
    collector.known.refresh()
    assert collector.known.all()[0].error == "elsewhere"


# -- pieces --------------------------------------------------------------------


async def test_a_report_is_complete_with_the_last_piece_of_every_partition(
    program: Program, collector: Collector
) -> None:
    """Its file holds all rows, sorted; the combined one is the same."""
    await take(program, collector, ASKED)
    report = await take(
        program, collector, piece(1, 0, "c", "a"), piece(0, 0, "b", last=True)
    )
    assert (report.state, report.complete_parts) == (RUNNING, 1)
    report = await take(program, collector, piece(1, 1, last=True))
    assert (report.state, report.rows) == (COMPLETE, 3)
    text = program.report_files.path("r1").read_text()
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == ["a", "b", "c"]
    assert program.report_files.combined.read_text() == text


async def test_a_repeated_piece_counts_once(
    program: Program, collector: Collector
) -> None:
    """As after a crash of its sender, also when the repeat is cut in another way."""
    await take(program, collector, ASKED)
    first = piece(0, 0, "a", "b")
    report = await take(program, collector, first, first, piece(0, 0, "a", "b", "x"))
    assert (report.parts[0].pieces, report.parts[0].rows) == (1, 2)
    report = await take(
        program,
        collector,
        piece(0, 1, "c", last=True),
        piece(0, 1, "c", last=True),
        piece(0, 2, "z", last=True),
        piece(1, 0, last=True),
    )
    assert (report.state, report.rows) == (COMPLETE, 3)


async def test_a_piece_before_its_turn_does_not_count(
    program: Program, collector: Collector
) -> None:
    """What is between would be missing from a report that is called Complete."""
    await take(program, collector, ASKED)
    report = await take(
        program, collector, piece(0, 1, "b", last=True), piece(1, 0, last=True)
    )
    assert (report.state, report.parts[0].pieces) == (RUNNING, 0)


async def test_news_of_an_old_attempt_does_not_count(
    program: Program, collector: Collector
) -> None:
    """Two attempts may cut the same rows in different ways."""
    await take(program, collector, ASKED)
    report = await take(program, collector, Retry("r1", 1, "silence"))
    assert report.attempt == 2
    late: list[Message] = [
        piece(0, 0, "a", last=True),
        Waiting("r1", 1, 1, 7),
        Failed("r1", 1, 1, "was so"),
        Retry("r1", 1, "silence"),
    ]
    report = await take(program, collector, *late)
    assert (report.state, report.attempt) == (RUNNING, 2)
    assert report.parts[0].pieces == report.parts[1].behind == 0
    report = await take(program, collector, piece(0, 0, "a", attempt=2))
    assert report.parts[0].pieces == 1


async def test_news_of_a_partition_that_was_not_asked_is_refused(
    program: Program, collector: Collector
) -> None:
    """It can only come from another program."""
    await take(program, collector, ASKED)
    report = await take(program, collector, piece(7, 0, "a"), Waiting("r1", 1, 2, 1))
    assert list(report.parts) == [0, 1]
    assert len(rejected(program)) == 2


async def test_stores_that_were_left_out_are_told_by_the_record(
    program: Program, collector: Collector
) -> None:
    """How many, and one of them."""
    await take(program, collector, ASKED)
    some = replace(piece(0, 0, "a", last=True), left_out=2, such_as="x")
    more = replace(piece(1, 0, last=True), left_out=1, such_as="y")
    report = await take(program, collector, some, more)
    assert "3 stores are left out, such as x" in report.left_out_text


# -- the combined report -------------------------------------------------------


async def made(
    program: Program, collector: Collector, request: Request, store_id: str
) -> None:
    """A report with one row."""
    parts = [
        replace(piece(p, 0, *ids, last=True), report_id=request.report_id)
        for p, ids in ((0, (store_id,)), (1, ()))
    ]
    await collector.handle(fakes.mail(program, request, *parts))


def combined(program: Program) -> str:
    """The id in the combined report."""
    return program.report_files.combined.read_text().splitlines()[1].split(",")[0]


async def test_the_combined_report_is_the_newest_and_of_equal_ones_the_last(
    program: Program, collector: Collector
) -> None:
    """A report of the same hour that is made again has seen more."""
    hour_us = NOW_US - HOUR_US
    await made(program, collector, Request("a", HOURLY, hour_us, NOW_US), "first")
    await made(program, collector, Request("b", ALL, hour_us, NOW_US), "equal")
    assert combined(program) == "equal"
    await made(program, collector, Request("c", ALL, hour_us - 1, NOW_US), "older")
    assert combined(program) == "equal"
    await made(program, collector, Request("d", ALL, hour_us + 1, NOW_US), "newer")
    assert combined(program) == "newer"


async def test_a_time_before_all_polls_is_no_report_of_zeros(
    program: Program, collector: Collector
) -> None:
    """A slip of the pen replaces no file; without any time asked for, it is what is."""
    silent = replace(rows("a"), last=np.array([-1]))
    body = encode_rows(silent)
    parts = [replace(piece(0, 0, "a", last=True), body=body), piece(1, 0, last=True)]
    report = await take(program, collector, ASKED, *parts)
    assert report.state == FAILED
    assert "no poll of any store lies before as_of" in (report.error or "")
    assert not program.report_files.combined.exists()
    now = Request("now", ALL, NOW, NOW_US)
    asked = [replace(part, report_id="now") for part in parts]
    await collector.handle(fakes.mail(program, now, *asked))
    assert program.report_files.combined.exists()


async def test_a_report_of_one_store_is_not_the_combined_one(
    program: Program, collector: Collector
) -> None:
    """However new it is."""
    await made(program, collector, Request("a", ALL, NOW_US - HOUR_US, NOW_US), "all")
    request = Request("s", STORE, NOW_US, NOW_US, "7")
    home = partition_for(b"7", 2)
    one = replace(piece(home, 0, "7", last=True), report_id="s")
    await collector.handle(fakes.mail(program, request, one))
    assert program.report_files.path("s").exists()
    assert combined(program) == "all"


# -- ends ----------------------------------------------------------------------


async def test_a_report_is_asked_for_again_and_given_up_in_the_end(
    program: Program, collector: Collector
) -> None:
    """With what was missing; pieces of the attempts before are void."""
    await take(program, collector, ASKED, piece(0, 0, "a", last=True))
    tries = program.settings.report_tries
    for attempt in range(1, tries + 1):
        report = await take(program, collector, Retry("r1", attempt, "silence"))
    assert report.state == FAILED
    assert f"silence; partitions [0, 1] did not answer in {tries} tries" in (
        report.error or ""
    )
    assert [o.attempt for p, o in orders(program) if p == 0] == [1, 2, 3, 4, 5]
    assert not list(program.report_files.root.glob("reports/*.parts"))


async def test_workers_with_other_rules_are_named_as_the_cause(
    program: Program, collector: Collector
) -> None:
    """Their pieces are refused, so their partitions never answer."""
    await take(program, collector, ASKED)
    stranger = identity_for(replace(program.settings, hold=None))
    await collector.handle(fakes.mail(program, encode(piece(0, 0, "a"), stranger)))
    for attempt in range(1, program.settings.report_tries + 1):
        report = await take(program, collector, Retry("r1", attempt, "silence"))
    assert "1 messages of workers with other rules were refused" in (report.error or "")


async def test_a_partition_that_cannot_answer_fails_the_report(
    program: Program, collector: Collector
) -> None:
    """With its own words."""
    await take(program, collector, ASKED)
    report = await take(program, collector, Failed("r1", 1, 1, "no disk"))
    assert (report.state, report.error) == (FAILED, "no disk")


async def test_a_piece_lost_on_the_way_to_the_file_is_asked_for_again(
    program: Program, collector: Collector
) -> None:
    """A file that was deleted or spoilt never makes a shorter report."""
    await take(program, collector, ASKED, piece(0, 0, "a", last=True))
    (kept,) = program.report_files.root.glob("reports/r1.parts/*")
    kept.write_bytes(b'{"store_ids": ["a"]}')
    report = await take(program, collector, piece(1, 0, last=True))
    assert (report.state, report.attempt) == (RUNNING, 2)
    assert not program.report_files.path("r1").exists()


async def test_only_reports_that_have_ended_are_deleted(
    program: Program, collector: Collector
) -> None:
    """With their files; the combined one stays."""
    await made(program, collector, Request("a", ALL, NOW_US - HOUR_US, NOW_US), "x")
    await take(program, collector, ASKED)
    await collector.handle(fakes.mail(program, Expire("a", ["a", "r1", "no"])))
    reports: Any = program.reports
    assert list(reports.kept) == ["r1"]
    assert not program.report_files.path("a").exists()
    assert combined(program) == "x"


async def test_a_doubted_report_is_made_again_when_it_is_asked_for(
    program: Program, collector: Collector
) -> None:
    """As another attempt, so that no piece of the first counts."""
    request = Request("r1", ALL, NOW_US - HOUR_US, NOW_US)
    await made(program, collector, request, "early")
    report = await take(program, collector, Doubt("r1", ["r1"]), request)
    assert (report.state, report.attempt, report.doubted) == (RUNNING, 2, False)
    await take(program, collector, piece(0, 0, "late", last=True))
    assert orders(program)[-1][1].attempt == 2


async def test_a_report_of_the_future_does_not_stay_the_combined_one(
    program: Program, collector: Collector
) -> None:
    """One that was made while the clock was ahead."""
    program.now_us = lambda: NOW_US + 400 * DAY_US
    ahead = Request("ahead", ALL, NOW_US + 400 * DAY_US, NOW_US + 400 * DAY_US)
    await made(program, collector, ahead, "ahead")
    program.now_us = lambda: NOW_US
    await made(program, collector, ASKED, "true")
    assert combined(program) == "true"
