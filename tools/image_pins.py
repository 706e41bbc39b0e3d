"""Makes the requirement files of the image: each version pinned, each file by its hash.

    python -m tools.image_pins

The versions are those of ``constraints.txt``, which the tests pass with; pip resolves
what the program needs of them, and tells the hash of each wheel for the image's Python
and platform. Needs the package index that pip is set up with.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DOCKER = ROOT / "docker"
GLIBC = ("2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")
"""Versions of the C library, down from the image's, that wheels are made for."""

HEAD = """\
# What the image {what}: each version pinned, each wheel by its hash (linux/amd64).
# Made by python -m tools.image_pins; docs/operations.md says when.
"""


def pins(wanted: Sequence[str], python: str, constraints: Path) -> list[str]:
    """Lines of a requirement file for these requirements and all that they need."""
    platforms = [f"manylinux_{version}_x86_64" for version in GLIBC]
    command = [
        *(sys.executable, "-m", "pip", "install", "--dry-run", "--quiet"),
        *("--ignore-installed", "--disable-pip-version-check", "--report", "-"),
        *("--only-binary", ":all:", "--target", "unused", "--python-version", python),
        *(f"--platform={platform}" for platform in platforms),
        *("--constraint", str(constraints), *wanted),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return sorted(map(_line, json.loads(done.stdout)["install"]))


def _line(item: dict[str, Any]) -> str:
    about = item["metadata"]
    name = re.sub(r"[-_.]+", "-", about["name"]).lower()
    digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
    return f"{name}=={about['version']} \\\n    --hash=sha256:{digest}"


def write(name: str, what: str, lines: Iterable[str]) -> None:
    """Write one of the files in ``docker/``."""
    text = HEAD.format(what=what) + "\n".join(lines) + "\n"
    (DOCKER / name).write_text(text, encoding="utf-8")


def main() -> None:
    """Write both."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    base = re.search(
        r"^FROM python:(3\.\d+)", (DOCKER / "Dockerfile").read_text(), re.M
    )
    assert base is not None  # a test reads the same line
    constraints = ROOT / "constraints.txt"
    needed = project["project"]["dependencies"]
    write("requirements.txt", "runs on", pins(needed, base[1], constraints))
    tools = project["build-system"]["requires"]
    write("build-requirements.txt", "is built with", pins(tools, base[1], constraints))


if __name__ == "__main__":
    main()
