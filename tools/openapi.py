"""Makes ``streamproc/web/openapi.json`` of the routes and of the answers' dataclasses.

    python -m tools.openapi

A test holds the file against what this makes.
"""

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

from streamproc.settings import load
from streamproc.web import own_token
from streamproc.web.app_thread import AppThread
from streamproc.web.connections import Connections
from streamproc.web.described import Described
from streamproc.web.middleware import Rule
from streamproc.web.parameters import Parameter
from streamproc.web.refusal import Error
from streamproc.web.routes import make_application
from streamproc.web.security import CHANGE, PROBE
from streamproc.web.site import Site
from streamproc.worker.app import build
from tools.bodies import BODIES
from tools.schemas import Schemas

FILE = Path(__file__).parent.parent / "streamproc" / "web" / "openapi.json"
TITLE = "Store uptime"
SUMMARY = "How long was each store up, inside its opening hours?"
DESCRIPTION = (
    "Amounts are in seconds of business time; up + down + unknown + excluded = open,"
    " always. Unknown is open time that no poll covers; excluded is what maintenance"
    " takes out. Percentages are of"
    " observed time and null where nothing was observed. Changes need the bearer token;"
    " where none is configured, the one in the worker's file web-token, on the same"
    " machine. 429: too many wrong tokens, or reports. 503 with Retry-After: a"
    " partition is moving, or too much is asked at once; ask again."
)
PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "store_id": {"type": "string", "minLength": 1, "maxLength": 128},
    "report_id": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"},
    "name": {"type": "string"},
    "period": {"type": "string", "examples": ["month:2026-10", "last-week"]},
    "since": {"type": "string", "format": "date"},
    "date": {"type": "string", "format": "date"},
    "change": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"},
    "exclusion_id": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"},
}


def make() -> dict[str, Any]:
    """The description of all routes that describe themselves."""
    return asyncio.run(_make())


async def _make() -> dict[str, Any]:
    program = build(load({}, {}))
    site = Site(program, AppThread(program))
    app = make_application(site, Connections(1), own_token.make())
    schemas = Schemas()
    schemas.of(Error)
    paths: dict[str, dict[str, Any]] = {}
    for route in app.router.routes():
        rule: Rule = route.handler.rule  # type: ignore[attr-defined]
        path = _path(route)
        if rule.described is None or route.method == "HEAD" or path in ("", None):
            continue
        operation = _operation(route.method, path, rule, rule.described, schemas)
        paths.setdefault(path, {})[route.method.lower()] = operation
    await site.close()
    return _document(paths, schemas)


def _path(route: web.AbstractRoute) -> str:
    """A route's path; empty for the same one with a slash behind it."""
    assert route.resource is not None
    path = re.sub(r"\{(\w+)[^}]*\}", r"{\1}", route.resource.canonical)
    return "" if path.endswith("/") else path


def _document(paths: dict[str, Any], schemas: Schemas) -> dict[str, Any]:
    content = {"application/json": {"schema": schemas.of(Error)}}
    refused = {"description": "Refused; the body says why.", "content": content}
    about = {"title": TITLE, "version": "1", "summary": SUMMARY}
    return {
        "openapi": "3.1.0",
        "info": {**about, "description": DESCRIPTION},
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {"Error": refused},
            "schemas": dict(sorted(schemas.components.items())),
        },
    }


def _operation(
    method: str, path: str, rule: Rule, about: Described, schemas: Schemas
) -> dict[str, Any]:
    found: dict[str, Any] = {"summary": about.summary.rstrip(".")}
    if rule.policy == CHANGE:
        found["security"] = [{"token": []}]
    parameters = [_in_path(name) for name in re.findall(r"\{(\w+)\}", path)]
    parameters += [_in_query(one, method) for one in about.parameters]
    if parameters:
        found["parameters"] = parameters
    body = BODIES.get((method, path))
    if body is not None:
        found["requestBody"] = body.described(schemas)
    found["responses"] = _responses(method, path, rule, about, schemas)
    return found


def _in_path(name: str) -> dict[str, Any]:
    schema = PATH_PARAMETERS[name]
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(one: Parameter, method: str) -> dict[str, Any]:
    """A parameter; what a body can say as well is not required of the query."""
    found: dict[str, Any] = {"name": one.name, "in": "query", "schema": one.schema}
    if one.help:
        found["description"] = one.help
    if one.required and method == "GET":
        found["required"] = True
    return found


def _responses(
    method: str, path: str, rule: Rule, about: Described, schemas: Schemas
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, answer in about.answers.items():
        content: dict[str, Any] = {}
        if answer is not None:
            content["application/json"] = {"schema": schemas.of(answer)}
        if status == 200:
            content |= {media: {} for media in about.media}
        found[str(status)] = {"description": _told(answer), "content": content}
    for status in _refusals(method, path, rule):
        found.setdefault(str(status), {"$ref": "#/components/responses/Error"})
    return dict(sorted(found.items()))


def _told(answer: Any) -> str:
    text = getattr(answer, "__doc__", None) if answer not in (None, dict) else None
    return " ".join((text or "OK").partition("\n\n")[0].split())


def _refusals(method: str, path: str, rule: Rule) -> list[int]:
    """Statuses that a route may refuse with."""
    if rule.policy == PROBE:
        return [503]
    found = [400, 401, 421, 422, 429, 503]
    if "{" in path or "report" in path:
        found.append(404)
    if method != "GET":
        found += [408, 413]
    if rule.policy == CHANGE:
        found.append(403)
    return found


def text() -> str:
    """The file's content."""
    return json.dumps(make(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{FILE.relative_to(Path.cwd())} is made anew\n")
