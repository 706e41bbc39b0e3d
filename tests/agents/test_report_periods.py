"""A report of a period, from its request to its file; the tables are real ones."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.report_collector import Collector
from agents.report_rows import answer
from streamproc.bulk import BETWEEN_FILES_US, MANY
from streamproc.program import Program
from streamproc.report import record
from streamproc.report.messages import (
    LATEST,
    MONTHLY,
    PERIOD,
    Order,
    Piece,
    Request,
    Retry,
)
from streamproc.report.period_record import is_newest_month, monthly_request
from streamproc.report.record import COMPLETE, FAILED, Report
from streamproc.report.survey import EMPTY_US, LOADING_US, ComesTooEarly, settled
from streamproc.report.wire import decode_inbox, decode_order
from streamproc.rules import packing
from streamproc.rules.labels import Labels
from streamproc.rules.units import DAY_US, HOUR_US
from streamproc.settings import Settings
from tables import labels as labels_table
from tables import zones as zones_table
from tests.agents import fakes
from tests.agents.test_report_rows import Consumer, poll
from tests.rules.test_reference import utc
from tests.tables.fakes import PARTITION, Changelog, open_table, put

NOVEMBER = utc("2026-11-01 00:00")


class Office:
    """One worker's collector and the owner of its one partition, who write letters."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.collector = Collector(program)
        self.now_us = NOVEMBER + 10 * DAY_US
        program.now_us = lambda: self.now_us
        self._read: dict[str, int] = {}

    def _letters(self, topic: str) -> list[Any]:
        """What was sent since it was looked last."""
        sent = self.program.__dict__["happened"].sent(topic)
        first = self._read.get(topic, 0)
        self._read[topic] = len(sent)
        read = (
            decode_order if topic == self.program.topics.orders.name else decode_inbox
        )
        return [
            read(one.headers, one.value, self.program.identity) for one in sent[first:]
        ]

    async def make(self, request: Request) -> Report | None:
        """Hand letters to and fro until nobody has any more to say."""
        topics = self.program.topics
        letters: list[Any] = [request]
        while letters:
            await self.collector.handle(fakes.mail(self.program, *letters))
            orders: list[Order] = self._letters(topics.orders.name)
            if orders:
                await answer(self.program, fakes.mail(self.program, *orders))
            letters = self._letters(topics.inbox.name)
        kept: dict[str, Report] = self.program.reports.kept
        return kept.get(request.report_id)

    def file(self, report_id: str) -> list[dict[str, str]]:
        """The rows of a finished report."""
        with self.program.report_files.path(report_id).open(newline="") as stream:
            return list(csv.DictReader(stream))


@pytest.fixture
async def office(tmp_path: Path) -> Office:
    """Stores in Tokyo and Chicago, polled hourly from 20 October to 10 November."""
    settings = Settings(data_dir=tmp_path, partitions=1, hourly=False, monthly=False)
    names = ("histories", "hours", "zones", "special_hours", "exclusions", "labels")
    tables = {
        name: await open_table(settings, Changelog(), name=name) for name in names
    }
    program = fakes.program(settings=settings, **tables)
    program.app.consumer = Consumer()
    zones = {b"tokyo": zones_table.encode("Asia/Tokyo")}
    await put(program.zones, zones)
    west = labels_table.encode(Labels("Tokyo 1", {"region": "West"}))
    await put(program.labels, {b"tokyo": west})
    begin_us = utc("2026-10-20 00:00")
    for first in range(0, 21 * 24, 24):
        hours = range(first, first + 24)
        await poll(
            program,
            *(("tokyo", begin_us + hour * HOUR_US) for hour in hours),
            *(("chicago", begin_us + hour * HOUR_US) for hour in hours),
        )
    return Office(program)


def asked(period: str, **fields: Any) -> Request:
    """A report of a period, as of the newest poll."""
    now_us = NOVEMBER + 10 * DAY_US
    return Request("r1", PERIOD, LATEST, now_us, period=period, **fields)


