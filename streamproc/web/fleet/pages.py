"""Pages made of an overview: rendered once for all who ask for the same."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from streamproc.report.messages import NOW
from streamproc.web.as_of import AsOf
from streamproc.web.fleet.overview import Overview
from streamproc.web.fleet.refreshing import FRESH_S
from streamproc.web.security import Guard

KEPT_PAGES = 64


class Pages:
    """Finds the page that is kept with an overview, or has it made."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def get(
        self,
        request: web.Request,
        overview: Overview,
        name: str,
        make: Callable[[], Awaitable[bytes]],
    ) -> bytes:
        """The page of a name, for readers who may do the same."""
        who = (self._guard.can_sign_in(request), self._guard.is_signed_in(request))
        key = f"{name} {who}"
        made_at, making = overview.pages.get(key, (0.0, None))
        if making is None or time.monotonic() - made_at > FRESH_S:
            making = asyncio.ensure_future(make())
            overview.pages[key] = (time.monotonic(), making)
            if len(overview.pages) > KEPT_PAGES:
                overview.pages.popitem(last=False)
        try:
            return await asyncio.shield(making)
        except Exception:
            overview.pages.pop(key, None)
            raise


def late_us(overview: Overview, as_of: AsOf, now_us: int) -> int:
    """Age of figures of now that are older than twice their refresh, else 0."""
    age_us = now_us - overview.as_of_us
    is_late = as_of == NOW and age_us > 2 * overview.lasts_s * 1_000_000
    return age_us if is_late else 0
