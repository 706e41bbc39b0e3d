"""The gateway: polls by HTTP, for producers without a client.

Accepted means durable in the log: the answer comes after it.
"""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from streamproc.origin import DOOR
from streamproc.rejected import GATEWAY, Rejected
from streamproc.rules.packing import is_active, time_of
from streamproc.rules.poll import Poll, encode_poll
from streamproc.rules.poll_batch import PollBatch, parse_polls
from streamproc.topics import Placed
from streamproc.transport.columns import Headers
from streamproc.transport.partitioner import places_for
from streamproc.web.bodies import body_of
from streamproc.web.described import described
from streamproc.web.poll_bodies import split_polls
from streamproc.web.refusal import bad
from streamproc.web.responses import json
from streamproc.web.site import Site

_BY_THE_GATEWAY: Headers = ((DOOR, GATEWAY.encode()),)

READ_AT_ONCE = 2
"""Bodies that are taken apart at once: each may take 400 MB for a moment."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A poll that was not accepted; ``index``: its place in the body."""

    index: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """How many polls were accepted, and which were not."""

    accepted: int
    rejected: list[Refused]


class Gateway:
    """Takes what producers send and puts it into the topics."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._appender = site.appender
        self._reading = asyncio.Semaphore(READ_AT_ONCE)

    @described(
        Accepted,
        others={207: Accepted, 422: Accepted},
    )
    async def polls(self, request: web.Request) -> web.Response:
        """Accept polls; tell of each one that is refused, and why."""
        answer = await self.take(body_of(request), request.content_type)
        status = 200 if not answer.rejected else 207 if answer.accepted else 422
        return json(answer, status)

    async def take(self, body: bytes, content_type: str) -> Accepted:
        """Accept a body's polls; returns when they and the refused are durable."""
        async with self._reading:
            values, parsed = await self._read(body, content_type)
        await self._append_polls(parsed)
        refused = sorted(parsed.rejected, key=lambda found: found[0])
        topic = self._site.program.topics.polls.name
        await self._appender.keep(
            [
                Rejected(GATEWAY, exc.reason, str(exc), topic, value=values[index])
                for index, exc in refused
            ]
        )
        rejected = [Refused(index, exc.reason, str(exc)) for index, exc in refused]
        return Accepted(len(parsed.codes), rejected)

    async def _read(
        self, body: bytes, content_type: str
    ) -> tuple[list[bytes], PollBatch]:
        """A body's polls, as they were written and as they are understood."""
        async with self._appender.keeping(self._site.program.topics.polls, body):
            values = await asyncio.to_thread(split_polls, body, content_type)
            if not values:
                raise bad("no-polls", "The body holds no poll.")
        now_us = self._site.program.now_us()
        return values, await asyncio.to_thread(parse_polls, values, now_us)

    async def _append_polls(self, parsed: PollBatch) -> None:
        keys = parsed.store_ids[parsed.codes].present()
        values: list[bytes | None] = [
            encode_poll(Poll(store_id.decode(), time_of(packed), is_active(packed)))
            for store_id, packed in zip(keys, parsed.packed.tolist(), strict=True)
        ]
        topic = self._site.program.topics.polls
        partitions = places_for(keys, topic.partitions).tolist()
        headers = dict.fromkeys(range(len(keys)), _BY_THE_GATEWAY)
        await self._appender.append(topic, Placed(keys, values, partitions, headers))
