"""Reports and their files, asked of the worker that keeps them."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from streamproc.program import Program
from streamproc.report import record
from streamproc.report.record import Report
from streamproc.web.cluster.calls import REPORTS, Call
from streamproc.web.cluster.peers import Cluster
from streamproc.web.refusal import moving
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
class FilePiece:
    """A piece of a finished report's file, and which file that is."""

    body: bytes
    size: int
    modified_ns: int


def _file_piece(program: Program, args: dict[str, Any]) -> FilePiece | None:
    """From the file of a report that the table says is complete, or of the newest."""
    path = _path(program, args["which"])
    if path is None:
        return None
    try:
        with path.open("rb") as stream:
            about = os.fstat(stream.fileno())
            stream.seek(args["start"])
            body = stream.read(args["length"])
            return FilePiece(body, about.st_size, about.st_mtime_ns)
    except FileNotFoundError:
        return None


def _path(program: Program, which: str) -> Path | None:
    """Where a file is; an id is never joined into a path, unless the table has it."""
    files = program.report_files
    newest = {COMBINED: files.combined, MONTHLY: files.monthly}.get(which)
    if newest is not None:
        return newest
    report = program.reports.find(which)
    if report is None or report.state != record.COMPLETE:
        return None
    return files.path(report.report_id)


def _encode_piece(found: FilePiece | None) -> bytes:
    if found is None:
        return b""
    return b"%d %d\n%b" % (found.size, found.modified_ns, found.body)


def _decode_piece(value: bytes) -> FilePiece | None:
    if not value:
        return None
    about, _, body = value.partition(b"\n")
    size, modified_ns = map(int, about.split(b" "))
    return FilePiece(body, size, modified_ns)


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
FILE_PIECE = Call(
    "report-file", _file_piece, REPORTS, encode=_encode_piece, decode=_decode_piece
)
REPORT_PARTITION = reports_table.PARTITION
COMBINED, MONTHLY = "combined_report", "monthly_report"
"""The newest report of all stores, and that of the newest month; no ids of reports."""

PIECE_BYTES = 1 << 18


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

    async def file(self, which: str) -> FilePiece | None:
        """About the file of a finished report by its id, or COMBINED, or MONTHLY."""
        return await self._piece(which, 0, 0)

    async def pieces(self, which: str, file: FilePiece) -> AsyncIterator[bytes]:
        """That file's content; raises a 503 Refusal when it has been replaced."""
        for start in range(0, file.size, PIECE_BYTES):
            found = await self._piece(which, start, PIECE_BYTES)
            if found is None or found.modified_ns != file.modified_ns:
                raise moving("The file has been replaced while it was read.")
            yield found.body

    async def _piece(self, which: str, start: int, length: int) -> FilePiece | None:
        return await self._cluster.ask(
            FILE_PIECE,
            REPORT_PARTITION,
            which=which,
            start=start,
            length=length,
        )
