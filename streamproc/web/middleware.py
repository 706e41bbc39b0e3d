"""What every request passes: limits, the guard, errors as JSON or as a page."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from streamproc.errors import ReportFailedError
from streamproc.web import security
from streamproc.web.refusal import Refusal, moving
from streamproc.web.requests import wants_json
from streamproc.web.responses import error_page, json, see_other
from streamproc.web.security import Guard
from streamproc.web.templating import url
from tables.fencing import PartitionLostError

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HANDLER_TIMEOUT_S = 30.0
MAX_IN_FLIGHT = 256
_CODES = {404: "not-found", 405: "wrong-method", 413: "too-large"}


class Middleware:
    """The outermost one, and the only one."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._in_flight = 0

    @web.middleware
    async def handle(self, request: web.Request, handler: Handler) -> Any:
        """Answer a request, whatever happens, with the security headers."""
        try:
            response = await self._answer(request, handler)
        except Refusal as exc:
            response = self._refuse(request, exc)
        for name, value in security.HEADERS.items():
            response.headers.setdefault(name, value)
        if not response.prepared:
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    async def _answer(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        kept_open = getattr(request.match_info.handler, "kept_open", False)
        policy = getattr(request.match_info.handler, "policy", security.READ)
        self._guard.check(request, policy)
        if kept_open:
            return await _caught(request, handler)
        if self._in_flight >= MAX_IN_FLIGHT and policy != security.PUBLIC:
            raise Refusal(503, "busy", "Too many requests at once.", retry_after_s=1)
        self._in_flight += 1
        try:
            async with asyncio.timeout(HANDLER_TIMEOUT_S):
                return await _caught(request, handler)
        except TimeoutError as exc:
            raise Refusal(
                503, "timeout", "This took too long.", retry_after_s=5
            ) from exc
        finally:
            self._in_flight -= 1

    def _refuse(self, request: web.Request, exc: Refusal) -> web.StreamResponse:
        if wants_json(request):
            response = json({"error": exc.code, "message": exc.message}, exc.status)
        elif exc.status == 401 and request.method == "GET":
            return see_other(url("/login", next=request.raw_path))
        else:
            response = error_page(request, exc)
        response.headers.update(exc.headers)
        if exc.status in (408, 413):
            response.force_close()
        return response


async def _caught(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever a handler raises, as a Refusal; a fault of ours is logged."""
    try:
        return await handler(request)
    except Refusal:
        raise
    except web.HTTPException as exc:
        if exc.status < 400:
            raise
        code = _CODES.get(exc.status, "refused")
        refusal = Refusal(exc.status, code, f"{exc.reason}.")
        if "Allow" in exc.headers:
            refusal.headers["Allow"] = exc.headers["Allow"]
        raise refusal from exc
    except PartitionLostError as exc:
        raise moving("A partition is changing hands.") from exc
    except ReportFailedError as exc:
        raise Refusal(422, "too-old", f"{exc}.") from exc
    except (TimeoutError, asyncio.CancelledError, ConnectionError):
        raise
    except Exception as exc:
        log.exception("%s %s failed", request.method, request.path)
        raise Refusal(500, "failed", "This failed; the worker's log says why.") from exc
