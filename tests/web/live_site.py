"""A worker with its web in this process, on data whose answers are known.

Its clock stands still at ``NOW``, so every page and figure can be told beforehand.
"""

import asyncio
import http.client
import json
import os
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import orjson
from faust.types import TP

from streamproc import settings
from streamproc.program import Program
from streamproc.rules.poll import Poll, encode_poll
from streamproc.transport.columns import Headers
from streamproc.transport.topic import Topic
from streamproc.web import own_token
from streamproc.worker import app, process
from tests.system.harness import random_polls

START_LIMIT_S = 120
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
NOW_US = int(datetime(2025, 5, 6, 15, 0, tzinfo=UTC).timestamp()) * SECOND_US
"""A Tuesday, 10:00 in Chicago."""

SCRIPT = "<script>alert(1)</script>"
ATTRIBUTE = '"><img src=x onerror=alert(1)>'
FORMULA = '=HYPERLINK("http://evil.example")'
SLASHES = "a/b/../c"
HOSTILE = (SCRIPT, ATTRIBUTE, FORMULA, SLASHES, "..", "ünï cödé", "{{ 7*7 }}", "%2e%2e")

WORKDAY = [
    {"dayOfWeek": day, "start_time_local": "09:00", "end_time_local": "17:00"}
    for day in range(5)
]
SUNDAY = [{"dayOfWeek": 6, "start_time_local": "09:00", "end_time_local": "12:00"}]
CHICAGO = "America/Chicago"
LABELS: dict[str, dict[str, Any]] = {
    "beta": {"name": "Beta Square", "labels": {"region": "West"}, "target": 99.5},
    "quiet": {
        "name": f"Quiet {SCRIPT}",
        "labels": {"region": "East", "brand": ATTRIBUTE},
    },
}
"""Two of the stores are called something else than their ids."""


def ago(minutes: float, store_id: str, active: bool) -> Poll:
    """A poll so many minutes before ``NOW``."""
    return Poll(store_id, NOW_US - round(minutes * MINUTE_US), active)


def known_polls() -> list[Poll]:
    """Polls of the stores that have names; see ``tests/web/test_pages.py``."""
    return [
        ago(60, "alpha", True),
        ago(30, "alpha", False),
        ago(20, "beta", True),
        *(ago(60 * hour - 30, "gamma", hour != 20) for hour in range(1, 170)),
        *(ago(60 * hour, "sleeper", True) for hour in range(1, 100)),
        ago(300, "quiet", True),
        *(ago(10, store_id, False) for store_id in HOSTILE),
    ]


def filler_polls() -> list[Poll]:
    """Polls of sixty stores without hours and zone, for pages and totals."""
    begin_us = NOW_US - 8 * 24 * HOUR_US
    polls = random_polls(4_000, 60, 7, begin_us)
    return [poll for poll in polls if poll.time_us < NOW_US]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


LOWEST_PORT, PORTS = 10_000, 22_000
"""Below those that connections are given, so that none has one meanwhile."""

_NUMBERS = count(os.getpid() * 199)
"""Tests run in several processes at once: each begins somewhere else."""


