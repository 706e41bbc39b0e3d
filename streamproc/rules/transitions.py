"""Transitions: what is to be told of a store, and when. Pure.

Comes from ``episodes`` (what happened) and from what was told before; leads to the
events of ``store-events``. The rules: ``docs/topics.md``, "Events".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from streamproc.rules.episodes import NEVER, Episodes, Outage, Silence
from streamproc.rules.units import DAY_US

DOWN, UP, SILENT, HEARD, RETRACTED = "down", "up", "silent", "heard", "retracted"
KINDS = (DOWN, UP, SILENT, HEARD, RETRACTED)

TOLD_FOR_US = DAY_US
"""What is older when it is found out is old history, and is not told any more."""

_ORDER = (RETRACTED, HEARD, UP, DOWN, SILENT)
"""Of those of one instant."""

_OF_SILENCE = (SILENT, HEARD)


class Timed(Protocol):
    """What is of an instant."""

    @property
    def at_us(self) -> int:
        """When, in UTC microseconds."""


_T = TypeVar("_T", bound=Timed)


class Mark(NamedTuple):
    """What was told and still stands: of when it is, and since when it holds."""

    at_us: int
    since_us: int


@dataclass(frozen=True, slots=True)
class Said:
    """What was told of a store.

    ``until_us``: newest ``at`` of it, or NEVER. ``down``, ``silent``: what was told and
    has not ended. ``again``: how often something was told out of its turn, after it had
    been taken back.
    """

    until_us: int = NEVER
    down: Mark | None = None
    silent: Mark | None = None
    again: int = 0

    @property
    def is_open(self) -> bool:
        """Whether something was told that has not ended."""
        return self.down is not None or self.silent is not None


NOTHING_SAID = Said()


class Transition(NamedTuple):
    """One thing to be told; ``incident_us`` and ``down_us`` where it has them.

    ``again``: see ``Said``. ``of_us``: the instant that names it, ``at_us`` but for
    what is taken back: that is named by what it takes back.
    """

    kind: str
    at_us: int
    since_us: int
    of_us: int
    again: int
    incident_us: int | None = None
    down_us: int | None = None


def due(said: Said, episodes: Episodes, as_of_us: int) -> tuple[list[Transition], Said]:
    """What is to be told of a store now, in its order, and what has been told then."""
    telling = _Telling(said, as_of_us)
    outages, silences = episodes.outages, episodes.silences
    if said.down is not None:
        known = telling.end_down(said.down, episodes)
        outages = [one for one in outages if one is not known]
    if said.silent is not None:
        telling.end_silence(said.silent, episodes)
        silences = [one for one in silences if one.since_us != said.silent.since_us]
    for outage in filter(telling.is_news, outages):
        telling.tell_outage(outage)
    for silence in filter(telling.is_news, silences):
        telling.tell_silence(silence)
    return telling.found(), telling.said


class _Telling:
    """What is being told of a store."""

    def __init__(self, said: Said, as_of_us: int) -> None:
        self.said = said
        self._told_until_us = said.until_us
        self._as_of_us = as_of_us
        self._found: list[Transition] = []

    def found(self) -> list[Transition]:
        """All of it, in its order: what ends comes before what begins anew.

        Late polls may have something begin before what was told has ended; whoever
        keeps a store's last word is not to be left with that end.
        """
        silences = [one for one in self._found if one.kind in _OF_SILENCE]
        others = [one for one in self._found if one.kind not in _OF_SILENCE]
        timed = [*in_turn(silences), *in_turn(others)]
        ordered = sorted(timed, key=lambda row: (row[0], _ORDER.index(row[1].kind)))
        return [one for _, one in ordered]

    def is_news(self, one: Outage | Silence) -> bool:
        """Whether it was not told, and is no old history.

        What has come to light late is told only if it still goes on.
        """
        if one.at_us < self._as_of_us - TOLD_FOR_US:
            return False
        return one.at_us > self._told_until_us or one.until_us == NEVER

    def end_down(self, mark: Mark, episodes: Episodes) -> Outage | None:
        """Tell what has become of a ``down``; its outage, if it still is one."""
        outage, until_us = _outage_of(mark, episodes)
        if mark.at_us >= episodes.known_us and outage is None:
            self._tell(RETRACTED, self._as_of_us, mark.since_us, mark, mark.at_us)
            self.said = replace(self.said, down=None)
        elif until_us != NEVER:
            whole = outage is not None and mark.since_us >= episodes.known_us
            down_us = outage.down_us if outage is not None and whole else None
            self._tell(UP, until_us, until_us, mark, down_us=down_us)
            self.said = replace(self.said, down=None)
        return outage

    def end_silence(self, mark: Mark, episodes: Episodes) -> None:
        """Tell that a silent store was heard, if it was and is open since."""
        row = int(np.searchsorted(episodes.polls, mark.since_us, side="right"))
        if row == len(episodes.polls) or episodes.spoken[row] == NEVER:
            return
        at_us = max(int(episodes.spoken[row]), mark.at_us)
        self._tell(HEARD, at_us, int(episodes.polls[row]))
        self.said = replace(self.said, silent=None)

    def tell_outage(self, outage: Outage) -> None:
        """Tell of an outage, and of its end."""
        self._out_of_turn(outage)
        mark = Mark(outage.at_us, outage.since_us)
        self._tell(DOWN, outage.at_us, outage.since_us, mark)
        if outage.until_us == NEVER:
            self.said = replace(self.said, down=mark)
        else:
            until_us = outage.until_us
            self._tell(UP, until_us, until_us, mark, down_us=outage.down_us)

    def tell_silence(self, silence: Silence) -> None:
        """Tell of a silence, and of its end."""
        self._out_of_turn(silence)
        self._tell(SILENT, silence.at_us, silence.since_us)
        if silence.until_us == NEVER:
            mark = Mark(silence.at_us, silence.since_us)
            self.said = replace(self.said, silent=mark)
        else:
            self._tell(HEARD, silence.until_us, silence.heard_us)

    def _out_of_turn(self, one: Outage | Silence) -> None:
        """Note that it may have been told before, and has another name now."""
        if one.at_us <= self._told_until_us:
            self.said = replace(self.said, again=self.said.again + 1)

    def _tell(
        self,
        kind: str,
        at_us: int,
        since_us: int,
        outage: Mark | None = None,
        of_us: int | None = None,
        down_us: int | None = None,
    ) -> None:
        incident_us = None if outage is None else outage.since_us
        named_us = at_us if of_us is None else of_us
        one = Transition(
            kind, at_us, since_us, named_us, self.said.again, incident_us, down_us
        )
        self._found.append(one)
        if kind != RETRACTED:
            until_us = max(self.said.until_us, at_us)
            self.said = replace(self.said, until_us=until_us)


def in_turn(told: Sequence[_T]) -> Iterable[tuple[int, _T]]:
    """Each with the instant it stands at: not before the one that is told before it."""
    return zip(accumulate((one.at_us for one in told), max), told, strict=True)


def _outage_of(mark: Mark, episodes: Episodes) -> tuple[Outage | None, int]:
    """The outage that a ``down`` was told of, and its end, or NEVER.

    Of one that began before the polls that are at hand, all there is is its end.
    """
    if mark.at_us < episodes.known_us:
        until_us = episodes.first_up_us
        first = episodes.outages[0] if episodes.outages else None
        if first is None or NEVER < until_us < first.at_us:
            return None, until_us
        return first, until_us
    for outage in episodes.outages:
        goes_on = outage.until_us == NEVER or mark.at_us < outage.until_us
        if outage.since_us <= mark.at_us and goes_on:
            return outage, outage.until_us
    return None, NEVER
