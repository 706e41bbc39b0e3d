"""Publishes a generated fleet as live producers would."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from streamproc.clock import wall_clock_us
from streamproc.rules.poll import encode_poll
from streamproc.rules.windows import LONGEST_US
from streamproc.simulation.events import holiday_of, maintenances_of
from streamproc.simulation.fleet import Fleet
from streamproc.topics import Topics
from streamproc.transport.client import Client

TICK_S = 1.0
TELL_EVERY_S = 10.0
_POLLS_AT_ONCE = 20_000
_PAST_US = LONGEST_US


async def publish_stores(client: Client, topics: Topics, fleet: Fleet) -> None:
    """Publish the hours, zones and labels of all stores."""
    with_hours = [store for store in fleet.stores if store.hours is not None]
    await client.publish(
        topics.hours,
        [store.store_id.encode() for store in with_hours],
        [
            orjson.dumps({"store_id": store.store_id, "hours": store.hours})
            for store in with_hours
        ],
    )
    with_zone = [store for store in fleet.stores if store.zone is not None]
    await client.publish(
        topics.zones,
        [store.store_id.encode() for store in with_zone],
        [
            orjson.dumps({"store_id": store.store_id, "timezone_str": store.zone})
            for store in with_zone
        ],
    )
    await client.publish(
        topics.labels,
        [store.store_id.encode() for store in fleet.stores],
        [
            orjson.dumps({"store_id": store.store_id, **store.labels})
            for store in fleet.stores
        ],
    )


async def publish_events(
    client: Client, topics: Topics, fleet: Fleet, now_us: int
) -> None:
    """Publish a holiday of all stores, and a maintenance of those of one brand."""
    holiday = holiday_of(now_us)
    await client.publish(
        topics.special_hours,
        [f"{holiday['store_id']}\0{holiday['date']}".encode()],
        [orjson.dumps(holiday)],
    )
    maintenances = maintenances_of(fleet.stores, now_us)
    await client.publish(
        topics.exclusions,
        [f"{each['store_id']}\0{each['id']}".encode() for each in maintenances],
        [orjson.dumps(each) for each in maintenances],
    )


async def publish_polls(
    client: Client,
    topics: Topics,
    fleet: Fleet,
    begin_us: int,
    end_us: int,
    on_sent: Callable[[int], None],
) -> int:
    """Publish all polls of a span of time; return how many."""
    keys: list[bytes] = []
    values: list[bytes] = []
    sent = 0

    async def send() -> None:
        nonlocal keys, values, sent
        if keys:
            await client.publish(topics.polls, keys, values)
            sent += len(keys)
            on_sent(len(keys))
            keys, values = [], []

    for poll in fleet.polls(begin_us, end_us):
        keys.append(poll.store_id.encode())
        values.append(encode_poll(poll))
        if len(keys) >= _POLLS_AT_ONCE:
            await send()
    await send()
    return sent


@dataclass
class LivePolls:
    """A fleet that goes on being polled, once a second.

    With ``speed_up`` above 1 simulated time begins in the past, never runs
    ahead of the clock, and goes on live when it has caught up.
    """

    client: Client
    topics: Topics
    fleet: Fleet
    speed_up: float = 1.0

    async def run(
        self, stop: asyncio.Event, on_told: Callable[[int], None] | None = None
    ) -> int:
        """Publish until ``stop`` is set; return how many polls."""
        started_us = wall_clock_us()
        first_us = started_us - (_PAST_US if self.speed_up > 1 else 0)
        done_us, sent, told = first_us, 0, time.monotonic()
        while not await _is_set(stop, TICK_S):
            now_us = wall_clock_us()
            simulated = first_us + int((now_us - started_us) * self.speed_up)
            upto_us = min(simulated, now_us)
            sent += await publish_polls(
                self.client, self.topics, self.fleet, done_us, upto_us, lambda _: None
            )
            done_us = upto_us
            if on_told is not None and time.monotonic() - told > TELL_EVERY_S:
                told = time.monotonic()
                on_told(sent)
        return sent


async def _is_set(stop: asyncio.Event, timeout_s: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), timeout_s)
    except TimeoutError:
        return False
    return True
