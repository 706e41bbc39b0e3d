"""Reading a request: parameters, what answer is wanted; checked at the door."""

from collections.abc import Mapping

from aiohttp import web

from streamproc.errors import InvalidPoll, shown
from streamproc.report import record
from streamproc.rules.poll import check_store_id
from streamproc.rules.timestamp import parse_as_of
from streamproc.web.refusal import bad

MAX_SEARCH = 128
MAX_PAGE = 1_000_000


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
        return parse_as_of(text)
    except InvalidPoll as exc:
        raise bad("bad-as-of", f"{exc}; or now, or latest.") from exc


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
