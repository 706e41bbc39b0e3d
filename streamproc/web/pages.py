"""Pages that many ask for: rendered once for all of them, followed part by part.

A part is what stands in an element with ``data-live`` up to the mark at its end. Who
follows a page is sent the parts that have become others since, and nothing else.
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from hashlib import sha256

from aiohttp import web

from streamproc.web.cache import note_failure
from streamproc.web.templating import GUARD, url

FRESH_S = 2.0
"""How long a page is good for."""

STALE_S = 10.0
"""How old one may be that is given out while it is made again."""

KEPT_PAGES = 256
VERSIONS = 8
"""Versions of a page whose readers are sent only what has changed since."""

_PART = re.compile(rb'data-live="([^"]+)"[^>]*>(.*?)<!--/live-->', re.DOTALL)

Make = Callable[[str], Awaitable[bytes]]
"""Renders a page; gets the address where its parts are followed."""

Parts = dict[str, bytes]


def parts_of(page: bytes) -> Parts:
    """What stands in a page's live elements, by their names."""
    return {name.decode(): inner for name, inner in _PART.findall(page)}


@dataclass
class _Entry:
    """One page: how it is made, its newest version, and what older ones said."""

    make: Make
    number: int = 0
    made_at: float = -STALE_S
    making: asyncio.Future[bytes] | None = None
    done: bytes | None = None
    done_at: float = -STALE_S
    versions: OrderedDict[int, Parts] = field(default_factory=OrderedDict)


class Pages:
    """Keeps pages a few seconds, and how to make them as long as they are followed."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    async def get(self, request: web.Request, asked: Hashable, make: Make) -> bytes:
        """The page of what was asked for; readers who may do the same get the same."""
        name = self._name(request, asked)
        entry = self._entries.get(name)
        if entry is None:
            entry = self._entries[name] = _Entry(make)
            if len(self._entries) > KEPT_PAGES:
                self._entries.popitem(last=False)
        self._entries.move_to_end(name)
        making = self._begun(name, entry)
        if entry.done is not None and time.monotonic() - entry.done_at < STALE_S:
            return entry.done
        return await self._wait(name, making)

    def outdate(self) -> None:
        """Give out no page any more that was made before; something was changed."""
        for entry in self._entries.values():
            entry.done, entry.making = None, None

    def _name(self, request: web.Request, asked: Hashable) -> str:
        guard = request.app[GUARD]
        who = guard.can_sign_in(request), guard.is_signed_in(request)
        return sha256(f"{asked} {who}".encode()).hexdigest()[:32]

    def _begun(self, name: str, entry: _Entry) -> asyncio.Future[bytes]:
        """The page that is made, or was, some seconds ago at most."""
        if entry.making is None or time.monotonic() - entry.made_at > FRESH_S:
            entry.number += 1
            entry.made_at = time.monotonic()
            making = self._render(name, entry, entry.number)
            entry.making = asyncio.ensure_future(making)
            entry.making.add_done_callback(note_failure)
        return entry.making

    async def _wait(self, name: str, making: asyncio.Future[bytes]) -> bytes:
        try:
            return await asyncio.shield(making)
        except Exception:
            self._entries.pop(name, None)
            raise

    async def _render(self, name: str, entry: _Entry, number: int) -> bytes:
        started = time.monotonic()
        page = await entry.make(url("/live", of=name, since=number))
        entry.versions[number] = parts_of(page)
        if len(entry.versions) > VERSIONS:
            entry.versions.popitem(last=False)
        if entry.making is asyncio.current_task():
            entry.done, entry.done_at = page, started
        return page

    async def changed(self, name: str, since: int) -> tuple[int, dict[str, str]] | None:
        """A page's newest version, and its parts that are others than in one before.

        None when it is not kept: then it has to be read as a whole.
        """
        entry = self._entries.get(name)
        if entry is None or since not in entry.versions:
            return None
        known = entry.versions[since]
        await self._wait(name, self._begun(name, entry))
        number = max(entry.versions)
        newer = entry.versions[number]
        self._entries.move_to_end(name)
        return number, {
            part: inner.decode()
            for part, inner in newer.items()
            if known.get(part) != inner
        }
