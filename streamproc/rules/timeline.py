"""A store's week as spans of up, down, unknown and closed time. Pure.

The same rules as ``uptime``, which only sums: the spans of a window add up to
its figures to the microsecond. Leads to the store page and ``/timeline``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from streamproc.rules import history
from streamproc.rules.uptime import Rules
from streamproc.rules.windows import LONGEST_US
from streamproc.rules.zones import load_zone

UP, DOWN, UNKNOWN, CLOSED = "up", "down", "unknown", "closed"

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


def spans(
    packed: npt.NDArray[np.int64],
    intervals: Sequence[tuple[int, int]],
    as_of_us: int,
    rules: Rules,
    length_us: int = LONGEST_US,
) -> list[Span]:
    """Spans that fill the window of ``length_us`` before ``as_of_us``.

    ``packed``: the store's polls in time order. ``intervals``: its open
    intervals over (at least) that window. Neighbours differ in state.
    """
    begin_us = as_of_us - length_us
    found: list[Span] = []
    covers = list(_covers(packed, begin_us, as_of_us, rules))
    at = 0
    for start, end, is_open in _phases(intervals, begin_us, as_of_us):
        if not is_open:
            _append(found, start, end, CLOSED)
            continue
        while at < len(covers) and covers[at].end_us <= start:
            at += 1
        _fill(found, covers, at, start, end)
    return found


def _covers(
    packed: npt.NDArray[np.int64], begin_us: int, as_of_us: int, rules: Rules
) -> Iterator[Span]:
    """What each poll says, clipped to the window, in time order."""
    times = history.time_of(packed)
    count = int(np.searchsorted(times, as_of_us))
    first = max(int(np.searchsorted(times[:count], begin_us, side="right")) - 1, 0)
    chosen = times[first:count].tolist()
    active = history.is_active(packed[first:count]).tolist()
    for row, time in enumerate(chosen):
        following = chosen[row + 1] if row + 1 < len(chosen) else as_of_us
        end = rules.until(time, following)
        start = begin_us if rules.backfill and first + row == 0 else time
        start = max(start, begin_us)
        if start < end:
            yield Span(start, end, UP if active[row] else DOWN)


def _phases(
    intervals: Sequence[tuple[int, int]], begin_us: int, end_us: int
) -> Iterator[tuple[int, int, bool]]:
    """The window cut into open and closed time."""
    done = begin_us
    for start, end in intervals:
        start, end = max(start, begin_us), min(end, end_us)
        if start >= end:
            continue
        if done < start:
            yield done, start, False
        yield start, end, True
        done = end
    if done < end_us:
        yield done, end_us, False


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
    sums = dict.fromkeys((UP, DOWN, UNKNOWN, CLOSED), 0)
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
