"""docker-compose.yml and the image: valid, pinned, and in step with the program."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from streamproc.settings import ENV_PREFIX, load

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]


def test_it_is_valid_by_the_compose_schema() -> None:
    """The schema is the compose project's own, as check-jsonschema brings it."""
    command = [sys.executable, "-m", "check_jsonschema"]
    command += ["--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned(name: str) -> None:
    """No tag that moves."""
    assert re.fullmatch(r"[a-z/-]+:\d+\.\d+\.\d+", SERVICES[name]["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_watched(name: str) -> None:
    """A health check and a restart policy; the demo's fleet has nothing to ask."""
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert "test" in service["healthcheck"] or "profiles" in service


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_this_machine_only(name: str) -> None:
    """Whoever wants more opens them on purpose."""
    for port in SERVICES[name].get("ports", ()):
        assert port.startswith("127.0.0.1:")


def test_workers_have_data_directories_of_their_own() -> None:
    """And share the report directory."""
    one, two = SERVICES["worker-1"]["volumes"], SERVICES["worker-2"]["volumes"]
    assert set(one) & set(two) == {"reports:/reports"}
    declared = yaml.safe_load(COMPOSE.read_text())["volumes"]
    assert {v.split(":")[0] for v in one + two} <= set(declared)


@pytest.mark.parametrize("name", ["worker-1", "worker-2", "fleet"])
def test_every_variable_is_a_setting(name: str) -> None:
    """A misspelt one would stop the container."""
    environ = {
        k: re.sub(r"\$\{.*:-(.*)\}", r"\1", str(v))
        for k, v in SERVICES[name]["environment"].items()
    }
    assert all(variable.startswith(ENV_PREFIX) for variable in environ)
    settings = load({}, environ)
    assert settings.broker == "kafka://kafka:9092"
    assert str(settings.reports_root) == "/reports"


def test_the_image_is_the_version_of_the_program() -> None:
    """The tag moves with the version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert SERVICES["worker-1"]["image"] == f"streamproc:{project['version']}"


def test_the_image_does_not_run_as_root() -> None:
    """Base images are pinned to the patch, and the last user is not root."""
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)
    assert len(bases) == 2
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base) for base in bases)
    users = re.findall(r"^USER (\S+)", DOCKERFILE, re.M)
    assert users == ["streamproc"]


def test_everything_the_image_copies_exists_and_is_let_in() -> None:
    """.dockerignore lets in what the Dockerfile copies, and no more."""
    allowed = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied: set[str] = set()
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M):
        copied |= set(line.split()[:-1])
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)


def test_every_dependency_is_pinned() -> None:
    """docker/requirements.txt has all of them, each with its exact version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "docker" / "requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    wanted = {re.split(r"[\[<>=~!]", item)[0] for item in project["dependencies"]}
    assert wanted <= pins.keys()
    assert all(re.fullmatch(r"[0-9][0-9a-z.]*", version) for version in pins.values())
