"""Reading a request: an id, an instant, what answer is wanted; checked at the door."""

from aiohttp import web

from streamproc.errors import InvalidPoll
from streamproc.report.messages import LATEST, NOW
from streamproc.rules.poll import check_store_id
from streamproc.rules.timestamp import parse_as_of
from streamproc.web.refusal import bad, bad_input


def as_of_value(text: object) -> str | int:
    """The as-of of a request's body or query."""
    if text in (NOW, LATEST):
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
        raise bad_input(exc) from exc


def pages(total: int, per_page: int) -> int:
    """How many pages there are; one at least."""
    return max(-(-total // per_page), 1)


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
