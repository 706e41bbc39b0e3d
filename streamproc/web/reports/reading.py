"""Reports and their files, asked of the worker that keeps them."""

from dataclasses import dataclass
from typing import Any

import orjson

from streamproc.program import Program
from streamproc.report import record
from streamproc.report.record import Report
from streamproc.web.cluster.calls import REPORTS, Call
from streamproc.web.cluster.peers import Cluster
from tables import reports as reports_table


def _reports(program: Program, args: dict[str, Any]) -> list[Report]:
    return list(program.reports.all())


def _report(program: Program, args: dict[str, Any]) -> list[Report]:
    found = program.reports.find(args["report_id"])
    return [] if found is None else [found]


def _encode_reports(reports: list[Report]) -> bytes:
    return orjson.dumps([record.encode(report).decode() for report in reports])


def _decode_reports(value: bytes) -> list[Report]:
    return [record.decode(item.encode()) for item in orjson.loads(value)]


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A finished report's bytes, and when they were written."""

    body: bytes
    modified_ns: int


def _report_file(program: Program, args: dict[str, Any]) -> ReportFile | None:
    """The file of a report that the table says is complete, or the combined one.

    The id never comes from the request alone: it is looked up first.
    """
    files = program.report_files
    if args["report_id"] is None:
        path = files.combined
    else:
        report = program.reports.find(args["report_id"])
        if report is None or report.state != record.COMPLETE:
            return None
        path = files.path(report.report_id)
    try:
        with path.open("rb") as stream:
            return ReportFile(stream.read(), path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


def _encode_file(found: ReportFile | None) -> bytes:
    return b"" if found is None else b"%d\n%b" % (found.modified_ns, found.body)


def _decode_file(value: bytes) -> ReportFile | None:
    if not value:
        return None
    modified, _, body = value.partition(b"\n")
    return ReportFile(body, int(modified))


ALL_REPORTS = Call(
    "reports",
    _reports,
    REPORTS,
    encode=_encode_reports,
    decode=_decode_reports,
    quick=lambda args: True,
)
ONE_REPORT = Call(
    "report",
    _report,
    REPORTS,
    encode=_encode_reports,
    decode=_decode_reports,
    quick=lambda args: True,
)
REPORT_FILE = Call(
    "report-file", _report_file, REPORTS, encode=_encode_file, decode=_decode_file
)
REPORT_PARTITION = reports_table.PARTITION


class Reports:
    """All reports, wherever they are kept."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def all(self) -> list[Report]:
        """All reports, newest first."""
        found = await self._cluster.ask(ALL_REPORTS, REPORT_PARTITION)
        return sorted(found, key=lambda r: (r.created_us, r.report_id), reverse=True)

    async def find(self, report_id: str) -> Report | None:
        """One report, or None."""
        found = await self._cluster.ask(
            ONE_REPORT, REPORT_PARTITION, report_id=report_id
        )
        return found[0] if found else None

    async def file(self, report_id: str | None) -> ReportFile | None:
        """A finished report's file, or the newest of all stores for None."""
        return await self._cluster.ask(
            REPORT_FILE, REPORT_PARTITION, report_id=report_id
        )
