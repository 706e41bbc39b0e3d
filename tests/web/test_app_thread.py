"""Faust makes its services when first asked for; the web is never the first."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faust
import pytest
from faust.tables.base import Collection
from faust.tables.manager import TableManager
from mode.services import ServiceBase

from streamproc.web.server import WebServer
from tests.web.live_site import LiveSite

PATHS = (
    "/ready",
    "/health",
    "/metrics",
    "/",
    "/stores/alpha",
    "/reports",
    "/tables",
    "/tables/hours",
    "/rejected",
    "/connect",
    "/system",
    "/api/v1/overview",
    "/api/v1/stores",
    "/api/v1/tables",
)
LAZY: tuple[tuple[type, str, str], ...] = (
    (faust.App, "tables", "tables"),
    (faust.App, "topics", "topics"),
    (faust.App, "assignor", "assignor"),
    (faust.App, "flow_control", "flow_control"),
    (faust.App, "producer", "_producer"),
    (faust.App, "consumer", "_consumer"),
    (faust.App, "transport", "_transport"),
    (TableManager, "recovery", "_recovery"),
    (Collection, "data", "_data"),
    (Collection, "changelog_topic", "_changelog_topic"),
    (ServiceBase, "loop", "_loop"),
)
"""Properties that make what they give, and where it is kept once it is made."""


def watch(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is made elsewhere than in the app's thread is noted here."""
    made: list[str] = []

    def watched(owner: type, name: str, kept: str) -> property:
        given: Any = owner.__dict__[name]

        def get(service: Any) -> Any:
            thread = threading.current_thread().name
            if service.__dict__.get(kept) is None and thread != "app":
                made.append(f"{type(service).__name__}.{name} in {thread}")
            return given.__get__(service, type(service))

        return property(get, getattr(given, "fset", None) or given.__set__)

    for owner, name, kept in LAZY:
        monkeypatch.setattr(owner, name, watched(owner, name, kept))
    return made


def test_every_watched_property_is_one_of_fausts() -> None:
    """Else the next test would watch nothing."""
    for owner, name, _ in LAZY:
        assert hasattr(owner.__dict__[name], "__get__"), name


def test_a_probe_of_a_starting_worker_makes_none_of_its_services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made in the web's thread it would be bound to the web's loop: the worker crashes
    when it is started, or never stops."""
    site = LiveSite(tmp_path)
    site._thread.name = "app"
    starts: Callable[..., Any] = WebServer.on_start
    asked: list[int] = []

    async def start_and_probe(server: WebServer) -> None:
        await starts(server)
        made.clear()
        answers = [await asyncio.to_thread(site.get, path) for path in PATHS]
        asked.extend(answer.status for answer in answers)

    monkeypatch.setattr(WebServer, "on_start", start_and_probe)
    made = watch(monkeypatch)
    try:
        site.start()
        assert site.get("/ready").status == 200
    finally:
        site.stop()
    assert asked[:2] == [503, 200]
    assert made == []
