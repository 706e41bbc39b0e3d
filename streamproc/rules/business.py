"""Business time: B(t), how much of it lies before an instant, and back. Pure.

Comes from ``calendar`` (open intervals); leads to ``uptime`` and ``incidents``. B is
piecewise linear and never falls; closed time does not exist in it.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from streamproc.cells import Ints

Interval = tuple[int, int]

_KEY_BITS = 63

NONE = -1
"""Stands for an instant that there is not."""


def clipped(
    intervals: Iterable[Interval], begin_us: int, end_us: int
) -> list[Interval]:
    """The parts of intervals within ``[begin_us, end_us)``."""
    return [
        (max(begin, begin_us), min(end, end_us))
        for begin, end in intervals
        if begin < end_us and begin_us < end
    ]


class BusinessTime:
    """B(t) of many schedules over ``[begin_us, end_us)``.

    All open intervals lie in one sorted array: the schedule's number in the high
    bits, the microseconds since ``begin_us`` in the low ones. One binary search then
    answers for any mix of schedules.
    """

    def __init__(
        self, schedules: Sequence[Sequence[Interval]], begin_us: int, end_us: int
    ) -> None:
        """``schedules``: each one's open intervals in the span, merged, in order."""
        self.begin_us = begin_us
        self.end_us = end_us
        self._bits = max(end_us - begin_us, 1).bit_length()
        if len(schedules) << self._bits >= 1 << _KEY_BITS:
            raise ValueError(f"{len(schedules)} schedules are too many for this span")
        starts: list[int] = []
        lengths: list[int] = []
        before: list[int] = []
        for number, intervals in enumerate(schedules):
            base = number << self._bits
            total = 0
            # A closed mark at the span's start keeps searches in their schedule.
            starts.append(base)
            lengths.append(0)
            before.append(0)
            for start, end in intervals:
                starts.append(base + start - begin_us)
                lengths.append(end - start)
                before.append(total)
                total += end - start
        self._starts = np.array(starts, np.int64)
        self._lengths = np.array(lengths, np.int64)
        self._before = np.array(before, np.int64)
        self._next = np.append(self._starts[1:], np.iinfo(np.int64).max)
        self._reached = (self._starts >> self._bits << self._bits) + self._before

    def within(self, schedule: Ints, begins_us: Ints) -> Ints:
        """Business time from each begin to the end, shape (begins, schedules)."""
        return self.before(schedule, self.end_us) - self.before(
            schedule, begins_us[:, np.newaxis]
        )

    def before(self, schedule: Ints, time_us: Ints | int) -> Ints:
        """B(t), elementwise; times outside the span are clipped to it."""
        offset = np.clip(time_us, self.begin_us, self.end_us) - self.begin_us
        keys = (schedule << self._bits) + offset
        at = np.searchsorted(self._starts, keys, side="right") - 1
        inside = np.minimum(keys - self._starts[at], self._lengths[at])
        total: Ints = self._before[at] + inside
        return total

    def spans(self, schedule: Ints, begin_us: Ints, end_us: Ints) -> tuple[Ints, Ints]:
        """B at both ends of spans, elementwise; ``begin_us`` <= ``end_us``.

        One search for both, as most spans end before the next opening begins.
        """
        base = schedule << self._bits
        first = base + np.clip(begin_us, self.begin_us, self.end_us) - self.begin_us
        last = base + np.clip(end_us, self.begin_us, self.end_us) - self.begin_us
        at = np.searchsorted(self._starts, first, side="right") - 1
        start, length, before = self._starts[at], self._lengths[at], self._before[at]
        begin: Ints = before + np.minimum(first - start, length)
        end: Ints = before + np.minimum(last - start, length)
        far = np.flatnonzero(last >= self._next[at])
        end[far] = self.before(schedule[far], end_us[far])
        return begin, end

    def is_within(self, schedule: Ints, time_us: int) -> npt.NDArray[np.bool_]:
        """Whether the instant is open, elementwise."""
        begins, ends = self.last_interval(schedule, time_us)
        within: npt.NDArray[np.bool_] = (begins != NONE) & (time_us < ends)
        return within

    def last_interval(self, schedule: Ints, time_us: int) -> tuple[Ints, Ints]:
        """Ends of the last open interval that begins at an instant or before.

        NONE where there is no such interval.
        """
        offset = min(max(time_us, self.begin_us), self.end_us) - self.begin_us
        keys = (schedule << self._bits) + offset
        at = np.searchsorted(self._starts, keys, side="right") - 1
        length = self._lengths[at]
        begin = self.begin_us + (self._starts[at] - (schedule << self._bits))
        known = length > 0
        return np.where(known, begin, NONE), np.where(known, begin + length, NONE)

    def openings(self) -> tuple[Ints, Ints, Ints]:
        """All open intervals: the schedule, begin and end of each."""
        opened = np.flatnonzero(self._lengths)
        keys = self._starts[opened]
        schedule = keys >> self._bits
        begin_us = self.begin_us + keys - (schedule << self._bits)
        return schedule, begin_us, begin_us + self._lengths[opened]

    def first_instant(self, schedule: Ints, business_us: Ints) -> Ints:
        """The first open instant at which B has a value, elementwise.

        Where no open time follows, the end of the last open interval.
        """
        keys = (schedule << self._bits) + business_us
        at = np.searchsorted(self._reached, keys, side="right") - 1
        offset = self._starts[at] & ((1 << self._bits) - 1)
        time_us: Ints = self.begin_us + offset + business_us - self._before[at]
        return time_us
