"""The client of the embedded log."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from streamproc.cells import Cells
from streamproc.transport.batch import Batch
from streamproc.transport.columns import Headers
from streamproc.transport.partitioner import places_for
from streamproc.transport.sqlite.lock import WorkerLock
from streamproc.transport.sqlite.log import POLL_INTERVAL_S, Append, Log, log_path
from streamproc.transport.topic import Topic
from streamproc.transport.tp import TP

_READ_RECORDS = 10_000


class SqliteClient:
    """Implements ``transport.client.Client`` on a log file."""

    def __init__(self, url: str, sync: str) -> None:
        self._log = Log(log_path(url), sync)

    async def create_topics(self, topics: Iterable[Topic]) -> None:
        """Create what is missing; raise TopicMismatchError where one differs."""
        for topic in topics:
            self._log.create_topic(
                topic.name,
                topic.partitions,
                compacted=topic.compacted,
                retention_ms=topic.retention_ms,
            )

    async def check_access(self, topics: Iterable[Topic]) -> None:
        """Whoever may open the file may do anything."""

    async def publish(
        self,
        topic: Topic,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        headers: Mapping[int, Headers] | None = None,
        partitions: Sequence[int] | None = None,
    ) -> None:
        """Append records, partitioned by key; returns when they are durable."""
        await asyncio.to_thread(
            self._publish, topic, keys, values, headers or {}, partitions
        )

    def _publish(
        self,
        topic: Topic,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        headers: Mapping[int, Headers],
        given: Sequence[int] | None,
    ) -> None:
        key_cells, value_cells = Cells.of(keys), Cells.of(values)
        if given is None:
            partitions = places_for(key_cells, topic.partitions)
        else:
            partitions = np.array(given, np.int64)
        self._log.append(
            Append(
                topic.name,
                partition,
                key_cells[rows],
                value_cells[rows],
                None,
                {
                    at: headers[row]
                    for at, row in enumerate(rows.tolist() if headers else ())
                    if row in headers
                },
            )
            for partition in np.unique(partitions).tolist()
            for rows in [np.flatnonzero(partitions == partition)]
        )

    async def begin_offsets(self, topic: Topic) -> dict[TP, int]:
        """Oldest offset of each partition."""
        tps = [TP(topic.name, p) for p in range(topic.partitions)]
        return {tp: self._log.begin_offset(tp) for tp in tps}

    async def end_offsets(self, topic: Topic) -> dict[TP, int]:
        """Next offset of each partition."""
        tps = [TP(topic.name, p) for p in range(topic.partitions)]
        return {tp: self._log.end_offset(tp) for tp in tps}

    async def read(self, positions: Mapping[TP, int], timeout_s: float) -> list[Batch]:
        """Records from the positions on; empty when none came in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = await asyncio.to_thread(self._read, positions)
            if found or time.monotonic() >= deadline:
                return found
            await asyncio.sleep(POLL_INTERVAL_S)

    def _read(self, positions: Mapping[TP, int]) -> list[Batch]:
        batches = (
            self._log.read(tp, offset, _READ_RECORDS)
            for tp, offset in positions.items()
        )
        return [batch for batch in batches if batch is not None]

    async def committed(self, group: str, tps: Sequence[TP]) -> dict[TP, int | None]:
        """Offset that a group reads next of each partition; None: never committed."""
        return {tp: self._log.committed(group, tp) for tp in tps}

    async def commit(self, group: str, offsets: Mapping[TP, int]) -> None:
        """Set it, while the group has no members."""
        await asyncio.to_thread(self._log.commit, group, offsets)

    async def has_worker(self) -> bool | None:
        """Whether a worker runs on the log."""
        return WorkerLock(self._log.path).is_held()

    async def close(self) -> None:
        """Close the log."""
        self._log.close()
