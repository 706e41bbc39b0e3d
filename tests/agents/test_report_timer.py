"""The timer: what is due is asked for, once, on the worker that collects."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.report_known import KnownReports
from agents.report_timer import ReportTimer
from streamproc.program import Program
from streamproc.report import record
from streamproc.report.hourly import hourly_request
from streamproc.report.messages import (
    ALL,
    MONTHLY,
    Doubt,
    Expire,
    Request,
    Retry,
    ToCollector,
)
from streamproc.report.record import Report
from streamproc.report.wire import decode_inbox
from streamproc.rules.units import DAY_US, HOUR_US, SECOND_US
from streamproc.settings import Settings
from tests.agents import fakes
from tests.agents.fakes import NOW_US
from tests.rules.test_reference import utc

HOUR_ID = "hourly-20230125T1200Z"


class Bench:
    """A timer, its clock, the records it sees, and what it has asked for."""

    def __init__(self, root: Path, **options: Any) -> None:
        self.now_us = NOW_US
        options = {"monthly": False} | options
        settings = Settings(data_dir=root, partitions=2, **options)
        self.program: Program = fakes.program(
            settings=settings, now_us=lambda: self.now_us
        )
        self.records = KnownReports(self.program)
        self.records.refresh()
        self._timer = ReportTimer(self.program, self.records)

    async def tick(self, later_us: int = 0) -> list[ToCollector]:
        """What is asked for when the clock has moved on."""
        self.now_us += later_us
        happened = self.program.__dict__["happened"]
        before = len(happened.events)
        await self._timer.tick()
        return [
            decode_inbox(one.headers, one.value, self.program.identity)
            for one in happened.events[before:]
        ]

    def keep(self, **changes: Any) -> Report:
        """A record that runs, with some fields changed."""
        request = Request("r1", ALL, NOW_US - DAY_US, NOW_US)
        report = record.start(request, range(2), NOW_US, "me")
        report = replace(report, **changes)
        self.records.keep(report)
        return report


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Without the hourly report."""
    return Bench(tmp_path, hourly=False)


async def test_the_hour_is_asked_for_once_until_it_is_there(tmp_path: Path) -> None:
    """And again when nothing came of it, and when the next one is due."""
    bench = Bench(tmp_path)
    (asked,) = await bench.tick()
    assert asked == hourly_request(NOW_US)
    assert await bench.tick(SECOND_US) == []
    assert await bench.tick(60 * SECOND_US) == [asked]
    bench.keep(report_id=HOUR_ID, kind="hourly", as_of_us=NOW_US, state="Complete")
    assert await bench.tick(HOUR_US // 2) == []
    (following,) = await bench.tick(HOUR_US // 2)
    assert following == hourly_request(NOW_US + HOUR_US)


async def test_a_month_is_asked_for_once_it_is_over_somewhere(tmp_path: Path) -> None:
    """Until there is a report of it; that it is too early, the collector finds out."""
    bench = Bench(tmp_path, hourly=False, monthly=True)
    bench.now_us = utc("2023-01-31 10:00") - 1
    (december,) = await bench.tick()
    assert december == Request(
        "month-2022-12", MONTHLY, bench.now_us, bench.now_us, period="month:2022-12"
    )
    done = {"kind": MONTHLY, "state": "Complete", "period": "month:2022-12"}
    bench.keep(report_id="month-2022-12", **done)
    assert await bench.tick() == []
    (january,) = await bench.tick(1)
    assert january.report_id == "month-2023-01"
    not_before_us = utc("2023-02-01 06:00")
    bench.records.months_not_before_us["month-2023-01"] = not_before_us
    bench.now_us = not_before_us - 1
    assert await bench.tick() == []
    (again,) = await bench.tick(1)
    times = not_before_us, not_before_us
    assert again == Request("month-2023-01", MONTHLY, *times, period="month:2023-01")


async def test_a_months_report_is_kept_as_long_as_its_polls(tmp_path: Path) -> None:
    """Others go after ``report_retention``."""
    bench = Bench(tmp_path, hourly=False, history_days=100)
    long_ago = {"kind": MONTHLY, "state": "Complete", "period": "month:2022-12"}
    bench.keep(report_id="a", finished_us=NOW_US - 100 * DAY_US, **long_ago)
    assert await bench.tick() == []
    assert await bench.tick(60 * SECOND_US) == [Expire("a", ["a"])]


async def test_only_the_worker_that_collects_asks(tmp_path: Path) -> None:
    """And only when its tables are recovered."""
    bench = Bench(tmp_path)
    reports: Any = bench.program.reports
    reports.mine = False
    assert await bench.tick() == []
    reports.mine = True
    bench.program.app.tables.actives_ready = False
    assert await bench.tick() == []


async def test_a_report_without_news_is_started_over(bench: Bench) -> None:
    """After ``report_timeout``, with its attempt; one that has ended is left."""
    bench.keep(attempt=3)
    bench.keep(report_id="r2", state="Complete", finished_us=NOW_US)
    assert await bench.tick(60 * SECOND_US) == []
    assert await bench.tick(1) == [Retry("r1", 3, "no news for 60 s")]


async def test_a_report_of_another_collector_is_started_over(bench: Bench) -> None:
    """Its pieces lie on another disk."""
    bench.keep(collector="another")
    assert await bench.tick() == [Retry("r1", 1, "its collector has changed")]


async def test_a_clock_that_was_set_back_does_not_make_a_report_wait(
    bench: Bench,
) -> None:
    """Its last news lies in the future: it is started over; records age."""
    bench.now_us += 400 * DAY_US
    await bench.tick()
    bench.now_us = NOW_US
    bench.keep(progress_us=NOW_US + 400 * DAY_US)
    old_us = NOW_US - 8 * DAY_US
    bench.keep(report_id="old", state="Complete", finished_us=old_us)
    retry, expire = await bench.tick()
    assert isinstance(retry, Retry)
    assert expire == Expire("old", ["old"])


async def test_old_reports_are_deleted_after_their_time(bench: Bench) -> None:
    """Looked for once a minute; not those that run, however old."""
    bench.keep(report_id="a", state="Complete", finished_us=NOW_US - 7 * DAY_US)
    bench.keep(report_id="b", state="Failed", finished_us=NOW_US - 7 * DAY_US - 1)
    assert await bench.tick() == [Expire("b", ["b"])]
    assert await bench.tick(SECOND_US) == []
    assert await bench.tick(59 * SECOND_US) == [Expire("a", ["a", "b"])]


async def test_reports_of_the_future_are_doubted_once(bench: Bench) -> None:
    """Those that a clock ahead of its time has made, hourly or not."""
    bench.keep(report_id="a", state="Complete", as_of_us=NOW_US + HOUR_US)
    assert await bench.tick() == [Doubt("a", ["a"])]
    bench.records.keep(record.doubted(bench.records.all()[0]))
    assert await bench.tick() == []
