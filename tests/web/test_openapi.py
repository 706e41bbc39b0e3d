"""The OpenAPI file says what the server does: neither more nor less."""

import json
import os
import re
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest

from tests.web.live_site import LiveSite
from tools import openapi

SPEC: dict[str, Any] = json.loads(
    resources.files("streamproc.web").joinpath("openapi.json").read_text("utf-8")
)
PAGES = {
    "/",
    "/find",
    "/stores",
    "/stores.csv",
    "/stores.xlsx",
    "/incidents.csv",
    "/incidents.xlsx",
    "/store",
    "/stores/{}",
    "/stores/{}/page",
    "/tables",
    "/tables/{}",
    "/rejected",
    "/rejected.csv",
    "/rejected.xlsx",
    "/incidents",
    "/reports/{}/page",
    "/reports",
}
FORMS = {
    "/changes",
    "/changes/{}",
    "/upload",
    "/upload/{}",
    "/upload/{}/rejects.csv",
    "/connect",
    "/change",
    "/system",
    "/system/rejected/{}",
    "/system/webhook/test",
}
NOT_FOR_PROGRAMS = {"/login", "/logout", "/open", "/live", "/_cluster/call"}
NOT_DESCRIBED = PAGES | FORMS | NOT_FOR_PROGRAMS
EXAMPLES = 25


def shape(path: str) -> str:
    """A path without the names of its parameters."""
    return re.sub(r"\{[^}]*\}", "{}", path).rstrip("/") or "/"


def test_every_route_is_described_and_every_description_is_a_route(
    site: LiveSite,
) -> None:
    """Pages for people aside, the file lists what the server answers."""
    runner = site.program.app.web_service._runner
    served = {
        (route.method.lower(), shape(route.resource.canonical))
        for route in runner.app.router.routes()
        if route.method not in ("HEAD", "*")
    }
    served = {
        (method, path)
        for method, path in served
        if path not in PAGES | FORMS | NOT_FOR_PROGRAMS
        and not path.startswith("/static")
    }
    described = {
        (method, shape(path)) for path, item in SPEC["paths"].items() for method in item
    }
    assert described == served


def test_the_file_is_made_of_the_routes_and_their_answers() -> None:
    """Nobody writes it: ``python -m tools.openapi`` does."""
    assert json.loads(openapi.text()) == SPEC


def test_the_file_is_served(site: LiveSite) -> None:
    """What stands in the package is what is handed out."""
    assert site.get("/openapi.json").json == SPEC


def test_nothing_the_file_allows_breaks_the_server(
    start_site: Callable[..., LiveSite],
) -> None:
    """Schemathesis: no 5xx, no answer that the file does not describe."""
    if os.environ.get("BROWSER_TESTS_REQUIRED") != "1":
        pytest.importorskip("schemathesis")
    import hypothesis
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    site = start_site().fill()
    bearer = {"Authorization": f"Bearer {site.own_token}"}
    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    ]
    schema = schemathesis.openapi.from_dict(SPEC)
    schema.config.update(base_url=site.url)
    tried = 0
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]

        @hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def check(case: Any) -> None:
            case.call_and_validate(checks=checks, timeout=120, headers=bearer)

        check()
        tried += 1
    assert tried == sum(len(item) for item in SPEC["paths"].values())
