"""One store's figures, worked out by the program from polls in any order."""

from collections.abc import Iterable

import numpy as np

from streamproc.rules import packing
from streamproc.rules.business import BusinessTime
from streamproc.rules.calendar import Calendar, open_intervals
from streamproc.rules.schedule import Schedule
from streamproc.rules.uptime import Rules, Times, Uptime, account
from streamproc.rules.windows import LONGEST_US, NAMES


def window_intervals(
    openings: Schedule, zone: str, as_of_us: int
) -> list[tuple[int, int]]:
    """Open intervals within the longest window that ends at ``as_of_us``."""
    calendar = Calendar.weekly(openings, zone)
    return open_intervals(calendar, as_of_us - LONGEST_US, as_of_us)


def account_one(
    polls: Iterable[tuple[int, bool]],
    openings: Schedule,
    zone: str,
    as_of_us: int,
    rules: Rules,
) -> dict[str, Uptime]:
    """Account one store from its polls ``(time_us, active)``, in any order."""
    packed = packing.canonical(packing.pack(polls))
    intervals = window_intervals(openings, zone, as_of_us)
    figures = account(
        packed,
        np.array([len(packed)], np.int64),
        np.zeros(1, np.int64),
        Times.plain(BusinessTime([intervals], as_of_us - LONGEST_US, as_of_us)),
        rules,
    )
    return {
        window: Uptime(
            int(figures.up[i, 0]), int(figures.down[i, 0]), int(figures.open[i, 0])
        )
        for i, window in enumerate(NAMES)
    }
