"""The newest refused records, read from their topic: why, where from, what."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace

from faust.types import TP

from streamproc import rejected
from streamproc.errors import plain
from streamproc.program import Program
from streamproc.rejected import Rejected
from streamproc.transport.client import Client
from streamproc.transport.connect import connect
from streamproc.transport.tail import newest_positions
from streamproc.web.rejected.groups import Group, groups

PER_PARTITION = 500
SHOWN_BYTES = 400
SHOWN_REASONS = 20
SHOWN_MESSAGE = 1_000
SHOWN_NAME = 250
"""Most characters of a field: any program may have written the record."""

Bounds = tuple[dict[TP, int], dict[TP, int]]
"""Begin and end of each partition."""


@dataclass(frozen=True, slots=True)
class RejectedPage:
    """The newest records that are not done with, newest first; ``kept``: in all."""

    records: list[Rejected]
    kept: int

    def reasons(self) -> list[tuple[str, int]]:
        """How often the most frequent reasons occur."""
        counts: Counter[str] = Counter()
        for one in self.records:
            counts[one.reason] += one.count
        return counts.most_common(SHOWN_REASONS)


@dataclass
class RejectedReader:
    """Reads the topic for the page; many readers share one reading."""

    program: Program
    _client: Client | None = None
    _page: RejectedPage = field(default_factory=lambda: RejectedPage([], 0))
    _bounds: Bounds = ({}, {})
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def newest(self) -> RejectedPage:
        """The newest records of every partition, at most ``PER_PARTITION`` each."""
        async with self._one_at_a_time:
            client, bounds = await self._bounds_now()
            if bounds != self._bounds:
                whole = await _read(client, *bounds)
                self._page = replace(
                    whole, records=[_clipped(r) for r in whole.records]
                )
                self._bounds = bounds
            return self._page

    async def whole(self, key: str) -> Group | None:
        """A group of the newest records, with all that is kept of each."""
        async with self._one_at_a_time:
            client, bounds = await self._bounds_now()
            found = groups((await _read(client, *bounds)).records)
            return next((one for one in found if one.key == key), None)

    async def _bounds_now(self) -> tuple[Client, Bounds]:
        """A client, connected if need be, and where the topic begins and ends."""
        if self._client is None:
            self._client = await connect(self.program.settings)
        topic = self.program.topics.rejected
        begins = await self._client.begin_offsets(topic)
        return self._client, (begins, await self._client.end_offsets(topic))

    async def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            await self._client.close()


async def _read(
    client: Client, begins: dict[TP, int], ends: dict[TP, int]
) -> RejectedPage:
    """The newest records, whole; those that are done with are not counted."""
    positions = newest_positions(begins, ends, PER_PARTITION)
    found = [one async for one in rejected.read(client, positions, ends)]
    left = rejected.unsettled(found)
    left.sort(key=lambda r: (r.time_ms, r.offset), reverse=True)
    kept = sum(ends[tp] - begins[tp] for tp in ends) - (len(found) - len(left))
    return RejectedPage(left, kept)


def _clipped(one: Rejected) -> Rejected:
    """The record with as much of each of its fields as is shown."""
    return replace(
        one,
        reason=_printable(one.reason, SHOWN_NAME),
        message=_printable(one.message, SHOWN_MESSAGE),
        topic=_printable(one.topic, SHOWN_NAME),
        file=_printable(one.file, SHOWN_NAME),
        key=None,
        value=one.value and one.value[:SHOWN_BYTES],
        kept_at="",
    )


def _printable(text: str, most: int) -> str:
    """The start of a text; what cannot be shown is written as escapes."""
    return plain(text[:most]) + (" …" if len(text) > most else "")
