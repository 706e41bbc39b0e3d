"""What is told of a store, by walking its business time minute by minute.

Independent of the program: no arrays, no intervals, no sums. All times are minutes; a
status, an opening or a poll begins and ends with one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

USUAL_GAPS = 48

Told = tuple[str, int, int]
"""Kind, at and since."""


@dataclass(frozen=True)
class Walk:
    """A store: polls by time, its open minutes, and the rules; None: no hold."""

    polls: dict[int, bool]
    open_minutes: Sequence[int]
    hold: int | None
    bridge: int
    confirm: int

    def told(self) -> list[Told]:
        """All that there is to tell of it, in order."""
        order = ("heard", "up", "down", "silent")
        found = [*self._outages(), *self._silences()]
        return sorted(found, key=lambda one: (one[1], order.index(one[0])))

    def _status(self, minute: int) -> bool | None:
        """What the last poll says of a minute."""
        before = [time for time in self.polls if time <= minute]
        if not before or (self.hold is not None and minute >= before[-1] + self.hold):
            return None
        return self.polls[before[-1]]

    def _streak(self, minute: int) -> int:
        """Inactive polls in a row, up to a minute."""
        count = 0
        for time in reversed([time for time in self.polls if time <= minute]):
            if self.polls[time]:
                break
            count += 1
        return count

    def _outages(self) -> Iterator[Told]:
        is_down, since, unknown = False, None, 0
        for minute in self.open_minutes:
            status = self._status(minute)
            if status is None:
                unknown += 1
                continue
            if status or unknown > self.bridge:
                since = None  # the incident before has ended
            unknown = 0
            if status and is_down:
                is_down = False
                yield "up", minute, minute
            if not status:
                since = minute if since is None else since
                if not is_down and self._streak(minute) >= self.confirm:
                    is_down = True
                    yield "down", minute, since

    def _silences(self) -> Iterator[Told]:
        times = list(self.polls)
        gaps: list[int] = []
        for number, time in enumerate(times):
            is_last = number + 1 == len(times)
            until = None if is_last else times[number + 1]
            mine = [m for m in self.open_minutes if m >= time]
            unheard = [m for m in mine if until is None or m < until]
            least = (60 if self.hold is None else self.hold) + self.bridge
            usual = median(gaps[-USUAL_GAPS:]) if gaps else 0
            limit = max(2 * usual, least)
            silent = [m for at, m in enumerate(unheard) if at >= limit]
            if silent:
                yield "silent", silent[0], time
                heard = [m for m in mine if until is not None and m >= until]
                if heard and until is not None:
                    yield "heard", heard[0], until
            if until is not None and len(unheard) == until - time:
                gaps.append(until - time)
