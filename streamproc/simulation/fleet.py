"""A generated fleet: stores with hours and zones, and their polls. Pure.

For the demo, ``simulate``, tests and benchmarks. Everything follows from the
seed and the time alone, so a simulation that is resumed goes on as it would
have. Modelled on a real fleet: polls about once an hour at each store's own
minute, now and then one missing; outages of minutes to hours; split, overnight
and round-the-clock openings.
"""

import heapq
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeVar

from streamproc.rules.poll import Poll
from streamproc.rules.units import DAY_US, HOUR_US, SECOND_US
from streamproc.simulation.names import POLLERS, labels_of, told_apart

Choice = TypeVar("Choice")

_BLOCK_US = 6 * HOUR_US
_ZONES: tuple[tuple[str, int], ...] = (
    ("America/New_York", 58),
    ("America/Los_Angeles", 22),
    ("America/Chicago", 11),
    ("America/Phoenix", 3),
    ("America/Denver", 3),
    ("Europe/London", 2),
    ("Australia/Adelaide", 1),
)
_HOURS: tuple[tuple[tuple[tuple[str, str], ...], int], ...] = (
    ((("10:00:00", "22:00:00"),), 40),
    ((("09:00:00", "17:30:00"),), 20),
    ((("11:00:00", "14:30:00"), ("17:00:00", "23:00:00")), 15),
    ((("18:00:00", "02:00:00"),), 10),
    ((("00:00:00", "23:59:59"),), 15),
)


@dataclass(frozen=True, slots=True)
class Store:
    """One store of the fleet; ``hours`` as in a store-hours message.

    ``hours`` and ``zone`` are None for the few that never sent any. ``labels``: as in a
    store-labels message.
    """

    store_id: str
    hours: list[dict[str, Any]] | None
    zone: str | None
    labels: dict[str, Any] = field(default_factory=dict)


class Fleet:
    """``size`` stores, each polled every ``interval_s`` seconds.

    ``outage_rate``: the share of time a store is down, about. ``broken_poller``: the
    poller that sends nothing for two hours of each day; None when all are sound.
    """

    def __init__(
        self,
        size: int,
        *,
        interval_s: float = 3600.0,
        outage_rate: float = 0.04,
        seed: int = 1,
        broken_poller: str | None = None,
    ) -> None:
        self.seed = seed
        self.interval_us = max(int(interval_s * SECOND_US), 1)
        self.outage_rate = outage_rate
        self.broken_poller = broken_poller
        drawn = [_store(seed, number) for number in range(size)]
        labels = [labels_of(seed, at, store.zone) for at, store in enumerate(drawn)]
        self.stores = [
            replace(store, labels=each)
            for store, each in zip(drawn, told_apart(labels), strict=True)
        ]
        draw = random.Random(f"{seed}:minutes")
        self._phase_us = [draw.randrange(self.interval_us) for _ in range(size)]
        self._outages = lru_cache(maxsize=8 * size + 64)(self._outages_in)

    def polls(self, begin_us: int, end_us: int) -> Iterator[Poll]:
        """All polls with ``begin_us`` <= time < ``end_us``, in time order."""
        return heapq.merge(
            *(
                self._polls_of(number, begin_us, end_us)
                for number in range(len(self.stores))
            ),
            key=lambda poll: poll.time_us,
        )

    def _polls_of(self, number: int, begin_us: int, end_us: int) -> Iterator[Poll]:
        store_id, interval = self.stores[number].store_id, self.interval_us
        slot = (begin_us - self._phase_us[number]) // interval - 1
        while (time_us := self._phase_us[number] + slot * interval) < end_us:
            late_us, missing = _jitter(self.seed, number, slot)
            time_us += late_us % max(interval // 4, 1)
            slot += 1
            missing = missing or self._is_unheard(number, time_us)
            if begin_us <= time_us < end_us and not missing:
                yield Poll(store_id, time_us, self.is_up(number, time_us))

    def _is_unheard(self, number: int, time_us: int) -> bool:
        """Whether the store's poller is the broken one, in its two hours of the day."""
        if POLLERS[number % len(POLLERS)] != self.broken_poller:
            return False
        day, of_day_us = divmod(time_us, DAY_US)
        begins_us = (14 + day % 5) * HOUR_US
        return begins_us <= of_day_us < begins_us + 2 * HOUR_US

    def is_up(self, number: int, time_us: int) -> bool:
        """Whether a store is up at a time."""
        block = time_us // _BLOCK_US
        return not any(
            start <= time_us < end
            for index in (block - 1, block)
            for start, end in self._outages(number, index)
        )

    def _outages_in(self, number: int, block: int) -> tuple[tuple[int, int], ...]:
        """Outages of a store that begin within a block of six hours."""
        draw = random.Random(f"{self.seed}:{number}:{block}")
        # An outage lasts an hour on average; most stores have few, some many.
        weakness = 0.3 + 3.5 * (number % 17 == 0)
        if draw.random() > 6 * self.outage_rate * weakness:
            return ()
        start = block * _BLOCK_US + draw.randrange(_BLOCK_US)
        length = min(draw.expovariate(1 / 3600), 6 * 3600)
        return ((start, start + int(length * SECOND_US)),)


def _jitter(seed: int, number: int, slot: int) -> tuple[int, bool]:
    """How late a poll is, and whether it is missing altogether."""
    mixed = (seed * 1_000_003 + number) * 2_654_435_761 + slot * 40_503_000_017
    mixed ^= mixed >> 15
    mixed = mixed * 2_246_822_519 & 0xFFFFFFFFFFFF
    mixed ^= mixed >> 13
    return mixed % (600 * SECOND_US), mixed % 97 == 0


def _drawn(draw: random.Random, choices: Sequence[tuple[Choice, int]]) -> Choice:
    """One of the choices, by their weights."""
    weights = [weight for _, weight in choices]
    return draw.choices(choices, weights)[0][0]


def _store(seed: int, number: int) -> Store:
    draw = random.Random(f"{seed}:{number}")
    store_id = str(draw.randrange(10**17, 10**19))
    zone = _drawn(draw, _ZONES) if draw.random() > 0.05 else None
    if draw.random() < 0.1:
        return Store(store_id, None, zone)
    day = _drawn(draw, _HOURS)
    closed = draw.randrange(7) if draw.random() < 0.2 else None
    hours = [
        {"dayOfWeek": weekday, "start_time_local": start, "end_time_local": end}
        for weekday in range(7)
        if weekday != closed
        for start, end in day
    ]
    return Store(store_id, hours, zone)
