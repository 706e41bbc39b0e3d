"""Polls of the table ``histories`` in memory, so that a report need not read it.

A partition's copy is made by whoever reads all of it, and every batch that is written
hands its segments over. Any other write of the partition (a rebuild, a purge, what
another worker wrote late) raises its version, and the copy counts no more: the next
reader reads the table. So a copy is the table, or it is not used.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tables.chunks import Changes, Chunk, changed
from tables.versioned import Versioned

_MIB = 1 << 20
_BYTES_PER_CHANGE = 250
"""Of a segment that is not folded in yet, beside its polls."""


@dataclass(slots=True)
class _Copy:
    """A partition's polls as of a version; ``chunks`` is None while they are read.

    ``changes``: segments that have been written since, and about how large they are.
    """

    version: int
    chunks: list[Chunk] | None = None
    size: int = 0
    changes: dict[bytes, bytes | None] = field(default_factory=dict)
    changes_size: int = 0


class Recent:
    """Copies of a table's partitions, as many as fit; may be read in any thread."""

    def __init__(self, most_mib: int, version: Callable[[int], int]) -> None:
        """``version``: of a partition's database now; each write is another one."""
        self._most = most_mib * _MIB
        self._kept: Versioned[_Copy] = Versioned(version)
        self._folding = threading.Lock()

    def added(self, partition: int, changes: Changes, before: int) -> None:
        """Take over what one write has made of version ``before``.

        It is only kept here, as ingest must not wait for it.
        """
        with self._kept.lock:
            copy = self._kept.written(partition, before)
            if copy is None:
                return
            copy.changes.update(changes)
            copy.changes_size += _size_of(changes)
            if copy.changes_size > self._most // 4:
                copy.changes_size = _size_of(copy.changes)  # each segment once
                if copy.changes_size > self._most // 8:
                    del self._kept.entries[partition]

    def forget(self) -> None:
        """Let go of all copies."""
        self._kept.forget()

    def chunks(
        self, partition: int, read: Callable[[], Iterator[Chunk]]
    ) -> Iterator[Chunk]:
        """The partition's polls, in the order of the stores' ids.

        ``read``: reads the table, when they are not in memory; then they are, if there
        is room.
        """
        known = self._folded(partition)
        if known is not None:
            yield from known
            return
        copy = self._begun(partition)
        chunks: list[Chunk] = []
        try:
            for chunk in read():
                yield chunk
                chunks.append(chunk)
                copy.size += chunk.size
                if copy.size > self._room(copy):
                    chunks.clear()
                    self._drop(partition, copy)
            with self._kept.lock:
                copy.chunks = chunks
        finally:
            if copy.chunks is None:
                self._drop(partition, copy)

    def _folded(self, partition: int) -> list[Chunk] | None:
        """The chunks of a copy that is the table; None when there is none."""
        with self._folding:
            with self._kept.lock:
                copy = self._kept.entries.get(partition)
                if copy is None or copy.version != self._kept.version(partition):
                    return None
                chunks, changes = copy.chunks, copy.changes
                if chunks is None or not changes:
                    return chunks
                copy.changes, copy.changes_size = {}, 0
            try:
                chunks = changed(chunks, changes)
            except BaseException:
                self._drop(partition, copy)
                raise
            with self._kept.lock:
                copy.chunks = chunks
                copy.size = sum(chunk.size for chunk in chunks)
        if copy.size > self._room(copy):
            self._drop(partition, copy)
        return chunks

    def _begun(self, partition: int) -> _Copy:
        """A copy that gathers what is written while the table is read."""
        with self._kept.lock:
            copy = _Copy(self._kept.version(partition))
            self._kept.entries[partition] = copy
        return copy

    def _room(self, copy: _Copy) -> int:
        """Bytes that a copy may take beside the others."""
        with self._kept.lock:
            others = sum(o.size for o in self._kept.entries.values() if o is not copy)
        return self._most - others

    def _drop(self, partition: int, copy: _Copy) -> None:
        with self._kept.lock:
            if self._kept.entries.get(partition) is copy:
                del self._kept.entries[partition]


def _size_of(changes: Changes) -> int:
    polls = sum(map(len, filter(None, changes.values())))
    return polls + _BYTES_PER_CHANGE * len(changes)
