"""Who changes something: a name that a reader gives himself, asked for once."""

from collections.abc import Mapping

from aiohttp import web

from streamproc.web.changes import change
from streamproc.web.security import Guard


def author(guard: Guard, request: web.Request, form: Mapping[str, str]) -> str:
    """The name in the form's field ``by``, else the session's; kept in the session.

    Raises a 422 Refusal for what is no name.
    """
    given = change.author(form.get("by"))
    if not given:
        return guard.author_of(request)
    guard.remember_author(request, given)
    return given
