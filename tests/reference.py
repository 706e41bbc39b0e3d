"""The accounting of business time once more, by walking: the oracle of the tests.

It shares no code and no method with the product. It goes from one breakpoint to the
next and asks at each: is the store open, and what does the last poll say? Nothing can
change between two neighbouring breakpoints, so this equals asking every microsecond.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

Hours = Sequence[Mapping[str, Any]] | None
Poll = tuple[int, bool]
Span = tuple[int, int]

SECOND_US = 1_000_000
HOUR_S = 3_600
DAY_S = 24 * HOUR_S
HOUR_US = HOUR_S * SECOND_US
DAY_US = DAY_S * SECOND_US
WINDOWS_US = {"hour": HOUR_US, "day": DAY_US, "week": 7 * DAY_US}

NO_ZONE = "America/Chicago"
ALL_DAY = [{"dayOfWeek": None, "start_time_local": "00:00", "end_time_local": "00:00"}]
LAST_MINUTE_S = DAY_S - 60
# An opening lasts up to a day, and a skipped calendar day (Apia, 2011-12-30) moves
# its ends by another: this many days around a window can reach into it.
MARGIN_DAYS = 4


@dataclass(frozen=True, slots=True)
class Figures:
    """What one window holds, in microseconds."""

    up_us: int
    down_us: int
    unknown_us: int
    open_us: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """UTC seconds `[start_s, end_s)` in which a zone keeps one offset."""

    start_s: int
    end_s: int
    offset_s: int


def reference(
    polls: Iterable[Poll],
    hours: Hours,
    zone: str | None,
    as_of_us: int,
    hold_us: int | None,
    backfill: bool,
) -> dict[str, Figures]:
    """The figures of each window that ends at `as_of_us`."""
    known = [poll for poll in polls if poll[0] < as_of_us]
    week_us = as_of_us - WINDOWS_US["week"]
    openings = list(all_openings(hours, zone, week_us, as_of_us))
    points = {as_of_us - length for length in WINDOWS_US.values()} | {as_of_us}
    points |= {end for opening in openings for end in opening}
    points |= {time for time, _ in known}
    points |= {time + (hold_us or 0) for time, _ in known}
    tally = {name: {True: 0, False: 0, None: 0} for name in WINDOWS_US}
    for at_us, next_us in steps(points, week_us, as_of_us):
        if not is_open(openings, at_us):
            continue
        status = status_at(known, at_us, hold_us, backfill)
        for name, length in WINDOWS_US.items():
            if at_us >= as_of_us - length:
                tally[name][status] += next_us - at_us
    return {
        name: Figures(of[True], of[False], of[None], sum(of.values()))
        for name, of in tally.items()
    }


@dataclass(frozen=True, slots=True)
class Outage:
    """One incident; `end_us` None while it goes on."""

    start_us: int
    end_us: int | None
    started_after_us: int | None
    down_us: int
    unknown_us: int
    wall_us: int
    ended_by: str | None


class _Watch:
    """Sees one open stretch of a store after the other, and notes its outages."""

    def __init__(self, bridge_us: int) -> None:
        self.found: list[Outage] = []
        self._bridge_us = bridge_us
        self._start_us: int | None = None
        self._down_us = self._bridged_us = self._unknown_us = 0
        self._unknown_from_us = 0

    def see(self, at_us: int, length_us: int, status: bool | None) -> None:
        """The store has this status for so long."""
        if status is None:
            if not self._unknown_us:
                self._unknown_from_us = at_us
            self._unknown_us += length_us
            return
        self._bridge()
        if status:
            self._end(at_us, "up")
        else:
            if self._start_us is None:
                self._start_us = at_us
            self._down_us += length_us

    def now(self, at_us: int) -> None:
        """What has not ended goes on, unless nothing is known of it for too long."""
        self._bridge()
        if self._start_us is not None:
            self._end(None, None, at_us)

    def _bridge(self) -> None:
        if self._unknown_us > self._bridge_us:
            self._end(self._unknown_from_us, "no-data")
        elif self._start_us is not None:
            self._bridged_us += self._unknown_us
        self._unknown_us = 0

    def _end(self, end_us: int | None, by: str | None, now_us: int = 0) -> None:
        if self._start_us is not None:
            self.found.append(
                Outage(
                    self._start_us,
                    end_us,
                    None,
                    self._down_us,
                    self._bridged_us,
                    (end_us if end_us is not None else now_us) - self._start_us,
                    by,
                )
            )
        self._start_us, self._down_us, self._bridged_us = None, 0, 0


def outages(
    polls: Iterable[Poll],
    business: Sequence[Span],
    begin_us: int,
    as_of_us: int,
    hold_us: int | None,
    backfill: bool,
    bridge_us: int,
) -> list[Outage]:
    """The incidents of a store, whose business time is given, by walking it."""
    known = [poll for poll in polls if poll[0] < as_of_us]
    points = {begin_us, as_of_us} | {end for span in business for end in span}
    points |= {time for time, _ in known}
    points |= {time + (hold_us or 0) for time, _ in known}
    watch = _Watch(bridge_us)
    for at_us, next_us in steps(points, begin_us, as_of_us):
        if is_open(business, at_us):
            status = status_at(known, at_us, hold_us, backfill)
            watch.see(at_us, next_us - at_us, status)
    watch.now(as_of_us)
    inactive = {time for time, active in known if not active}
    active = {time for time, _ in known} - inactive
    return [
        replace(o, started_after_us=newest(active, o.start_us)) for o in watch.found
    ]


@dataclass(frozen=True, slots=True)
class SliceFigures:
    """What a stretch of time holds of a store, in microseconds."""

    figures: Figures
    excluded_us: int
    incidents: int
    longest_us: int


def slice_figures(
    polls: Iterable[Poll],
    opened: Sequence[Span],
    business: Sequence[Span],
    span: Span,
    as_of_us: int,
    hold_us: int | None,
    backfill: bool,
    bridge_us: int,
    said: Sequence[tuple[Span, bool | None]] = (),
) -> SliceFigures:
    """The figures of a store in a stretch of time, all of whose polls are given.

    `opened` and `business` (what of it is not excluded) are its time there. `said`:
    statuses put right; where two overlap the later one in the list counts.
    """
    begin_us, end_us = span
    known = [poll for poll in polls if poll[0] < as_of_us]
    points = {begin_us, end_us} | {end for opening in opened for end in opening}
    points |= {end for part in business for end in part}
    points |= {time for time, _ in known}
    points |= {time + (hold_us or 0) for time, _ in known}
    tally: dict[bool | None, int] = {True: 0, False: 0, None: 0}
    points |= {end for part, _ in said for end in part}
    open_us = excluded_us = 0
    watch = _Watch(bridge_us)
    for at_us, next_us in steps(points, begin_us, end_us):
        length_us = next_us - at_us
        if is_open(opened, at_us):
            open_us += length_us
            excluded_us += 0 if is_open(business, at_us) else length_us
        if is_open(business, at_us):
            status = status_at(known, at_us, hold_us, backfill)
            for part, put_right in said:
                status = put_right if is_open([part], at_us) else status
            tally[status] += length_us
            watch.see(at_us, length_us, status)
    watch.now(end_us)
    downs = [outage.down_us for outage in watch.found]
    return SliceFigures(
        Figures(tally[True], tally[False], tally[None], open_us),
        excluded_us,
        len(downs),
        max(downs, default=0),
    )


def date_edge(zone: str, day: int, starts_s: int) -> int:
    """When a date begins in a zone whose dates begin at a time of day, in UTC."""
    offsets = walk_zone(zone, (day - 3) * DAY_S, (day + 4) * DAY_S)
    return instant_s(offsets, day * DAY_S + starts_s) * SECOND_US


def newest(times: Iterable[int], before_us: int) -> int | None:
    """The latest of the times before an instant."""
    return max((time for time in times if time < before_us), default=None)


def open_spans(
    hours: Hours, zone: str | None, start_us: int, end_us: int
) -> list[Span]:
    """The open time within `[start_us, end_us)`: merged, clipped and sorted."""
    openings = list(all_openings(hours, zone, start_us, end_us))
    points = {start_us, end_us} | {end for opening in openings for end in opening}
    spans: list[Span] = []
    for at_us, next_us in steps(points, start_us, end_us):
        if not is_open(openings, at_us):
            continue
        if spans and spans[-1][1] == at_us:
            spans[-1] = (spans[-1][0], next_us)
        else:
            spans.append((at_us, next_us))
    return spans


def steps(points: Iterable[int], start_us: int, end_us: int) -> Iterator[Span]:
    """Neighbouring points within `[start_us, end_us]`."""
    return pairwise(sorted(p for p in points if start_us <= p <= end_us))


def is_open(openings: Iterable[Span], at_us: int) -> bool:
    """Whether any opening holds the instant."""
    return any(start <= at_us < end for start, end in openings)


def status_at(
    polls: Sequence[Poll], at_us: int, hold_us: int | None, backfill: bool
) -> bool | None:
    """What the polls say of an instant: active, inactive or (None) nothing."""
    past = [time for time, _ in polls if time <= at_us]
    if past:
        spoken_us = max(past)
        if hold_us is not None and at_us >= spoken_us + hold_us:
            return None
    elif polls and backfill:
        spoken_us = min(time for time, _ in polls)
    else:
        return None
    return all(active for time, active in polls if time == spoken_us)


def all_openings(
    hours: Hours, zone: str | None, start_us: int, end_us: int
) -> Iterator[Span]:
    """Every opening that may reach into `[start_us, end_us)`, as two UTC instants."""
    if not hours:
        yield start_us, end_us
        return
    yield from dated_openings([(None, hours)], {}, zone, start_us, end_us)


def dated_openings(
    weeks: Sequence[tuple[int | None, Hours]],
    special: Mapping[int, Sequence[Mapping[str, Any]]],
    zone: str | None,
    start_us: int,
    end_us: int,
) -> Iterator[Span]:
    """The same, of a store whose week changes, and with hours for single dates.

    `weeks`: from which day on (None: undated) which hours; no hours are 24x7.
    """
    first_day = start_us // DAY_US - MARGIN_DAYS
    last_day = end_us // DAY_US + MARGIN_DAYS
    offsets = walk_zone(
        zone or NO_ZONE, (first_day - 2) * DAY_S, (last_day + 4) * DAY_S
    )
    for day in range(first_day, last_day + 1):
        if not is_shown(offsets, day):
            continue
        if day in special:
            entries = special[day]
        else:
            entries = [
                entry
                for entry in week_in_force(weeks, day) or ALL_DAY
                if entry["dayOfWeek"] in (None, (day + 3) % 7)  # 1970-01-01: Thursday
            ]
        for entry in entries:
            if entry.get("closed"):
                continue
            opens_s = clock_s(entry["start_time_local"])
            closes_s = closing_s(opens_s, clock_s(entry["end_time_local"]))
            yield (
                instant_s(offsets, day * DAY_S + opens_s) * SECOND_US,
                instant_s(offsets, day * DAY_S + closes_s) * SECOND_US,
            )


def week_in_force(weeks: Sequence[tuple[int | None, Hours]], day: int) -> Hours:
    """The hours with the latest date not after the day; else undated, else first."""
    dated = {since: hours for since, hours in weeks if since is not None}
    past = [since for since in dated if since <= day]
    if past:
        return dated[max(past)]
    undated = [hours for since, hours in weeks if since is None]
    if undated:
        return undated[0]
    return dated[min(dated)] if dated else None


def is_shown(offsets: Sequence[Stretch], day: int) -> bool:
    """Whether the wall clock ever shows the date; one that is skipped has no hours."""
    return any(
        stretch.start_s + stretch.offset_s < (day + 1) * DAY_S
        and day * DAY_S < stretch.end_s + stretch.offset_s
        for stretch in offsets
    )


def clock_s(text: str) -> int:
    """Seconds after midnight of `HH:MM` or `HH:MM:SS`."""
    hour, minute, second = [*map(int, text.split(":")), 0][:3]
    return hour * HOUR_S + minute * 60 + second


def closing_s(opens_s: int, end_s: int) -> int:
    """Seconds on the wall clock from the opening day's midnight to the closing."""
    if end_s == opens_s:
        return end_s + DAY_S
    if end_s >= LAST_MINUTE_S:
        return DAY_S
    return end_s + DAY_S if end_s < opens_s else end_s


