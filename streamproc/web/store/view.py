"""One store at one instant: figures, timeline, polls. Pure, from its ``StoreData``."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from streamproc.report.rows import Rows
from streamproc.rules import packing, timeline
from streamproc.rules.calendar import local_day
from streamproc.rules.days import day_of_date
from streamproc.rules.incidents import DEFAULT_BRIDGE_US, NONE, incidents
from streamproc.rules.now import STATES, Now
from streamproc.rules.schedule import Schedule
from streamproc.rules.standing import NowRules
from streamproc.rules.timeline import DOWN, EXCLUDED, UNKNOWN, UP, Day, OpenTime, Span
from streamproc.rules.units import HOUR_US
from streamproc.rules.uptime import Rules, Uptime
from streamproc.rules.windows import LONGEST_US, WINDOWS
from streamproc.rules.zones import DEFAULT_ZONE
from streamproc.web.store.data import StoreData
from streamproc.web.store.openings import week_rows
from tables.calendars import StoreFacts, calendar_of
from tables.states import StatesAt


@dataclass(frozen=True, slots=True)
class DayRow:
    """One local date of the timeline, with what the window covers of it."""

    day: Day
    spans: list[Span]
    up_us: int
    down_us: int
    unknown_us: int
    excluded_us: int

    @property
    def hours(self) -> float:
        """How long the day is: 23 or 25 where the clocks change."""
        return (self.day.end_us - self.day.start_us) / HOUR_US


@dataclass(frozen=True, slots=True)
class PollRow:
    """One poll, and until when it speaks."""

    time_us: int
    active: bool
    thinned: bool
    until_us: int


@dataclass(frozen=True, slots=True)
class _Incident:
    """When an incident began and ended; None while it goes on."""

    start_us: int
    end: int | None


@dataclass
class StoreView:
    """What is known of a store, as of ``as_of_us``, of ``length_us`` before."""

    store_id: str
    data: StoreData
    as_of_us: int
    rules: Rules
    bridge_us: int = DEFAULT_BRIDGE_US
    length_us: int = LONGEST_US

    @property
    def begin_us(self) -> int:
        """Where the time begins that it tells of."""
        return self.as_of_us - self.length_us

    @cached_property
    def facts(self) -> StoreFacts:
        """What decides how its time counts."""
        return self.data.facts

    @cached_property
    def openings(self) -> Schedule:
        """The weekly hours in force; none means open 24x7."""
        return calendar_of(self.facts).week_on(local_day(self.zone, self.as_of_us))

    @property
    def zone(self) -> str:
        """Its zone, or the default one."""
        return self.facts.zone_name

    @property
    def zone_is_default(self) -> bool:
        """Whether no zone was ever told."""
        return self.facts.zone is None

    @cached_property
    def spans(self) -> list[Span]:
        """The time it tells of, without gap."""
        begin_us, end_us = self.begin_us, self.as_of_us
        time = self._time(begin_us, end_us)
        return timeline.spans(
            self.data.packed, time, self.as_of_us, self.rules, self.length_us
        )

    def _time(self, begin_us: int, end_us: int) -> OpenTime:
        return OpenTime(
            self.facts.open_between(begin_us, end_us),
            self.facts.business_between(begin_us, end_us),
            self.facts.corrections,
        )

    @cached_property
    def _incidents(self) -> list[_Incident]:
        """Its incidents of that time, the newest last."""
        begin_us, end_us = self.begin_us, self.as_of_us
        found = incidents(
            self.data.packed[: self._known],
            np.array([self._known]),
            np.zeros(1, np.int64),
            self._time(begin_us, end_us).times(begin_us, end_us),
            self.rules,
            self.bridge_us,
        )
        return [
            _Incident(start, None if end == NONE else end)
            for start, end in zip(
                found.start_us.tolist(), found.end_us.tolist(), strict=True
            )
        ]

    @cached_property
    def windows(self) -> dict[str, Uptime]:
        """Its figures, by window."""
        found = {}
        for window in WINDOWS:
            start_us = self.as_of_us - window.length_us
            sums = timeline.totals(
                timeline.clipped(self.spans, start_us, self.as_of_us)
            )
            excluded = sums[EXCLUDED]
            opened = sums[UP] + sums[DOWN] + sums[UNKNOWN] + excluded
            found[window.name] = Uptime(sums[UP], sums[DOWN], opened, excluded)
        return found

    @property
    def has_excluded(self) -> bool:
        """Whether any of its open time is excluded."""
        return any(window.excluded_us for window in self.windows.values())

    @cached_property
    def rows(self) -> Rows:
        """Its row of a report."""
        windows = self.windows.values()
        return Rows(
            [self.store_id],
            np.array([[w.up_us] for w in windows], np.int64),
            np.array([[w.down_us] for w in windows], np.int64),
            np.array([[w.open_us] for w in windows], np.int64),
            np.array([[w.excluded_us] for w in windows], np.int64),
            np.array([NONE if self.last is None else self.last], np.int64),
        )

    # -- now -----

    @property
    def is_open(self) -> bool:
        """Whether it is open at ``as_of_us``."""
        return self.facts.is_open(self.as_of_us)

    @cached_property
    def _known(self) -> int:
        """How many of its polls lie before ``as_of_us``."""
        times = packing.time_of(self.data.packed)
        return int(np.searchsorted(times, self.as_of_us))

    @property
    def last(self) -> int | None:
        """Its last packed poll before ``as_of_us``."""
        return int(self.data.packed[self._known - 1]) if self._known else None

    @property
    def last_us(self) -> int | None:
        """Time of its last poll."""
        return None if self.last is None else packing.time_of(self.last)

    @cached_property
    def _now(self) -> Now:
        by = NowRules(self.rules, self.bridge_us)
        return StatesAt(self.as_of_us, by).of_one(self.data.packed, self.facts)

    @property
    def state_number(self) -> int:
        """What it is now: position in ``rules.now.STATES``."""
        return int(self._now.state[0])

    @property
    def state(self) -> str:
        """What it is now, in a word."""
        return STATES[self.state_number]

    @property
    def since_us(self) -> int | None:
        """Since when it is that; None where that is not known, see ``rules.now``.

        Of a store that is down: since its incident began, gaps without data and
        nights included.
        """
        since_us = int(self._now.since_us[0])
        return None if since_us == NONE else since_us

    # -- the timeline -----

    @cached_property
    def days(self) -> list[DayRow]:
        """Its time by local dates; the first and the last may be partial."""
        rows = []
        for day in timeline.local_days(self.zone, self.begin_us, self.as_of_us):
            inside = timeline.clipped(self.spans, day.start_us, day.end_us)
            sums = timeline.totals(inside)
            amounts = (sums[state] for state in (UP, DOWN, UNKNOWN, EXCLUDED))
            rows.append(DayRow(day, inside, *amounts))
        return rows

    def on_day(self, day: int) -> DayRow | None:
        """One local date, in days since 1970-01-01; None when it is not in the week."""
        rows = [row for row in self.days if day_of_date(row.day.date) == day]
        return rows[0] if rows else None

    @cached_property
    def incidents(self) -> list[Span]:
        """Incidents, and longer gaps without data besides, newest first."""
        down = [
            Span(i.start_us, self.as_of_us if i.end is None else i.end, DOWN)
            for i in self._incidents
        ]
        gaps = [
            span
            for span in self.spans
            if span.state == UNKNOWN
            and span.length_us > self.bridge_us
            and not any(i.start_us <= span.start_us < i.end_us for i in down)
        ]
        return sorted(down + gaps, key=lambda span: span.start_us, reverse=True)

    # -- polls -----

    def polls(self, first: int, count: int) -> list[PollRow]:
        """Polls before ``as_of_us``, newest first, from the ``first`` on."""
        end = max(self._known - first, 0)
        start = max(end - count, 0)
        chosen = self.data.packed[start : min(end + 1, self._known)].tolist()
        times = [*map(packing.time_of, chosen), self.as_of_us]
        rows = [
            PollRow(
                times[at],
                packing.is_active(poll),
                packing.is_thinned(poll),
                self.rules.until(times[at], times[at + 1]),
            )
            for at, poll in enumerate(chosen[: end - start])
        ]
        return rows[::-1]

    @property
    def poll_count(self) -> int:
        """How many polls before ``as_of_us`` are kept."""
        return self._known

    def week(self) -> Iterator[tuple[str, str]]:
        """Opening times as people write them; equal days that follow are one row."""
        return week_rows(self.openings)


__all__ = ["DEFAULT_ZONE", "DayRow", "PollRow", "StoreView"]
