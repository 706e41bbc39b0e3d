"""What every request passes: limits, the guard, errors as JSON or as a page."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from streamproc.errors import (
    BrokerError,
    RecordTooLargeError,
    ReportFailedError,
    TopicMissingError,
)
from streamproc.web import security
from streamproc.web.bodies import receive
from streamproc.web.connections import Connections
from streamproc.web.described import Described
from streamproc.web.exports import Export, Exports
from streamproc.web.parameters import check_names
from streamproc.web.refusal import Error, Refusal, bad, moving
from streamproc.web.requests import wants_json
from streamproc.web.responses import deliver, error_page, json, see_other
from streamproc.web.security import Guard
from streamproc.web.templating import url
from tables.fencing import PartitionLostError

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HANDLER_TIMEOUT_S = 30.0
MAX_IN_FLIGHT = 256
_CODES = {404: "not-found", 405: "wrong-method", 413: "too-large"}
_SENTENCES = {404: "There is nothing at this address."}


def _nothing_more(request: web.Request) -> None:
    """What most routes ask of a request's header beside the guard: nothing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route asks of a request before its handler sees it.

    ``policy``: see ``Guard``. ``body``: bytes a body may have, 0 for none wanted.
    ``admit``: raises a Refusal by what stands in the header. ``kept_open``: the
    answer goes on and on. ``described``: of the API, see there.
    """

    policy: str = security.READ
    body: int = 0
    admit: Callable[[web.Request], None] = _nothing_more
    kept_open: bool = False
    described: Described | None = None

    def check(self, request: web.Request) -> None:
        """Raise a Refusal by the header, and by the names of the parameters."""
        self.admit(request)
        if self.described is not None:
            check_names(request.query, self.described.parameters)


NO_RULE = Rule()


class Middleware:
    """The outermost one, and the only one."""

    def __init__(self, guard: Guard, connections: Connections) -> None:
        self._guard = guard
        self._connections = connections
        self._exports = Exports()
        self._in_flight = 0

    @web.middleware
    async def handle(self, request: web.Request, handler: Handler) -> Any:
        """Answer a request, whatever happens, with the security headers."""
        self._connections.heard(request)
        response = await self._told(request, self._answer(request, handler))
        if isinstance(response, Export):
            response = await self._told(request, self._sent(request, response))
        if isinstance(response, web.Response) and not response.prepared:
            await deliver(request, response)
        return response

    async def _sent(self, request: web.Request, export: Export) -> web.StreamResponse:
        """Sending takes as long as its reader takes: it is not one of those at once."""
        await self._exports.send(request, export)
        return export

    async def _told(
        self, request: web.Request, work: Coroutine[Any, Any, web.StreamResponse]
    ) -> web.StreamResponse:
        """What comes out of it, a refusal as well, with the security headers."""
        try:
            response = await _caught(request, work)
        except Refusal as exc:
            response = self._refuse(request, exc)
        for name, value in security.HEADERS.items():
            response.headers.setdefault(name, value)
        if not response.prepared:
            response.headers.setdefault("Cache-Control", "no-store")
            if self._guard.is_private:
                _keep_private(response)
            if self._connections.is_spare(request):
                response.force_close()
        return response

    async def _answer(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        """By the header first; then the body; only then it counts as under way."""
        rule: Rule = getattr(request.match_info.handler, "rule", NO_RULE)
        if rule.policy == security.PROBE:
            return await handler(request)
        if self._connections.is_spare(request):
            raise _busy("Too many connections.")
        self._guard.check(request, rule.policy)
        rule.check(request)
        if rule.kept_open:
            return await handler(request)
        await receive(request, rule.body)
        return await self._handle(request, handler)

    async def _handle(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        if self._in_flight >= MAX_IN_FLIGHT:
            raise _busy("Too many requests at once.")
        self._in_flight += 1
        try:
            async with asyncio.timeout(HANDLER_TIMEOUT_S):
                return await handler(request)
        finally:
            self._in_flight -= 1

    def _refuse(self, request: web.Request, exc: Refusal) -> web.StreamResponse:
        if wants_json(request):
            response = json(Error(exc.code, exc.message), exc.status)
        elif exc.status == 401 and request.method == "GET":
            return see_other(url("/login", next=request.raw_path))
        else:
            response = error_page(request, exc)
        response.headers.update(exc.headers)
        if exc.status in (408, 413):
            response.force_close()
        return response


def _keep_private(response: web.StreamResponse) -> None:
    """Leave an answer to its reader: in no shared cache, on no other site's page."""
    kept = response.headers["Cache-Control"]
    response.headers["Cache-Control"] = f"private, {kept}"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"


def _busy(message: str) -> Refusal:
    return Refusal(503, "busy", message, retry_after_s=1)


async def _caught(
    request: web.Request, work: Coroutine[Any, Any, web.StreamResponse]
) -> web.StreamResponse:
    """Whatever an answer raises, as a Refusal; a fault of ours is logged."""
    try:
        return await work
    except Refusal:
        raise
    except web.HTTPException as exc:
        if exc.status < 400:
            raise
        code = _CODES.get(exc.status, "refused")
        told = _SENTENCES.get(exc.status, f"{exc.reason}.")
        refusal = Refusal(exc.status, code, told)
        if "Allow" in exc.headers:
            refusal.headers["Allow"] = exc.headers["Allow"]
        raise refusal from exc
    except PartitionLostError as exc:
        raise moving("A partition is changing hands.") from exc
    except ReportFailedError as exc:
        raise Refusal(422, "too-old", f"{exc}.") from exc
    except RecordTooLargeError as exc:
        raise Refusal(413, "too-large", f"{exc}.") from exc
    except (BrokerError, TopicMissingError) as exc:
        log.error("%s", exc, extra={"once_per_while": ("refused", str(exc))})
        why = "The broker refuses this; the worker's log says why."
        raise Refusal(503, "broker", why, retry_after_s=60) from exc
    except TimeoutError as exc:
        raise Refusal(503, "timeout", "This took too long.", retry_after_s=5) from exc
    except ConnectionError as exc:
        raise bad("gone", "The connection ended; nobody reads this.") from exc
    except Exception as exc:
        log.exception("%s %s failed", request.method, request.path)
        raise Refusal(500, "failed", "This failed; the worker's log says why.") from exc