async def test_a_month_is_a_row_for_each_store(office: Office) -> None:
    """In each one's own zone; of the dates that are kept, with the real ends."""
    report = await office.make(asked("last-month"))
    assert report is not None
    assert (report.state, report.told, report.rows) == (COMPLETE, "month:2026-10", 2)
    chicago, tokyo = office.file("r1")
    assert (chicago["store_id"], tokyo["store_id"]) == ("chicago", "tokyo")
    assert (tokyo["name"], tokyo["region"], chicago["region"]) == (
        *("Tokyo 1", "West"),
        "",
    )
    assert chicago["period"] == "month:2026-10"
    assert chicago["from_utc"] == "2026-10-19T05:00:00Z"
    assert chicago["to_utc"] == "2026-11-01T05:00:00Z"
    assert tokyo["from_utc"] == "2026-10-19T15:00:00Z"
    assert tokyo["to_utc"] == "2026-10-31T15:00:00Z"
    assert chicago["uptime(in hours)"] == "293.0000"
    assert chicago["unknown(in hours)"] == "19.0000"
    assert chicago["open(in hours)"] == "312.0000"
    assert chicago["uptime_percent(of observed)"] == "100.00"
    assert chicago["coverage_percent"] == "93.91"
    assert chicago["incidents"] == "0"
    assert chicago["longest_incident(in minutes)"] == "0.00"


async def test_days_of_some_stores_in_one_zone(office: Office) -> None:
    """Each option does its part."""
    request = asked("2026-10-30..2026-11-01", by="day", zone="UTC", where="region=West")
    report = await office.make(request)
    assert report is not None
    assert report.state == COMPLETE
    rows = office.file("r1")
    assert [(row["store_id"], row["period"]) for row in rows] == [
        ("tokyo", "day:2026-10-30"),
        ("tokyo", "day:2026-10-31"),
        ("tokyo", "day:2026-11-01"),
    ]
    assert rows[2]["from_utc"] == "2026-11-01T00:00:00Z"


async def test_a_condition_that_no_store_meets_is_no_empty_report(
    office: Office,
) -> None:
    """A slip of the pen: the report is Failed, and says of which label."""
    report = await office.make(asked("month:2026-10", where="region=west"))
    assert report is not None
    assert (report.state, report.error) == (FAILED, "no store has 'region=west'")


async def test_groups_have_a_row_for_each_value(office: Office) -> None:
    """Those without the label come first."""
    report = await office.make(asked("month:2026-11", group_by="region"))
    assert report is not None
    assert report.rows == 2
    rows = office.file("r1")
    assert [(row["region"], row["stores"]) for row in rows] == [
        ("", "1"),
        ("West", "1"),
    ]
    assert rows[0]["to_utc"] == "2026-11-09T23:00:00Z"  # as of the newest poll


@pytest.mark.parametrize(
    ("period", "why"),
    [
        ("month:2026-09", "nothing of month:2026-09 is kept: polls are kept since"),
        ("year:2027", "nothing of year:2027 is kept: it has not begun as of"),
    ],
)
async def test_a_period_of_which_nothing_is_kept_is_failed(
    office: Office, period: str, why: str
) -> None:
    """With the reason."""
    report = await office.make(asked(period))
    assert report is not None
    assert report.state == FAILED
    assert why in (report.error or "")


async def test_a_report_without_any_poll_is_failed(office: Office) -> None:
    """As of a time before the first one."""
    request = replace(asked("year:2026"), as_of=utc("2026-10-01 00:00"))
    report = await office.make(request)
    assert report is not None
    assert "no poll of any store lies before" in (report.error or "")


