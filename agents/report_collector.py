"""Agent ``report_collector``: reports from request to file.

Consumes ``report-inbox``, one partition, so there is one collector at a time. It
alone writes the table ``reports`` and the report directory.
"""

import asyncio
import logging
from dataclasses import replace
from typing import Any

from agents import report_timer
from agents.consume import consume
from agents.report_known import KnownReports
from agents.report_mail import Mail, about_strangers
from streamproc.errors import InvalidInput, ReportFailedError
from streamproc.program import Program
from streamproc.report import period_record, record, survey
from streamproc.report.files import ReportFiles
from streamproc.report.messages import (
    LATEST,
    Doubt,
    Expire,
    Failed,
    News,
    Piece,
    Request,
    Retry,
    Survey,
    Swept,
    ToCollector,
    Waiting,
)
from streamproc.report.orders import order_for
from streamproc.report.record import Report
from streamproc.report.wire import decode_inbox
from streamproc.transport.batch import Batch
from streamproc.transport.partitioner import partition_for
from tables import reports as reports_table

log = logging.getLogger(__name__)


def register(program: Program) -> None:
    """Declare the agent, and the timer that looks after its reports."""
    collector = Collector(program)
    report_timer.register(program, collector.known)

    @program.app.agent(program.source(program.topics.inbox), name="report_collector")
    async def collect(stream: Any) -> None:
        """Turn requests and rows into reports."""
        await consume(program, stream, collector.handle)


