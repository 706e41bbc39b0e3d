"""Agent ``collector``: reports from request to file.

Consumes ``report-rows``, one partition, so there is one collector at a time. It
alone writes the table ``reports`` and the report directory.
"""

import asyncio
import logging
from typing import Any

import orjson

from agents import report_timer
from agents.consume import KEPT_MESSAGE, consume, reject
from streamproc.errors import InvalidInput, ReportFailedError, as_refusal, shown
from streamproc.program import Program
from streamproc.report import record
from streamproc.report.files import ReportFiles
from streamproc.report.record import Order, Report
from streamproc.transport.batch import Batch
from streamproc.transport.partitioner import partition_for
from tables import reports as reports_table
from tables.fencing import PartitionLostError

log = logging.getLogger(__name__)

_TOO_MUCH = 1 << 53
"""Beyond every number that a worker has ever sent."""


def register(program: Program) -> None:
    """Declare the agent, and the timer that looks after its reports."""
    collector = Collector(program)
    report_timer.register(program, collector)

    @program.app.agent(program.source(program.topics.rows), name="collector")
    async def collect(stream: Any) -> None:
        """Turn requests and rows into reports."""
        await consume(program, stream, collector.handle)


class Collector:
    """What the owner of the partition of ``report-rows`` does."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._files: ReportFiles = program.report_files
        self._reports: dict[str, Report] = {}
        self._generation = -1
        self._changed: dict[str, Report | None] = {}
        self._orders: list[tuple[Report, list[int]]] = []

    # -- messages -----------------------------------------------------------------

    async def handle(self, batch: Batch) -> None:
        """Deal with a batch: files first, then the records, then new orders.

        A crash in between repeats the batch; an order that was not sent is
        sent again when the report shows no progress.
        """
        self._program.reports.require(reports_table.PARTITION)
        self.reports()
        refused: list[tuple[int, InvalidInput]] = []
        for row, value in enumerate(batch.values):
            headers = dict(batch.record_headers.get(row, ()))
            try:
                await self._message(headers, batch.keys[row], value)
            except PartitionLostError:
                raise
            except Exception as exc:
                refused.append((row, as_refusal(exc, "bad-request")))
        await reject(self._program, batch, refused)
        await self._save()
        await self._send_orders()

    async def _message(
        self, headers: dict[str, bytes], key: bytes | None, value: bytes | None
    ) -> None:
        kind = headers.get("kind", b"").decode()
        if kind == "request":
            self._on_request(value)
        elif kind == "rows":
            await self._on_rows(headers, (key or b"").decode(), value or b"")
        elif kind in ("survey", "waiting", "failed", "retry", "expire"):
            news = orjson.loads(value or b"{}")
            if kind == "expire":
                self._on_expire(news["report_ids"])
            else:
                self._on_news(kind, news)
        else:
            raise InvalidInput("bad-request", f"unknown kind of message {shown(kind)}")

    def _on_request(self, value: bytes | None) -> None:
        request = record.decode_request(value)
        if request.report_id in self._reports:
            return  # the same request again
        partitions = list(range(self._program.settings.partitions))
        if request.store_id is not None and request.as_of != record.LATEST:
            partitions = [partition_for(request.store_id.encode(), len(partitions))]
        report = record.start(
            request, partitions, self._program.now_us(), self._program.worker_id
        )
        self._keep(report)
        self._order(report)

    def _on_news(self, kind: str, news: dict[str, Any]) -> None:
        report = self._current(news["report_id"], news["attempt"])
        if report is None:
            return
        now_us = self._program.now_us()
        if kind == "failed":
            self._end(record.failed(report, now_us, _text(news, "reason")))
        elif kind == "retry":
            self._again(report, _text(news, "why"))
        elif kind == "waiting":
            partition, behind = _number(news, "partition"), _number(news, "behind")
            self._keep(record.with_part(report, partition, now_us, behind=behind))
        else:
            partition = _number(news, "partition")
            self._on_survey(report, partition, _number(news, "newest_us"))

    def _on_survey(self, report: Report, partition: int, newest_us: int) -> None:
        now_us = self._program.now_us()
        report = record.with_part(report, partition, now_us, newest_us=newest_us)
        as_of_us = record.surveyed_as_of(report, now_us)
        if as_of_us is not None and report.as_of_us is None:
            report = record.resolved(
                report, as_of_us, self._program.settings.partitions
            )
            self._order(report)
        self._keep(report)

    async def _on_rows(
        self, headers: dict[str, bytes], report_id: str, value: bytes
    ) -> None:
        given = {name: int(text) for name, text in headers.items() if name != "kind"}
        fact = {name: _number(given, name) for name in given}
        report = self._current(report_id, fact["attempt"])
        if report is None or report.parts[fact["partition"]].complete:
            return
        part = report.parts[fact["partition"]]
        if fact["piece"] != part.pieces:
            return  # a repeat, or the order was computed twice: the first one counts
        try:
            await asyncio.to_thread(
                self._files.keep_piece,
                report_id,
                report.attempt,
                fact["partition"],
                fact["piece"],
                value,
            )
        except OSError as exc:
            self._end(record.failed(report, self._program.now_us(), _why(exc)))
            return
        report = record.with_part(
            report,
            fact["partition"],
            self._program.now_us(),
            pieces=part.pieces + 1,
            rows=part.rows + fact["rows"],
            expected=part.pieces + 1 if fact["last"] else None,
            behind=0,
        )
        self._keep(report)
        if report.complete_parts == len(report.parts):
            await self._finish(report)

    def _on_expire(self, report_ids: list[str]) -> None:
        for report_id in report_ids:
            report = self._reports.get(report_id)
            if report is not None and report.state != record.RUNNING:
                self._files.delete(report_id)
                del self._reports[report_id]
                self._changed[report_id] = None

    # -- records --------------------------------------------------------------------

    def reports(self) -> list[Report]:
        """All records, read anew when the partition has (again) become ours."""
        generation = self._program.app.consumer_generation_id
        if self._generation != generation:
            self._reports = {r.report_id: r for r in self._program.reports.all()}
            self._generation = generation
        return list(self._reports.values())

    def _current(self, report_id: str, attempt: int) -> Report | None:
        """The report, when it still runs and the news is of its attempt."""
        report = self._reports.get(report_id)
        if (
            report is None
            or report.state != record.RUNNING
            or report.attempt != attempt
        ):
            return None
        return report

    def _keep(self, report: Report) -> None:
        self._reports[report.report_id] = report
        self._changed[report.report_id] = report

    async def _save(self) -> None:
        if self._changed:
            changes, self._changed = self._changed, {}
            await self._program.reports.save(changes)

    def _order(self, report: Report) -> None:
        """Ask the partitions for their parts, once the record is durable."""
        self._orders.append((report, list(report.parts)))

    async def _send_orders(self) -> None:
        orders, self._orders = self._orders, []
        for report, partitions in orders:
            value = record.encode_order(
                Order(
                    report.report_id,
                    report.kind,
                    report.attempt,
                    report.as_of_us,
                    report.store_id,
                )
            )
            for partition in partitions:
                await self._program.app.producer.append_batch(
                    self._program.topics.requests.name,
                    partition,
                    [report.report_id.encode()],
                    [value],
                )

    def _again(self, report: Report, why: str) -> None:
        """Start over, or give up after so many tries."""
        now_us = self._program.now_us()
        if report.attempt >= self._program.settings.report_tries:
            missing = [p for p, part in report.parts.items() if not part.complete]
            reason = (
                f"{why}; partitions {missing} did not answer in {report.attempt} tries"
            )
            self._end(record.failed(report, now_us, reason))
            return
        log.warning("Report %s: asking again: %s", report.report_id, why)
        self._files.drop_pieces(report.report_id)
        report = record.again(report, now_us, self._program.worker_id)
        self._keep(report)
        self._order(report)

    async def _finish(self, report: Report) -> None:
        """Write the files; a report that cannot be written is Failed."""
        try:
            rows = await asyncio.to_thread(self._write, report)
        except ReportFailedError as exc:
            self._again(report, str(exc))
        except OSError as exc:
            self._end(record.failed(report, self._program.now_us(), _why(exc)))
        else:
            self._end(record.finished(report, self._program.now_us(), rows))

    def _write(self, report: Report) -> int:
        rows = self._files.load(report)
        self._files.write(report, rows, combined=self._is_newest(report))
        return len(rows)

    def _is_newest(self, report: Report) -> bool:
        """Whether no later report of all stores is complete already."""
        return report.kind != record.STORE and not any(
            other.state == record.COMPLETE
            and other.kind != record.STORE
            and (other.as_of_us or 0) > (report.as_of_us or 0)
            for other in self._reports.values()
        )

    def _end(self, report: Report) -> None:
        self._keep(report)
        seconds = (self._program.now_us() - report.created_us) / 1_000_000
        self._program.metrics.report_seconds.labels(report.state).observe(seconds)
        if report.state == record.FAILED:
            log.error("Report %s failed: %s", report.report_id, report.error)
        else:
            path = self._files.path(report.report_id)
            log.info("Report %s: %d stores, %s", report.report_id, report.rows, path)
        try:
            self._files.drop_pieces(report.report_id)
        except OSError as exc:
            log.warning("Report %s: pieces left behind: %s", report.report_id, exc)


def _number(news: dict[str, Any], name: str) -> int:
    """A count or a time of a message, -1 for none; raises InvalidInput.

    It goes into a report's record, where anything else would break a sum later.
    """
    value = news[name]
    if type(value) is not int or not -1 <= value < _TOO_MUCH:
        raise InvalidInput("bad-request", f"{name} is {shown(value)}, no whole number")
    return value


def _text(news: dict[str, Any], name: str) -> str:
    """A sentence of a message; raises InvalidInput."""
    value = news[name]
    if not isinstance(value, str):
        raise InvalidInput("bad-request", f"{name} is {shown(value)}, expected text")
    return value[:KEPT_MESSAGE]


def _why(exc: OSError) -> str:
    return f"{exc.strerror or exc}: {exc.filename or 'report directory'}"
