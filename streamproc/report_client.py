"""Asking a running worker for a report, from another process, on either broker."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from faust.types import TP

from streamproc.errors import ReportFailedError
from streamproc.report import record, wire
from streamproc.report.messages import (
    Piece,
    Request,
)
from streamproc.report.period_rows import (
    PeriodRows,
    decode_period_rows,
    join_period_rows,
)
from streamproc.report.record import Report
from streamproc.report.rows import Rows, decode_rows, join_rows
from streamproc.report.wire import overheard
from streamproc.settings import Settings
from streamproc.topics import changelog, identity_for, topics_for
from streamproc.transport.batch import Batch
from streamproc.transport.client import Client
from streamproc.transport.topic import Topic

ANSWER_TIMEOUT_S = 30.0
_POLL_S = 0.5

OnProgress = Callable[[Report], None]


@dataclass
class ReportClient:
    """Sends a request and follows the report until it is Complete or Failed."""

    settings: Settings
    client: Client
    _pieces: dict[tuple[int, int, int], bytes] = field(default_factory=dict)

    async def run(
        self, request: Request, on_progress: OnProgress
    ) -> tuple[Report, Rows]:
        """Return the finished report and its rows; raises as ``_finished`` does."""
        report = await self._finished(request, on_progress)
        return report, join_rows([decode_rows(body) for body in self._bodies(report)])

    async def run_period(
        self, request: Request, on_progress: OnProgress
    ) -> tuple[Report, PeriodRows]:
        """Return the finished report of a period and its rows, as ``run`` does."""
        report = await self._finished(request, on_progress)
        bodies = self._bodies(report)
        return report, join_period_rows([decode_period_rows(body) for body in bodies])

    async def _finished(self, request: Request, on_progress: OnProgress) -> Report:
        """Return the finished report, all of whose pieces were read.

        Raises ReportFailedError when it ended as Failed, when no worker took it up
        within ``ANSWER_TIMEOUT_S``, or when nothing more is heard of it: after
        ``report_timeout`` if no worker runs, after twice that if one does.
        """
        self._pieces.clear()  # those of a report that was asked for before
        if await self.client.has_worker() is False:
            raise ReportFailedError(self._nobody("no worker runs"))
        inbox = topics_for(self.settings).inbox
        records = Topic(changelog(self.settings, "reports"), 1, compacted=True)
        await self.client.create_topics([inbox, records])
        positions = {
            **await self.client.end_offsets(inbox),
            **await self.client.end_offsets(records),
        }
        sent = wire.encode(request, identity_for(self.settings))
        await self.client.publish(inbox, [sent.key], [sent.value], {0: sent.headers})
        return await self._follow(request.report_id, positions, on_progress)

    async def _follow(
        self, report_id: str, positions: dict[TP, int], on_progress: OnProgress
    ) -> Report:
        report: Report | None = None
        heard_s = time.monotonic()
        while not self._is_done(report):
            before = (report, len(self._pieces))
            for batch in await self.client.read(positions, _POLL_S):
                positions[TP(batch.topic, batch.partition)] = batch.offset + 1
                report = self._take(batch, report_id) or report
            if (report, len(self._pieces)) != before:
                heard_s = time.monotonic()
            if report is None:
                self._check_answered(time.monotonic() - heard_s)
                continue
            on_progress(report)
            if report.state == record.FAILED:
                raise ReportFailedError(f"report {report_id} failed: {report.error}")
            await self._check_alive(report_id, time.monotonic() - heard_s)
        assert report is not None  # else it would not be done
        return report

    def _check_answered(self, silent_s: float) -> None:
        """Raise ReportFailedError when no worker takes the request up."""
        if silent_s > ANSWER_TIMEOUT_S:
            silence = f"no worker answered within {ANSWER_TIMEOUT_S:g} s"
            raise ReportFailedError(self._nobody(silence))

    async def _check_alive(self, report_id: str, silent_s: float) -> None:
        """Raise ReportFailedError when whoever makes the report has gone."""
        limit_s = self.settings.report_timeout
        if silent_s <= limit_s:
            return
        if silent_s > 2 * limit_s or await self.client.has_worker() is False:
            raise ReportFailedError(
                f"nothing was heard of report {report_id} for {silent_s:.0f} s: the"
                " worker that makes it is gone or stuck; when one is back it goes on"
                f" with it: ask for it by its id, or anew"
            )

    def _nobody(self, what: str) -> str:
        return (
            f"{what} on {self.settings.broker_url}; is one running?"
            " Start it with: streamproc worker"
        )

    def _is_done(self, report: Report | None) -> bool:
        """Whether the report is complete and all its pieces were read."""
        return (
            report is not None
            and report.state == record.COMPLETE
            and all(
                (report.attempt, partition, number) in self._pieces
                for partition, part in report.parts.items()
                for number in range(part.expected or 0)
            )
        )

    def _take(self, batch: Batch, report_id: str) -> Report | None:
        """Note pieces and the newest record of the report in a batch."""
        found, app = None, self.settings.app_id
        for row, key in enumerate(batch.keys):
            value = batch.values[row]
            if key != report_id.encode() or value is None:
                continue
            headers = batch.record_headers.get(row, ())
            if not headers:
                found = record.decode(value)
            elif isinstance(piece := overheard(headers, value, app), Piece):
                place = (piece.attempt, piece.partition, piece.number)
                self._pieces.setdefault(place, piece.body)
        return found

    def _bodies(self, report: Report) -> list[bytes]:
        return [
            self._pieces[report.attempt, partition, number]
            for partition, part in report.parts.items()
            for number in range(part.expected or 0)
        ]
