"""How stores stand by their polls, and what more polls make of it. Pure.

Comes from ``uptime`` (statuses) and ``business``; leads to ``now`` and the board. What
a store is by its polls follows the rule of ``incidents``: it stays what it was until
more than ``bridge`` of business time has gone by since its last status ceased to hold.

Between two polls a state changes at instants that are known when the poll comes:
``Standings`` holds those, so that asking for the states of a million stores is a few
comparisons. All but the last poll is settled; its end may be cut short by the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np

from streamproc.cells import Ints
from streamproc.rules import packing
from streamproc.rules.business import NONE, BusinessTime
from streamproc.rules.exclusions import Correction
from streamproc.rules.runs import Runs, last_runs
from streamproc.rules.statuses import Statuses, merged
from streamproc.rules.uptime import Rules, Times, what_is_told
from streamproc.rules.usual import (
    USUAL_GAPS,
    Gaps,
    gaps_between,
    silent_limit_us,
    usual_us,
    with_gaps,
)

NEVER = np.iinfo(np.int64).max
"""An instant that is not reached within the time that was looked at."""


@dataclass(slots=True)
class Standings:
    """How stores stand, as columns of shape (n,); times in microseconds of UTC.

    ``last``: the last packed poll, or NONE. ``streak``: how many polls of its status
    are in a row at the end. ``confirmed_us``: time of that one of them which made them
    as many as are asked for, or NONE. ``gaps_ms`` and ``usual_us``: see ``usual``.
    ``settled_*``: the last run before the last poll. ``run_*``: the last run, as long
    as no other poll comes. ``ended_us``: the first business instant after it, or NONE.
    ``holds_until_us``: to which instant, it included, the store is what that run says.
    ``silent_at_us``: the instant after which it is silent. ``good_until_us``: to which
    instant all that is true without looking at the store's corrections again.
    """

    last: Ints
    streak: Ints
    confirmed_us: Ints
    gaps_ms: Gaps
    usual_us: Ints
    settled_up: Ints
    settled_start_us: Ints
    settled_end_us: Ints
    run_up: Ints
    run_start_us: Ints
    ended_us: Ints
    holds_until_us: Ints
    silent_at_us: Ints
    good_until_us: Ints

    @classmethod
    def none(cls, count: int) -> "Standings":
        """Of stores that nothing was heard of."""
        columns: dict[str, Any] = {
            each.name: np.full(count, NONE, np.int64) for each in fields(cls)
        }
        columns["gaps_ms"] = np.zeros((count, USUAL_GAPS), np.uint32)
        made = cls(**columns)
        made.streak[:] = 0
        made.silent_at_us[:] = NEVER
        made.good_until_us[:] = NEVER
        return made

    def __len__(self) -> int:
        return len(self.last)

    def __getitem__(self, rows: Ints | slice) -> Self:
        """Some of the stores."""
        return type(self)(*(getattr(self, each.name)[rows] for each in fields(self)))

    def settled(self) -> Runs:
        """The last runs before the last polls."""
        return Runs(self.settled_up, self.settled_start_us, self.settled_end_us)

    def put(self, rows: Ints, others: "Standings") -> None:
        """How some of the stores stand from now on."""
        for each in fields(self):
            getattr(self, each.name)[rows] = getattr(others, each.name)

    def grown(self, count: int) -> "Standings":
        """These and, up to ``count`` stores, those of which nothing is known."""
        more = Standings.none(count - len(self))
        return Standings(
            *(
                np.concatenate((getattr(self, each.name), getattr(more, each.name)))
                for each in fields(self)
            )
        )


@dataclass(frozen=True, slots=True)
class Polls:
    """Polls of stores before an instant, later than what is known of each.

    ``packed``: in order, one per time. ``store``: row of each one's store, ascending.
    """

    packed: Ints
    store: Ints
    as_of_us: int


@dataclass(frozen=True, slots=True)
class NowRules:
    """By which rules it is told what a store is now.

    ``confirm``: how many polls of one status in a row are asked for.
    """

    rules: Rules
    bridge_us: int
    confirm: int = 1

    @property
    def of_polls(self) -> Rules:
        """How long polls speak; nothing is told of the time before the first one."""
        return replace(self.rules, backfill=False)


def advance(
    before: Standings, more: Polls, schedule: Ints, times: Times, by: NowRules
) -> Standings:
    """How stores stand when more polls have come.

    ``schedule``: shape (n,), each store's number in ``times``, which reach beyond the
    instant that ``more`` is as of. The corrections of ``times`` count from the first of
    these polls on, so a store that has one which ends after its last poll before is to
    be begun anew, from ``Standings.none`` and all its polls.
    """
    business = times.business
    packed, store, last = _joined(before, more)
    corrections = times.of_each(schedule)
    told = what_is_told(packed, store, schedule, times, by.of_polls)
    if corrections:
        told = told[told.begin_us <= more.as_of_us]
    settled, run = _runs(before, told, last, schedule, business, by.bridge_us)
    gaps_ms = with_gaps(
        before.gaps_ms, *gaps_between(packed, store, schedule, business)
    )
    usual = usual_us(gaps_ms)
    limit = silent_limit_us(usual, by.rules, by.bridge_us)
    ended = business.before(schedule, run.end_us)
    heard = business.before(schedule, packing.time_of(last))
    return Standings(
        last,
        *_streaks(before, more, by.confirm),
        gaps_ms,
        usual,
        *(settled.up, settled.start_us, settled.end_us),
        *(run.up, run.start_us),
        np.where(run.up == NONE, NONE, business.first_instant(schedule, ended)),
        _reached(business, schedule, ended + by.bridge_us),
        np.where(last == NONE, NEVER, _reached(business, schedule, heard + limit)),
        _good_until(corrections, more.as_of_us, len(before)),
    )


def _joined(before: Standings, more: Polls) -> tuple[Ints, Ints, Ints]:
    """Each store's last poll and those that came: packed, whose; and the new last."""
    heard = np.flatnonzero(before.last != NONE)
    store = np.concatenate((heard, more.store))
    packed = np.concatenate((before.last[heard], more.packed))
    order = np.argsort(store, kind="stable")
    packed, store = packed[order], store[order]
    last = before.last.copy()
    last[store] = packed  # of several the last one counts
    return packed, store, last


