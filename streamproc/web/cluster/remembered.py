"""What is shown of the fleet while one of the workers does not answer.

Its stores are told of as they were then, everybody else's as they are. Nothing is
given out as an answer of all: who asks is told which partitions did not answer.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from streamproc.errors import StreamprocError
from streamproc.web.cluster.calls import Call
from streamproc.web.cluster.peers import Cluster
from streamproc.web.refusal import Refusal, moving

T = TypeVar("T")

PATIENCE_S = 3.0
"""How long an answer is waited for of another worker that has answered before."""

ASK_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class LostWorker:
    """A worker that does not answer for some partitions, the last time when it did.

    ``url``: empty as long as it is not known who has the partitions.
    """

    url: str
    since_us: int
    partitions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Last(Generic[T]):
    """A partition's last answer; ``lost``: who does not answer now, None if it does."""

    at_us: int
    answer: T
    lost: str | None = None


class Remembered(Generic[T]):
    """One question to the owners of all partitions, and their last answers."""

    def __init__(self, cluster: Cluster, call: Call[T]) -> None:
        self._cluster = cluster
        self._call = call
        self._last: dict[int, Last[T]] = {}
        self._asking: dict[int, asyncio.Task[None]] = {}
        #: Told when a worker answers again.
        self.on_back: Callable[[], None] = lambda: None

    @property
    def lost(self) -> tuple[LostWorker, ...]:
        """The workers that do not answer now, by their URLs."""
        by_url: dict[str, list[int]] = {}
        for partition, last in sorted(self._last.items()):
            if last.lost is not None:
                by_url.setdefault(last.lost, []).append(partition)
        return tuple(
            LostWorker(url, min(self._last[p].at_us for p in mine), tuple(mine))
            for url, mine in sorted(by_url.items())
        )

    @property
    def gone(self) -> frozenset[int]:
        """The partitions that are not answered for now."""
        lost = (one for one in self._last.items() if one[1].lost is not None)
        return frozenset(partition for partition, _ in lost)

    async def ask(self, now_us: int, **args: Any) -> list[Last[T]]:
        """Every partition's answer, the last one of who does not answer now.

        Raises a 503 Refusal when one has never answered, or this worker cannot.
        """
        self._cluster.require_ready()
        partitions = range(self._cluster.program.settings.partitions)
        asked = (self._one(partition, now_us, args) for partition in partitions)
        return list(await asyncio.gather(*asked))

    async def _one(self, partition: int, now_us: int, args: dict[str, Any]) -> Last[T]:
        known = self._last.get(partition)
        if known is not None and known.lost is not None:
            return known
        owner = self._cluster.owner_or_none(self._call.table, partition)
        may_be_lost = known is not None and owner != self._cluster.me
        try:
            async with asyncio.timeout(PATIENCE_S if may_be_lost else None):
                answer = await self._cluster.ask(self._call, partition, **args)
        except (Refusal, TimeoutError) as exc:
            return self._missed(partition, args, exc)
        self._last[partition] = Last(now_us, answer)
        return self._last[partition]

    def _missed(
        self, partition: int, args: dict[str, Any], exc: Refusal | TimeoutError
    ) -> Last[T]:
        url = self._cluster.owner_or_none(self._call.table, partition)
        known = self._last.get(partition)
        if known is None or url == self._cluster.me:
            raise (
                moving("This takes too long.") if isinstance(exc, TimeoutError) else exc
            )
        self._last[partition] = Last(known.at_us, known.answer, url or "")
        if partition not in self._asking:
            asking = asyncio.create_task(self._ask_again(partition, args))
            self._asking[partition] = asking
        return self._last[partition]

    async def _ask_again(self, partition: int, args: dict[str, Any]) -> None:
        """Until it is answered, by whoever has the partition then."""
        while self._last[partition].lost is not None:
            await asyncio.sleep(ASK_AGAIN_S)
            with suppress(StreamprocError):
                answer = await self._cluster.ask(self._call, partition, **args)
                self._last[partition] = Last(self._last[partition].at_us, answer)
        del self._asking[partition]
        self.on_back()

    async def close(self) -> None:
        """Ask nobody any more."""
        asking = [*self._asking.values()]
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
