"""Polls that lie in the future: how many a partition holds, and how they are purged.

They came in while a worker's clock was wrong. Some may have gone to the archive, when
others further ahead came, and with them all of a store's past. Written by
``agents.report_rows`` only.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from streamproc.cells import Ints
from streamproc.rules import history, months, packing
from tables.archive import Archive
from tables.histories import NEWEST, Histories

_Segments = Iterator[tuple[bytes, bytes, int, bytes]]
"""Key, store id, day and value."""


@dataclass(slots=True)
class Ahead:
    """Polls of a partition after an instant; ``newest_us`` is -1 when there are none.

    ``changes`` and ``archived``: their segments without them, in either table.
    """

    newest_us: int = -1
    store_ids: set[bytes] = field(default_factory=set)
    changes: dict[bytes, bytes | None] = field(default_factory=dict)
    archived: dict[bytes, bytes | None] = field(default_factory=dict)
    _polls: defaultdict[bytes, set[int]] = field(
        default_factory=lambda: defaultdict(set)
    )

    @property
    def polls(self) -> int:
        """How many there are; what is in both tables counts once."""
        return sum(map(len, self._polls.values()))

    def note(self, store_id: bytes, packed: Ints) -> None:
        """Count polls of a store, one at least."""
        self.newest_us = max(self.newest_us, packing.time_of(int(packed[-1])))
        self.store_ids.add(store_id)
        self._polls[store_id].update(packed.tolist())


def ahead_of(histories: Histories, partition: int, until_us: int) -> Ahead:
    """What a partition holds after an instant; reads all segments that are at hand."""
    found = Ahead()
    first = history.day_of(until_us)
    for segments, changes in (
        (_at_hand(histories, partition, first), found.changes),
        (_archived(histories.archive, partition, first), found.archived),
    ):
        for key, store_id, _, value in segments:
            packed = packing.unpack(value)
            past = packing.time_of(packed) <= until_us
            if not past.all():
                found.note(store_id, packed[~past])
                changes[key] = packed[past].tobytes() or None
    return found


def _at_hand(histories: Histories, partition: int, first: int) -> _Segments:
    for key, value in histories.scan(partition, b"\1"):
        store_id, day = history.split_key(key)
        if day >= first:
            yield key, store_id, day, value


def _archived(archive: Archive, partition: int, first: int) -> _Segments:
    """Its keys stand by month, so that the past need not be read."""
    month = months.month_of(first)
    for key, value in archive.scan(partition, months.month_prefix(month)):
        if key >= months.month_prefix(months.LAST_MONTH):
            break
        store_id, day = months.split_archive_key(key)
        if day >= first:
            yield key, store_id, day, value


async def purge(histories: Histories, partition: int, until_us: int) -> Ahead:
    """Take all polls after an instant out of a partition."""
    archive = histories.archive
    async with histories.exclusive(partition):
        found = await asyncio.to_thread(ahead_of, histories, partition, until_us)
        if found.changes:
            back = await asyncio.to_thread(
                _brought_back, histories, partition, found, until_us
            )
            changes = {**found.changes, **back}
            newest = await asyncio.to_thread(histories.survey, partition, until_us)
            ends = (newest.time_us, *map(_end_us, back.values()))
            known = max(ends).to_bytes(8, "big") if max(ends) >= 0 else None
            await histories.write(partition, {**changes, NEWEST: known})
        if found.archived:
            async with archive.exclusive(partition):
                await archive.write(partition, found.archived)
    return found


def _brought_back(
    histories: Histories, partition: int, found: Ahead, until_us: int
) -> dict[bytes, bytes | None]:
    """The newest archived day of stores that have nothing else at hand any more.

    It stays in the archive as well; who finds it here looks there for those before.
    """
    gone = [key for key, value in found.changes.items() if value is None]
    store_ids = sorted({history.store_of(key) for key in gone})
    left = [each for each in store_ids if not _keeps(histories, partition, each, found)]
    segments = histories.archive.newest_before(
        partition, left, history.day_of(until_us) + 1
    )
    changes: dict[bytes, bytes | None] = {}
    for store_id, value in zip(left, segments, strict=True):
        packed = packing.unpack(value)
        past = packed[packing.time_of(packed) <= until_us]
        if len(past):
            day = history.day_of(packing.time_of(int(past[0])))
            changes[history.segment_key(store_id, day)] = past.tobytes()
    return changes


def _keeps(histories: Histories, partition: int, store_id: bytes, found: Ahead) -> bool:
    """Whether a store still has a segment at hand after the purge."""
    prefix = history.prefix_of(store_id)
    for key, _ in histories.scan(partition, prefix):
        if not key.startswith(prefix):
            return False
        if found.changes.get(key, b"kept") is not None:
            return True
    return False


def _end_us(value: bytes | None) -> int:
    return packing.time_of(int(packing.unpack(value or b"")[-1]))
