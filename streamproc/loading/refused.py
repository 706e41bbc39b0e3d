"""Rows that were refused: kept in ``FILE.rejects.csv``, whole or not at all."""

import csv
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streamproc.report.files import atomic_file
from streamproc.report.rows import safe_cell

ROW_CHARS = 1_000
"""Most of a refused row that is kept."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not taken: where it stands, why, and what it says."""

    path: Path
    line: int
    reason: str
    message: str
    row: str

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.message}"


OnRefused = Callable[[Refused], None]


@dataclass
class RejectsFile:
    """``INPUT.rejects.csv``, beside the input or else in ``fallback_dir``.

    It appears when all is read. Nothing in it is run by a spreadsheet, and a link
    that stands in its place is replaced, not followed. Of a clean run, the one of an
    earlier run goes.
    """

    source: Path
    fallback_dir: Path
    kind: str
    count: int = 0
    _stack: ExitStack = field(default_factory=ExitStack)
    _writer: Any = None

    @property
    def path(self) -> Path:
        """Where the refused rows are, if there are any."""
        if not self.source.is_file():
            return self.fallback_dir / f"{self.kind}.rejects.csv"  # a pipe has no place
        beside = os.access(self.source.parent, os.W_OK)
        directory = self.source.parent if beside else self.fallback_dir
        return directory / f"{self.source.name}.rejects.csv"

    def add(self, row: Refused) -> None:
        """Write one refused row: line, reason, message, and the row itself."""
        if self._writer is None:
            stream = self._stack.enter_context(atomic_file(self.path))
            self._writer = csv.writer(stream)
            self._writer.writerow(("line", "reason", "message", "row"))
        texts = (row.reason, row.message, row.row[:ROW_CHARS])
        self._writer.writerow((row.line, *map(safe_cell, texts)))
        self.count += 1

    def close(self) -> None:
        """Finish the file; delete that of an earlier run when there is none."""
        self._stack.close()
        if self._writer is None:
            self.path.unlink(missing_ok=True)
