"""The timer: hourly and monthly reports, reports that stand still, reports of old.

Tables are written by agents only, so it sends the collector messages. Due hours
follow from the last hour reported, not from a timer that sleeps until then: a
worker that was down at the hour asks for the newest missed one when it is back.
"""

import logging

from agents.report_known import KnownReports
from streamproc.program import Program
from streamproc.report import period_record, record
from streamproc.report.hourly import due_hour, hourly_request
from streamproc.report.messages import MONTHLY, Doubt, Expire, Request, Retry
from streamproc.report.record import Report
from streamproc.rules.units import DAY_US, HOUR_US
from tables import reports as reports_table
from tables.fencing import PartitionLostError

log = logging.getLogger(__name__)

TICK_S = 1.0
EXPIRE_EVERY_US = 60 * 1_000_000


def register(program: Program, known: KnownReports) -> None:
    """Declare the timer on the program's app."""
    timer = ReportTimer(program, known)

    @program.app.timer(TICK_S, name="report-timer")
    async def tick() -> None:
        """Ask for the hourly report, and for what has not come."""
        try:
            await timer.tick()
        except PartitionLostError as exc:
            log.info("Reports are looked after later: %s", exc)
        except Exception as exc:
            # Faust would go on without the timer: no report would ever come.
            await program.app.crash(exc)
            raise


class ReportTimer:
    """Looks once a second what is due, on the worker that collects."""

    def __init__(self, program: Program, known: KnownReports) -> None:
        self._program = program
        self._known = known
        self._asked_at_us: dict[str, int] = {}
        self._expired_at_us = 0

    async def tick(self) -> None:
        """Send the messages that are due."""
        program = self._program
        if not program.is_ready() or not program.reports.owns(reports_table.PARTITION):
            return
        self._known.refresh()
        reports = self._known.all()
        now_us = program.now_us()
        if program.settings.hourly:
            await self._ask_for_hour(reports, now_us)
        if program.settings.monthly:
            await self._ask_for_month(reports, now_us)
        for report in reports:
            why = self._overdue(report, now_us)
            if why is not None:
                retry = Retry(report.report_id, report.attempt, why)
                await self._program.to_collector(retry)
        await self._doubt(reports, now_us)
        await self._expire(reports, now_us)

    async def _ask_for_hour(self, reports: list[Report], now_us: int) -> None:
        hour_us = due_hour(now_us, reports)
        if hour_us is not None:
            await self._ask_for(hourly_request(hour_us), now_us)

    async def _ask_for_month(self, reports: list[Report], now_us: int) -> None:
        month = period_record.due_month(now_us, reports)
        if month is None:
            return
        request = period_record.monthly_request(month, now_us)
        not_before = self._known.months_not_before_us
        if now_us >= not_before.get(request.report_id, 0):
            await self._ask_for(request, now_us)

    async def _ask_for(self, request: Request, now_us: int) -> None:
        """Send a request, unless it was sent and the collector has not got to it."""
        timeout_us = self._program.settings.report_timeout * 1_000_000
        asked_at_us = self._asked_at_us.get(request.report_id)
        if asked_at_us is None or abs(now_us - asked_at_us) >= timeout_us:
            self._asked_at_us = {
                report_id: at_us
                for report_id, at_us in self._asked_at_us.items()
                if abs(now_us - at_us) < timeout_us
            }
            self._asked_at_us[request.report_id] = now_us
            await self._program.to_collector(request)

    def _overdue(self, report: Report, now_us: int) -> str | None:
        """Why the report must be started over, or None."""
        if report.state != record.RUNNING:
            return None
        if report.collector != self._program.worker_id:
            return "its collector has changed"
        silence_us = now_us - report.progress_us
        if record.is_future(report.progress_us, now_us):
            return "its last news lies in the future: a clock was wrong"
        if silence_us > self._program.settings.report_timeout * 1_000_000:
            return f"no news for {silence_us // 1_000_000} s"
        return None

    async def _doubt(self, reports: list[Report], now_us: int) -> None:
        """Tell of reports that a clock ahead of its time has made."""
        early = [
            report.report_id
            for report in reports
            if report.as_of_us is not None
            and record.is_future(report.as_of_us, now_us)
            and not report.doubted
        ]
        if early:
            await self._program.to_collector(Doubt(early[0], early))

    async def _expire(self, reports: list[Report], now_us: int) -> None:
        if abs(now_us - self._expired_at_us) < EXPIRE_EVERY_US:
            return
        self._expired_at_us = now_us
        old = [
            report.report_id
            for report in reports
            if report.finished_us is not None
            and report.finished_us < now_us - self._kept_us(report)
        ]
        self._program.report_files.tidy((now_us - HOUR_US) / 1_000_000)
        if old:
            await self._program.to_collector(Expire(old[0], old))

    def _kept_us(self, report: Report) -> int:
        """How long a finished report is kept; that of a month as long as its polls."""
        settings = self._program.settings
        days = settings.report_retention
        if report.kind == MONTHLY and report.state == record.COMPLETE:
            days = max(days, settings.history_days)
        return round(days * DAY_US)
