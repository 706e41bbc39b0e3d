"""The gateway: polls, hours and zones by HTTP, for producers without a client.

Accepted means durable in the log: the answer comes after it.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from aiohttp import web

from streamproc.errors import as_refusal, shown
from streamproc.rejected import GATEWAY, Rejected
from streamproc.rules.history import is_active, time_of
from streamproc.rules.labels import Labels, parse_labels
from streamproc.rules.poll import Poll, encode_poll
from streamproc.rules.poll_batch import PollBatch, parse_polls
from streamproc.rules.schedule import parse_hours
from streamproc.rules.zones import zone_or_none
from streamproc.topics import DOOR
from streamproc.transport.columns import Headers
from streamproc.transport.partitioner import by_partition, places_for
from streamproc.transport.topic import Topic
from streamproc.web import requests
from streamproc.web.bodies import body_of, json_in
from streamproc.web.described import described
from streamproc.web.poll_bodies import split_polls
from streamproc.web.refusal import Refusal, bad, unknown
from streamproc.web.responses import json
from streamproc.web.site import Site
from streamproc.web.store.labels import StoreLabels, answer_of

DURABLE_TIMEOUT_S = 20.0
READ_AT_ONCE = 2
"""Bodies that are taken apart at once: each may take 400 MB for a moment."""

Check = Callable[[object], object]


def _checked(check: Check, given: object, message: dict[str, Any]) -> bytes:
    """The message for a topic, whose given part is null or passes the check."""
    try:
        if given is not None:
            check(given)
        return orjson.dumps(message)
    except Exception as exc:
        refusal = as_refusal(exc)
        raise Refusal(422, refusal.reason, f"{refusal}.") from exc


def fact_of(given: str, row: object, name: str) -> dict[str, Any]:
    """What a body says of the store in the path: its id, and the field of that name."""
    store_id = requests.store_id(given)
    if not isinstance(row, dict) or name not in row:
        raise bad("bad-json", f"Expected a JSON object with {shown(name)}.")
    if row.get("store_id", store_id) != store_id:
        raise bad("bad-store-id", "store_id in the body is not that of the path.")
    return {"store_id": store_id, name: row[name]}


def labels_in(given: str, row: object) -> StoreLabels:
    """What a body says of the labels of the store in the path."""
    store_id = fact_of(given, row, "labels")["store_id"]
    assert isinstance(row, dict)  # fact_of has looked
    create = row.get("create", False)
    if not isinstance(create, bool):
        raise bad("bad-create", f"create is {shown(create)}, expected true or false.")
    try:
        return answer_of(store_id, parse_labels(row))
    except Exception as exc:
        refusal = as_refusal(exc)
        raise Refusal(422, refusal.reason, f"{refusal}.") from exc


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
        await self._keep(
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
        async with self._keeping(self._site.program.topics.polls, body):
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
        header = ((DOOR, GATEWAY.encode()),)
        await self._append(self._site.program.topics.polls, keys, values, header)

    @described(dict)
    async def hours(self, request: web.Request) -> web.Response:
        """Set a store's whole week; null forgets it."""
        topic = self._site.program.topics.hours
        return await self._put(request, topic, "hours", parse_hours)

    @described(dict)
    async def zone(self, request: web.Request) -> web.Response:
        """Set a store's time zone; null forgets it."""
        topic = self._site.program.topics.zones
        return await self._put(request, topic, "timezone_str", zone_or_none)

    @described(StoreLabels)
    async def labels(self, request: web.Request) -> web.Response:
        """Set a store's name, labels and target; with create, of an unknown one."""
        given, body = request.match_info["store_id"], body_of(request)
        topic = self._site.program.topics.labels
        async with self._keeping(topic, body, given):
            row = json_in(body)
            told = labels_in(given, row)
        if row.get("create") is not True:
            await self._require_known(told.store_id)
        value = orjson.dumps({k: v for k, v in asdict(told).items() if v is not None})
        await self._append(topic, [told.store_id.encode()], [value])
        return json(told)

    @described(StoreLabels)
    async def forget_labels(self, request: web.Request) -> web.Response:
        """Forget a store's name, labels and target."""
        store_id = requests.store_id(request.match_info["store_id"])
        await self._require_known(store_id)
        topic = self._site.program.topics.labels
        await self._append(topic, [store_id.encode()], [None])
        return json(answer_of(store_id, Labels()))

    async def _require_known(self, store_id: str) -> None:
        if await self._site.stores.labels(store_id) is None:
            raise unknown("store", store_id)

    async def _put(
        self, request: web.Request, topic: Topic, name: str, check: Check
    ) -> web.Response:
        """Check one fact about a store and publish it."""
        given = request.match_info["store_id"]
        body = body_of(request)
        async with self._keeping(topic, body, given):
            message = fact_of(given, json_in(body), name)
            value = _checked(check, message[name], message)
        await self._append(topic, [message["store_id"].encode()], [value])
        return json(message)

    @asynccontextmanager
    async def _keeping(
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
            await self._keep([one])
            raise

    async def _keep(self, records: list[Rejected]) -> None:
        """Keep what is refused; returns when it is durable."""
        if not records:
            return
        program = self._site.program
        partition = secrets.randbelow(program.topics.rejected.partitions)
        await self._durably(program.keep_rejected(partition, records))

    async def _append(
        self,
        topic: Topic,
        keys: list[bytes],
        values: list[bytes | None],
        header: Headers = (),
    ) -> None:
        """Append to each key's partition; returns when all is durable."""
        groups = by_partition(places_for(keys, topic.partitions).tolist())

        async def append() -> None:
            producer = self._site.program.app.producer
            await asyncio.gather(
                *(
                    producer.append_batch(
                        topic.name,
                        number,
                        [keys[row] for row in rows],
                        [values[row] for row in rows],
                        dict.fromkeys(range(len(rows)), header) if header else None,
                    )
                    for number, rows in groups.items()
                )
            )

        await self._durably(append())

    async def _durably(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for what goes into the log; raise Refusal when it takes too long."""
        try:
            async with asyncio.timeout(DURABLE_TIMEOUT_S):
                await self._site.app.run(work)
        except Exception as exc:
            raise Refusal(
                503,
                "not-durable",
                "The log did not take it in time; sending it again does no harm.",
                retry_after_s=5,
            ) from exc
