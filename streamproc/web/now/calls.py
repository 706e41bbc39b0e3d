"""What a partition's stores are now, asked of whoever owns it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from streamproc.cells import Ints
from streamproc.program import Program
from streamproc.rules.business import NONE
from streamproc.rules.now import STATES
from streamproc.rules.standing import NEVER
from streamproc.web.cluster.calls import Call
from streamproc.web.now.counts import Counts
from streamproc.web.now.states import RANK, StoreState, board_of
from tables.board import View
from tables.board_labels import NO_LABELS, LabelBook
from tables.long_ago import LongAgo


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which stores are asked for; empty fields leave out none.

    ``states``: numbers in ``STATES``. ``label`` and ``value``: what a label is to be.
    ``q``: part of an id or a name. ``by``: a label whose values are counted one by one.
    ``limit``: how many stores are told of one by one, the worst first.
    """

    as_of_us: int
    states: tuple[int, ...] = ()
    label: str = ""
    value: str = ""
    q: str = ""
    by: str = ""
    limit: int = 0


@dataclass(frozen=True, slots=True)
class StoreNow(StoreState):
    """One store, with what it is called, and when it will be silent."""

    silent_at_us: int | None
    name: str | None
    labels: Mapping[str, str]

    @property
    def order(self) -> tuple[int, int, str]:
        """The worst first, then what is so for longest; ``since`` unknown is long."""
        since_us = NONE if self.since_us is None else self.since_us
        return int(RANK[self.state]), since_us, self.store_id


@dataclass(frozen=True, slots=True)
class PartNow:
    """Of one partition: counts of those that match, whatever their state; some stores.

    ``by``: the counts of each value of a label. ``total``: how many match.
    """

    counts: Counts
    by: dict[str, Counts]
    total: int
    stores: list[StoreNow]


def _part(program: Program, args: dict[str, Any]) -> PartNow:
    partition, wanted = args["partition"], Wanted(**args["wanted"])
    view = board_of(program, partition, wanted.as_of_us)
    boards = program.boards
    return part_of(view, boards.labels(partition), wanted, boards.long_ago(partition))


def part_of(
    view: View, book: LabelBook, wanted: Wanted, long_ago: LongAgo | None = None
) -> PartNow:
    """What is asked for, of one partition.

    ``long_ago``: knows since when stores are down for which that is not at hand.
    """
    counted = _matching(view, book, wanted)
    rows = np.flatnonzero(counted)
    by: dict[str, Counts] = {}
    if wanted.by:
        numbers, values = book.column(wanted.by, _key(view), view.store_ids)
        table = np.zeros((len(values), len(STATES)), np.int64)
        np.add.at(table, (numbers[rows], view.state[rows]), 1)
        found = enumerate(values)
        by = {v: table[n].tolist() for n, v in found if v and table[n].any()}
    counts = np.bincount(view.state[rows], minlength=len(STATES)).tolist()
    if wanted.states:
        rows = rows[np.isin(view.state[rows], wanted.states)]
    total, rows = len(rows), _worst(view, rows, wanted.limit)
    stores = _stores(view, book, rows, long_ago.starts(view, rows) if long_ago else {})
    return PartNow(counts, by, total, stores)


def _matching(view: View, book: LabelBook, wanted: Wanted) -> npt.NDArray[np.bool_]:
    """Which stores have the label and the text, shape (n,)."""
    chosen = np.ones(len(view), bool)
    if wanted.label:
        numbers, values = book.column(wanted.label, _key(view), view.store_ids)
        held = [n for n, value in enumerate(values) if value == wanted.value]
        chosen &= np.isin(numbers, held)
    if wanted.q:
        known, text = book.all(), wanted.q.casefold()
        for row in np.flatnonzero(chosen).tolist():
            store_id = view.store_ids[row]
            name = known.get(store_id, NO_LABELS).name or ""
            chosen[row] = text in f"{store_id.decode()}\0{name}".casefold()
    return chosen


def _key(view: View) -> object:
    """Equal to an earlier one as long as the rows are of the same stores."""
    return view.epoch, len(view)


def _worst(view: View, rows: Ints, limit: int) -> Ints:
    """The first ``limit`` rows in the order of ``StoreNow.order``."""
    if not limit or not len(rows):
        return rows[:0]
    rank, since = RANK[view.state[rows]], view.since_us[rows]
    order = np.lexsort((since, rank))
    edge = order[min(limit, len(order)) - 1]
    # Of those that are as bad as the last one, the ids decide.
    is_tied = (rank == rank[edge]) & (since == since[edge])
    tied = order[is_tied[order]]
    ids = np.array([view.store_ids[row] for row in rows[tied].tolist()])
    worse = order[: int(np.argmax(is_tied[order]))]
    found: Ints = rows[np.concatenate((worse, tied[np.argsort(ids)]))][:limit]
    return found


def _stores(
    view: View, book: LabelBook, rows: Ints, starts: Mapping[int, int]
) -> list[StoreNow]:
    """One by one; ``starts``: since when, of rows of which the view knows it less."""
    known = book.all()
    found = []
    for row in rows.tolist():
        labels = known.get(view.store_ids[row], NO_LABELS)
        silent_at_us = int(view.silent_at_us[row])
        found.append(
            StoreNow(
                view.store_ids[row].decode(),
                int(view.state[row]),
                _or_none(starts.get(row, view.since_us[row])),
                _or_none(view.last[row]),
                view.zone_of(row),
                _or_none(view.usual_us[row]),
                None if silent_at_us == NEVER else silent_at_us,
                labels.name,
                labels.labels,
            )
        )
    return found


def _or_none(value: Any) -> int | None:
    return None if value == NONE else int(value)


def _encode(part: PartNow) -> bytes:
    return orjson.dumps(part)


def _decode(value: bytes) -> PartNow:
    told = orjson.loads(value)
    stores = [StoreNow(**each) for each in told.pop("stores")]
    return PartNow(**told, stores=stores)


NOW = Call("now", _part, encode=_encode, decode=_decode)
