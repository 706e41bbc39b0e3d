"""What stores are now: up, down, no data, silent, closed or in maintenance. Pure.

Comes from ``standing`` (what polls say) and ``business`` (whether a store is open);
leads to the board and the pages. The rule and its examples: ``docs/accounting.md``.
"""

from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from streamproc.rules import packing
from streamproc.rules.business import NONE
from streamproc.rules.standing import Standings
from streamproc.rules.uptime import Times
from streamproc.rules.windows import LONGEST_US

UP, DOWN, NO_DATA, SILENT, CLOSED, MAINTENANCE = range(6)
STATES = ("up", "down", "no data", "silent", "closed", "maintenance")
"""The names of the states, each at its number."""

WORST_FIRST = (DOWN, SILENT, NO_DATA, MAINTENANCE, UP, CLOSED)


@dataclass(frozen=True, slots=True)
class Phases:
    """Whether stores are in business at an instant, as columns of shape (n,).

    ``state``: CLOSED, MAINTENANCE, or NONE for in business. ``since_us``: since when
    they are in neither of those, or NONE where that is not known.
    """

    state: Ints
    since_us: Ints

    def __getitem__(self, rows: Ints) -> "Phases":
        return Phases(self.state[rows], self.since_us[rows])


def phases(times: Times, schedule: Ints, at_us: int) -> Phases:
    """Which schedules are in business at an instant; ``schedule``: shape (n,)."""
    opened, business = times.opened, times.business
    is_open = opened.is_within(schedule, at_us)
    in_business = business.is_within(schedule, at_us)
    opened_us, closed_us = opened.last_interval(schedule, at_us)
    _, out_us = business.last_interval(schedule, at_us)
    return Phases(
        np.where(in_business, NONE, np.where(is_open, MAINTENANCE, CLOSED)),
        np.where(is_open, np.maximum(opened_us, out_us), closed_us),
    )


@dataclass(frozen=True, slots=True)
class Now:
    """What stores are at an instant, as columns of shape (n,).

    ``state``: position in ``STATES``. ``since_us``: since when, or NONE where that is
    not known, or is over a week ago for what is up, closed or in maintenance.
    """

    state: Ints
    since_us: Ints


def now(standings: Standings, phase: Phases, as_of_us: int) -> Now:
    """What stores are at an instant that nothing has come after.

    Closed and maintenance go before what the polls say, and silence before all else
    that they say.
    """
    held = (standings.run_up != NONE) & (as_of_us <= standings.holds_until_us)
    spoken = np.where(standings.run_up == 1, UP, DOWN)
    state = np.where(held, spoken, NO_DATA)
    state = np.where(as_of_us > standings.silent_at_us, SILENT, state)
    state = np.where(phase.state == NONE, state, phase.state)
    since = np.where(held, standings.run_start_us, standings.ended_us)
    heard_us = np.where(standings.last == NONE, NONE, packing.time_of(standings.last))
    since = np.where(state == SILENT, heard_us, since)
    since = np.where(phase.state == NONE, since, phase.since_us)
    told_for_a_week = (state == UP) | (phase.state != NONE)
    is_long = told_for_a_week & (since < as_of_us - LONGEST_US)
    return Now(state, np.where(is_long, NONE, since))
