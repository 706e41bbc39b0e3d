"""What the rows of a file say of stores, many at once.

Pure. Rows are numbered by the store they are of and by what they say: each distinct id
and each distinct saying is read once, by the rules of one row. Lines that are not in
the usual form, and all that is refused, are read one by one. A property test holds the
two against each other.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from streamproc.cells import Cells, Ints, group
from streamproc.errors import InvalidInput
from streamproc.loading.header import Columns, Header, misread
from streamproc.loading.refused import OnRefused
from streamproc.loading.rows import Lines, Row, columns_of, rows_in, texts
from streamproc.loading.source import Block, Progress
from streamproc.loading.stores import StoreFile, taken
from streamproc.rules.poll import check_store_id

Said = Callable[[int, Sequence[str]], Any]
"""What a row says, of its line and its cells after the store id.

Raises InvalidInput. Called once for each distinct row of a block, with its first line.
"""

_REFUSED = -1


@dataclass(frozen=True, slots=True)
class StoreRows:
    """The rows of a file that are taken, in the order of their lines.

    ``lines``, ``stores`` and ``values`` have shape (n,): the line of each row, the
    number of its store in ``store_ids``, and that of what it says in ``said``.
    ``first``: line and bytes of the first row of each store, by its number.
    """

    store_ids: list[str]
    said: list[Any]
    lines: Ints
    stores: Ints
    values: Ints
    first: dict[int, tuple[int, bytes]]

    def first_row(self, store: int) -> Row:
        """The first row of a store, without its cells."""
        line, raw = self.first[store]
        return Row(line, raw.decode(errors="replace"), ())

    def __iter__(self) -> Iterator[tuple[str, Any, int]]:
        """Store, what is said of it, and the line, row by row."""
        columns = self.stores.tolist(), self.values.tolist(), self.lines.tolist()
        for store, value, line in zip(*columns, strict=True):
            yield self.store_ids[store], self.said[value], line


def read_store_rows(
    file: StoreFile,
    columns: Columns,
    names: Mapping[str, str],
    said: Said,
    progress: Progress,
    tell: OnRefused,
) -> StoreRows:
    """All rows of a file that are taken; the others are noted in the file."""
    wanted, optional = columns
    reader = _Reader(file, said, tell)
    with rows_in(file.path, wanted, names, progress, optional) as (header, blocks):
        file.remarks += misread(file.path, header, columns, names)
        for block in blocks:
            reader.take(block, header)
    return reader.rows()


@dataclass
class _Reader:
    """Takes the blocks of a file in; numbers ids and what is said."""

    file: StoreFile
    said: Said
    tell: OnRefused
    _stores: dict[str, int] = field(default_factory=dict)
    _cells: dict[tuple[str, ...], int] = field(default_factory=dict)
    _said: list[Any] = field(default_factory=list)
    _first: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    _taken: list[Ints] = field(default_factory=list)

    def take(self, block: Block, header: Header) -> None:
        """Take the rows of a block."""
        lines, usual, columns = columns_of(block, header)
        if b"\0" in block.text:  # what ``distinct`` cannot tell from a cell's end
            usual, columns = usual[:0], [each[:0] for each in columns]
        stores = self._numbers(self._store, columns[:1], usual, block.line)
        known = np.flatnonzero(stores != _REFUSED)
        usual, stores = usual[known], stores[known]
        cells = [each[known] for each in columns[1:]]
        values = self._numbers(self._value, cells, usual, block.line)
        found = np.stack((usual, stores, values))[:, values != _REFUSED]
        odd = np.ones(len(lines.starts), bool)
        odd[found[0]] = False
        found = np.hstack((found, self._odd(lines, np.flatnonzero(odd), header)))
        self._keep(lines, found[:, np.argsort(found[0])])

    def _numbers(
        self,
        number: Callable[[int, tuple[str, ...]], int],
        columns: Sequence[Cells],
        usual: Ints,
        first_line: int,
    ) -> Ints:
        """A number for each row's cells; ``_REFUSED`` where they are not accepted."""
        first, which = distinct(columns)
        rows = zip(*(texts(each[first]) for each in columns), strict=True)
        found = []
        for line, cells in zip((first_line + usual[first]).tolist(), rows, strict=True):
            try:
                found.append(number(line, cells))
            except InvalidInput:
                found.append(_REFUSED)  # by whom and why, is told of each row
        return np.array(found, np.int64)[which]

    def _store(self, line: int, cells: tuple[str, ...]) -> int:
        return self._number_of(check_store_id(cells[0]))

    def _number_of(self, store_id: str) -> int:
        return self._stores.setdefault(store_id, len(self._stores))

    def _value(self, line: int, cells: tuple[str, ...]) -> int:
        number = self._cells.get(cells)
        if number is None:
            self._said.append(self.said(line, cells))
            number = self._cells[cells] = len(self._said) - 1
        return number

    def _odd(self, lines: Lines, odd: Ints, header: Header) -> Ints:
        """Rows one by one: place, store and value of those that are taken."""
        found = []
        for at in odd.tolist():
            row = lines.row(at, header)
            if row is None:
                continue
            pair = taken(self.file, row, header, check_store_id, self._read, self.tell)
            if pair is not None:
                store_id, value = pair
                found.append((at, self._number_of(store_id), value))
        return np.array(found, np.int64).reshape(-1, 3).T

    def _read(self, row: Row, cells: Sequence[str]) -> int:
        return self._value(row.line, tuple(cells))

    def _keep(self, lines: Lines, found: Ints) -> None:
        """Keep rows of a block, in order; ``found``: place, store and value of each."""
        stores, first = np.unique(found[1], return_index=True)
        for store, at in zip(stores.tolist(), found[0, first].tolist(), strict=True):
            if store not in self._first:
                self._first[store] = lines.block.line + at, lines.raw(at)
        found[0] += lines.block.line
        self._taken.append(found)

    def rows(self) -> StoreRows:
        """All that was taken."""
        none = np.zeros((3, 0), np.int64)
        lines, stores, values = np.hstack([none, *self._taken])
        ids = list(self._stores)
        return StoreRows(ids, self._said, lines, stores, values, self._first)


def distinct(columns: Sequence[Cells]) -> tuple[Ints, Ints]:
    """The first row of each distinct row of columns, and which of these each row is.

    For cells without zero bytes (and without None).
    """
    which = np.zeros(len(columns[0]), np.int64)
    first = which[:1]
    for cells in columns:
        if not cells.lengths.any():
            continue
        _, order, numbers = group(cells)
        codes = np.empty(len(cells), np.int64)
        codes[order] = numbers
        _, first, which = np.unique(
            which * len(cells) + codes, return_index=True, return_inverse=True
        )
    return first, which