def free_port() -> int:
    """A port nobody listens on, and each time another one."""
    while True:
        port = LOWEST_PORT + next(_NUMBERS) % PORTS
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass
class LiveSite:
    """The worker; its event loop runs in a thread."""

    root: Path
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = free_port()
        self.settings = settings.load(
            {
                "data_dir": self.root,
                "hourly": "off",
                "monthly": "off",
                "web_port": self.port,
                "commit_interval": 0.2,
                **self.options,
            },
            {},
        )
        self.program: Program = app.build(self.settings)
        self.program.now_us = lambda: NOW_US
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def own_token(self) -> str:
        """The token that the worker made for the commands of this machine."""
        return own_token.read(self.settings.data_dir)

    def run(self, work: Any) -> Any:
        """Run a coroutine in the worker's event loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(START_LIMIT_S)

    def start(self) -> "LiveSite":
        """Start the worker and wait until it consumes."""
        self._thread.start()
        self.run(self._start())
        return self

    async def _start(self) -> None:
        await process.prepare(self.program)
        await self.program.app.start()
        async with asyncio.timeout(START_LIMIT_S):
            await self.program.until_ready()

    def stop(self) -> None:
        """Stop the worker."""
        self.run(self.program.app.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_LIMIT_S)
        self._loop.close()

    # -- data -----

    def fill(self) -> "LiveSite":
        """Publish the known fleet, and wait until all of it is in the tables."""
        program = self.program
        polls = known_polls() + filler_polls()
        self.publish(
            program.topics.polls,
            [(poll.store_id, encode_poll(poll)) for poll in polls],
        )
        hours = {"gamma": WORKDAY, "sleeper": SUNDAY, "unpolled": WORKDAY}
        self.publish(
            program.topics.hours,
            [
                (name, orjson.dumps({"store_id": name, "hours": rows}))
                for name, rows in hours.items()
            ],
        )
        zones = {"gamma": CHICAGO, "sleeper": "Europe/London", "alpha": "UTC"}
        self.publish(
            program.topics.zones,
            [
                (name, orjson.dumps({"store_id": name, "timezone_str": zone}))
                for name, zone in zones.items()
            ],
        )
        self.publish(
            program.topics.labels,
            [
                (name, orjson.dumps({"store_id": name, **labels}))
                for name, labels in LABELS.items()
            ],
        )
        self.publish(
            program.topics.polls,
            [
                ("x", b"not json " + SCRIPT.encode()),
                ("x", b'{"store_id": "x", "status": "up"}'),
                ("x", b"\xff\xfe\x00"),
            ],
        )
        self.settle()
        return self

    def publish(
        self, topic: Topic, messages: list[tuple[str, bytes]], headers: Headers = ()
    ) -> None:
        """Append messages, each to its store's partition; ``headers``: of them all."""
        self.run(self._publish(topic, messages, headers))

    async def _publish(
        self, topic: Topic, messages: list[tuple[str, bytes]], headers: Headers = ()
    ) -> None:
        from streamproc.transport.connect import connect

        client = await connect(self.settings)
        try:
            await client.publish(
                topic,
                [key.encode() for key, _ in messages],
                [value for _, value in messages],
                dict.fromkeys(range(len(messages)), headers) if headers else None,
            )
        finally:
            await client.close()

    def settle(self) -> None:
        """Wait until everything that was published is dealt with."""
        self.run(self._settle())
        # What is kept for readers was computed before.
        web = self.program.app.web_service
        done = threading.Event()
        site = web._site
        for kept in (
            *(site.overviews, site.everybody.cache, site.performances.cache),
            site.names.cache,
        ):
            web._web_loop.call_soon_threadsafe(kept._entries.clear)
        web._web_loop.call_soon_threadsafe(site.pages._entries.clear)
        web._web_loop.call_soon_threadsafe(done.set)
        assert done.wait(START_LIMIT_S)

    async def _settle(self) -> None:
        consumer, topics = self.program.app.consumer, self.program.topics
        sources = {topic.name for topic in topics.inputs}
        async with asyncio.timeout(START_LIMIT_S):
            for tp in consumer.assignment():
                if tp.topic not in sources:
                    continue
                (end,) = (await consumer.highwaters(tp)).values()
                await self._until_dealt_with(tp, end or 0)

    async def _until_dealt_with(self, tp: TP, end: int) -> None:
        while await self.program.behind(tp, end):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)

    # -- asking -----

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        **headers: str,
    ) -> Answer:
        """Send one request; header names are written with underscores.

        Changes are made as a command of this machine makes them: with the worker's
        own token, where none is configured and no other one is given.
        """
        if method != "GET" and not self.settings.api_token:
            headers.setdefault("Authorization", f"Bearer {self.own_token}")
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=START_LIMIT_S
        )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body=body, headers=named)
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers), response.read())
        finally:
            connection.close()

    def raw(self, target: bytes, accept: str) -> int:
        """Get any bytes as a path; return the status."""
        with socket.create_connection(("127.0.0.1", self.port), 30) as connection:
            connection.sendall(
                b"GET "
                + target
                + b" HTTP/1.1\r\nHost: localhost\r\nAccept: "
                + accept.encode()
                + b"\r\nConnection: close\r\n\r\n"
            )
            head = connection.makefile("rb").readline()
        return int(head.split()[1])

    def get(self, path: str, **headers: str) -> Answer:
        """Get a path."""
        return self.ask("GET", path, None, **headers)

    def post_json(self, path: str, value: Any, **headers: str) -> Answer:
        """Post JSON."""
        body = json.dumps(value).encode()
        return self.ask("POST", path, body, Content_Type="application/json", **headers)

    def page(self, path: str) -> str:
        """A page that a browser gets."""
        answer = self.get(path, Accept="text/html")
        assert answer.status == 200, answer.text
        return answer.text
