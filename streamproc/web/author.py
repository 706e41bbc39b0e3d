"""Who changes something: a name that a reader gives himself, asked for once."""

from collections.abc import Mapping

from aiohttp import web

from streamproc.errors import shown
from streamproc.web.refusal import bad
from streamproc.web.security import Guard

MAX_AUTHOR = 100


def author(guard: Guard, request: web.Request, form: Mapping[str, str]) -> str:
    """The name in the form's field ``by``, else the session's; kept in the session.

    Raises a 400 Refusal for what is no name.
    """
    given = form.get("by", "").strip()
    if not given:
        return guard.author_of(request)
    if len(given) > MAX_AUTHOR or not given.isprintable():
        told = f"{shown(given)}, expected {MAX_AUTHOR} characters at most, all visible"
        raise bad("bad-by", f"by is {told}.")
    guard.remember_author(request, given)
    return given
