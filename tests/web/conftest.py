"""Fixtures: workers with a web on known data."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streamproc.web.fleet import refreshing
from tests.web.live_site import LiveSite
from tests.web.managed_fleet import managed_site


@pytest.fixture(scope="session", autouse=True)
def time_for_instants() -> Iterator[None]:
    """As much work on explicit instants as tests ask for, however slow a machine is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refreshing, "BURST_S", 1_000.0)
        yield


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """The known fleet, for all tests that leave it as it is."""
    live = LiveSite(tmp_path_factory.mktemp("web")).start().fill()
    yield live
    live.stop()


@pytest.fixture(scope="session")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """The managed fleet, for all tests that leave it as it is."""
    live = managed_site(tmp_path_factory.mktemp("managed"))
    yield live
    live.stop()


@pytest.fixture
def start_site(tmp_path: Path) -> Iterator[Callable[..., LiveSite]]:
    """Start an empty worker with other settings, for one test."""
    started: list[LiveSite] = []

    def start(**options: Any) -> LiveSite:
        live = LiveSite(tmp_path / f"site-{len(started)}", options).start()
        started.append(live)
        return live

    yield start
    for live in started:
        live.stop()