async def test_rows_come_in_pieces_and_again_when_they_are_asked_for_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dates that were told stay the same."""
    monkeypatch.setattr("streamproc.report.period_rows._PIECE_BYTES", 1_000)
    report = await office.make(asked("month:2026-11", by="day"))
    assert report is not None
    assert report.parts[PARTITION].pieces > 3
    whole = office.file("r1")
    assert len(whole) == report.rows == 9 + 10
    again = replace(asked("month:2026-11", by="day"), report_id="r2")
    await office.collector.handle(fakes.mail(office.program, again))
    await office.collector.handle(
        fakes.mail(office.program, Retry("r2", 1, "no news for 60 s"))
    )
    second = await office.make(again)
    assert second is not None
    assert (second.state, second.attempt) == (COMPLETE, 2)
    assert office.file("r2") == whole


async def test_a_month_that_is_not_over_everywhere_is_asked_for_again(
    office: Office,
) -> None:
    """It is over in Tokyo, not in Chicago: nothing is kept of the question."""
    over_us = utc("2026-11-01 05:00")
    office.now_us = over_us - 1
    request = monthly_request("month:2026-10", office.now_us)
    assert await office.make(request) is None
    assert office.collector.known.months_not_before_us == {"month-2026-10": over_us}
    office.now_us = over_us
    report = await office.make(monthly_request("month:2026-10", over_us))
    assert report is not None
    assert (report.kind, report.state) == (MONTHLY, COMPLETE)
    files = office.program.report_files
    path = files.path("month-2026-10")
    assert path.name == "month-2026-10.csv"
    assert files.monthly.name == "monthly_report.csv"
    assert files.monthly.read_bytes() == path.read_bytes()
    assert not files.combined.exists()


async def test_a_month_waits_until_its_polls_have_been_loaded(office: Office) -> None:
    """Half of its polls would look whole, and reading the next file takes a while."""
    office.now_us = utc("2026-12-01 12:00")
    past = packing.pack([(office.now_us - DAY_US, True)] * MANY)
    office.program.bulk.note(PARTITION, past, office.now_us)
    request = monthly_request("month:2026-10", office.now_us)
    assert await office.make(request) is None
    due_us = office.now_us + LOADING_US
    assert office.collector.known.months_not_before_us == {"month-2026-10": due_us}
    report = await office.make(asked("month:2026-10"))
    assert report is not None
    assert report.state == COMPLETE
    office.now_us += BETWEEN_FILES_US - 1
    assert await office.make(monthly_request("month:2026-10", office.now_us)) is None
    office.now_us += 1
    report = await office.make(monthly_request("month:2026-10", office.now_us))
    assert report is not None
    assert report.state == COMPLETE


def test_a_month_is_soon_asked_for_again_while_there_are_no_polls() -> None:
    """Whoever begins loads some; of a program that has others it is looked hourly."""
    now_us = utc("2026-12-01 12:00")
    empty = record.with_part(
        record.start(monthly_request("month:2026-11", now_us), [0], now_us, ""),
        *(0, now_us),
        newest_us=-1,
    )
    later = record.with_part(empty, 0, now_us, kept_us=now_us, zones=["UTC"])
    for report, again_us in ((empty, EMPTY_US), (later, HOUR_US)):
        with pytest.raises(ComesTooEarly) as told:
            settled(report, now_us, 1, 0)
        assert told.value.again_us == now_us + again_us


async def test_monthly_report_is_of_the_newest_month(office: Office) -> None:
    """One that is made later of an earlier month does not replace it."""
    november = monthly_request("month:2026-11", utc("2026-12-01 12:00"))
    october = monthly_request("month:2026-10", utc("2026-12-01 12:00"))
    office.now_us = utc("2026-12-01 12:00")
    for request in (november, october):
        report = await office.make(request)
        assert report is not None
        assert report.state == COMPLETE
    files = office.program.report_files
    newest = files.path("month-2026-11").read_bytes()
    assert files.monthly.read_bytes() == newest


def test_a_month_that_is_doubted_does_not_stand_before_others() -> None:
    """A clock that was ahead has made it: an earlier month's report is the newest."""
    at_us = utc("2026-12-01 12:00")
    october, november = (
        record.finished(
            record.start(monthly_request(f"month:2026-{month}", at_us), [0], at_us, ""),
            at_us,
            1,
        )
        for month in (10, 11)
    )
    assert not is_newest_month(october, [october, november])
    doubted = replace(november, doubted=True)
    assert is_newest_month(october, [october, doubted])


async def test_a_month_of_which_nothing_is_kept_leaves_no_trace(
    office: Office,
) -> None:
    """It is looked for again in an hour: somebody may load it."""
    request = monthly_request("month:2026-09", office.now_us)
    assert await office.make(request) is None
    due_us = office.collector.known.months_not_before_us["month-2026-09"]
    assert due_us == office.now_us + HOUR_US


async def test_a_piece_tells_how_many_rows_it_has(office: Office) -> None:
    """An empty partition answers with one last piece."""
    order = Order(
        *("r1", PERIOD, 1, NOVEMBER, None, False, "month:2026-10"),
        where="region=East",
        first_us=NOVEMBER - DAY_US,
    )
    await answer(office.program, fakes.mail(office.program, order))
    [piece] = office._letters(office.program.topics.inbox.name)
    assert isinstance(piece, Piece)
    assert (piece.number, piece.rows, piece.last) == (0, 0, True)
