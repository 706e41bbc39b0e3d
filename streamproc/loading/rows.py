"""Rows of a CSV file: lines in the usual form all at once, odd ones one by one.

Pure. No valid row spans lines, so a stray quote costs its own line and no other.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from streamproc.cells import Bytes, Cells, Ints
from streamproc.errors import InvalidInput
from streamproc.loading.header import ABSENT, Header, read_header
from streamproc.loading.source import MAX_LINE_BYTES, Block, Progress, opened

Flags = npt.NDArray[np.bool_]

SHOWN_CHARS = 200
_BLANK = np.zeros(256, bool)
_BLANK[[ord(" "), ord("\t")]] = True
_MARGIN = bytes(256)
"""So that columns of characters may reach beyond the end."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file, as the csv module reads it.

    ``cells``: the wanted columns, without blanks around them; or why there are none.
    """

    line: int
    text: str
    cells: tuple[str, ...] | InvalidInput


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a block: where each begins and ends, without its line end.

    ``starts`` and ``stops`` have shape (lines,). ``returns``: where carriage returns
    stand that end no line.
    """

    block: Block
    starts: Ints
    stops: Ints
    returns: Ints

    def row(self, at: int, header: Header) -> Row | None:
        """One line by the csv module; None when nothing stands in it."""
        raw = self.raw(at)
        text, line = raw.decode(errors="replace"), self.block.line + at
        if self.block.giant or len(raw) > MAX_LINE_BYTES:
            return Row(line, text[:SHOWN_CHARS], _too_long())
        cells = _cells(text, header)
        return None if cells is None else Row(line, text, cells)

    def raw(self, at: int) -> bytes:
        """The bytes of one line."""
        return self.block.text[int(self.starts[at]) : int(self.stops[at])]

    @property
    def usual(self) -> Flags:
        """Lines that are not empty, not too long, and hold no lone return."""
        good: Flags = (self.stops > self.starts) & (
            self.stops - self.starts <= MAX_LINE_BYTES
        )
        if self.block.giant:
            good[:] = False
        elif self.returns.size:
            inside = np.searchsorted(self.starts, self.returns, "right") - 1
            good[inside] = False
        return good


def lines_of(block: Block) -> Lines:
    """Cut a block into its lines."""
    text = np.frombuffer(block.text, np.uint8)
    none = np.zeros(0, np.int64)
    if block.giant:
        return Lines(block, np.zeros(1, np.int64), np.full(1, len(text)), none)
    ends = np.flatnonzero(text == ord("\n"))
    starts = np.append(0, ends + 1)[:-1]
    before = text[np.maximum(ends - 1, 0)] == ord("\r")
    stops = ends - (before & (ends > starts))
    returns = none
    if block.text.count(b"\r") > np.count_nonzero(stops < ends):
        returns = np.setdiff1d(np.flatnonzero(text == ord("\r")), stops)
    return Lines(block, starts, stops, returns)


@contextmanager
def rows_in(
    path: Path,
    wanted: Sequence[str],
    names: Mapping[str, str],
    progress: Progress,
    optional: Sequence[str] = (),
    with_others: bool = False,
) -> Iterator[tuple[Header, Iterator[Block]]]:
    """The header of a file, and the blocks that follow it; raises LoadError."""
    with opened(path, progress) as blocks:
        first = next(blocks, Block(b"", 1))
        header = read_header(path, first, wanted, names, optional, with_others)
        rest = b"\n".join(first.text.split(b"\n", header.lines)[header.lines :])
        yield header, chain([Block(rest, first.line + header.lines)], blocks)


def rows_of(block: Block, header: Header) -> Iterator[Row]:
    """Every row of a block in order; the cells of usual lines are cut all at once."""
    lines, usual, columns = columns_of(block, header)
    cells = zip(*map(texts, columns), strict=True)
    cells_at = dict(zip(usual.tolist(), cells, strict=True))
    starts, stops = lines.starts.tolist(), lines.stops.tolist()
    for at, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        found = cells_at.get(at, ())
        if any(found):
            text = block.text[start:stop].decode(errors="replace")
            yield Row(block.line + at, text, found)
        elif (row := lines.row(at, header)) is not None:
            yield row