def _runs(
    before: Standings,
    told: Statuses,
    last: Ints,
    schedule: Ints,
    business: BusinessTime,
    bridge_us: int,
) -> tuple[Runs, Runs]:
    """The runs up to the last polls, and with them."""
    open_end = told.begin_us >= packing.time_of(last)[told.store]
    known = merged(before.settled().told(), told[~open_end])
    settled = last_runs(known, schedule, business, bridge_us)
    known = merged(settled.told(), told[open_end])
    return settled, last_runs(known, schedule, business, bridge_us)


def _streaks(before: Standings, more: Polls, confirm: int) -> tuple[Ints, Ints]:
    """``streak`` and ``confirmed_us`` with more polls."""
    streak, confirmed = before.streak.copy(), before.confirmed_us.copy()
    store, active = more.store, packing.is_active(more.packed)
    if not len(store):
        return streak, confirmed
    last = before.last[store]
    goes_on = (last != NONE) & (packing.is_active(last) == active)
    head = np.ones(len(store), bool)
    head[1:] = store[1:] != store[:-1]
    goes_on[1:] = np.where(head[1:], goes_on[1:], active[1:] == active[:-1])
    at = np.arange(len(store))
    begin = np.maximum.accumulate(np.where(head | ~goes_on, at, 0))
    # Where polls were thinned out after one, there was another at least.
    weight = 1 + packing.is_thinned(more.packed).astype(np.int64)
    running = np.cumsum(weight)
    carried = np.where(goes_on[begin], streak[store], 0)
    so_far = running - running[begin] + weight[begin] + carried
    tail = np.flatnonzero(np.append(head[1:], True))
    fresh = ~goes_on[begin[tail]]
    confirmed[store[tail[fresh]]] = NONE
    streak[store[tail]] = so_far[tail]
    newest = np.zeros(len(before), np.int64)
    newest[store[tail]] = begin[tail]
    made = (so_far >= confirm) & (so_far - weight < confirm) & (begin == newest[store])
    confirmed[store[made]] = packing.time_of(more.packed[made])
    return streak, confirmed


def _reached(business: BusinessTime, schedule: Ints, amount: Ints) -> Ints:
    """The last instant at which there is no more business time than ``amount``."""
    total = business.before(schedule, business.end_us)
    instant = business.first_instant(schedule, np.minimum(amount, total))
    return np.where(amount < total, instant, NEVER)


def _good_until(
    corrections: Sequence[Sequence[Correction]], as_of_us: int, count: int
) -> Ints:
    """The last instant before a correction of each store next begins or ends."""
    if not corrections:
        return np.full(count, NEVER, np.int64)
    edges = ([e for c in mine for e in (c.begin_us, c.end_us)] for mine in corrections)
    return np.array(
        [min((e - 1 for e in mine if e > as_of_us), default=NEVER) for mine in edges],
        np.int64,
    )
