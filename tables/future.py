"""Polls that lie in the future: how many a partition holds, and how they are purged.

They came in while a worker's clock was wrong. Written by ``agents.report_rows`` only.
"""

import asyncio
from dataclasses import dataclass, field

from streamproc.rules import history
from tables.histories import NEWEST, Histories


@dataclass(slots=True)
class Ahead:
    """Polls of a partition after an instant; ``newest_us`` is -1 when there are none.

    ``changes``: their segments without them.
    """

    polls: int = 0
    newest_us: int = -1
    store_ids: set[bytes] = field(default_factory=set)
    changes: dict[bytes, bytes | None] = field(default_factory=dict)


def ahead_of(histories: Histories, partition: int, until_us: int) -> Ahead:
    """What a partition holds after an instant; reads all of its segments."""
    found = Ahead()
    last_day = history.day_of(until_us)
    for key, value in histories.scan(partition, b"\1"):
        store_id, day = history.split_key(key)
        if day < last_day:
            continue
        packed = history.unpack(value)
        kept = packed[history.time_of(packed) <= until_us]
        if len(kept) < len(packed):
            found.polls += len(packed) - len(kept)
            found.newest_us = max(found.newest_us, history.time_of(int(packed[-1])))
            found.store_ids.add(store_id)
            found.changes[key] = kept.tobytes() or None
    return found


async def purge(histories: Histories, partition: int, until_us: int) -> Ahead:
    """Take all polls after an instant out of a partition."""
    async with histories.exclusive(partition):
        found = await asyncio.to_thread(ahead_of, histories, partition, until_us)
        if found.polls:
            newest = await asyncio.to_thread(histories.survey, partition, until_us)
            known = newest.time_us >= 0
            of_all = newest.time_us.to_bytes(8, "big") if known else None
            await histories.write(partition, {**found.changes, NEWEST: of_all})
    return found
