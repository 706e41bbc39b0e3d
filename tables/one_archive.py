"""Older polls of a partition's stores: as the table has them, or one store's, read.

Who works out one store's time asks for its archived polls again and again. Read once,
they answer as the table does, wherever they are taken.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

Segments = tuple[tuple[int, bytes], ...]
"""Days, in order, each with its packed polls."""


class Archived(Protocol):
    """Asked for what has left ``histories``; see ``tables.archive`` for the answers."""

    def kept_since(self, partition: int) -> int:
        """The first day of the months that are kept; 0 before any was let go of."""

    def oldest_month(self, partition: int) -> int | None:
        """The first month that anything is archived of; None when nothing is."""

    def holds_any(self, partition: int) -> bool:
        """Whether anything is archived."""

    def segments_of(
        self, partition: int, store_ids: Sequence[bytes], days: Sequence[int]
    ) -> list[list[bytes]]:
        """Segments of some days, of each store."""

    def between(
        self, partition: int, first_id: bytes, last_id: bytes, days: range
    ) -> Iterator[tuple[list[bytes], list[bytes]]]:
        """Segments of the stores from one to another, as columns: store id and value.

        By store, then day. ``days``: of one month.
        """

    def first_from(
        self, partition: int, store_ids: Sequence[bytes], day: int
    ) -> Iterator[bytes]:
        """The first segment of each store from a day on, empty when there is none."""

    def newest_before(
        self, partition: int, store_ids: Sequence[bytes], day: int
    ) -> Iterator[bytes]:
        """The newest segment of each store before a day, empty when there is none."""


class ArchiveTable(Archived, Protocol):
    """What has left ``histories``, of which a store can be read whole."""

    def all_of(self, partition: int, store_id: bytes) -> Segments:
        """All that is archived of a store."""


@dataclass(frozen=True, slots=True)
class OneArchive:
    """All that was archived of one store when it was read; of others it has nothing.

    ``since``, ``oldest``: the first day that its partition keeps, and the first month
    it has anything of.
    """

    store_id: bytes
    since: int
    oldest: int | None
    segments: Segments

    @classmethod
    def read(
        cls, archive: ArchiveTable, partition: int, store_id: bytes
    ) -> "OneArchive":
        """A store's; to be read after what ``histories`` has of it."""
        since, oldest = archive.kept_since(partition), archive.oldest_month(partition)
        return cls(store_id, since, oldest, archive.all_of(partition, store_id))

    def kept_since(self, partition: int) -> int:
        """The first day of the months that are kept; 0 before any was let go of."""
        return self.since

    def oldest_month(self, partition: int) -> int | None:
        """The first month that anything is archived of; None when nothing is."""
        return self.oldest

    def holds_any(self, partition: int) -> bool:
        """Whether anything is archived."""
        return self.oldest is not None

    def segments_of(
        self, partition: int, store_ids: Sequence[bytes], days: Sequence[int]
    ) -> list[list[bytes]]:
        """Segments of some days, of each store."""
        wanted = frozenset(days)
        return [
            [value for day, value in self._of(store_id) if day in wanted]
            for store_id in store_ids
        ]

    def between(
        self, partition: int, first_id: bytes, last_id: bytes, days: range
    ) -> Iterator[tuple[list[bytes], list[bytes]]]:
        """Its segments of some days, if it is among those stores."""
        if first_id <= self.store_id <= last_id:
            values = [value for day, value in self.segments if day in days]
            yield [self.store_id] * len(values), values

    def first_from(
        self, partition: int, store_ids: Sequence[bytes], day: int
    ) -> Iterator[bytes]:
        """The first segment of each store from a day on, empty when there is none."""
        for store_id in store_ids:
            found = (value for at, value in self._of(store_id) if at >= day)
            yield next(found, b"")

    def newest_before(
        self, partition: int, store_ids: Sequence[bytes], day: int
    ) -> Iterator[bytes]:
        """The newest segment of each store before a day, empty when there is none."""
        for store_id in store_ids:
            found = (value for at, value in reversed(self._of(store_id)) if at < day)
            yield next(found, b"")

    def _of(self, store_id: bytes) -> Segments:
        return self.segments if store_id == self.store_id else ()
