"""Reading a request: parameters, bodies, what answer is wanted; checked at the door."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from streamproc.errors import InvalidPoll, shown
from streamproc.report import record
from streamproc.rules.poll import check_store_id
from streamproc.rules.timestamp import parse_timestamp
from streamproc.web.refusal import Refusal, bad

MAX_SEARCH = 128
MAX_PAGE = 1_000_000
SMALL_BODY = 64 << 10
BODY_TIMEOUT_S = 10.0


def integer(
    query: Mapping[str, str], name: str, default: int, least: int, most: int
) -> int:
    """A whole number within bounds."""
    text = query.get(name, "")
    if not text:
        return default
    if len(text) > 9 or not text.isascii() or not text.isdigit():
        raise bad(f"bad-{name}", f"{name} is {shown(text)}, expected a whole number.")
    if not least <= int(text) <= most:
        raise bad(f"bad-{name}", f"{name} is {text}, expected {least} to {most}.")
    return int(text)


def choice(
    query: Mapping[str, str], name: str, choices: tuple[str, ...], default: str
) -> str:
    """One of a few words."""
    text = query.get(name) or default
    if text not in choices and text != default:
        known = ", ".join(choices)
        raise bad(f"bad-{name}", f"{name} is {shown(text)}, expected one of {known}.")
    return text


def search(query: Mapping[str, str], name: str = "q") -> str:
    """A search text."""
    text = query.get(name, "").strip()
    if len(text) > MAX_SEARCH or "\0" in text:
        raise bad(f"bad-{name}", f"{name} may have {MAX_SEARCH} characters.")
    return text


def as_of(query: Mapping[str, str], default: str = record.NOW) -> str | int:
    """``now``, ``latest`` or a time, as UTC microseconds."""
    text = query.get("as_of") or default
    return as_of_value(text)


def as_of_value(text: object) -> str | int:
    """The as-of of a request's body or query."""
    if text in (record.NOW, record.LATEST):
        return str(text)
    try:
        return parse_timestamp(text)
    except InvalidPoll as exc:
        message = str(exc).replace("timestamp_utc", "as_of", 1)
        raise bad("bad-as-of", f"{message}; or now, or latest.") from exc


def store_id(text: object) -> str:
    """A store id that can be one."""
    try:
        return check_store_id(text)
    except InvalidPoll as exc:
        raise bad(exc.reason, f"{exc}.") from exc


def pages(total: int, per_page: int) -> int:
    """How many pages there are; one at least."""
    return max(-(-total // per_page), 1)


def cursor(query: Mapping[str, str]) -> str:
    """Where a page of keys goes on: a key in hexadecimal digits."""
    after = query.get("after", "")
    try:
        bytes.fromhex(after)
    except ValueError:
        after = "?"
    if len(after) > 400 or (not after.isalnum() and after):
        raise bad("bad-after", "after is not a key in hexadecimal digits.")
    return after


def goal_of(request: web.Request) -> str:
    """Where to go after signing in: a path here, never another site."""
    goal = request.query.get("next", "/")
    safe = goal.startswith("/") and goal[1:2] not in ("/", "\\")
    return goal if safe and goal.isprintable() and len(goal) < 2_000 else "/"


# -- what answer is wanted -----


def wants_json(request: web.Request) -> bool:
    """Whether an error goes to a program rather than to a person."""
    accept = request.headers.get("Accept", "*/*")
    return "text/html" not in accept


def wants_csv(request: web.Request) -> bool:
    """Whether the answer is to be CSV: by ``format``, or by the Accept header."""
    asked = choice(request.query, "format", ("json", "csv"), "json")
    return asked == "csv" or request.headers.get("Accept") == "text/csv"


# -- bodies -----


async def body_of(request: web.Request, limit: int | None = None) -> bytes:
    """The request's body, in time and within bounds."""
    if limit is not None and (request.content_length or 0) > limit:
        raise Refusal(413, "too-large", f"At most {limit} bytes are read here.")
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await request.read()
    except TimeoutError as exc:
        raise Refusal(408, "slow-body", "The body did not arrive in time.") from exc
    except web.RequestPayloadError as exc:
        raise bad("bad-body", "The body's encoding is broken.") from exc
    if limit is not None and len(body) > limit:
        raise Refusal(413, "too-large", f"At most {limit} bytes are read here.")
    return body


async def json_of(request: web.Request) -> Any:
    """A small JSON body; nothing at all is an empty object."""
    body = await body_of(request, SMALL_BODY)
    if not body.strip():
        return {}
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise bad("bad-json", f"The body is not JSON: {exc}.") from exc


async def form_of(request: web.Request) -> dict[str, str]:
    """A small form's fields."""
    body = await body_of(request, SMALL_BODY)
    try:
        return dict(parse_qsl(body.decode(errors="replace"), max_num_fields=20))
    except ValueError as exc:
        raise bad("bad-form", "The form has too many fields.") from exc
