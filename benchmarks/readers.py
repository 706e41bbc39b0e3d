"""Readers of the pages, in a process of their own.

    python -m benchmarks.readers URL STORES READERS THINK_S

Each reader has a connection that is kept alive, and clicks on from Now to Stores to a
store's page, and so on, looking at each for THINK_S seconds on average. Every fifth is
a monitor on a wall instead: it opens Now and follows what changes of it. They read
after a line GO on standard input and wait after a line WAIT; at the end of the input
their waits are told as JSON: milliseconds by kind of page, or by status where it was
not 200.
"""

import asyncio
import html
import random
import re
import sys
import time
from collections import defaultdict

import aiohttp
import orjson

GO, WAIT = "GO", "WAIT"
MONITORS = 5
"""Every fifth reader is one."""

_LIVE_URL = re.compile(r'data-live-url="([^"]+)"')


def store_id(number: int) -> str:
    """Ids as long as real ones."""
    return str(10**18 + number * 7_919)


class Readers:
    """All readers, and how long they waited for their pages."""

    def __init__(self, url: str, stores: int, think_s: float) -> None:
        self._url = url
        self._stores = stores
        self._think_s = think_s
        self.waits: dict[str, list[float]] = defaultdict(list)
        self.gate = asyncio.Event()

    async def read(self, client: aiohttp.ClientSession, number: int) -> None:
        """One reader, until cancelled."""
        if number % MONITORS == MONITORS - 1:
            await self._follow(client)
        draw = random.Random(number)
        turn = draw.randrange(3)
        while True:
            await self.gate.wait()
            await asyncio.sleep(2 * draw.random() * self._think_s)
            turn += 1
            chosen = store_id(draw.randrange(self._stores))
            kind = ("now", "stores", "store")[turn % 3]
            path = {"now": "/", "stores": "/stores", "store": f"/stores/{chosen}"}
            await self._get(client, kind, path[kind])

    async def _get(self, client: aiohttp.ClientSession, kind: str, path: str) -> str:
        began = time.perf_counter()
        async with client.get(self._url + path) as response:
            page = await response.text()
        named = kind if response.status == 200 else f"{kind} {response.status}"
        self.waits[named].append(1e3 * (time.perf_counter() - began))
        return page

    async def _follow(self, client: aiohttp.ClientSession) -> None:
        """A monitor: the page once, then what changes of it."""
        while True:
            await self.gate.wait()
            found = _LIVE_URL.search(await self._get(client, "now", "/"))
            if found is None:
                continue  # it was refused
            async with client.get(self._url + html.unescape(found[1])) as response:
                async for _ in response.content:
                    if not self.gate.is_set():
                        break


async def _lines() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


async def main(url: str, stores: int, count: int, think_s: float) -> None:
    """Read until the input ends, then tell."""
    readers, commands = Readers(url, stores, think_s), await _lines()
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as client:
        reading = [
            asyncio.create_task(readers.read(client, number)) for number in range(count)
        ]
        async for line in commands:
            if line.decode().strip() == GO:
                readers.gate.set()
            else:
                readers.gate.clear()
        for task in reading:
            task.cancel()
        failed = await asyncio.gather(*reading, return_exceptions=True)
    sys.stdout.write(orjson.dumps(readers.waits).decode() + "\n")
    for each in failed:
        if isinstance(each, Exception):
            raise each


if __name__ == "__main__":
    given = sys.argv[1:]
    asyncio.run(main(given[0], int(given[1]), int(given[2]), float(given[3])))
