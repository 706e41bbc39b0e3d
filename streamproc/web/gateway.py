"""The gateway: polls, hours and zones by HTTP, for producers without a client.

Accepted means durable in the log: the answer comes after it.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from streamproc.errors import as_refusal, shown
from streamproc.rules.history import ACTIVE, FLAG_BITS
from streamproc.rules.poll import Poll, encode_poll
from streamproc.rules.poll_batch import PollBatch, parse_polls
from streamproc.rules.schedule import parse_hours
from streamproc.rules.zones import zone_or_none
from streamproc.transport.partitioner import by_partition, partitions_for
from streamproc.transport.topic import Topic
from streamproc.web import requests
from streamproc.web.bodies import body_of, json_of
from streamproc.web.poll_bodies import split_polls
from streamproc.web.refusal import Refusal, bad
from streamproc.web.responses import json
from streamproc.web.site import Site

DURABLE_TIMEOUT_S = 20.0


def _checked(
    check: Callable[[object], object], given: object, message: dict[str, Any]
) -> bytes:
    """The message for a topic, whose given part is null or passes the check."""
    try:
        if given is not None:
            check(given)
        return orjson.dumps(message)
    except Exception as exc:
        refusal = as_refusal(exc)
        raise Refusal(422, refusal.reason, f"{refusal}.") from exc


class Gateway:
    """Takes what producers send and puts it into the topics."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def polls(self, request: web.Request) -> web.Response:
        """Accept polls; tell of each one that is refused, and why."""
        body = body_of(request)
        values = await asyncio.to_thread(split_polls, body, request.content_type)
        if not values:
            raise bad("no-polls", "The body holds no poll.")
        now_us = self._site.program.now_us()
        parsed = await asyncio.to_thread(parse_polls, values, now_us)
        await self._append_polls(parsed)
        rejected = [
            {"index": index, "reason": exc.reason, "message": str(exc)}
            for index, exc in sorted(parsed.rejected, key=lambda found: found[0])
        ]
        accepted = len(parsed.codes)
        status = 200 if not rejected else 207 if accepted else 422
        return json({"accepted": accepted, "rejected": rejected}, status)

    async def _append_polls(self, parsed: PollBatch) -> None:
        keys = parsed.store_ids[parsed.codes].present()
        values: list[bytes | None] = [
            encode_poll(
                Poll(store_id.decode(), packed >> FLAG_BITS, bool(packed & ACTIVE))
            )
            for store_id, packed in zip(keys, parsed.packed.tolist(), strict=True)
        ]
        await self._append(self._site.program.topics.polls, keys, values)

    async def hours(self, request: web.Request) -> web.Response:
        """Set a store's whole week; null forgets it."""
        store_id, given = self._about_a_store(request, "hours")
        message = {"store_id": store_id, "hours": given}
        value = _checked(parse_hours, given, message)
        await self._append(
            self._site.program.topics.hours, [store_id.encode()], [value]
        )
        return json(message)

    async def zone(self, request: web.Request) -> web.Response:
        """Set a store's time zone; null forgets it."""
        store_id, given = self._about_a_store(request, "timezone_str")
        message = {"store_id": store_id, "timezone_str": given}
        value = _checked(zone_or_none, given, message)
        await self._append(
            self._site.program.topics.zones, [store_id.encode()], [value]
        )
        return json(message)

    def _about_a_store(self, request: web.Request, name: str) -> tuple[str, Any]:
        store_id = requests.store_id(request.match_info["store_id"])
        row = json_of(request)
        if not isinstance(row, dict) or name not in row:
            raise bad("bad-json", f"Expected a JSON object with {shown(name)}.")
        if row.get("store_id", store_id) != store_id:
            raise bad("bad-store-id", "store_id in the body is not that of the path.")
        return store_id, row[name]

    async def _append(
        self, topic: Topic, keys: list[bytes], values: list[bytes | None]
    ) -> None:
        """Append to each key's partition; returns when all is durable."""
        groups = by_partition(partitions_for(keys, topic.partitions).tolist())

        async def append() -> None:
            producer = self._site.program.app.producer
            await asyncio.gather(
                *(
                    producer.append_batch(
                        topic.name,
                        number,
                        [keys[row] for row in rows],
                        [values[row] for row in rows],
                    )
                    for number, rows in groups.items()
                )
            )

        try:
            async with asyncio.timeout(DURABLE_TIMEOUT_S):
                await self._site.app.run(append())
        except Exception as exc:
            raise Refusal(
                503,
                "not-durable",
                "The log did not take it in time; sending it again does no harm.",
                retry_after_s=5,
            ) from exc