def instant_s(offsets: Sequence[Stretch], wall_s: int) -> int:
    """The UTC second at which the wall clock first shows `wall_s` (from 1970 local).

    One it never shows lies in a gap and moves forward by the length of the gap.
    """
    for stretch in offsets:
        at_s = wall_s - stretch.offset_s
        if stretch.start_s <= at_s < stretch.end_s:
            return at_s
    for before, after in pairwise(offsets):
        from_s = before.end_s + before.offset_s
        to_s = after.start_s + after.offset_s
        if from_s <= wall_s < to_s:
            return wall_s + (to_s - from_s) - after.offset_s
    raise ValueError(f"the walk over the zone does not reach {wall_s}")


@cache
def walk_zone(zone: str, start_s: int, end_s: int) -> tuple[Stretch, ...]:
    """A zone's offsets, hour by hour, and second by second where they change."""
    info = load_zone(zone)
    cuts = [start_s]
    for hour_s in range(start_s, end_s, HOUR_S):
        if offset_s(info, hour_s) != offset_s(info, hour_s + HOUR_S):
            cuts += [
                at_s
                for at_s in range(hour_s + 1, hour_s + HOUR_S + 1)
                if offset_s(info, at_s - 1) != offset_s(info, at_s)
            ]
    return tuple(
        Stretch(first_s, next_s, offset_s(info, first_s))
        for first_s, next_s in pairwise([*cuts, end_s])
    )


def offset_s(info: ZoneInfo, at_s: int) -> int:
    """Seconds by which the wall clock is ahead of UTC."""
    offset = datetime.fromtimestamp(at_s, info).utcoffset()
    assert offset is not None
    return offset.days * DAY_S + offset.seconds


@cache
def load_zone(name: str) -> ZoneInfo:
    """A zone of the tzdata package, never of the system."""
    path = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    with path.open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