def seen_in(row: Row, header: Header, column: int) -> str:
    """What stands in a wanted column, as far as that can be seen, of any line."""
    cells = row.text.split(header.separator)
    at = header.at[column]
    return cells[at].strip(' \t"') if at < len(cells) else ""


def texts(cells: Cells) -> list[str]:
    """Cells as text, without what else is blank around them."""
    return [cell.decode().strip() for cell in cells.present()]


def columns_of(block: Block, header: Header) -> tuple[Lines, Ints, list[Cells]]:
    """The lines; those in the usual form; and the wanted columns of those.

    Usual is a line with as many separators as the header has, in which each quote is
    one of two around a whole cell. Everything else is for ``Lines.row``.
    """
    buffer = block.text + _MARGIN
    text = np.frombuffer(buffer, np.uint8)[: len(block.text)]
    lines = lines_of(block)
    rows, left, right = _between_separators(text, lines, header)
    quoted = np.flatnonzero(text == ord('"'))
    if len(quoted):
        rows, left, right = _without_quotes(text, quoted, rows, left, right)
    none = np.zeros(len(rows), np.int64)
    columns = [
        Cells(buffer, none, none)
        if at == ABSENT
        else _trimmed(buffer, left[at], right[at])
        for at in header.at
    ]
    return lines, rows, columns


def _between_separators(
    text: Bytes, lines: Lines, header: Header
) -> tuple[Ints, Ints, Ints]:
    """Lines with the right number of separators; where their cells begin and end.

    The latter two have shape (columns, lines found).
    """
    count = len(header.names) - 1
    marks = np.flatnonzero(text == ord(header.separator))
    first = np.searchsorted(marks, lines.starts)
    after = np.searchsorted(marks, lines.stops)
    rows = np.flatnonzero((after - first == count) & lines.usual)
    at = marks[first[rows] + np.arange(count)[:, np.newaxis]]
    left = np.concatenate([lines.starts[rows][np.newaxis], at + 1])
    right = np.concatenate([at, lines.stops[rows][np.newaxis]])
    return rows, left, right


def _without_quotes(
    text: Bytes, quotes: Ints, rows: Ints, left: Ints, right: Ints
) -> tuple[Ints, Ints, Ints]:
    """Take off quotes around whole cells; lines with any other quote go."""
    whole = right - left >= 2
    whole &= (text[left] == ord('"')) & (text[np.maximum(right - 1, 0)] == ord('"'))
    inside = np.searchsorted(quotes, right[-1]) - np.searchsorted(quotes, left[0])
    good = np.flatnonzero(inside == 2 * whole.sum(axis=0))
    return rows[good], (left + whole)[:, good], (right - whole)[:, good]


def _trimmed(buffer: bytes, left: Ints, right: Ints) -> Cells:
    """Cells without blanks around them."""
    text = np.frombuffer(buffer, np.uint8)
    while (blank := _BLANK[text[left]] & (left < right)).any():
        left = left + blank
    while (blank := _BLANK[text[right - 1]] & (left < right)).any():
        right = right - blank
    return Cells(buffer, left, right - left)


def _cells(text: str, header: Header) -> tuple[str, ...] | InvalidInput | None:
    """The wanted cells of a line, or why it has none; None of a blank line."""
    try:
        row = _split(text, header.separator)
    except csv.Error as exc:
        return InvalidInput(
            "bad-csv", f"a quote that does not end on its line, or inside a cell: {exc}"
        )
    cells = [cell.strip() for cell in row]
    if not any(cells):
        return None
    width = len(header.names)
    if len(cells) <= max(header.at) or any(cells[width:]):
        return InvalidInput(
            "bad-csv", f"{len(cells)} cells, where the header has {width} columns"
        )
    return tuple("" if at == ABSENT else cells[at] for at in header.at)


def _split(text: str, separator: str) -> list[str]:
    """The cells of a line; raises csv.Error."""
    if '"' not in text and "\r" not in text:
        return text.split(separator)  # all that the csv module does then
    return next(csv.reader([text], delimiter=separator, strict=True), [])


def _too_long() -> InvalidInput:
    return InvalidInput("long-line", f"longer than {MAX_LINE_BYTES:,} bytes")
