"""docker-compose.yml and the image: valid, pinned, and in step with the program."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from streamproc.settings import ENV_PREFIX, load

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]


def test_it_is_valid_by_the_compose_schema() -> None:
    """The schema is the compose project's own, as check-jsonschema brings it."""
    command = [sys.executable, "-m", "check_jsonschema"]
    command += ["--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False
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


def _substituted(found: re.Match[str]) -> str:
    """A variable's default, or what somebody has set who must."""
    return "0123456789abcdef" if found[1] is None else found[1]


@pytest.mark.parametrize("name", ["worker-1", "worker-2"])
def test_the_workers_secret_has_no_default(name: str) -> None:
    """One that everybody knows is none; compose refuses to start without it."""
    given = SERVICES[name]["environment"]["STREAMPROC_WEB_CLUSTER_SECRET"]
    assert re.fullmatch(r"\$\{STREAMPROC_WEB_CLUSTER_SECRET:\?[^}]+\}", given)
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_bounded(name: str) -> None:
    """In memory, in processes, and in what it logs."""
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert service["pids_limit"] > 0
    assert {"max-size", "max-file"} <= service["logging"]["options"].keys()
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", ["worker-1", "worker-2", "fleet"])
def test_every_variable_is_a_setting(name: str) -> None:
    """A misspelt one would stop the container."""
    environ = {
        k: re.sub(r"\$\{.*:(?:-(.*)|\?.*)\}", _substituted, str(v))
        for k, v in SERVICES[name]["environment"].items()
    }
    assert all(variable.startswith(ENV_PREFIX) for variable in environ)
    settings = load({}, environ)
    assert settings.broker == "kafka://kafka:9092"
    assert str(settings.reports_root) == "/reports"


def test_the_image_is_the_version_of_the_program() -> None:
    """The tag moves with the version."""
    assert SERVICES["worker-1"]["image"] == f"streamproc:{PROJECT['version']}"


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


PIN = r"([a-z0-9-]+)==([0-9][0-9a-z.]*) \\\n    --hash=sha256:[0-9a-f]{64}\n"


def pins(name: str) -> dict[str, str]:
    """Versions in a requirement file of the image, each of which has its hash."""
    text = (ROOT / "docker" / name).read_text()
    lines = re.sub(r"^#.*\n", "", text, flags=re.M)
    assert re.fullmatch(f"(?:{PIN})+", lines)
    return dict(re.findall(PIN, lines))


def test_every_dependency_is_pinned_by_version_and_hash() -> None:
    """docker/requirements.txt has all of them, as the tests pass with them."""
    needed = {Requirement(item).name for item in PROJECT["dependencies"]}
    assert needed <= pins("requirements.txt").keys()
    tested = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    )
    tested = {canonicalize_name(name): tested[name] for name in tested}
    for name, version in pins("requirements.txt").items():
        assert tested[name] == version, f"{name}: python -m tools.image_pins"


def test_the_image_installs_nothing_but_what_is_pinned() -> None:
    """By hash, and what the program is built with, too; no build fetches its own."""
    steps = DOCKERFILE.replace("\\\n", " ")
    installs = re.findall(r"pip (?:install|wheel) [^&\n]*", steps)
    assert len(installs) == 4
    for install in installs:
        by_hash = "--require-hashes --only-binary :all:" in install
        assert by_hash or "--no-deps --no-" in install
    assert pins("build-requirements.txt").keys() == {"setuptools"}


VULNERABLE = {
    "aiohttp": ("3.12.13", "3.13.2", "3.13.3", "3.14.0", "3.14.1", "3.14.2"),
    "jinja2": ("3.1.5",),
    "orjson": ("3.9.14", "3.11.5"),
    "tqdm": ("4.66.2",),
}
"""Releases with known vulnerabilities; the last of each is the newest one."""


@pytest.mark.parametrize("name", VULNERABLE)
def test_lower_bounds_leave_out_what_is_known_to_be_vulnerable(name: str) -> None:
    """Whatever somebody installs by pyproject.toml alone."""
    (found,) = [
        requirement
        for requirement in map(Requirement, PROJECT["dependencies"])
        if requirement.name == name
    ]
    assert not any(map(found.specifier.contains, VULNERABLE[name]))
    assert found.specifier.contains(pins("requirements.txt")[name])
