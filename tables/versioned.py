"""What is kept in memory of a table's partitions, each as of a version of it.

Every write of a partition raises its version. Who writes hands over what it has made of
the version before; after any other write (a rebuild, a purge, what another worker wrote
late) what is kept counts no more.
"""

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Dated(Protocol):
    """Something of a partition."""

    version: int


E = TypeVar("E", bound=Dated)


class Versioned(Generic[E]):
    """Entries of partitions; ``lock`` is held by whoever looks at them or changes one.

    ``version``: of a partition's database now.
    """

    def __init__(self, version: Callable[[int], int]) -> None:
        self.version = version
        self.lock = threading.Lock()
        self.entries: dict[int, E] = {}

    def written(self, partition: int, before: int) -> E | None:
        """The entry that is to take over what one write has made of ``before``.

        None where there is none, or where it does not have that version; one of another
        version is let go of. Call it with the lock.
        """
        entry = self.entries.get(partition)
        if entry is None or entry.version == self.version(partition):
            return None  # nothing was written, or it was begun after that
        if entry.version != before:
            del self.entries[partition]
            return None
        entry.version = before + 1
        return entry

    def forget(self) -> None:
        """Let go of all entries."""
        with self.lock:
            self.entries.clear()
