"""A receiver of the webhook that can hang, refuse, redirect and hang up."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

HANG, CLOSE = "hang", "close"


@dataclass
class Post:
    """One request that came, as it came, by the loop's clock."""

    at_s: float
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def ids(self) -> list[str]:
        """The names of the events in it."""
        return [event["id"] for event in self.json]


@dataclass
class Receiver:
    """Answers as it is told to: a status, HANG or CLOSE; then 200 for ever."""

    answers: list[int | str] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    always: int | str = 200
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        """Note a request, and do what was told."""
        body = await request.read()
        now_s = asyncio.get_running_loop().time()
        self.posts.append(Post(now_s, request.path, request.headers.copy(), body))
        self._came.set()
        told = self.answers.pop(0) if self.answers else self.always
        if told == HANG:
            await asyncio.sleep(3600)
        if told == CLOSE:
            assert request.transport is not None  # it has just sent something
            request.transport.abort()
        return web.Response(
            status=told if isinstance(told, int) else 200, headers=self.headers
        )

    async def until(self, posts: int, limit_s: float = 120.0) -> list[Post]:
        """All posts, when there are so many."""
        async with asyncio.timeout(limit_s):
            while len(self.posts) < posts:
                self._came.clear()
                await self._came.wait()
        return self.posts


@asynccontextmanager
async def receiving(*answers: int | str) -> AsyncIterator[Receiver]:
    """A receiver on loopback."""
    receiver = Receiver(list(answers))
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{path:.*}", receiver.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
