"""The boards of the partitions that this worker owns.

A board is built when it is asked for first, and again after a rebalance, when all
stores have changed, when more has come than it keeps, and before its span of time is
over. Beside a backlog that takes a small share of the time, and the board that is at
hand answers; without one, whoever asks waits for the new one.
"""

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from streamproc.cells import Cells, Ints
from streamproc.rules.standing import NowRules
from tables.board import Board, View
from tables.board_labels import LabelBook
from tables.board_source import Source
from tables.fact_tables import FactTables, LabelsTable
from tables.facts import ALL_STORES
from tables.histories import Histories
from tables.long_ago import LongAgo
from tables.outage_search import OutageSearch
from tables.outages import OutageSpan

WAIT_S = 4.0
"""How long it is waited for a board that somebody else builds."""


class BoardNotReadyError(Exception):
    """Raised while a partition's board is being built: ``done`` stores so far."""

    def __init__(self, partition: int, done: int) -> None:
        super().__init__(
            f"what the stores of partition {partition} are now is being looked up,"
            f" {done:,} so far"
        )
        self.done = done


@dataclass
class _Slot:
    """A partition's board, and the one that is being built, maybe in a thread aside."""

    board: Board | None = None
    next: Board | None = None
    building: threading.Lock = field(default_factory=threading.Lock)
    aside: Future[Board] | None = None

    def boards(self) -> list[Board]:
        """All that are to be told."""
        return [board for board in (self.board, self.next) if board is not None]


class Boards:
    """Tell what the stores of any partition here are now; from any thread.

    ``is_ready``: whether the tables are complete.
    """

    def __init__(
        self,
        histories: Histories,
        facts: FactTables,
        labels: LabelsTable,
        by: NowRules,
        is_ready: Callable[[], bool],
    ) -> None:
        self._histories = histories
        self._facts = facts
        self._labels = labels
        self._books: dict[int, LabelBook] = {}
        self._long_ago: dict[int, LongAgo] = {}
        self._by = by
        self._is_ready = is_ready
        self._slots: defaultdict[int, _Slot] = defaultdict(_Slot)
        self._epochs = itertools.count(1)
        self._aside = ThreadPoolExecutor(1, "boards")

    # -- what is told -----

    def add(
        self,
        partition: int,
        store_ids: Cells,
        codes: Ints,
        packed: Ints,
        sent_ms: int,
    ) -> None:
        """Tell of polls that are in the tables.

        ``codes``: the store of each; ``sent_ms``: when the last of them was sent.
        """
        for board in self._slots[partition].boards():
            board.add(store_ids, codes, packed, sent_ms)

    def touch(self, partition: int, store_ids: Iterable[bytes]) -> None:
        """Tell of stores of which the tables have other facts or polls."""
        touched = set(store_ids)
        for board in self._slots[partition].boards():
            if ALL_STORES in touched:
                board.void()
            else:
                board.touch(touched)

    def touch_labels(self, partition: int, store_ids: Iterable[bytes]) -> None:
        """Tell of stores that have other labels."""
        if book := self._books.get(partition):
            book.touch(store_ids)

    def forget(self) -> None:
        """Partitions may have changed hands."""
        self._slots.clear()
        self._books.clear()
        self._long_ago.clear()

    # -- asking -----

    def view(self, partition: int, as_of_us: int) -> View:
        """What the partition's stores are at an instant, which is about now.

        Raises PartitionLostError where it is not here, and BoardNotReadyError.
        """
        self._histories.require(partition)
        slot = self._slots[partition]
        if not self._is_ready():
            raise BoardNotReadyError(partition, 0)
        while True:
            board, is_old = self._board(partition, slot, as_of_us)
            view = board.view(as_of_us)
            if is_old or not board.is_void:
                return view

    def _board(self, partition: int, slot: _Slot, as_of_us: int) -> tuple[Board, bool]:
        """The board to be asked, and whether it is one that is void already."""
        board = slot.board
        if board is not None and board.is_good_at(as_of_us):
            return board, False
        if board is None or not board.is_beside_backlog():
            return self._built(partition, slot, as_of_us), False
        if board.is_rested():
            self._build_aside(partition, slot, as_of_us)
        return board, True

    def _build_aside(self, partition: int, slot: _Slot, as_of_us: int) -> None:
        """Have a board built while the old one answers; raises why it could not be."""
        made = slot.aside
        if made is not None and made.done():
            slot.aside = None
            made.result()
        if slot.aside is None:
            slot.aside = self._aside.submit(self._built, partition, slot, as_of_us)

    def labels(self, partition: int) -> LabelBook:
        """Names and labels of the partition's stores."""
        return self._books.setdefault(partition, LabelBook(self._labels, partition))

    def long_ago(self, partition: int) -> LongAgo:
        """Since when stores of the partition are down that have been so for long."""
        tables = self._histories, self._facts, self._labels

        def search(as_of_us: int) -> OutageSearch:
            times, by = (as_of_us, as_of_us - 1, as_of_us), self._by
            archive = self._histories.archive
            span = OutageSpan(archive, partition, *times, by.of_polls, by.bridge_us)
            return OutageSearch(*tables, span)

        return self._long_ago.setdefault(partition, LongAgo(search))

    def progress(self) -> dict[int, int | None]:
        """Stores looked up so far by partition; None where the board is ready."""
        return {
            partition: None if slot.next is None else slot.next.done
            for partition, slot in sorted(self._slots.copy().items())
        }

    def _built(self, partition: int, slot: _Slot, as_of_us: int) -> Board:
        """A new board; whoever asks meanwhile waits for it, for some time."""
        if not slot.building.acquire(timeout=WAIT_S):
            raise BoardNotReadyError(partition, slot.next.done if slot.next else 0)
        try:
            if slot.board is not None and slot.board.is_good_at(as_of_us):
                return slot.board
            source = Source(self._histories, self._facts, partition)
            board = Board(source, self._by, next(self._epochs), as_of_us)
            slot.next = board
            board.build(as_of_us)
            slot.board, slot.next = board, None
            return board
        finally:
            slot.next = None
            slot.building.release()
