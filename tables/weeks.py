"""A store's week, as the tables hours and zones have it: when it is open.

Stores with the same week have the same bytes, so it is worked out once for all.
"""

from functools import lru_cache

from streamproc.rules.calendar import open_intervals
from streamproc.rules.units import HOUR_US
from streamproc.rules.windows import LONGEST_US
from tables import hours, zones

Week = tuple[bytes | None, bytes | None]
"""Values of a store in ``hours`` and in ``zones``; None where it has none."""


def intervals(week: Week, as_of_us: int) -> list[tuple[int, int]]:
    """Open intervals within the longest window that ends at ``as_of_us``."""
    begin_us = as_of_us - LONGEST_US
    return [
        (max(start, begin_us), min(end, as_of_us))
        for start, end in _around(week, as_of_us // HOUR_US)
        if start < as_of_us and begin_us < end
    ]


def is_open(week: Week, as_of_us: int) -> bool:
    """Whether a store of that week is open at ``as_of_us``."""
    around = _around(week, as_of_us // HOUR_US)
    return any(start <= as_of_us < end for start, end in around)


@lru_cache(maxsize=8192)
def _around(week: Week, hour: int) -> tuple[tuple[int, int], ...]:
    """Open intervals from a week before a full hour to the end of that hour.

    Local time is what costs; within the hour only the clipping is done again.
    """
    openings, zone = hours.decode(week[0]), zones.decode(week[1])
    begin_us, end_us = hour * HOUR_US - LONGEST_US, (hour + 1) * HOUR_US
    return tuple(open_intervals(openings, zone, begin_us, end_us))
