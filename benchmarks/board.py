"""The board alone: ``python -m benchmarks.board STORES``.

Stores of 1,500 different weeks, polled hourly; timed is what the states of all of
them cost, a batch folded in, and how long it takes to look all of them up.
"""

import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.measure import tell
from streamproc.cells import Cells, Ints
from streamproc.rules import packing
from streamproc.rules.schedule import parse_hours
from streamproc.rules.standing import NowRules
from streamproc.rules.units import HOUR_US
from streamproc.rules.uptime import Rules
from tables import hours as hours_table
from tables.board import Board
from tables.board_source import Heard
from tables.calendars import StoreFacts

NOW_US = 1_746_543_600_000_000  # a Tuesday, 15:00 UTC
BRIDGE_US = HOUR_US // 6
POLLS = 30
WEEKS = 1_500
CHUNK = 16_000
ZONES = (b"America/New_York", b"America/Chicago", b"America/Los_Angeles")


def facts(number: int) -> StoreFacts:
    """What is known of some of the stores."""
    rows = [
        {
            "dayOfWeek": day,
            "start_time_local": f"{6 + number % 6:02d}:{number % 60:02d}",
            "end_time_local": f"{17 + number % 6}:30",
        }
        for day in range(7)
        if day != number % 9
    ]
    week = hours_table.encode(parse_hours(rows))
    return StoreFacts(((b"", week),), ZONES[number % len(ZONES)])


def polls(count: int, before_us: int, each: int) -> Ints:
    """Hourly polls of stores, packed, one store after the other."""
    draw = np.random.default_rng(1)
    back = np.arange(each)[::-1] * HOUR_US + draw.integers(1, HOUR_US, (count, 1))
    active = draw.random((count, each)) < 0.95
    return packing.packed_of((before_us - back).ravel(), active.ravel().astype("i8"))


class Stores:
    """In place of the tables of a partition."""

    def __init__(self, count: int) -> None:
        self._distinct = [facts(number) for number in range(min(WEEKS, count))]
        self._parts = [
            Heard(
                [b"%d" % (10**17 + (first + n) * 7919) for n in range(size)],
                np.full(size, POLLS, np.int64),
                polls(size, NOW_US, POLLS),
                (np.arange(size) + first) * 7919 % len(self._distinct),
                self._distinct,
            )
            for first in range(0, count, CHUNK)
            for size in (min(CHUNK, count - first),)
        ]

    def all(self) -> Iterator[Heard]:
        """All stores."""
        yield from self._parts


def seconds(work: Any) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Tell the seconds of each step; of what is repeated, the least."""
    count = int(sys.argv[1])
    source: Any = Stores(count)
    board = Board(source, NowRules(Rules(), BRIDGE_US), 1, NOW_US)
    built = seconds(lambda: board.build(NOW_US))
    first = seconds(lambda: board.view(NOW_US))
    states = min(seconds(partial(board.view, NOW_US + n)) for n in range(7))
    some = min(count, 50_000)
    step = count // some
    ids = Cells.of([b"%d" % (10**17 + n * step * 7919) for n in range(some)])
    later = NOW_US + 30 * HOUR_US // 60
    packed, sent_ms = (
        np.full(some, packing.packed_of(later, 1)),
        round(1e3 * time.time()),
    )
    board.add(ids, np.arange(some), packed, sent_ms)
    folded = seconds(lambda: board.view(later + 1))
    tell(
        stores=count,
        polls=count * POLLS,
        built=built,
        first=first,
        states=states,
        folded=folded,
    )


if __name__ == "__main__":
    main()
