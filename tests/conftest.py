"""Fixtures: programs in this process, workers in processes of their own."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from streamproc import settings
from streamproc.program import Program
from streamproc.settings import Settings
from streamproc.worker import app, process
from tests import in_memory
from tests.system.harness import WorkerProcess
from tests.waiting import LIMIT_S

hypothesis.settings.register_profile(
    "any machine",
    parent=hypothesis.settings(),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("any machine")
# How long an example takes says something of the machine, nothing of the program.

Run = Callable[..., subprocess.CompletedProcess[str]]


def pytest_configure() -> None:
    """Keep files in memory, unless ``--basetemp`` says where."""
    if folder := in_memory.folder():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not see the settings of whoever runs them."""
    for name in list(os.environ):
        if name.startswith(settings.ENV_PREFIX):
            monkeypatch.delenv(name)


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings on a data directory of the test's own; no report comes by itself."""

    def make(**options: Any) -> Settings:
        return settings.load(
            {
                "data_dir": tmp_path / "data",
                "hourly": "off",
                "monthly": "off",
                "web": "off",
                "commit_interval": 0.2,
                **options,
            },
            {},
        )

    return make


@asynccontextmanager
async def running(program: Program) -> AsyncIterator[Program]:
    """A program that runs in the test's event loop."""
    await process.prepare(program)
    await program.app.start()
    try:
        async with asyncio.timeout(LIMIT_S):
            await program.until_ready()
        yield program
    finally:
        await program.app.stop()


@pytest.fixture
def start_program(
    make_settings: Callable[..., Settings],
) -> Callable[..., Any]:
    """Build and run a program: ``async with start_program(hold="none") as p``."""

    def start(now_us: Callable[[], int] | None = None, **options: Any) -> Any:
        program = app.build(make_settings(**options))
        if now_us is not None:
            program.now_us = now_us
        return running(program)

    return start


@pytest.fixture
def streamproc(tmp_path: Path) -> Run:
    """Run the command ``streamproc`` to its end, in the test's directory."""

    def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "streamproc", *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=options.pop("timeout", LIMIT_S),
            check=False,
            **options,
        )

    return run


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """Start worker processes; whatever is left of them is killed at the end."""
    started: list[WorkerProcess] = []

    def start(*arguments: object, data_dir: Path | None = None) -> WorkerProcess:
        process = WorkerProcess(data_dir or tmp_path / "data", arguments)
        started.append(process)
        return process

    yield start
    for one in started:
        one.end(signal.SIGKILL)
