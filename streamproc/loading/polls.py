"""A file of polls: read and checked, then told as messages in the order of time.

``poll`` states the rules, one poll at a time; lines in the usual form are read all at
once, as ``poll_batch`` reads a batch of messages. A property test holds the two tiers
against each other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from streamproc.cells import Cells, Ints
from streamproc.errors import InvalidInput
from streamproc.loading.header import POLLS, Header
from streamproc.loading.numbering import Codes, Numbering
from streamproc.loading.refused import OnRefused, Refused
from streamproc.loading.rows import Lines, Row, columns_of, rows_in
from streamproc.loading.source import Block, Progress, worked_ahead
from streamproc.rules import packing
from streamproc.rules.fields import are_plain, read_statuses
from streamproc.rules.poll import (
    MAX_FUTURE_US,
    STATUS,
    Poll,
    poll_of,
)
from streamproc.rules.poll_batch import encode_polls, quoted
from streamproc.rules.schedule import DAY_US
from streamproc.rules.timestamp import parse_timestamps
from streamproc.transport.partitioner import partitions_for

_ENCODED = 20_000
"""Polls that are written at once; more leave the processor's cache."""


@dataclass(frozen=True, slots=True)
class StorePolls:
    """Polls by store: ids in their order as bytes, polls of each, all packed.

    ``counts``: shape (n,). A store's polls in the order of time, one of each time.
    """

    store_ids: list[bytes]
    counts: Ints
    packed: Ints


@dataclass(frozen=True, slots=True)
class PollMessages:
    """Polls as a topic takes them: keys, values and the partition of each."""

    keys: Cells
    values: Cells
    partitions: list[int]


@dataclass(frozen=True, slots=True)
class Usual:
    """The polls of a block that are accepted all at once; ``odd``: all other lines."""

    lines: Lines
    odd: Ints
    store_ids: Cells
    packed: Ints


def usual_of(
    block: Block, header: Header, words: Mapping[str, bool], latest_us: int
) -> Usual:
    """Read the lines in the usual form."""
    lines, rows, (ids, statuses, stamps) = columns_of(block, header)
    time_us, good = parse_timestamps(stamps)
    active, known = read_statuses(statuses, words)
    good &= known & are_plain(ids) & (time_us <= latest_us)
    chosen = slice(None) if good.all() else np.flatnonzero(good)
    odd = np.ones(len(lines.starts), bool)
    odd[rows[chosen]] = False
    packed = packing.packed_of(time_us, active)
    return Usual(lines, np.flatnonzero(odd), ids[chosen], packed[chosen])


@dataclass(slots=True)
class RowCounts:
    """How many rows a file has, how many were refused, and the first of these."""

    path: Path
    rows: int = 0
    refused: int = 0
    first_refused: Refused | None = None


