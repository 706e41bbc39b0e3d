"""What is to be told of a partition's stores: which to look at, and what comes of it.

The board says of which stores something has changed; what there is to tell of them
follows from their polls and from what was told before (``rules.transitions``).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from streamproc.cells import Ints
from streamproc.events import Event, event_id, incident_id
from streamproc.rules.episodes import episodes
from streamproc.rules.labels import Labels
from streamproc.rules.now import DOWN
from streamproc.rules.packing import Flags
from streamproc.rules.standing import NowRules
from streamproc.rules.transitions import TOLD_FOR_US, Said, Transition, due, in_turn
from streamproc.rules.units import MINUTE_US
from tables import announced
from tables import labels as labels_table
from tables.announced import Announced
from tables.board import View
from tables.board_source import Heard, Source
from tables.calendars import times_of
from tables.chosen import chosen_stores
from tables.fact_tables import LabelsTable
from tables.outage import known_since

MOST_APART_US = 10 * MINUTE_US
"""Between two looks nothing opens and closes, as a rule; else all are looked at."""


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told of a store, and what has been told of it then."""

    store_id: bytes
    transitions: list[Transition]
    said: Said


def rows_to_look_at(
    view: View, before: View | None, open_ids: Collection[bytes], as_of_us: int
) -> Ints:
    """The rows of the stores of which there may be something to tell.

    ``before``: the view when it was looked last. ``open_ids``: stores of which
    something was told that has not ended.
    """
    overdue = view.silent_at_us < as_of_us
    changed = np.ones(len(view), bool)
    may_end = np.ones(len(view), bool)
    if before is None or not _is_next(view, before):
        calm = (view.run_up == 1) & (view.run_start_us < as_of_us - TOLD_FOR_US)
        changed = ~calm | overdue
    else:
        known = slice(len(before))
        changed[known] = _differ(view, before)
        changed[known] |= overdue[known] & _newly_due(view, before)
        # What was told ends with another state; see ``_newly_due`` for silence.
        may_end[known] = view.state[known] != before.state
    if open_ids:
        for row in np.flatnonzero(may_end & ~changed).tolist():
            changed[row] = view.store_ids[row] in open_ids
    return np.flatnonzero(changed)


def _is_next(view: View, before: View) -> bool:
    """Whether nothing can have come and gone between two views of the same stores."""
    apart_us = view.as_of_us - before.as_of_us
    return before.epoch == view.epoch and apart_us <= MOST_APART_US


def _differ(view: View, before: View) -> Flags:
    """Which stores that were known before are not what they were."""
    known = slice(len(before))
    differ: Flags = view.run_up[known] != before.run_up
    differ |= view.run_start_us[known] != before.run_start_us
    differ |= (view.confirmed_us[known] < 0) != (before.confirmed_us < 0)
    differ |= (view.state[known] == DOWN) != (before.state == DOWN)
    return differ | (view.anew[known] > before.sequence)


def _newly_due(view: View, before: View) -> Flags:
    """Which stores were not silent before, or have been heard in between."""
    is_due: Flags = before.silent_at_us >= before.as_of_us
    is_due |= view.silent_at_us[: len(before)] != before.silent_at_us
    return is_due


def news_of(
    source: Source,
    told: Announced,
    store_ids: Sequence[bytes],
    by: NowRules,
    as_of_us: int,
) -> Iterator[News]:
    """What is to be told of stores, of each of which there is something."""
    for heard in chosen_stores(source, store_ids):
        if heard.store_ids:
            said = told.read_many(source.partition, heard.store_ids)
            yield from _news(heard, said, by, as_of_us)


def _news(
    heard: Heard, said: Sequence[bytes | None], by: NowRules, as_of_us: int
) -> Iterator[News]:
    times = times_of(heard.distinct, known_since(as_of_us), as_of_us)
    happened = episodes(
        *(heard.packed, heard.counts, heard.number, times),
        *(by.rules, by.bridge_us, by.confirm),
    )
    for store_id, value, each in zip(heard.store_ids, said, happened, strict=True):
        transitions, after = due(announced.decode(value), each, as_of_us)
        if transitions:
            yield News(store_id, transitions, after)


def events_of(
    news: Sequence[News], labels: LabelsTable, partition: int
) -> dict[bytes, list[Event]]:
    """The events of what is to be told, by store, of each in its order."""
    values = labels.read_many(partition, [one.store_id for one in news])
    return {
        one.store_id: [
            _event(one.store_id.decode(), transition, labels_table.decode(value))
            for transition in one.transitions
        ]
        for one, value in zip(news, values, strict=True)
    }


def in_order(by_store: Iterable[Sequence[Event]]) -> list[Event]:
    """Events of stores in the order in which it happened, of each store in its own."""
    timed = [row for some in by_store for row in in_turn(some)]
    return [event for _, event in sorted(timed, key=itemgetter(0))]


def _event(store_id: str, one: Transition, labels: Labels) -> Event:
    incident_us = one.incident_us
    return Event(
        event_id(store_id, one.kind, one.of_us, one.again),
        store_id,
        one.kind,
        one.at_us,
        one.since_us,
        None if incident_us is None else incident_id(store_id, incident_us),
        one.down_us,
        labels.name,
        labels.labels,
    )
