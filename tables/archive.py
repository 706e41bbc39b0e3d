"""Table ``archive``: what has left ``histories``, by month, store and day.

Written by the table ``histories``, which moves segments here: written here first, then
deleted there. So a crash leaves a segment in both, and moving it again changes nothing.
Who wants both reads ``histories`` first: what is not there any more is here by then.

Keys: ``streamproc.rules.months``; values: ``streamproc.rules.history``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, islice, takewhile
from typing import Any

import faust

from streamproc.rules import history, months, packing
from tables.batch_table import BatchTable
from tables.leaving import Leaving
from tables.one_archive import Segments
from tables.rocks_scan import keys_from

MOVED = b"\0moved"
"""Key of the newest day that was too old for ``histories``."""

_KEYS_LET_GO_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of them beyond the ordinary.

    ``late``: (store number, packed poll) that contradict a thinned gap. ``expired``:
    how many new polls are older than the history.
    """

    late: list[tuple[int, int]]
    expired: int


class Archive(BatchTable):
    """Older polls by month, store and day; months leave it as a whole."""

    compression = "zstd"
    own_keys = (*BatchTable.own_keys, MOVED)

    def __init__(self, app: faust.App, *, history_days: int = 400, **kw: Any) -> None:
        super().__init__(app, **kw)
        self._history_days = history_days
        #: The first month kept, of each partition that was looked at.
        self._first_month: dict[int, int] = {}

    def kept_since(self, partition: int) -> int:
        """The first day of the months that are kept; 0 before any was let go of."""
        return months.first_day_of(self._first_kept(self._moved(partition)))

    def _moved(self, partition: int) -> int:
        """The newest day that was too old for ``histories``; 0 before the first."""
        return int.from_bytes(self.read(partition, MOVED) or b"", "big")

    def _first_kept(self, moved: int) -> int:
        """The first month that is kept.

        It follows from what has left ``histories``, as each store's days do when newer
        ones have come that do not stand alone; not from the newest poll: a clock that
        was wrong for a moment would let go of everything.
        """
        newest = moved + history.KEPT_DAYS + 1
        return months.month_of(max(newest - self._history_days, 0))

    async def take(self, partition: int, leaving: Sequence[Leaving]) -> Taken:
        """Add segments, but what is older than the history; durable when it returns."""
        before = self._moved(partition)
        moved = max([before, *(one.day for one in leaving)])
        first = self._first_kept(moved)
        kept = [one for one in leaving if months.month_of(one.day) >= first]
        gone = [one for one in leaving if months.month_of(one.day) < first]
        async with self.exclusive(partition):
            await self._let_go(partition, first)
            changes: dict[bytes, bytes | None] = {}
            late = await self._merge(partition, kept, changes)
            if moved > before:
                changes[MOVED] = moved.to_bytes(8, "big")
            await self.write(partition, changes)
        expired = sum(len(one.value) for one in gone if one.is_new)
        return Taken(late, expired // packing.POLL_BYTES)

    async def _merge(
        self,
        partition: int,
        segments: Sequence[Leaving],
        changes: dict[bytes, bytes | None],
    ) -> list[tuple[int, int]]:
        """Note what changes in the segments; return late polls."""
        keys = [months.archive_key(one.store_id, one.day) for one in segments]
        present = await self.read_aside(partition, keys) if keys else []
        late: list[tuple[int, int]] = []
        for key, one, before in zip(keys, segments, present, strict=True):
            after, contradicting = history.merge(before or b"", one.value)
            late += [(one.store, poll) for poll in contradicting if one.is_new]
            if after != before:
                changes[key] = after
        return late

    async def _let_go(self, partition: int, first: int) -> None:
        """Delete the months before ``first``: as runs of keys, and in the changelog."""
        if self._first_month.get(partition) == first:
            return
        begin, end = months.month_prefix(0), months.month_prefix(first)
        while keys := self._keys(partition, begin, end):
            await self.write_run(partition, begin, keys)
        self._first_month[partition] = first

    def _keys(self, partition: int, begin: bytes, end: bytes) -> list[bytes]:
        """The first keys of a run."""
        keys = (key for key, _ in self.scan(partition, begin))
        return list(islice(takewhile(end.__gt__, keys), _KEYS_LET_GO_AT_ONCE))

    def segments_of(
        self, partition: int, store_ids: Sequence[bytes], days: Sequence[int]
    ) -> list[list[bytes]]:
        """Segments of some days, of each store."""
        keys = [
            months.archive_key(store_id, day) for store_id in store_ids for day in days
        ]
        values = iter(self.read_many(partition, keys) if keys else [])
        return [
            [value for value in islice(values, len(days)) if value] for _ in store_ids
        ]

    def between(
        self, partition: int, first_id: bytes, last_id: bytes, days: range
    ) -> Iterator[tuple[list[bytes], list[bytes]]]:
        """Segments of the stores from one to another, as columns: store id and value.

        By store, then day. ``days``: of one month.
        """
        month = months.month_of(days.start)
        dates = [day - months.first_day_of(month) + 1 for day in days]
        begin = months.archive_key(first_id, days.start)
        end = months.store_prefix(month, last_id) + b"\xff"
        whole = len(days) == months.first_day_of(month + 1) - months.first_day_of(month)
        for keys, values in self.runs(partition, begin, end):
            if not whole:
                within = [key[-1] in dates for key in keys]
                keys = list(compress(keys, within))
                values = list(compress(values, within))
            yield months.stores_of(keys), values

    def first_month(self, partition: int) -> Iterator[list[bytes]]:
        """The segments of the first month that holds any, some at a time."""
        with self.data.using(partition) as db:
            month = self._oldest_month(db.iter())
        if month is not None:
            ends = months.month_prefix(month), months.month_prefix(month + 1)
            for _, values in self.runs(partition, *ends):
                yield values

    def first_from(
        self, partition: int, store_ids: Sequence[bytes], day: int
    ) -> Iterator[bytes]:
        """The first segment of each store from a day on, empty when there is none."""
        last = months.month_of(max(self._moved(partition), day))
        with self.data.using(partition) as db:
            cursor = db.iter()
            for store_id in store_ids:
                yield _first_from(cursor, store_id, day, last)

    def newest_before(
        self, partition: int, store_ids: Sequence[bytes], day: int
    ) -> Iterator[bytes]:
        """The newest segment of each store before a day, empty when there is none."""
        with self.data.using(partition) as db:
            cursor = db.iter()
            oldest = self._oldest_month(cursor)
            for store_id in store_ids:
                yield _newest_before(cursor, store_id, day, oldest)

    def all_of(self, partition: int, store_id: bytes) -> Segments:
        """All segments of a store."""
        last = months.month_of(self._moved(partition))
        with self.data.using(partition) as db:
            cursor = db.iter()
            oldest = self._oldest_month(cursor)
            if oldest is None:
                return ()
            return tuple(
                (months.split_archive_key(key)[1], cursor.value())
                for month in range(oldest, last + 1)
                for key in keys_from(cursor, months.store_prefix(month, store_id))
            )

    def oldest_month(self, partition: int) -> int | None:
        """The first month that anything is archived of; None when nothing is."""
        with self.data.using(partition) as db:
            return self._oldest_month(db.iter())

    def holds_any(self, partition: int) -> bool:
        """Whether anything is archived."""
        return self.oldest_month(partition) is not None

    @staticmethod
    def _oldest_month(cursor: Any) -> int | None:
        """Month of the first key; None when there is none."""
        cursor.seek(months.month_prefix(0))
        if not cursor.valid() or cursor.key() >= months.month_prefix(months.LAST_MONTH):
            cursor.status()
            return None
        return months.month_of(months.split_archive_key(cursor.key())[1])


def _first_from(cursor: Any, store_id: bytes, day: int, last_month: int) -> bytes:
    """Step on month by month."""
    for month in range(months.month_of(day), last_month + 1):
        begin = max(day, months.first_day_of(month))
        cursor.seek(months.archive_key(store_id, begin))
        if cursor.valid() and cursor.key().startswith(
            months.store_prefix(month, store_id)
        ):
            value: bytes = cursor.value()
            return value
        cursor.status()
    return b""


def _newest_before(cursor: Any, store_id: bytes, day: int, oldest: int | None) -> bytes:
    """Step back month by month."""
    if oldest is None:
        return b""
    for month in range(months.month_of(day - 1), oldest - 1, -1):
        prefix = months.store_prefix(month, store_id)
        last = min(day, months.first_day_of(month + 1)) - 1
        cursor.seek_for_prev(months.archive_key(store_id, last))
        if cursor.valid() and cursor.key().startswith(prefix):
            value: bytes = cursor.value()
            return value
        cursor.status()
    return b""
