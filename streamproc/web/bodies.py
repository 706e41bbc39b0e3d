"""Requests' bodies: received whole and in time, before a handler runs."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from streamproc.web.refusal import Refusal, bad

SMALL_BODY = 64 << 10
"""Bytes of a body that is a form or a few settings."""

BODY_TIMEOUT_S = 10.0
_MAX_FIELDS = 60
_BODY = web.RequestKey("body", bytes)


async def receive(request: web.Request, limit: int) -> None:
    """Take the body in, unpacked at most ``limit`` bytes; 0: none is wanted.

    Raises a Refusal: 413, 408, or 400 when its encoding is broken.
    """
    if not limit:
        return
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            await _go_on(request)
            request[_BODY] = await _read(request, limit)
    except TimeoutError as exc:
        raise Refusal(408, "slow-body", "The body did not arrive in time.") from exc
    except web.RequestPayloadError as exc:
        raise bad("bad-body", "The body's encoding is broken.") from exc


async def _go_on(request: web.Request) -> None:
    """Tell who waits with the body until its header is accepted to send it now."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer itself has not begun


async def _read(request: web.Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "too-large", f"At most {limit} bytes are read here.")


def body_of(request: web.Request) -> bytes:
    """The body that was received; empty when there is none."""
    body: bytes = request.get(_BODY, b"")
    return body


def json_of(request: web.Request) -> Any:
    """A JSON body; nothing at all is an empty object."""
    return json_in(body_of(request))


def json_in(body: bytes) -> Any:
    """What a body says in JSON; nothing at all is an empty object."""
    if not body.strip():
        return {}
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise bad("bad-json", f"The body is not JSON: {exc}.") from exc


def form_of(request: web.Request) -> dict[str, str]:
    """A form's fields; of one that comes more than once, the last."""
    return dict(form_pairs(request))


def form_pairs(request: web.Request) -> list[tuple[str, str]]:
    """A form's fields, in order, as often as they come."""
    body = body_of(request).decode(errors="replace")
    try:
        return parse_qsl(body, max_num_fields=_MAX_FIELDS)
    except ValueError as exc:
        raise bad("bad-form", "The form has too many fields.") from exc
