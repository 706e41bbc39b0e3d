"""A Faust table of bytes to bytes, read partition by partition."""

import asyncio
from collections.abc import Generator, Iterable, Iterator, Sequence

import faust

from tables.rocks_scan import Run, keys_from


class ReadableTable(faust.Table[bytes, bytes]):
    """What every reader of a table asks; ``data`` is its ``RocksStore``."""

    def read(self, partition: int, key: bytes) -> bytes | None:
        """Value of one key."""
        with self.data.using(partition) as db:
            value: bytes | None = db.get(key)
        return value

    def read_many(self, partition: int, keys: Sequence[bytes]) -> list[bytes | None]:
        """Value of each key."""
        with self.data.reading[partition], self.data.using(partition) as db:
            values: list[bytes | None] = db.get(list(keys))
        return values

    async def read_aside(
        self, partition: int, keys: Sequence[bytes]
    ) -> list[bytes | None]:
        """Value of each key, read in a thread; RocksDB needs no lock of Python's."""
        return await asyncio.to_thread(self.read_many, partition, keys)

    def scan(self, partition: int, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Items from ``start`` on, in key order, as of now.

        Use it up or let go of it soon: it keeps the database open. Raises
        PartitionDamagedError where the partition cannot be read to its end.
        """
        items: Iterator[tuple[bytes, bytes]] = self.data.scan(partition, start)
        return items

    def runs(
        self, partition: int, start: bytes = b"", end: bytes | None = None
    ) -> Generator[Run]:
        """The same as columns, keys and values, some at a time; up to ``end``."""
        runs: Generator[Run] = self.data.runs(partition, start, end)
        return runs

    def keys_under(
        self, partition: int, prefixes: Iterable[bytes]
    ) -> dict[bytes, list[bytes]]:
        """Keys that go on after a NUL byte behind a prefix, of those that have any."""
        found: dict[bytes, list[bytes]] = {}
        with self.data.using(partition) as db:
            cursor = db.iter()
            try:
                for prefix in prefixes:
                    keys = list(keys_from(cursor, prefix + b"\0"))
                    if keys:
                        found[prefix] = keys
            finally:
                del cursor  # a traceback would keep it, and it the database
        return found
