"""The producer: whatever is waiting goes into one transaction."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from faust.transport import base
from faust.types import TP
from faust.types.tuples import RecordMetadata
from mode import Service

from streamproc.transport.columns import Headers
from streamproc.transport.partitioner import partition_for
from streamproc.transport.sqlite.log import Append, Log

_GROUP_COMMIT = 10_000


class Producer(base.Producer):
    """Appends to the log; whatever is waiting goes into one transaction."""

    logger = logging.getLogger("faust.transport")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._log: Log = self.transport.open_log()
        self._waiting: asyncio.Queue[tuple[Append, asyncio.Future[int]]] = (
            asyncio.Queue()
        )

    @Service.task
    async def _append_waiting(self) -> None:
        while not self.should_stop:
            first = await self.wait_for_stopped_or(self._waiting.get())
            if first is None:
                break
            await self._append(first)
        while not self._waiting.empty():
            await self._append(self._waiting.get_nowait())

    async def wait_for_stopped_or(self, coro: Any) -> Any:
        """Result of ``coro``, or None when the producer stops first."""
        result = await self.wait(coro)
        return None if result.stopped else result.result

    async def _append(self, first: tuple[Append, "asyncio.Future[int]"]) -> None:
        group = [first]
        while not self._waiting.empty() and len(group) < _GROUP_COMMIT:
            group.append(self._waiting.get_nowait())
        try:
            offsets = await asyncio.to_thread(
                self._log.append, [append for append, _ in group]
            )
        except Exception as exc:
            for _, future in group:
                if not future.done():
                    future.set_exception(exc)
            return
        for (_, future), offset in zip(group, offsets, strict=True):
            if not future.done():
                future.set_result(offset)
        self.transport.appended.set()

    async def append_batch(
        self,
        topic: str,
        partition: int,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        headers: Mapping[int, Headers] | None = None,
    ) -> int:
        """Append records, wait until they are durable, return the last offset."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        append = Append(topic, partition, keys, values, None, headers)
        self._waiting.put_nowait((append, future))
        return await future

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        *,
        transactional_id: str | None = None,
    ) -> Awaitable[RecordMetadata]:
        """Append one record; the result is awaited apart."""
        if partition is None:
            partition = self.key_partition(topic, key).partition
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers or ())
        append = Append(
            topic,
            partition,
            [key],
            [value],
            None if timestamp is None else [int(timestamp * 1000)],
            {0: pairs} if pairs else None,
        )
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((append, future))
        return asyncio.ensure_future(_metadata(TP(topic, partition), future))

    async def send_and_wait(self, *args: Any, **kwargs: Any) -> RecordMetadata:
        """Append one record and wait until it is durable."""
        return await (await self.send(*args, **kwargs))

    async def flush(self) -> None:
        """Wait until nothing is waiting to be appended."""
        await self.buffer.flush()

    def key_partition(self, topic: str, key: bytes | None) -> TP:
        """Partition of a key; any, when there is none."""
        partitions = self._log.topic(topic).partitions
        if key is None:
            return TP(topic, random.randrange(partitions))
        return TP(topic, partition_for(key, partitions))

    def supports_headers(self) -> bool:
        """Headers are stored with their records."""
        return True

    async def create_topic(
        self, topic: str, partitions: int, *a: Any, **kw: Any
    ) -> None:
        """Create a topic, or check the one that exists."""
        self.transport.create_topic(topic, partitions, **kw)


async def _metadata(tp: TP, future: "asyncio.Future[int]") -> RecordMetadata:
    offset = await future
    return RecordMetadata(tp.topic, tp.partition, tp, offset)
