"""A report's CSV as a workbook (``.xlsx``): ids as text, figures as numbers. Pure.

Comes from a finished report's file, so the two say the same. As a module it reads the
CSV on standard input and writes the workbook on standard output, with an ``About`` as
JSON for its one argument: a large workbook takes minutes, in a process of its own.
"""

import csv
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

ROWS_PER_SHEET = 1_048_575
"""A sheet has 2 to the power of 20 rows, the first of which is the header."""

LABEL = "label "
"""Begins the column of a label that is called like a figure, or like another column."""

_COUNTS = ("stores", "stores_observed", "incidents", "count")
_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001  # the same bytes for the same report


@dataclass(frozen=True, slots=True)
class About:
    """What the second sheet says: a line for each label and its text."""

    lines: Sequence[tuple[str, str]]

    def encode(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> "About":
        """Of JSON that ``encode`` made."""
        return cls([(label, said) for label, said in json.loads(text)["lines"]])


def write_workbook(
    target: Path, lines: Iterable[str], about: About, per_sheet: int = ROWS_PER_SHEET
) -> None:
    """Write the lines of a CSV with a header as a workbook.

    Rows beyond ``per_sheet`` go on, under the same header, on a further sheet. Needs
    memory for a row, and disk for all of them, in the system's temporary directory.
    Raises OSError when the file cannot be written.
    """
    # Fifty modules, which a worker that makes no workbook itself need not load.
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    target.open("wb").close()  # or fail before anything is made
    cells = csv.reader(lines)
    header = next(cells)
    book = xlsxwriter.Workbook(target, {"constant_memory": True})
    book.set_properties({"created": _CREATED})
    formats = _formats(book)
    for number, some in enumerate(_portions(cells, per_sheet), 1):
        sheet = book.add_worksheet("Report" if number == 1 else f"Report {number}")
        _fill(sheet, header, some, formats)
    _tell(book.add_worksheet("About"), about, formats)
    try:
        book.close()
    except FileCreateError as exc:
        raise exc.args[0] from exc  # the OSError that it was


def _portions(
    rows: Iterator[list[str]], per_sheet: int
) -> Iterator[Iterator[list[str]]]:
    """Rows of each sheet, to be used up in turn; one sheet at the least."""
    first: list[list[str]] = list(islice(rows, 1))
    yield chain(first, islice(rows, per_sheet - 1))
    while ahead := list(islice(rows, 1)):
        yield chain(ahead, islice(rows, per_sheet - 1))


def _formats(book: Any) -> "dict[str, Format]":
    looks = {
        "head": {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1},
        "text": {"num_format": "@"},
        "amount": {"num_format": "#,##0.00"},
        "fine": {"num_format": "#,##0.0000"},
        "seconds": {"num_format": "#,##0.0"},
        "percent": {"num_format": "0.00%"},
        "count": {"num_format": "#,##0"},
        "told": {"text_wrap": True, "valign": "top"},
    }
    return {name: book.add_format(look) for name, look in looks.items()}


def kind_of(column: str) -> str:
    """What a column holds, by its name: text, amount, seconds, percent or count."""
    if column.startswith(LABEL):
        return "text"
    if re.search(r"\(in (minutes|hours)\)$", column):
        return "amount"
    if re.fullmatch(r"(\w+_)?percent(_\w+)?(\(of observed\))?", column):
        return "percent"
    if column.endswith("_s"):
        return "seconds"
    return "count" if column in _COUNTS else "text"


def _fill(
    sheet: "Worksheet",
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    formats: "dict[str, Format]",
) -> None:
    kinds = [kind_of(name) for name in header]
    for column, (name, kind) in enumerate(zip(header, kinds, strict=True)):
        sheet.set_column(column, column, 24 if kind == "text" else 14)
        sheet.write_string(0, column, name, formats["head"])
    last = 0
    for last, row in enumerate(rows, 1):
        for column, (cell, kind) in enumerate(zip(row, kinds, strict=True)):
            _put(sheet, last, column, cell, kind, formats)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, last, len(header) - 1)


def _put(
    sheet: "Worksheet",
    row: int,
    column: int,
    cell: str,
    kind: str,
    formats: "dict[str, Format]",
) -> None:
    """A figure as a number, if it is one; an empty cell stays empty: it is not 0."""
    if not cell:
        return
    try:
        if kind != "text":
            value = float(cell) / (100 if kind == "percent" else 1)
            sheet.write_number(row, column, value, formats[_look(cell, kind)])
            return
    except ValueError:
        kind = "text"  # what is no number is told as it stands
    sheet.write_string(row, column, cell, formats[kind])


def _look(cell: str, kind: str) -> str:
    """An amount shows as many decimals as its cell of the CSV has, two or four."""
    is_fine = kind == "amount" and len(cell.partition(".")[2]) > 2
    return "fine" if is_fine else kind


def _tell(sheet: "Worksheet", about: About, formats: "dict[str, Format]") -> None:
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 100)
    for row, (label, said) in enumerate(about.lines):
        sheet.write_string(row, 0, label, formats["head"])
        sheet.write_string(row, 1, said, formats["told"])


def main(lines: Iterable[str], out: BinaryIO, about: str) -> None:
    """Read the CSV's lines, make the workbook on disk, and write it to ``out``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.xlsx"
        write_workbook(path, lines, About.decode(about))
        with path.open("rb") as stream:
            shutil.copyfileobj(stream, out)
    out.flush()


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    main(sys.stdin, cast(BinaryIO, sys.stdout.buffer), sys.argv[1])