@dataclass
class PollFile:
    """The polls of a file, or of several one after another, as compact columns.

    ``names``: the files' own words for columns; ``words``: what their statuses say.
    ``counts``: of each file, the one that is read last.
    """

    path: Path
    names: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, bool] = field(default_factory=lambda: STATUS)
    counts: list[RowCounts] = field(default_factory=list)
    _numbering: Numbering = field(default_factory=Numbering)
    _codes: list[Codes] = field(default_factory=list)
    _packed: list[Ints] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The first file comes next."""
        self.go_on_in(self.path)

    def go_on_in(self, path: Path) -> None:
        """Another file comes next."""
        self.counts.append(RowCounts(path))

    def read(self, now_us: int, progress: Progress, on_refused: OnRefused) -> None:
        """Read and check all rows; ``on_refused`` may raise to stop."""
        path = self.counts[-1].path
        with rows_in(path, POLLS, self.names, progress) as (header, blocks):

            def usual_in(block: Block) -> Usual:
                latest_us = now_us + MAX_FUTURE_US
                return usual_of(block, header, self.words, latest_us)

            with worked_ahead(usual_in, blocks) as found:
                for usual in found:
                    self.take(usual, header, now_us, on_refused)

    def take(
        self, usual: Usual, header: Header, now_us: int, on_refused: OnRefused
    ) -> None:
        """Keep the polls of a block, and check its odd lines one by one."""
        self._keep(usual.store_ids, usual.packed)
        self.counts[-1].rows += len(usual.packed)
        rows = (usual.lines.row(at, header) for at in usual.odd.tolist())
        self._take_odd([row for row in rows if row is not None], now_us, on_refused)

    def _take_odd(self, rows: list[Row], now_us: int, on_refused: OnRefused) -> None:
        """Check rows one by one."""
        found: list[Poll] = []
        counts = self.counts[-1]
        counts.rows += len(rows)
        for row in rows:
            try:
                found.append(self._poll(row, now_us))
            except InvalidInput as exc:
                told = exc.reason, str(exc), row.text
                refused = Refused(counts.path, row.line, *told)
                counts.refused += 1
                counts.first_refused = counts.first_refused or refused
                on_refused(refused)
        self._keep(
            Cells.of([poll.store_id.encode() for poll in found]),
            packing.pack((poll.time_us, poll.active) for poll in found),
        )

    def _poll(self, row: Row, now_us: int) -> Poll:
        if isinstance(row.cells, InvalidInput):
            raise row.cells
        store_id, status, stamp = row.cells
        return poll_of(store_id, status, stamp, now_us, self.words)

    def _keep(self, store_ids: Cells, packed: Ints) -> None:
        if not len(packed):
            return
        self._codes.append(self._numbering.of(store_ids))
        self._packed.append(packed)

    def __len__(self) -> int:
        return sum(len(packed) for packed in self._packed)

    @property
    def store_ids(self) -> list[str]:
        """Every store that has polls here."""
        return [store_id.decode() for store_id in self._numbering.ids]

    def leave_out(self, store_ids: set[str]) -> None:
        """Forget the polls of some stores."""
        codes, packed = self._columns()
        left_out = np.array([i in store_ids for i in self.store_ids], bool)
        if left_out.any():
            kept = ~left_out[codes]
            self._codes, self._packed = [codes[kept]], [packed[kept]]

    def keep_before(self, until_us: int) -> int:
        """Forget polls of a later time; return how many.

        The first poll of a store that has none before stays, so that it is known.
        """
        codes, packed = self._columns()
        kept = packing.time_of(packed) < until_us
        known = np.zeros(len(self._numbering), bool)
        known[codes[kept]] = True
        later = np.flatnonzero(~kept & ~known[codes])
        later = later[np.argsort(packed[later], kind="stable")]
        _, first = np.unique(codes[later], return_index=True)
        kept[later[first]] = True
        self._codes, self._packed = [codes[kept]], [packed[kept]]
        return len(kept) - int(np.count_nonzero(kept))

    def by_store(self) -> StorePolls:
        """All polls as a set; the file lets go of its own."""
        codes, packed = self._columns()
        self._codes, self._packed = [], []
        rows, packed = packing.canonical_rows(
            self._rank()[codes].astype(np.int64), packed
        )
        counts = np.bincount(rows, minlength=len(self._numbering))
        present = np.flatnonzero(counts)
        store_ids = sorted(self._numbering.ids)
        return StorePolls(
            [store_ids[at] for at in present.tolist()], counts[present], packed
        )

    def messages(self, count: int, partitions: int) -> Iterator[PollMessages]:
        """The polls as messages, day by day, ``count`` at a time.

        Within a day a store's come together, in the order of time, so that its history
        of the day is written once. Among ``count`` a partition's come together, so that
        each is written from one piece of memory.
        """
        if not len(self):
            return
        codes, packed = self._columns()
        store_ids = list(self._numbering.ids)
        homes = partitions_for(store_ids, partitions)[codes].astype(np.uint16)
        order = self._order(codes, packed)
        keys, values = Cells.of(store_ids), quoted(store_ids)
        for first in range(0, len(order), count):
            rows = order[first : first + count]
            rows = rows[np.argsort(homes[rows], kind="stable")]
            parts = [rows[at : at + _ENCODED] for at in range(0, len(rows), _ENCODED)]
            chosen = [codes[part].astype(np.int64) for part in parts]
            yield PollMessages(
                Cells.join([keys[each].compact() for each in chosen]),
                Cells.join(
                    [
                        encode_polls(values, each, packed[part])
                        for each, part in zip(chosen, parts, strict=True)
                    ]
                ),
                homes[rows].tolist(),
            )

    def _order(self, codes: Codes, packed: Ints) -> Ints:
        """Rows by day, store (in the order of ids as bytes), and time."""
        rank = self._rank()
        order = np.argsort(packed, kind="stable")
        days = packing.time_of(packed[order]) // DAY_US
        cuts = np.flatnonzero(days[1:] != days[:-1]) + 1
        return np.concatenate(
            [
                rows[np.argsort(rank[codes[rows]], kind="stable")]
                for rows in np.split(order, cuts)
            ]
        )

    def _rank(self) -> Codes:
        """The place of each store in the order of ids as bytes, by its number."""
        rank = np.empty(len(self._numbering), np.int32)
        rank[sorted(range(len(rank)), key=list(self._numbering.ids).__getitem__)] = (
            np.arange(len(rank))
        )
        return rank

    def _columns(self) -> tuple[Codes, Ints]:
        self._codes = [np.concatenate([np.zeros(0, np.int32), *self._codes])]
        self._packed = [np.concatenate([np.zeros(0, np.int64), *self._packed])]
        return self._codes[0], self._packed[0]
