"""What requests put into the log: durable before the answer, refusals kept as well."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from streamproc.program import Program
from streamproc.rejected import GATEWAY, Rejected
from streamproc.topics import Placed
from streamproc.transport.partitioner import by_partition
from streamproc.transport.protocols import producer_of
from streamproc.transport.topic import Topic
from streamproc.web.app_thread import AppThread
from streamproc.web.refusal import Refusal

DURABLE_TIMEOUT_S = 20.0
NOT_DURABLE = "The log did not take it in time; sending it again does no harm."


def not_durable() -> Refusal:
    """What is asked for may not be in the log."""
    return Refusal(503, "not-durable", NOT_DURABLE, retry_after_s=5)


class Appender:
    """Appends records with the worker's own producer."""

    def __init__(self, program: Program, app: AppThread) -> None:
        self._program = program
        self._app = app

    async def append(self, topic: Topic, records: Placed) -> dict[int, int]:
        """Append to each record's partition; returns when all is durable.

        The answer is the last offset of each partition. Raises a 503 Refusal unless
        all of them took it.
        """
        offsets, missed = await self.append_each(topic, records)
        if missed:
            raise not_durable() from next(iter(missed.values()))
        return offsets

    async def append_each(
        self, topic: Topic, records: Placed
    ) -> tuple[dict[int, int], dict[int, Exception]]:
        """Append to each partition without the others: those that took it, or did not.

        Of the latter, each with its reason, nobody knows: it may become durable later.
        """
        groups = by_partition(records.partitions)
        offsets: dict[int, int] = {}
        missed: dict[int, Exception] = {}

        async def append_to(number: int, rows: Sequence[int]) -> None:
            try:
                async with asyncio.timeout(DURABLE_TIMEOUT_S):
                    offsets[number] = await self._append(topic, number, records, rows)
            except Exception as exc:
                missed[number] = exc

        async def append_all() -> None:
            await asyncio.gather(*(append_to(*group) for group in groups.items()))

        await self._app.run(append_all())
        return offsets, missed

    async def _append(
        self, topic: Topic, number: int, records: Placed, rows: Sequence[int]
    ) -> int:
        """Append some records to a partition; in the app's own thread."""
        producer = producer_of(self._program.app)
        return await producer.append_batch(
            topic.name,
            number,
            [records.keys[row] for row in rows],
            [records.values[row] for row in rows],
            {
                at: records.headers[row]
                for at, row in enumerate(rows)
                if row in records.headers
            },
        )

    async def keep(self, records: list[Rejected]) -> None:
        """Keep what is refused; returns when it is durable."""
        if not records:
            return
        program = self._program
        partition = secrets.randbelow(program.topics.rejected.partitions)
        await self._durably(program.keep_rejected(partition, records))

    @asynccontextmanager
    async def keeping(
        self, topic: Topic, body: bytes, key: str | None = None
    ) -> AsyncIterator[None]:
        """Keep a body that is refused in here, as a topic's refused record is kept."""
        try:
            yield
        except Refusal as exc:
            if exc.status == 413:
                raise  # not read, so nobody knows what it says
            name = None if key is None else key.encode(errors="replace")
            one = Rejected(
                GATEWAY, exc.code, exc.message, topic.name, key=name, value=body
            )
            await self.keep([one])
            raise

    async def _durably(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for what goes into the log; raise Refusal when it takes too long."""
        try:
            async with asyncio.timeout(DURABLE_TIMEOUT_S):
                await self._app.run(work)
        except Exception as exc:
            raise not_durable() from exc
