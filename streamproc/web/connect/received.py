"""The polls that came last: a producer's author sees his arrive."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from faust.types import TP

from streamproc.errors import InvalidInput
from streamproc.origin import DOOR
from streamproc.program import Program
from streamproc.rejected import GATEWAY, TOPIC
from streamproc.rules.poll import Poll, parse_poll
from streamproc.transport.batch import Batch, singles
from streamproc.transport.client import Client
from streamproc.transport.connect import connect
from streamproc.transport.tail import newest_positions, read_to

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Received:
    """A poll that came in; ``door``: by HTTP (``gateway``) or onto the topic itself."""

    arrived_us: int
    poll: Poll
    door: str


@dataclass
class ReceivedReader:
    """Reads the topic for the page; many readers share one reading."""

    program: Program
    _client: Client | None = None
    _found: list[Received] = field(default_factory=list)
    _ends: dict[TP, int] = field(default_factory=dict)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def newest(self) -> list[Received]:
        """The last polls that can be understood, newest first, ``SHOWN`` at most."""
        async with self._one_at_a_time:
            if self._client is None:
                self._client = await connect(self.program.settings)
            ends = await self._client.end_offsets(self.program.topics.polls)
            if ends != self._ends:
                self._found = await self._read(self._client, ends)
                self._ends = ends
            return self._found

    async def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            await self._client.close()

    async def _read(self, client: Client, ends: dict[TP, int]) -> list[Received]:
        begins = await client.begin_offsets(self.program.topics.polls)
        positions = newest_positions(begins, ends, SHOWN)
        found = [
            one
            async for batch in read_to(client, positions, ends)
            for one in understood(batch, self.program.now_us())
        ]
        found.sort(key=lambda one: one.arrived_us, reverse=True)
        return found[:SHOWN]


def understood(batch: Batch, now_us: int) -> Iterator[Received]:
    """The polls of a batch; what is no poll stands among the rejected."""
    for one in singles(batch):
        door = GATEWAY if DOOR in dict(one.headers) else TOPIC
        try:
            poll = parse_poll(one.value, now_us)
        except InvalidInput:
            continue
        yield Received(one.timestamp * 1000, poll, door)
