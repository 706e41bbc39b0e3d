"""How often a store is polled, and when it is silent. Pure.

Comes from ``history`` (polls) and ``business``; leads to ``standing``. The rule:
``docs/accounting.md``, "Now".
"""

import numpy as np
import numpy.typing as npt

from streamproc.cells import Ints
from streamproc.rules import packing
from streamproc.rules.business import NONE, BusinessTime
from streamproc.rules.units import HOUR_US
from streamproc.rules.uptime import Rules

USUAL_GAPS = 48
"""How many gaps between polls make a store's usual interval."""

NO_HOLD_US = HOUR_US
"""Stands in for a hold without limit when it is asked who is silent."""

_MS_US = 1_000
LONGEST_GAP_MS = np.iinfo(np.uint32).max

Gaps = npt.NDArray[np.uint32]
"""Last gaps between polls, shape (n, USUAL_GAPS): whole milliseconds, 0 for none."""


def usual_us(gaps_ms: Gaps) -> Ints:
    """Usual interval of each store, shape (n,), microseconds; NONE without a gap.

    The median of its last gaps that lie wholly in business time.
    """
    ordered = np.sort(gaps_ms, axis=1).astype(np.int64)
    rows, width = np.arange(len(ordered)), ordered.shape[1]
    count = np.count_nonzero(ordered, axis=1)
    first = width - count  # those that are none stand before
    low = np.minimum(first + np.maximum(count - 1, 0) // 2, width - 1)
    high = np.minimum(first + count // 2, width - 1)
    twice_ms = ordered[rows, low] + ordered[rows, high]
    return np.where(count > 0, twice_ms * _MS_US // 2, NONE)


def silent_limit_us(usual: Ints, rules: Rules, bridge_us: int) -> Ints:
    """Business time without a poll after which a store is silent, shape (n,).

    Twice its usual interval, and at least ``hold`` and ``bridge`` together.
    """
    hold_us = NO_HOLD_US if rules.hold_us is None else rules.hold_us
    return np.maximum(2 * usual, hold_us + bridge_us)


def gaps_between(
    packed: Ints, store: Ints, schedule: Ints, business: BusinessTime
) -> tuple[Ints, Gaps]:
    """Gaps between neighbouring polls, wholly in business time: whose, and how long.

    A gap from which polls were thinned out is none.
    """
    time = packing.time_of(packed)
    before = business.before(schedule[store], time)
    apart = np.diff(time)
    counted = (store[1:] == store[:-1]) & (apart == np.diff(before)) & (apart > 0)
    counted &= ~packing.is_thinned(packed[:-1])
    counted &= time[:-1] >= business.begin_us
    chosen = np.flatnonzero(counted)
    length_ms = np.clip(apart[chosen] // _MS_US, 1, LONGEST_GAP_MS)
    return store[1:][chosen], length_ms.astype(np.uint32)


def with_gaps(gaps: Gaps, store: Ints, added: Gaps) -> Gaps:
    """Each store's gaps, oldest first, with further ones behind them."""
    count = np.bincount(store, minlength=len(gaps))
    most = int(count.max(initial=0))
    if not most:
        return gaps
    ends = np.cumsum(count)
    # What is further back than the last ones counts no more.
    behind = ends[store] - np.arange(len(store)) - 1
    kept = behind < USUAL_GAPS
    shift = np.minimum(count, USUAL_GAPS)
    column = np.arange(USUAL_GAPS) + shift[:, np.newaxis]
    wide = np.concatenate((gaps, np.zeros_like(gaps)), axis=1)
    moved = np.take_along_axis(wide, column, axis=1)
    moved[store[kept], USUAL_GAPS - 1 - behind[kept]] = added[kept]
    return moved
