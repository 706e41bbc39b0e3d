"""A store's week as spans of up, down, unknown, excluded and closed time. Pure.

The same rules as ``uptime``, which only sums: the spans of a window add up to
its figures to the microsecond. Leads to the store page and ``/timeline``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from zoneinfo import ZoneInfo

import numpy as np

from streamproc.cells import Ints
from streamproc.rules import business
from streamproc.rules.business import BusinessTime, Interval
from streamproc.rules.exclusions import Correction, without
from streamproc.rules.uptime import Rules, Times, statuses
from streamproc.rules.windows import LONGEST_US
from streamproc.rules.zones import load_zone

UP, DOWN, UNKNOWN, CLOSED = "up", "down", "unknown", "closed"
EXCLUDED = "excluded"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """One state over ``[start_us, end_us)``."""

    start_us: int
    end_us: int
    state: str

    @property
    def length_us(self) -> int:
        """How long the state lasted."""
        return self.end_us - self.start_us


@dataclass(frozen=True, slots=True)
class Day:
    """One local date: its midnights in UTC, 23 to 25 hours apart."""

    date: date
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class OpenTime:
    """One store's time that counts: ``opened``, ``business`` without what is excluded.

    Both in order; ``corrections`` without overlaps.
    """

    opened: Sequence[Interval]
    business: Sequence[Interval]
    corrections: Sequence[Correction] = ()

    @classmethod
    def plain(cls, opened: Sequence[Interval]) -> "OpenTime":
        """Nothing is excluded, nothing put right."""
        return cls(opened, opened)

    def times(self, begin_us: int, end_us: int) -> Times:
        """This time as the accounting takes it, of the one store."""
        opened, counted = (
            BusinessTime([business.clipped(each, begin_us, end_us)], begin_us, end_us)
            for each in (self.opened, self.business)
        )
        return Times(opened, counted, [self.corrections])


def spans(
    packed: Ints,
    time: OpenTime,
    as_of_us: int,
    rules: Rules,
    length_us: int = LONGEST_US,
) -> list[Span]:
    """Spans that fill the window of ``length_us`` before ``as_of_us``.

    ``packed``: the store's polls in time order. ``time``: over that window. Neighbours
    differ in state.
    """
    begin_us = as_of_us - length_us
    found: list[Span] = []
    covers = _covers(packed, time.times(begin_us, as_of_us), rules)
    at = 0
    for start, end, state in _phases(time, begin_us, as_of_us):
        if state is not None:
            _append(found, start, end, state)
            continue
        while at < len(covers) and covers[at].end_us <= start:
            at += 1
        _fill(found, covers, at, start, end)
    return found


def _covers(packed: Ints, times: Times, rules: Rules) -> list[Span]:
    """What is known of the store, within the window, in order."""
    counts, schedule = np.array([len(packed)]), np.zeros(1, np.int64)
    told = statuses(packed, counts, schedule, times, rules)
    begin_us, end_us = times.business.begin_us, times.business.end_us
    return [
        Span(max(start, begin_us), min(end, end_us), UP if up else DOWN)
        for start, end, up in zip(
            told.begin_us.tolist(), told.end_us.tolist(), told.up.tolist(), strict=True
        )
        if end > begin_us and start < end_us
    ]


def _phases(
    time: OpenTime, begin_us: int, end_us: int
) -> Iterator[tuple[int, int, str | None]]:
    """The window cut into business time, excluded and closed time; None: the first."""
    opened = business.clipped(time.opened, begin_us, end_us)
    counted = business.clipped(time.business, begin_us, end_us)
    cut: list[tuple[int, int, str | None]] = [(*span, None) for span in counted]
    cut += [(*span, CLOSED) for span in without([(begin_us, end_us)], opened)]
    cut += [(*span, EXCLUDED) for span in without(opened, counted)]
    yield from sorted(cut, key=itemgetter(0))


def _fill(
    found: list[Span], covers: Sequence[Span], at: int, start: int, end: int
) -> None:
    """Fill one open interval with what the polls from ``at`` on say."""
    done = start
    while at < len(covers) and covers[at].start_us < end:
        cover = covers[at]
        _append(found, done, max(cover.start_us, done), UNKNOWN)
        reach = min(cover.end_us, end)
        _append(found, max(cover.start_us, done), reach, cover.state)
        done = max(done, reach)
        at += 1
    _append(found, done, end, UNKNOWN)


def _append(found: list[Span], start: int, end: int, state: str) -> None:
    """Add a span, or lengthen the last one when it says the same."""
    if start >= end:
        return
    if found and found[-1].state == state and found[-1].end_us == start:
        found[-1] = Span(found[-1].start_us, end, state)
    else:
        found.append(Span(start, end, state))


def clipped(all_spans: Sequence[Span], start_us: int, end_us: int) -> list[Span]:
    """The parts of the spans within ``[start_us, end_us)``."""
    return [
        Span(max(span.start_us, start_us), min(span.end_us, end_us), span.state)
        for span in all_spans
        if span.start_us < end_us and start_us < span.end_us
    ]


def totals(some: Sequence[Span]) -> dict[str, int]:
    """Microseconds of each state."""
    sums = dict.fromkeys((UP, DOWN, UNKNOWN, CLOSED, EXCLUDED), 0)
    for span in some:
        sums[span.state] += span.length_us
    return sums


def local_days(zone_name: str, start_us: int, end_us: int) -> list[Day]:
    """The local dates that ``[start_us, end_us)`` touches, in order."""
    zone = load_zone(zone_name)
    day = _local(zone, start_us).date()
    days: list[Day] = []
    while not days or days[-1].end_us < end_us:
        following = day + timedelta(days=1)
        days.append(Day(day, _midnight_us(zone, day), _midnight_us(zone, following)))
        day = following
    return days


def local_time(zone_name: str, time_us: int) -> datetime:
    """A UTC instant as the store's clock shows it."""
    return _local(load_zone(zone_name), time_us)


def _local(zone: ZoneInfo, time_us: int) -> datetime:
    return (_EPOCH + timedelta(microseconds=time_us)).astimezone(zone)


def _midnight_us(zone: ZoneInfo, day: date) -> int:
    """First instant of a local date; where midnight is skipped, the one after."""
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    return round((local.astimezone(UTC) - _EPOCH) / timedelta(microseconds=1))
