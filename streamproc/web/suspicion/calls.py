"""What a suspicion is made of, asked of every partition's owner; and what it is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from streamproc.events import Suspect, decode_event, encode_event
from streamproc.program import Program
from streamproc.rules.blackouts import edges_of
from streamproc.rules.business import NONE
from streamproc.rules.now import DOWN, NO_DATA, SILENT, UP
from streamproc.rules.suspicion import FLEET, Group, Turned
from streamproc.web.cluster.calls import Call, in_steps
from streamproc.web.cluster.scans import Steps as InSteps
from streamproc.web.now.states import board_of
from tables.blackouts import BlackoutSearch, Steps
from tables.board import View
from tables.board_labels import NO_LABELS, LabelBook
from tables.fact_tables import FactTables


def _turned(program: Program, args: dict[str, Any]) -> list[Turned]:
    partition = args["partition"]
    view = board_of(program, partition, args["as_of_us"])
    turned = turned_of(view, program.boards.labels(partition), args["since_us"])
    return not_corrected(program.facts, partition, turned)


def turned_of(view: View, book: LabelBook, since_us: int) -> list[Turned]:
    """The stores that fell silent, or went down, from an instant on."""
    is_silent, is_down = view.state == SILENT, view.state == DOWN
    down_us = np.maximum(view.confirmed_us, view.since_us)
    at_us = np.where(is_silent, view.silent_at_us, down_us)
    known = is_silent | (is_down & (view.confirmed_us != NONE))
    rows = np.flatnonzero(known & (at_us >= since_us)).tolist()
    labels = book.all() if rows else {}
    return [
        Turned(
            view.store_ids[row].decode(),
            bool(is_silent[row]),
            int(at_us[row]),
            labels.get(view.store_ids[row], NO_LABELS).labels,
        )
        for row in rows
    ]


def not_corrected(
    facts: FactTables, partition: int, turned: Sequence[Turned]
) -> list[Turned]:
    """Those of which nobody has corrected the time at which they turned.

    Of the others it has been said what it was; there is nothing left to suspect.
    """
    of_all = facts.of_all(partition)
    keys = [one.store_id.encode() for one in turned]
    having = facts.exclusions.keys_under(partition, keys)
    found = []
    for key, one in zip(keys, turned, strict=True):
        corrections = []
        if of_all.exclusions or key in having:
            corrections = facts.of(partition, key).with_all(of_all).corrections
        if not any(c.begin_us <= one.at_us < c.end_us for c in corrections):
            found.append(one)
    return found


def _expected(program: Program, args: dict[str, Any]) -> dict[Group, int]:
    view = board_of(program, args["partition"], args["as_of_us"])
    groups = [(label, value) for label, value in args["groups"]]
    return expected_of(view, program.boards.labels(args["partition"]), groups)


def expected_of(
    view: View, book: LabelBook, groups: Sequence[Group]
) -> dict[Group, int]:
    """How many stores of each group are in business, and were ever heard."""
    due = np.isin(view.state, (UP, DOWN, NO_DATA, SILENT)) & (view.last != NONE)
    rows = np.flatnonzero(due).tolist()
    wanted, counts = frozenset(groups), Counter({FLEET: len(rows)})
    labels = book.all() if len(wanted) > 1 else {}
    for row in rows if labels else ():
        mine = labels.get(view.store_ids[row], NO_LABELS).labels
        counts.update(wanted.intersection(mine.items()))
    return dict(counts)


@dataclass(frozen=True, slots=True)
class PartSteps:
    """Of one partition: both counts of each group; ``since_us``: none is kept before.

    ``since_us`` is 0 while all polls are at hand.
    """

    since_us: int
    by_group: dict[Group, Steps]


def _blackouts(program: Program, args: dict[str, Any]) -> InSteps[PartSteps]:
    partition = args["partition"]
    search = BlackoutSearch(
        *(program.histories, program.facts, partition),
        program.boards.labels(partition).all(),
        program.settings.rules,
        edges_of(args["begin_us"], args["end_us"]),
    )
    found: dict[Group, Steps] = {}
    yield from search.adding_to(found)
    return PartSteps(search.since_us, found)


def _encode_steps(part: PartSteps) -> bytes:
    told = [
        [*group, stores.tolist(), without.tolist()]
        for group, (stores, without) in part.by_group.items()
    ]
    return orjson.dumps([part.since_us, told])


def _decode_steps(value: bytes) -> PartSteps:
    since_us, told = orjson.loads(value)
    by_group = {
        (label, text): (np.array(stores, np.int64), np.array(without, np.int64))
        for label, text, stores, without in told
    }
    return PartSteps(since_us, by_group)


def _suspects(program: Program, args: dict[str, Any]) -> list[Suspect]:
    return list(program.suspects)


def _decode_turned(value: bytes) -> list[Turned]:
    return [Turned(**each) for each in orjson.loads(value)]


def _encode_expected(counts: dict[Group, int]) -> bytes:
    return orjson.dumps([[*group, count] for group, count in counts.items()])


def _decode_expected(value: bytes) -> dict[Group, int]:
    told = orjson.loads(value)
    return {(label, value): count for label, value, count in told}


def _encode_suspects(suspects: list[Suspect]) -> bytes:
    return b"\n".join(encode_event(one) for one in suspects)


def _decode_suspects(value: bytes) -> list[Suspect]:
    told = [decode_event(line) for line in value.splitlines()]
    return [one for one in told if isinstance(one, Suspect)]


TURNED = Call("turned", _turned, encode=orjson.dumps, decode=_decode_turned)
EXPECTED = Call("expected", _expected, encode=_encode_expected, decode=_decode_expected)
BLACKOUTS = in_steps("blackouts", _blackouts, _encode_steps, _decode_steps)
SUSPECTS = Call(
    "suspects",
    _suspects,
    table="announced",
    encode=_encode_suspects,
    decode=_decode_suspects,
    quick=lambda args: True,
)
