"""Tables that are handed out as a file: as CSV, or as a workbook that says what of."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

from streamproc.report.about import sentences
from streamproc.report.record import time_text
from streamproc.report.rows import safe_cell
from streamproc.report.workbook import About
from streamproc.rules.days import date_of, dates_text
from streamproc.rules.periods import Period
from streamproc.rules.units import DAY_US
from streamproc.rules.uptime import Rules
from streamproc.web.exports import Export, aside, csv_pieces
from streamproc.web.files import XLSX
from streamproc.web.workbooks import workbook

LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table, header first, made anew each time that ``rows`` is called.

    ``name``: of the file, without its ending. ``said``: what it is of, a label and a
    text a line.
    """

    name: str
    rows: Callable[[], Iterator[Sequence[Any]]]
    as_of_us: int
    rules: Rules
    said: Sequence[tuple[str, str]] = ()

    def export(self, form: str) -> Export:
        """The file; ``form``: ``csv`` or ``xlsx``."""
        if form == "xlsx":
            pieces = self._about()
            return Export(
                lambda: workbook(aside(csv_pieces(self.rows())), pieces),
                f"{self.name}.xlsx",
                XLSX,
            )
        return Export(lambda: aside(csv_pieces(self.rows())), f"{self.name}.csv")

    def _about(self) -> About:
        as_of = ("As of", f"{time_text(self.as_of_us)} (UTC)")
        rules = (("Rule", sentence) for sentence in sentences(self.rules))
        return About([*self.said, as_of, *rules])


def dated(what: str, period: Period) -> str:
    """What a file of a period is called: by its dates."""
    first, last = date_of(period.first_day), date_of(period.end_day - 1)
    return f"{plain(what)}-{dates_text(first, last)}"


def between(what: str, begin_us: int, end_us: int) -> str:
    """What a file of a span of time is called: by its dates in UTC."""
    first, last = date_of(begin_us // DAY_US), date_of((end_us - 1) // DAY_US)
    return f"{plain(what)}-{dates_text(first, last)}"


def at(what: str, as_of_us: int) -> str:
    """What a file as of an instant is called."""
    return f"{plain(what)}-{re.sub(r'[:-]', '', time_text(as_of_us)[:19])}Z"


def plain(text: str) -> str:
    """A text as part of a file's name on any system."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text)[:LONGEST_NAME] or "_"


def rows_of(kind: type, records: Iterable[Any]) -> Iterator[Sequence[object]]:
    """Records of a dataclass, its fields as the header; no text of a cell is run."""
    yield [each.name for each in fields(kind)]
    for one in records:
        cells = ("" if cell is None else cell for cell in astuple(one))
        yield [safe_cell(cell) if isinstance(cell, str) else cell for cell in cells]
