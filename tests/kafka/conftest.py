"""Fixtures for tests that need a real Kafka broker; all are marked ``kafka``.

Without java or Maven they are skipped, or fail if ``KAFKA_TESTS_REQUIRED=1``.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.kafka import acl, jars, security
from tests.kafka.broker import STEADY, Cluster
from tests.kafka.security import Security
from tests.kafka.workers import SESSION_S, Start, StartOn, Worker

HERE = Path(__file__).parent
LIMIT_S = 600
"""A test's time limit, with the start of its brokers, unless it names its own."""


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, so that this folder also runs on its own."""
    config.addinivalue_line("markers", "kafka: needs a real Apache Kafka broker")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and of no other."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.kafka)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(LIMIT_S))


@pytest.fixture(scope="session", autouse=True)
def machine() -> None:
    """Skip, or fail where Kafka is required, on a machine that cannot run it."""
    _require(jars.missing())


@pytest.fixture(scope="session")
def kafka(machine: None) -> Iterator[Cluster]:
    """One broker that all tests share; take topics and groups from ``name``."""
    with Cluster(config=STEADY) as running:
        yield running


@pytest.fixture(scope="session")
def secured(
    machine: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """A broker that all tests share, which asks who is there and whether he may.

    Nobody is denied anything but what a test denies: ``acl.denied``.
    """
    _require(security.missing())
    certificates = Security(tmp_path_factory.mktemp("certificates"))
    config = {**STEADY, **acl.CONFIG}
    with Cluster(security=certificates, config=config) as running:
        yield running


@pytest.fixture
def name() -> Callable[[str], str]:
    """Make a topic's or group's name that no other test uses."""
    return lambda what: f"{what}-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def cluster() -> Iterator[Callable[..., Cluster]]:
    """Start a cluster of its own for the test: ``cluster(3)``."""
    with ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(Cluster(*args, **kwargs))


@pytest.fixture
def worker(kafka: Cluster, tmp_path: Path) -> Iterator[Start]:
    """Make a worker of its own group and topics on the shared broker.

    Those of one test share the group and, with ``reports``, the report directory.
    """
    unique = uuid.uuid4().hex[:8]
    made: list[Worker] = []

    def make(number: int = 1, *, fault: str = "", **options: Any) -> Worker:
        settings = {
            "broker": f"kafka://{kafka.bootstrap}",
            "app_id": f"test-{unique}",
            "topic_prefix": f"test-{unique}-",
            "report_dir": tmp_path / "reports",
            "hourly": "off",
            "monthly": "off",
            "web": "off",
            "session_timeout": SESSION_S,
            "commit_interval": 0.5,
            "block_cache": 4,
            "write_buffer": 4,
            **options,
        }
        made.append(Worker(tmp_path / f"worker-{number}", settings, fault))
        return made[-1]

    yield make
    for one in made:
        one.kill()


@pytest.fixture
def worker_on(tmp_path: Path) -> Iterator[StartOn]:
    """Make a worker for a broker address; those of one test share the group."""
    made: list[Worker] = []

    def make(
        bootstrap: str, number: int = 1, *, fault: str = "", **options: Any
    ) -> Worker:
        settings = {
            "broker": f"kafka://{bootstrap}",
            "report_dir": tmp_path / "reports",
            "hourly": "off",
            "monthly": "off",
            "web": "off",
            "session_timeout": SESSION_S,
            "commit_interval": 0.5,
            **options,
        }
        made.append(Worker(tmp_path / f"worker-{number}", settings, fault))
        return made[-1]

    yield make
    for one in made:
        one.kill()


@pytest.fixture
def secure_broker(
    cluster: Callable[..., Cluster], tmp_path: Path
) -> Callable[..., Cluster]:
    """Start a broker of the test's own; takes Security's options."""
    _require(security.missing())

    def start(**options: Any) -> Cluster:
        return cluster(security=Security(tmp_path / "certificates", **options))

    return start


def _require(reason: str | None) -> None:
    if reason is None:
        return
    if os.environ.get("KAFKA_TESTS_REQUIRED") == "1":
        pytest.fail(f"Kafka is required here, but {reason}")
    pytest.skip(reason)
