"""The report directory; every file in it appears whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TextIO, TypeVar

from streamproc.errors import InvalidInput, ReportFailedError
from streamproc.report.messages import Piece
from streamproc.report.period_csv import write_period_csv
from streamproc.report.period_record import slice_names
from streamproc.report.period_rows import decode_period_rows, join_period_rows
from streamproc.report.record import Report
from streamproc.report.rows import Rows, decode_rows, join_rows, write_csv

T = TypeVar("T")

COMBINED = "combined_report.csv"
MONTHLY = "monthly_report.csv"
_UNFINISHED = "unfinished-"


class ReportFiles:
    """``combined_report.csv``, ``monthly_report.csv`` and ``reports/<id>.csv``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.combined = root / COMBINED
        self.monthly = root / MONTHLY

    def tidy(self, before_s: float) -> None:
        """Delete what killed processes have left half written.

        Only what was last written before ``before_s`` (seconds since 1970): the
        directory may be shared, and another worker be writing.
        """
        for folder in (self.root, self.root / "reports"):
            for path in folder.glob(f".*.{_UNFINISHED}*"):
                if path.stat().st_mtime < before_s:
                    path.unlink(missing_ok=True)

    def path(self, report_id: str) -> Path:
        """File of a finished report."""
        return self.root / "reports" / f"{report_id}.csv"

    def full_path(self, report_id: str) -> Path:
        """File with all its figures, of a report that was asked for with them."""
        return self.root / "reports" / f"{report_id}.full.csv"

    def _parts(self, report_id: str) -> Path:
        return self.root / "reports" / f"{report_id}.parts"

    def _piece(self, report_id: str, attempt: int, partition: int, number: int) -> Path:
        return self._parts(report_id) / f"{attempt}-{partition}-{number}.piece"

    def keep_piece(self, piece: Piece) -> None:
        """Put a piece on disk; a repeat replaces it."""
        path = self._piece(
            piece.report_id, piece.attempt, piece.partition, piece.number
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(piece.body)

    def load(self, report: Report) -> Rows:
        """All rows of a report whose every partition is complete."""
        return join_rows(self._pieces(report, decode_rows))

    def _pieces(self, report: Report, decode: Callable[[bytes], T]) -> list[T]:
        return [
            self._load_piece(report, partition, number, decode)
            for partition, part in sorted(report.parts.items())
            for number in range(part.expected or 0)
        ]

    def _load_piece(
        self,
        report: Report,
        partition: int,
        number: int,
        decode: Callable[[bytes], T],
    ) -> T:
        path = self._piece(report.report_id, report.attempt, partition, number)
        try:
            return decode(path.read_bytes())
        except (OSError, InvalidInput) as exc:
            raise ReportFailedError(f"a piece of the report was lost: {exc}") from exc

    def write_period(self, report: Report, newest_month: bool) -> int:
        """Write the file of a period's report, atomically; return how many rows it has.

        ``newest_month``: ``monthly_report.csv``, too.
        """
        rows = join_period_rows(self._pieces(report, decode_period_rows))
        path, names = self.path(report.report_id), slice_names(report)
        with atomic_file(path) as stream:
            written = write_period_csv(stream, rows, names, report.group_by)
        if newest_month:
            _replace_by_copy(path, self.monthly)
        return written

    def write(self, report: Report, rows: Rows, combined: bool) -> None:
        """Write the report's file, atomically; with ``combined``, that one too."""
        path = self.path(report.report_id)
        _write_atomically(path, rows)
        if report.full:
            _write_atomically(self.full_path(report.report_id), rows, full=True)
        if combined:
            _replace_by_copy(path, self.combined)

    def drop_pieces(self, report_id: str) -> None:
        """Delete the pieces of a report that is finished or void."""
        shutil.rmtree(self._parts(report_id), ignore_errors=True)

    def delete(self, report_id: str) -> None:
        """Delete everything there is of a report; the combined file stays."""
        self.drop_pieces(report_id)
        self.path(report_id).unlink(missing_ok=True)
        self.full_path(report_id).unlink(missing_ok=True)


def _write_atomically(path: Path, rows: Rows, full: bool = False) -> None:
    """Temp file in the same directory, write, fsync, rename."""
    with atomic_file(path) as stream:
        write_csv(stream, rows, full)


def _replace_by_copy(source: Path, target: Path) -> None:
    with (
        atomic_file(target) as stream,
        source.open(encoding="utf-8", newline="") as text,
    ):
        shutil.copyfileobj(text, stream, 1 << 20)


class atomic_file:
    """A file that takes its final name only when all of it is on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> TextIO:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(
            dir=self._path.parent, prefix=f".{self._path.name}.{_UNFINISHED}"
        )
        self._temp = Path(name)
        self._stream = os.fdopen(fd, "w", encoding="utf-8", newline="")
        return self._stream

    def __exit__(self, exc_type: object, *_: object) -> None:
        try:
            if exc_type is None:
                self._stream.flush()
                os.fchmod(self._stream.fileno(), 0o644)
                os.fsync(self._stream.fileno())
                self._stream.close()
                self._temp.rename(self._path)
                _sync_directory(self._path.parent)
        finally:
            try:
                self._stream.close()  # on a full disk even this fails
            finally:
                self._temp.unlink(missing_ok=True)


def _sync_directory(path: Path) -> None:
    """Make the rename itself durable."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
