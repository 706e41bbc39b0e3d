"""What the managed fleet's pages must say, worked out by the tests' own reference."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from tests.reference import (
    ALL_DAY,
    DAY_US,
    HOUR_US,
    Outage,
    date_edge,
    open_spans,
    outages,
    slice_figures,
)
from tests.reference_now import Store as StoreNow
from tests.reference_now import now_of
from tests.web.live_site import MINUTE_US
from tests.web.managed_fleet import NOW_US, STORES, Span, Store

HOLD_US, BRIDGE_US = HOUR_US, 10 * MINUTE_US
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Amounts:
    """Time of one or more stores, in microseconds."""

    up: int = 0
    down: int = 0
    unknown: int = 0
    excluded: int = 0
    open: int = 0

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            self.up + other.up,
            self.down + other.down,
            self.unknown + other.unknown,
            self.excluded + other.excluded,
            self.open + other.open,
        )

    @property
    def percent(self) -> str:
        """Up in percent of what was observed, as pages write it."""
        return percent_text(self.up, self.down)

    @property
    def told(self) -> str:
        """The same as a sentence has it: with one decimal."""
        return percent_text(self.up, self.down, 1)


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What somebody says of a store: other hours, time out or put right."""

    hours: Sequence[Mapping[str, Any]] | None = None
    closed: Span | None = None
    excluded: Span | None = None
    up: Span | None = None


AS_TOLD = Otherwise()


def percent_text(up: int, down: int, digits: int = 2) -> str:
    """Half rounded up; 100 and 0 only where they are exact."""
    unit = 10**digits
    share = (200 * unit * up + up + down) // (2 * (up + down))
    share = min(share, 100 * unit - 1) if down else share
    share = max(share, 1) if up else share
    return f"{share // unit}.{share % unit:0{digits}d} %"


def length_text(length_us: int) -> str:
    """Two units at most: ``6 h``, ``2 h 30 min``, ``3 d``."""
    hours, minutes = divmod(length_us // MINUTE_US, 60)
    if hours >= 48:
        return f"{hours // 24} d" + (f" {hours % 24} h" if hours % 24 else "")
    told = [f"{hours} h"] if hours else []
    return " ".join(told + ([f"{minutes} min"] if minutes or not hours else []))


def hours_text(amount_us: int) -> str:
    """Hours with two decimals."""
    return f"{amount_us / HOUR_US:.2f} h"


def dates(first: str, last: str, store: Store) -> Span:
    """A store's own dates, both in, as instants."""
    begin = (date.fromisoformat(first) - EPOCH).days
    end = (date.fromisoformat(last) + timedelta(days=1) - EPOCH).days
    return date_edge(store.zone, begin, 0), date_edge(store.zone, end, 0)


@cache
def polls_of(name: str) -> list[tuple[int, bool]]:
    """All polls of a store."""
    return [(poll.time_us, poll.active) for poll in STORES[name].polls()]


def near(name: str, span: Span) -> list[tuple[int, bool]]:
    """Those polls of a store that can say anything of a span, or of a day around it."""
    begin, end = span
    return [one for one in polls_of(name) if begin - DAY_US <= one[0] < end + DAY_US]


def without(spans: Iterable[Span], out: Span | None) -> list[Span]:
    """Spans less another one."""
    if out is None:
        return list(spans)
    parts = [((b, min(e, out[0])), (max(b, out[1]), e)) for b, e in spans]
    return [part for two in parts for part in two if part[0] < part[1]]


def amounts(store: Store, span: Span, told: Otherwise = AS_TOLD) -> Amounts:
    """The figures of a store in a span, up to now."""
    begin, end = span[0], min(span[1], NOW_US)
    opened = open_spans(store.hours or ALL_DAY, store.zone, begin, end)
    if told.hours is not None:
        opened = open_spans(told.hours, store.zone, begin, end)
    opened = without(opened, told.closed)
    found = slice_figures(
        near(store.name, (begin, end)),
        opened,
        without(opened, told.excluded),
        (begin, end),
        NOW_US,
        HOLD_US,
        False,
        BRIDGE_US,
        [] if told.up is None else [(told.up, True)],
    )
    figures = found.figures
    return Amounts(
        figures.up_us,
        figures.down_us,
        figures.unknown_us,
        found.excluded_us,
        figures.open_us,
    )


def pooled(found: Iterable[Amounts]) -> Amounts:
    """The sums of some stores."""
    return sum(found, Amounts())


def down_now() -> list[tuple[str, int]]:
    """Who is down, and since when; the longest first."""
    found = []
    for name, store in STORES.items():
        span = (NOW_US - 2 * DAY_US, NOW_US + HOUR_US)
        opened = open_spans(store.hours or ALL_DAY, store.zone, *span)
        state, since = now_of(StoreNow(near(name, span), opened, opened), NOW_US)
        if state == "down":
            assert since is not None
            found.append((name, since))
    return sorted(found, key=lambda one: one[1])


def incidents(first: str, last: str) -> list[tuple[str, Outage]]:
    """All incidents with down time within these dates, each store's own."""
    found = []
    for name, store in STORES.items():
        begin, end = dates(first, last, store)
        span = begin - DAY_US, end + DAY_US
        opened = open_spans(store.hours or ALL_DAY, store.zone, *span)
        told = outages(
            near(name, span), opened, span[0], NOW_US, HOLD_US, False, BRIDGE_US
        )
        found += [(name, one) for one in told if _overlaps(one, begin, end)]
    return found


def _overlaps(one: Outage, begin_us: int, end_us: int) -> bool:
    return one.start_us < end_us and (one.end_us is None or one.end_us > begin_us)
