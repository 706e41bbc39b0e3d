"""What a store is now, once more, by walking its time: the oracle of the tests.

It shares no code and no method with the product: it goes from one breakpoint to the
next, and asks at each what the store is said to be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_high, median_low

from tests.reference import DAY_US, HOUR_US, Poll, Span, is_open, status_at, steps

WEEK_US = 7 * DAY_US

Correction = tuple[int, int, bool | None]
"""Begin, end, and what is said: up, down or (None) that nobody knows."""


@dataclass(frozen=True, slots=True)
class Store:
    """All that decides what a store is; times in microseconds.

    ``business``: what is open and not excluded.
    """

    polls: Sequence[Poll]
    opened: Sequence[Span]
    business: Sequence[Span]
    corrections: Sequence[Correction] = ()
    hold_us: int | None = HOUR_US
    bridge_us: int = 600_000_000


def now_of(store: Store, as_of_us: int) -> tuple[str, int | None]:
    """State and since when; None where it is not known or too long ago."""
    known = sorted(poll for poll in store.polls if poll[0] < as_of_us)
    if not is_open(store.opened, as_of_us):
        since = max((end for _, end in store.opened if end <= as_of_us), default=None)
        return "closed", recent(since, as_of_us)
    if not is_open(store.business, as_of_us):
        opened = max(begin for begin, _ in store.opened if begin <= as_of_us)
        left = max((end for _, end in store.business if end <= as_of_us), default=0)
        return "maintenance", recent(max(opened, left), as_of_us)
    if known:
        newest = max(time for time, _ in known)
        if business_us(store, newest, as_of_us) > limit_us(store, known):
            return "silent", newest
    status, since = walk(store, known, as_of_us)
    if status is None:
        return "no data", since
    return ("up", recent(since, as_of_us)) if status else ("down", since)


def recent(since_us: int | None, as_of_us: int) -> int | None:
    """An instant of the last week, or None."""
    return None if since_us is None or since_us < as_of_us - WEEK_US else since_us


def walk(
    store: Store, known: Sequence[Poll], as_of_us: int
) -> tuple[bool | None, int | None]:
    """What was told last, bridged, and since when."""
    points = {as_of_us} | {time for time, _ in known}
    points |= {time + (store.hold_us or 0) for time, _ in known}
    points |= {end for span in (*store.opened, *store.business) for end in span}
    points |= {end for begin, finish, _ in store.corrections for end in (begin, finish)}
    status: bool | None = None
    since = gap_since = None
    gap_us = 0
    for at_us, next_us in [*steps(points, 0, as_of_us), (as_of_us, as_of_us)]:
        if not is_open(store.business, at_us):
            continue
        told = told_at(store, known, at_us)
        if told is None:
            gap_since = at_us if gap_since is None else gap_since
            gap_us += next_us - at_us
            continue
        if told != status or gap_us > store.bridge_us:
            status, since = told, at_us
        gap_us, gap_since = 0, None
    if gap_us > store.bridge_us:
        return None, None if status is None else gap_since
    return (None, None) if status is None else (status, since)


def told_at(store: Store, known: Sequence[Poll], at_us: int) -> bool | None:
    """What is said of an instant, by people or else by polls."""
    for begin, end, said in store.corrections:
        if begin <= at_us < end:
            return said
    return status_at(known, at_us, store.hold_us, False)


def business_us(store: Store, begin_us: int, end_us: int) -> int:
    """Business time between two instants."""
    return sum(
        max(min(end, end_us) - max(begin, begin_us), 0) for begin, end in store.business
    )


def limit_us(store: Store, known: Sequence[Poll]) -> int:
    """Business time without a poll after which the store is silent."""
    least = (store.hold_us or HOUR_US) + store.bridge_us
    times = sorted({time for time, _ in known})
    gaps = [
        max((later - time) // 1000, 1)
        for time, later in pairwise(times)
        if business_us(store, time, later) == later - time
    ][-48:]
    if not gaps:
        return least
    return max((median_low(gaps) + median_high(gaps)) * 1000, least)
