"""Reading and writing topics from outside a worker, on either broker.

Used by the commands (load, simulate, report, …). The two implementations:
``sqlite.client`` and ``kafka.client``; ``connect`` opens the right one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from streamproc.transport.batch import Batch
from streamproc.transport.columns import Headers
from streamproc.transport.topic import Topic
from streamproc.transport.tp import TP


class Client(Protocol):
    """A connection to the broker, independent of any worker."""

    async def create_topics(self, topics: Iterable[Topic]) -> None:
        """Create what is missing; raise TopicMismatchError where one differs."""

    async def check_access(self, topics: Iterable[Topic]) -> None:
        """Raise AccessDeniedError unless a worker may read them and find its group."""

    async def publish(
        self,
        topic: Topic,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        headers: Mapping[int, Headers] | None = None,
        partitions: Sequence[int] | None = None,
    ) -> None:
        """Append records; returns when they are durable.

        ``partitions``: of each record; by its key (see ``places_for``) where not given.
        """

    async def begin_offsets(self, topic: Topic) -> dict[TP, int]:
        """Oldest offset of each partition."""

    async def end_offsets(self, topic: Topic) -> dict[TP, int]:
        """Next offset of each partition."""

    async def read(self, positions: Mapping[TP, int], timeout_s: float) -> list[Batch]:
        """Records from the positions on; empty when none came in time."""

    async def committed(self, group: str, tps: Sequence[TP]) -> dict[TP, int | None]:
        """Offset that a group reads next of each partition; None: never committed."""

    async def commit(self, group: str, offsets: Mapping[TP, int]) -> None:
        """Set it, while the group has no members."""

    async def has_worker(self) -> bool | None:
        """Whether a worker runs on the broker's topics; None when unknowable."""

    async def close(self) -> None:
        """Disconnect."""
