"""What the program asks of the broker it runs on, beyond what Faust does.

Both transports' consumer and producer implement these; nothing else in the program
knows which of the two it talks to.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from streamproc.transport.columns import Headers
from streamproc.transport.tp import TP


class Producer(Protocol):
    """A worker's producer."""

    async def append_batch(
        self,
        topic: str,
        partition: int,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        headers: Mapping[int, Headers] | None = None,
    ) -> int:
        """Append records, wait until they are durable, return the last offset.

        ``headers``: of the records that have some, by their position. Raises
        RecordTooLargeError when one does not fit into any message of the broker.
        """


class Consumer(Protocol):
    """A worker's consumer."""

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """Offset that the next record of each partition will get."""

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """Offset of each partition's oldest record; its end when there is none."""

    async def log_starts(self, *partitions: TP) -> Mapping[TP, int]:
        """Offset before which records were deleted, superseded or not.

        Compaction does not move it.
        """

    async def position(self, tp: TP) -> int | None:
        """Offset of the next record to be read."""

    def committed_offset(self, tp: TP) -> int | None:
        """The offset this worker has committed or found committed; None for none."""

    def delivered_offset(self, tp: TP) -> int | None:
        """The offset last handed to an agent, or sought; None for none."""

    async def rewind(self, tp: TP) -> int:
        """Commit the begin of a partition of the input, and return it."""

    async def is_member(self) -> bool:
        """Whether the broker still counts this worker among the consumers."""

    async def keys_between(self, tp: TP, first: int, end: int) -> set[bytes]:
        """Keys of the records with ``first`` <= offset < ``end``."""


def producer_of(app: Any) -> Producer:
    """The producer of a Faust app that runs on one of our transports."""
    return cast(Producer, app.producer)


def consumer_of(app: Any) -> Consumer:
    """The consumer of a Faust app that runs on one of our transports."""
    return cast(Consumer, app.consumer)
