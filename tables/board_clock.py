"""The time that counts of many stores over a span, to which further ones can come."""

from collections.abc import Sequence

import numpy as np

from streamproc.cells import Ints
from streamproc.rules.business import BusinessTime, Interval
from streamproc.rules.exclusions import Correction
from streamproc.rules.uptime import Times
from tables.calendars import StoreFacts


class Clock:
    """Business time over ``[begin_us, end_us)``, of each distinct set of facts.

    Those have numbers, which count up from 0 and stay.
    """

    def __init__(self, begin_us: int, end_us: int) -> None:
        self.begin_us = begin_us
        self.end_us = end_us
        self.facts: list[StoreFacts] = []
        self._numbers: dict[StoreFacts, int] = {}
        self._opened: list[list[Interval]] = []
        self._business: list[list[Interval]] = []
        self._corrections: list[list[Correction]] = []
        self._times: Times | None = None

    def numbers(self, facts: Sequence[StoreFacts]) -> Ints:
        """The number of each of some sets of facts."""
        known = self._numbers
        for each in facts:
            if each not in known:
                self._add(each)
        return np.array([known[each] for each in facts], np.int64)

    @property
    def times(self) -> Times:
        """The time that counts, by the numbers."""
        if self._times is None:
            opened, business = (
                BusinessTime(intervals, self.begin_us, self.end_us)
                for intervals in (self._opened, self._business)
            )
            self._times = Times(opened, business, self._corrections)
        return self._times

    def corrected_until(self) -> Ints:
        """Where the last correction of each number ends, or -1."""
        ends = [mine[-1].end_us if mine else -1 for mine in self._corrections]
        return np.array(ends, np.int64)

    def _add(self, facts: StoreFacts) -> None:
        self._numbers[facts] = len(self.facts)
        self.facts.append(facts)
        self._opened.append(facts.open_between(self.begin_us, self.end_us))
        self._business.append(facts.business_between(self.begin_us, self.end_us))
        self._corrections.append(facts.corrections)
        self._times = None
