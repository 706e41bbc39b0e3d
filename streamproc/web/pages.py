"""Pages that many ask for: rendered once for all of them."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

from aiohttp import web

from streamproc.web.templating import GUARD

FRESH_S = 2.0
KEPT_PAGES = 64


class Pages:
    """Keeps pages a few seconds."""

    def __init__(self) -> None:
        self._pages: OrderedDict[Hashable, tuple[float, asyncio.Future[bytes]]]
        self._pages = OrderedDict()

    async def get(
        self,
        request: web.Request,
        asked: Hashable,
        make: Callable[[], Awaitable[bytes]],
    ) -> bytes:
        """The page of what was asked for; readers who may do the same get the same."""
        guard = request.app[GUARD]
        key = (asked, guard.can_sign_in(request), guard.is_signed_in(request))
        made_at, making = self._pages.get(key, (0.0, None))
        if making is None or time.monotonic() - made_at > FRESH_S:
            making = asyncio.ensure_future(make())
            self._pages[key] = (time.monotonic(), making)
            self._pages.move_to_end(key)
            if len(self._pages) > KEPT_PAGES:
                self._pages.popitem(last=False)
        try:
            return await asyncio.shield(making)
        except Exception:
            self._pages.pop(key, None)
            raise
