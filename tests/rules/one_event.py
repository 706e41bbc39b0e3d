"""One store's transitions, worked out by the program from polls in any order."""

from collections.abc import Iterable, Sequence

import numpy as np

from streamproc.rules import packing
from streamproc.rules.business import BusinessTime, clipped
from streamproc.rules.episodes import Episodes, episodes
from streamproc.rules.exclusions import Correction
from streamproc.rules.transitions import NOTHING_SAID, Said, Transition, due
from streamproc.rules.units import DAY_US, HOUR_US, MINUTE_US
from streamproc.rules.uptime import Rules, Times

KNOWN_US = 9 * DAY_US
BRIDGE_US = 10 * MINUTE_US


def episodes_of(
    polls: Iterable[tuple[int, bool]],
    opened: Sequence[tuple[int, int]],
    as_of_us: int,
    confirm: int = 1,
    hold_us: int | None = HOUR_US,
    corrections: Sequence[Correction] = (),
) -> Episodes:
    """What happened to a store, of the days before ``as_of_us``."""
    packed = packing.canonical(packing.pack(polls))
    begin_us = as_of_us - KNOWN_US
    time = BusinessTime([clipped(opened, begin_us, as_of_us)], begin_us, as_of_us)
    (found,) = episodes(
        packed,
        np.array([len(packed)], np.int64),
        np.zeros(1, np.int64),
        Times(time, time, [corrections]),
        Rules(hold_us),
        BRIDGE_US,
        confirm,
    )
    return found


def told(
    polls: Iterable[tuple[int, bool]],
    opened: Sequence[tuple[int, int]],
    as_of_us: int,
    said: Said = NOTHING_SAID,
    confirm: int = 1,
    hold_us: int | None = HOUR_US,
    corrections: Sequence[Correction] = (),
) -> tuple[list[Transition], Said]:
    """What is to be told of a store at an instant, and what has been told then."""
    found = episodes_of(polls, opened, as_of_us, confirm, hold_us, corrections)
    return due(said, found, as_of_us)