class Collector:
    """What the owner of the partition of ``report-inbox`` does."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._files: ReportFiles = program.report_files
        self.known = KnownReports(program)
        self._orders: list[tuple[Report, list[int]]] = []

    # -- messages -----------------------------------------------------------------

    async def handle(self, batch: Batch) -> None:
        """Deal with a batch: files first, then the records, then new orders.

        A crash in between repeats the batch; an order that was not sent is
        sent again when the report shows no progress.
        """
        self._program.reports.require(reports_table.PARTITION)
        self.known.refresh()
        mail = Mail(self._program, batch)
        for row, message in mail.read(decode_inbox):
            try:
                await self._take(message)
            except InvalidInput as exc:
                mail.refuse(row, exc)
        await mail.reject()
        await self.known.save()
        await self._send_orders()

    async def _take(self, message: ToCollector) -> None:
        """Deal with one message; raises InvalidInput when it cannot be."""
        if isinstance(message, Request):
            self._on_request(message)
        elif isinstance(message, Expire):
            self._on_expire(message)
        elif isinstance(message, Doubt):
            self._on_doubt(message)
        elif isinstance(message, Swept):
            return  # who asked for the sweep reads along
        elif isinstance(message, Retry):
            report = self.known.current(message)
            if report is not None:
                self._again(report, message.reason)
        else:
            await self._on_news(message)

    def _on_request(self, request: Request) -> None:
        now_us = self._program.now_us()
        for time_us in (request.as_of, request.requested_us):
            if isinstance(time_us, int):
                record.check_as_of(time_us, now_us)
        known = self.known.get(request.report_id)
        if known is not None and not known.doubted:
            return  # the same request again
        partitions = list(range(self._program.settings.partitions))
        if request.store_id is not None and request.as_of != LATEST:
            partitions = [partition_for(request.store_id.encode(), len(partitions))]
        me = self._program.worker_id
        report = record.start(request, partitions, now_us, me)
        if known is not None:  # made too early
            report = replace(report, attempt=known.attempt + 1)
        self.known.keep(report)
        self._order(report)

    async def _on_news(self, news: News | Piece) -> None:
        report = self.known.current(news)
        if report is None:
            return
        if news.partition not in report.parts:
            raise InvalidInput(
                "bad-request", f"partition {news.partition} was not asked"
            )
        if isinstance(news, Piece):
            await self._on_piece(report, news)
        elif isinstance(news, Failed):
            now_us = self._program.now_us()
            self._end(record.failed(report, now_us, news.reason))
        elif isinstance(news, Waiting):
            now_us = self._program.now_us()
            self.known.keep(
                record.with_part(report, news.partition, now_us, behind=news.behind)
            )
        else:
            self._on_survey(report, news)

    def _on_survey(self, report: Report, news: Survey) -> None:
        now_us = self._program.now_us()
        report = record.with_part(
            report,
            news.partition,
            now_us,
            newest_us=news.newest_us,
            newest_store=news.newest_store,
            next_us=news.next_us,
            kept_us=news.kept_us,
            whole_us=news.whole_us,
            zones=news.zones,
            loading=news.loading,
        )
        settings = self._program.settings
        try:
            settled = survey.settled(
                report, now_us, settings.partitions, settings.day_starts_s
            )
        except survey.ComesTooEarly as exc:
            self.known.months_not_before_us[report.report_id] = exc.again_us
            self.known.forget(report.report_id)
            return
        except (ReportFailedError, InvalidInput) as exc:
            self._end(record.failed(report, now_us, str(exc)))
            return
        if settled is not None:
            report = settled
            self._order(report)
        self.known.keep(report)

    async def _on_piece(self, report: Report, piece: Piece) -> None:
        part = report.parts[piece.partition]
        if part.complete or piece.number != part.pieces:
            return  # a repeat, or the order was computed twice: the first one counts
        try:
            await asyncio.to_thread(self._files.keep_piece, piece)
        except OSError as exc:
            self._end(record.failed(report, self._program.now_us(), _why(exc)))
            return
        report = record.with_part(
            report,
            piece.partition,
            self._program.now_us(),
            pieces=part.pieces + 1,
            rows=part.rows + piece.rows,
            expected=part.pieces + 1 if piece.last else None,
            behind=0,
            left_out=piece.left_out,
            such_as=piece.such_as,
        )
        self.known.keep(report)
        if report.complete_parts == len(report.parts):
            await self._finish(report)

    def _on_doubt(self, message: Doubt) -> None:
        for report_id in message.report_ids:
            report = self.known.get(report_id)
            if report is not None and not report.doubted:
                log.warning(
                    "Report %s is as of %s, which lies in the future: was a clock"
                    " wrong? It counts no more, and is made again when it is due",
                    *(report_id, report.as_of_text),
                )
                self.known.keep(record.doubted(report))

    def _on_expire(self, message: Expire) -> None:
        for report_id in message.report_ids:
            report = self.known.get(report_id)
            if report is not None and report.state != record.RUNNING:
                self._files.delete(report_id)
                self.known.forget(report_id)

    # -- orders -------------------------------------------------------------------

    def _order(self, report: Report) -> None:
        """Ask the partitions for their parts, once the record is durable."""
        self._orders.append((report, list(report.parts)))

    async def _send_orders(self) -> None:
        orders, self._orders = self._orders, []
        for report, partitions in orders:
            order = order_for(report)
            for partition in partitions:
                await self._program.to_owner(partition, order)

    def _again(self, report: Report, why: str) -> None:
        """Start over, or give up after so many tries."""
        now_us = self._program.now_us()
        if report.attempt >= self._program.settings.report_tries:
            missing = [p for p, part in report.parts.items() if not part.complete]
            reason = (
                f"{why}; partitions {missing} did not answer in {report.attempt} tries"
                f"{about_strangers(self._program)}"
            )
            self._end(record.failed(report, now_us, reason))
            return
        log.warning("Report %s: asking again: %s", report.report_id, why)
        self._files.drop_pieces(report.report_id)
        report = record.again(report, now_us, self._program.worker_id)
        self.known.keep(report)
        self._order(report)

    async def _finish(self, report: Report) -> None:
        """Write the files; a report that cannot be written is Failed."""
        try:
            rows = await asyncio.to_thread(self._write, report)
        except ReportFailedError as exc:
            self._again(report, str(exc))
        except InvalidInput as exc:
            self._end(record.failed(report, self._program.now_us(), str(exc)))
        except OSError as exc:
            self._end(record.failed(report, self._program.now_us(), _why(exc)))
        else:
            self._end(record.finished(report, self._program.now_us(), rows))

    def _write(self, report: Report) -> int:
        if report.is_of_period:
            told = sum(part.rows for part in report.parts.values())
            period_record.check_found(report, told)
            newest = period_record.is_newest_month(report, self.known.all())
            return self._files.write_period(report, newest_month=newest)
        rows = self._files.load(report)
        record.check_known(report, bool((rows.last >= 0).any()))
        newest = report.is_newest_of(self.known.all(), self._program.now_us())
        self._files.write(report, rows, combined=newest)
        return len(rows)

    def _end(self, report: Report) -> None:
        self.known.keep(report)
        seconds = (self._program.now_us() - report.created_us) / 1_000_000
        self._program.metrics.report_seconds.labels(report.state).observe(seconds)
        if report.state == record.FAILED:
            log.error("Report %s failed: %s", report.report_id, report.error)
        else:
            path = self._files.path(report.report_id)
            log.info("Report %s: %s, %s", report.report_id, report.rows_text, path)
            if report.left_out_text:
                log.warning("Report %s: %s", report.report_id, report.left_out_text)
        try:
            self._files.drop_pieces(report.report_id)
        except OSError as exc:
            log.warning("Report %s: pieces left behind: %s", report.report_id, exc)


def _why(exc: OSError) -> str:
    return f"{exc.strerror or exc}: {exc.filename or 'report directory'}"
