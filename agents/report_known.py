"""What the collector knows of its reports, and what of it is not saved yet."""

from streamproc.program import Program
from streamproc.report import record
from streamproc.report.messages import News, Piece, Retry
from streamproc.report.record import Report


class KnownReports:
    """The table ``reports`` in memory, and the changes of one batch of messages."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._reports: dict[str, Report] = {}
        self._changed: dict[str, Report | None] = {}
        self._generation = -1
        #: When reports of months that are not over, or not known, are due again.
        self.months_not_before_us: dict[str, int] = {}

    def refresh(self) -> None:
        """Read all records anew when the partition has (again) become ours."""
        generation = self._program.app.consumer_generation_id
        if self._generation != generation:
            self._reports = {r.report_id: r for r in self._program.reports.all()}
            self._generation = generation

    def all(self) -> list[Report]:
        """All records."""
        return list(self._reports.values())

    def get(self, report_id: str) -> Report | None:
        """One record, or None."""
        return self._reports.get(report_id)

    def current(self, news: News | Piece | Retry) -> Report | None:
        """The report, when it still runs and the news is of its attempt."""
        report = self._reports.get(news.report_id)
        if report is None or report.state != record.RUNNING:
            return None
        return report if report.attempt == news.attempt else None

    def keep(self, report: Report) -> None:
        """Put a record in the place of the one of its id."""
        self._reports[report.report_id] = report
        self._changed[report.report_id] = report

    def forget(self, report_id: str) -> None:
        """Delete a record."""
        del self._reports[report_id]
        self._changed[report_id] = None

    async def save(self) -> None:
        """Write what has changed."""
        if self._changed:
            changes, self._changed = self._changed, {}
            await self._program.reports.save(changes)
