"""What the page Connect, and the first page of an empty program, show."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from streamproc.loading.choices import KINDS
from streamproc.rejected import GATEWAY, LOAD, TOPIC, Rejected
from streamproc.rules.zones import DEFAULT_ZONE
from streamproc.web.connect import examples
from streamproc.web.connect.address import (
    TOKEN_VARIABLE,
    own_address,
    token_in_python,
    token_in_shell,
)
from streamproc.web.site import Site

SOME_SERVERS = "kafka-1:9092"
"""Stands for a broker's address where the embedded log is in use."""

MAX_PORT = 65_535

DOORS = {TOPIC: "Topic", GATEWAY: "HTTP", LOAD: "CSV file"}
"""The doors, as people call them."""


@dataclass(frozen=True, slots=True)
class LastRefused:
    """The newest refused record of a door, None where none is kept, and how many."""

    door: str
    count: int
    newest: Rejected | None


def by_door(records: Sequence[Rejected]) -> list[LastRefused]:
    """What was refused last at each door. ``records``: newest first."""
    found = []
    for door, name in DOORS.items():
        mine = [one for one in records if one.door == door]
        count = sum(one.count for one in mine)
        found.append(LastRefused(name, count, mine[0] if mine else None))
    return found


def how_to(request: web.Request, site: Site) -> dict[str, Any]:
    """Addresses and programs, for either page."""
    settings, topics = site.program.settings, site.program.topics
    address = own_address(request, settings)
    servers = settings.broker_url.removeprefix("kafka://")
    return {
        "address": address,
        "curl": examples.curl(address, token_in_shell(settings)),
        "python_http": examples.python_http(address, token_in_python(settings)),
        "kafka": examples.kafka_examples(
            SOME_SERVERS if settings.embedded else servers, topics.polls.name
        ),
        "kinds": KINDS,
        "embedded": settings.embedded,
        "servers": servers,
        "topics": topics,
        "token_variable": TOKEN_VARIABLE,
        "token_is_own": not settings.api_token,
        "partitions": settings.partitions,
        "now_us": site.program.now_us(),
        "rules": settings.rules,
        "default_zone": DEFAULT_ZONE,
        "demo_port": settings.web_port % MAX_PORT + 1,
    }


async def came_in(site: Site) -> dict[str, Any]:
    """What was received and refused last."""
    received, refused, flow, names = await asyncio.gather(
        site.received.newest(),
        site.rejected.newest(),
        site.flow.of_all(),
        site.names.all(),
    )
    return {
        "received": received,
        "refused": by_door(refused.records),
        "doors": DOORS,
        "names": names,
        "flow": flow,
    }
