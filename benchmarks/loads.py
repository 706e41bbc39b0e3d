"""Generated polls: a store is polled once an hour at a minute of its own.

Loads: ``days`` (14,000 stores, 71 hours per million polls), ``long`` (the same over
15 days for 5 million), ``wide`` (every poll another store, so that nothing
coalesces), and ``year`` (2,000 stores in any order, a year for 17.5 million).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from streamproc.cells import Ints
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.connect import connect

STORES = {"days": 14_000, "long": 14_000, "wide": 1_000_000, "year": 2_000}
BEGIN_US = 1_674_000_000_000_000
_HOUR_US = 3_600_000_000
_AT_ONCE = 20_000


def polls(
    load: str, count: int, seed: int = 42
) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """Keys and values of ``count`` polls, some thousand at a time.

    In time order, but those of ``year``.
    """
    stores = STORES[load]
    draw = np.random.default_rng(seed)
    ids = [str(number) for number in _distinct(draw, stores)]
    keys = [store_id.encode() for store_id in ids]
    phase = np.sort(draw.integers(0, _HOUR_US, stores))
    order = draw.permutation(count) if load == "year" else np.arange(count)
    for first in range(0, count, _AT_ONCE):
        number = order[first : first + _AT_ONCE]
        store = number % stores
        jitter = draw.integers(0, 1_000_000, len(number))
        times = BEGIN_US + number // stores * _HOUR_US + phase[store] + jitter
        active = draw.random(len(number)) < 0.9
        yield _messages(keys, store, times, active)


def rounds(
    store_ids: list[str], begin_us: int, step_us: int, count: int
) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """Keys and values of polls: ``count`` of each store, ``step_us`` apart.

    A store is polled at an offset of its own.
    """
    keys, stores = [each.encode() for each in store_ids], np.arange(len(store_ids))
    draw = np.random.default_rng(begin_us)
    offset = stores * step_us // len(store_ids)
    for turn in range(count):
        active = draw.random(len(stores)) < 0.95
        yield _messages(keys, stores, begin_us + turn * step_us + offset, active)


def _messages(
    keys: list[bytes], store: Ints, times: Ints, active: npt.NDArray[np.bool_]
) -> tuple[list[bytes], list[bytes]]:
    stamps = np.datetime_as_string(times.view("datetime64[us]")).tolist()
    return (
        [keys[s] for s in store.tolist()],
        [
            b'{"store_id":"%b","timestamp_utc":"%b %b UTC","status":"%b"}'
            % (
                keys[s],
                stamp[:10].encode(),
                stamp[11:].encode(),
                b"active" if up else b"inactive",
            )
            for s, stamp, up in zip(
                store.tolist(), stamps, active.tolist(), strict=True
            )
        ],
    )


def _distinct(draw: np.random.Generator, count: int) -> list[int]:
    """Ids of 18 or 19 digits, as real ones are."""
    steps = draw.integers(1, 8 * 10**18 // count, count)
    found: list[int] = (10**17 + np.cumsum(steps)).tolist()
    draw.shuffle(found)
    return found


async def fill(settings: Settings, load: str, count: int) -> None:
    """Publish a load to the topic of polls."""
    topics = topics_for(settings)
    client = await connect(settings)
    try:
        await client.create_topics(topics)
        for keys, values in polls(load, count):
            await client.publish(topics.polls, keys, values)
    finally:
        await client.close()
