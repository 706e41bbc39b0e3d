"""Table ``reports``: the state of every report, by its id.

One partition; whoever owns it is the collector. Values: ``report.state``.
"""

from collections.abc import Iterator

from streamproc.report import record
from streamproc.report.record import Report
from tables.batch_table import BatchTable

PARTITION = 0


class Reports(BatchTable):
    """Reports by id."""

    def all(self) -> Iterator[Report]:
        """Every report, in the order of the ids."""
        return (record.decode(value) for _, value in self.scan(PARTITION))

    def find(self, report_id: str) -> Report | None:
        """One report, or None."""
        value = self.read(PARTITION, report_id.encode())
        return None if value is None else record.decode(value)

    async def save(self, changes: dict[str, Report | None]) -> None:
        """Write records; None deletes one."""
        async with self.exclusive(PARTITION):
            await self.write(
                PARTITION,
                {
                    report_id.encode(): None
                    if report is None
                    else record.encode(report)
                    for report_id, report in changes.items()
                },
            )
