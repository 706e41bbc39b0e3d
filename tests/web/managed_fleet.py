"""A fleet as somebody manages it: 24 stores, three regions, five weeks of polls.

What went wrong is written down here, in UTC; what comes of it is worked out by
``tests/web/known_answers.py``, never by the product.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from streamproc.rules.poll import Poll, encode_poll
from tests.web.live_site import MINUTE_US, SECOND_US, LiveSite

Span = tuple[int, int]
Records = list[tuple[str, bytes]]


def at(text: str) -> int:
    """``10-21 20:00`` of 2025 in UTC, in microseconds."""
    moment = datetime.fromisoformat(f"2025-{text}").replace(tzinfo=UTC)
    return int(moment.timestamp()) * SECOND_US


NOW_US = at("11-05 16:00")
"""A Wednesday: 11:00 in New York, 10:00 in Chicago, 09:00 in Denver."""

FIRST_US = at("09-30 00:00")
EVERY_US = 30 * MINUTE_US
TARGET = 98.5

CITIES = {
    "East": "Albany Boston Camden Dover Easton Fairfax Geneva Hartford",
    "Central": "Austin Beloit Chicago Dallas Elgin Fargo Galena Houston",
    "Mountain": "Aspen Boise Casper Denver Estes Flagstaff Gallup Helena",
}
ZONES = {
    "East": "America/New_York",
    "Central": "America/Chicago",
    "Mountain": "America/Denver",
}
DAYTIME = [
    {"dayOfWeek": day, "start_time_local": "08:00", "end_time_local": "22:00"}
    for day in range(7)
]

DOWN: Mapping[str, tuple[tuple[str, str], ...]] = {
    # now
    "Denver": (("11-05 12:20", "11-05 16:00"),),
    "Boston": (
        ("10-28 18:00", "10-28 19:00"),
        ("10-29 18:00", "10-29 18:30"),
        ("10-31 18:00", "10-31 20:00"),
        ("11-05 14:20", "11-05 16:00"),
    ),
    "Fargo": (("11-05 15:10", "11-05 16:00"),),
    # yesterday: eleven stores, each for half an hour less than the one before
    "Helena": (("11-04 15:00", "11-04 21:00"),),
    "Austin": (("11-04 15:00", "11-04 20:30"),),
    "Camden": (("11-04 15:00", "11-04 20:00"),),
    "Estes": (("10-15 15:00", "10-15 23:00"), ("11-04 15:00", "11-04 19:30")),
    "Dallas": (("11-04 15:00", "11-04 19:00"),),
    "Aspen": (
        ("10-09 16:00", "10-09 18:00"),
        ("10-21 20:00", "10-21 21:00"),
        ("11-04 15:00", "11-04 18:30"),
    ),
    "Hartford": (("11-04 15:00", "11-04 18:00"),),
    "Galena": (("11-04 15:00", "11-04 17:30"),),
    "Boise": (("11-04 15:00", "11-04 17:00"),),
    "Easton": (("10-30 15:00", "10-30 16:00"), ("11-04 15:00", "11-04 16:30")),
    "Chicago": (("11-04 15:00", "11-04 16:00"),),
    # last week: over a night, seven hours, over the end of summer time
    "Casper": (("10-30 03:00", "10-30 16:30"),),
    "Houston": (("11-01 10:00", "11-01 17:00"),),
    "Beloit": (("11-02 05:00", "11-02 08:00"), ("11-03 08:00", "11-03 11:00")),
    # October
    "Flagstaff": (("10-20 00:00", "10-23 00:00"),),
}
"""Between which times a store's polls say that it is down."""

BROKEN = ("11-05 07:00", "11-05 10:00")
"""When no poll came of the stores that the poller ``p2`` looks after."""

UNHEARD: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Geneva": (("11-05 13:20", "11-05 16:00"),),
    "Easton": (("10-30 16:00", "10-30 18:00"),),
}
"""Between which times no poll came of a store."""


@dataclass(frozen=True, slots=True)
class Store:
    """What is known of a store; ``number``: its place among all, from 0."""

    store_id: str
    name: str
    region: str
    number: int

    @property
    def zone(self) -> str:
        """Its time zone."""
        return ZONES[self.region]

    @property
    def hours(self) -> list[dict[str, Any]] | None:
        """Every other one is open in daytime only, the others around the clock."""
        return None if self.number % 2 else DAYTIME

    @property
    def labels(self) -> dict[str, str]:
        """By which it is grouped."""
        return {
            "region": self.region,
            "brand": "Corner" if self.number % 2 else "Metro",
            "poller": "p2" if self.number % 4 == 3 else "p1",
        }

    def polls(self) -> Iterator[Poll]:
        """Every half an hour, each store at minutes of its own."""
        down = _spans(DOWN.get(self.name, ()))
        unheard = _spans(UNHEARD.get(self.name, ()))
        if self.labels["poller"] == "p2":
            unheard.append((at(BROKEN[0]), at(BROKEN[1])))
        for time_us in range(FIRST_US + self.number * MINUTE_US, NOW_US, EVERY_US):
            if not _is_in(unheard, time_us):
                yield Poll(self.store_id, time_us, not _is_in(down, time_us))


def _spans(told: tuple[tuple[str, str], ...]) -> list[Span]:
    return [(at(begin), at(end)) for begin, end in told]


def _is_in(spans: list[Span], time_us: int) -> bool:
    return any(begin <= time_us < end for begin, end in spans)


def _stores() -> Iterator[Store]:
    names = [(region, name) for region in CITIES for name in CITIES[region].split()]
    for number, (region, name) in enumerate(names):
        yield Store(str(1001 + number), name, region, number)


STORES = {store.name: store for store in _stores()}


def managed_site(root: Path) -> LiveSite:
    """A worker that knows this fleet, on a Wednesday morning."""
    site = LiveSite(root, {"target": TARGET})
    site.program.now_us = lambda: NOW_US
    site.start()
    topics = site.program.topics
    labels: Records = []
    zones: Records = []
    hours: Records = []
    polls = sorted(
        (poll for store in STORES.values() for poll in store.polls()),
        key=lambda poll: poll.time_us,
    )
    site.publish(topics.polls, [(poll.store_id, encode_poll(poll)) for poll in polls])
    for store in STORES.values():
        told = {"name": store.name, "labels": store.labels}
        labels.append(_record(store, told))
        zones.append(_record(store, {"timezone_str": store.zone}))
        hours.append(_record(store, {"hours": store.hours}))
    for topic, records in (
        (topics.labels, labels),
        (topics.zones, zones),
        (topics.hours, hours),
    ):
        site.publish(topic, records)
    site.settle()
    return site


def _record(store: Store, fields: dict[str, Any]) -> tuple[str, bytes]:
    return store.store_id, orjson.dumps({"store_id": store.store_id, **fields})
