"""What all stores of a partition are now, as columns, asked of whoever owns it."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from streamproc.cells import Ints
from streamproc.program import Program
from streamproc.rules.business import NONE
from streamproc.rules.now import WORST_FIRST
from streamproc.web.cluster.calls import Call
from streamproc.web.refusal import moving
from tables.board_view import View
from tables.boards import BoardNotReadyError
from tables.long_ago import LongAgo

RANK = np.argsort(WORST_FIRST)
"""How bad each state is; 0 is the worst."""


@dataclass(frozen=True, slots=True)
class StoreState:
    """What one store is; times in microseconds, None where there is none.

    ``last``: its last packed poll.
    """

    store_id: str
    state: int
    since_us: int | None
    last: int | None
    zone: str
    usual_us: int | None


@dataclass(frozen=True, slots=True)
class States:
    """What many stores are; columns of shape (n,), see ``StoreState``; NONE for None.

    Most pages look at a few of 200,000 stores: an object is made of those only.
    """

    store_ids: Sequence[str]
    zones: Sequence[str]
    state: Ints
    since_us: Ints
    last: Ints
    usual_us: Ints

    def __len__(self) -> int:
        return len(self.store_ids)

    def __getitem__(self, row: int) -> StoreState:
        return StoreState(
            self.store_ids[row],
            int(self.state[row]),
            _or_none(self.since_us[row]),
            _or_none(self.last[row]),
            self.zones[row],
            _or_none(self.usual_us[row]),
        )

    def __iter__(self) -> Iterator[StoreState]:
        return map(self.__getitem__, range(len(self)))

    def ordered(self) -> "States":
        """The worst first, then what is so for longest; since when unknown is long."""
        # As bytes, in the same order: numpy sorts them beside other threads.
        rows = np.argsort(
            np.array([each.encode() for each in self.store_ids], np.bytes_),
            kind="stable",
        )
        rows = rows[np.lexsort((self.since_us[rows], RANK[self.state[rows]]))]
        return States(
            [self.store_ids[row] for row in rows.tolist()],
            [self.zones[row] for row in rows.tolist()],
            *(column[rows] for column in self.columns),
        )

    @property
    def columns(self) -> tuple[Ints, ...]:
        """The numbers: state, since, last poll, usual interval."""
        return self.state, self.since_us, self.last, self.usual_us


def _or_none(value: Any) -> int | None:
    return None if value == NONE else int(value)


def joined(parts: Sequence[States]) -> States:
    """The stores of all parts, one part after the other."""
    columns = zip(*(part.columns for part in parts), strict=True)
    return States(
        [store_id for part in parts for store_id in part.store_ids],
        [zone for part in parts for zone in part.zones],
        *map(np.concatenate, columns),
    )


def _states(program: Program, args: dict[str, Any]) -> States:
    partition = args["partition"]
    view = board_of(program, partition, args["as_of_us"])
    return states_of(view, program.boards.long_ago(partition))


def board_of(program: Program, partition: int, as_of_us: int) -> View:
    """What a partition's board says; raises a 503 Refusal while it is being built."""
    try:
        return program.boards.view(partition, as_of_us)
    except BoardNotReadyError as exc:
        raise moving(f"{str(exc).capitalize()}.") from exc


def states_of(view: View, long_ago: LongAgo) -> States:
    """All stores of a board; ``long_ago``: since when those are down that it forgot."""
    zones = [facts.zone_name for facts in view.facts]
    since_us = view.since_us.copy()
    for row, start_us in long_ago.starts(view, np.arange(len(view))).items():
        since_us[row] = start_us
    return States(
        [store_id.decode() for store_id in view.store_ids],
        [zones[schedule] for schedule in view.schedule.tolist()],
        *(view.state, since_us, view.last, view.usual_us),
    )


def _encode(found: States) -> bytes:
    columns = [column.tolist() for column in found.columns]
    return orjson.dumps([found.store_ids, found.zones, *columns])


def _decode(value: bytes) -> States:
    store_ids, zones, *columns = orjson.loads(value)
    zones = list(map(sys.intern, zones))
    return States(store_ids, zones, *(np.array(each, np.int64) for each in columns))


STATES_NOW = Call("states", _states, encode=_encode, decode=_decode)
