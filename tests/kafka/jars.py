"""Where Apache Kafka comes from: its jars, fetched once with Maven.

``broker`` runs what ``jars()`` returns. The cache lies outside the checkout:
``$KAFKA_TESTS_CACHE``, else ``~/.cache/streamproc``, with one folder per
Kafka version in it.
"""

import fcntl
import functools
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

POM = Path(__file__).with_name("pom.xml")
OLDEST_JAVA = 17
JAVA_S = 120
FETCH_S = 600
"""The most that one fetch, or waiting for another's fetch, may take."""

_KAFKA = re.compile(r"kafka[_-].*-(\d+\.\d+\.\d+)\.jar")


class JarsError(Exception):
    """Raised when the jars cannot be fetched; holds what Maven said."""


@functools.cache
def version() -> str:
    """Return ``$KAFKA_TESTS_VERSION``, else the Kafka version the pom asks for."""
    if named := os.environ.get("KAFKA_TESTS_VERSION"):
        return named
    field = "{*}properties/{*}kafka.version"
    text = ElementTree.parse(POM).findtext(field)
    if text is None:
        raise JarsError(f"{POM.name} names no kafka.version")
    return text


def cache(kafka: str = "") -> Path:
    """Return the folder of a version's jars; it exists only when complete."""
    named = os.environ.get("KAFKA_TESTS_CACHE")
    root = Path(named) if named else Path.home() / ".cache" / "streamproc"
    return root / f"kafka-{kafka or version()}"


@functools.cache
def missing() -> str | None:
    """Return why no broker can run on this machine, or None if one can."""
    if shutil.which(java()) is None:
        return "java is not on the PATH"
    said = subprocess.run(
        [java(), "-version"],
        capture_output=True,
        text=True,
        timeout=JAVA_S,
        check=False,
    ).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < OLDEST_JAVA:
        return f"java is too old or broken, Kafka needs {OLDEST_JAVA}: {said.strip()}"
    if not cache().exists() and shutil.which("mvn") is None:
        return "mvn is not on the PATH"
    return None


def java() -> str:
    """Return the command that runs Java: that of ``$JAVA_HOME`` if it is set."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home, "bin", "java")) if home else "java"


def jars(kafka: str = "") -> Path:
    """Return the folder with every jar a broker needs, fetching it if need be.

    ``kafka``: its version; by default the pom's.
    """
    folder = cache(kafka)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.parent / "kafka.lock"):
            if not folder.exists():
                _fetch(folder, kafka or version())
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the file's lock, which ends with the process at the latest."""
    give_up = time.monotonic() + FETCH_S
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise JarsError(f"{path} was held for {FETCH_S} s") from None
            time.sleep(0.5)
        yield


def _fetch(folder: Path, kafka: str) -> None:
    """Fill a folder beside the cache, and rename it once it is whole."""
    for left in folder.parent.glob(f"{folder.name}.part-*"):
        shutil.rmtree(left, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix=f"{folder.name}.part-", dir=folder.parent))
    try:
        shutil.copy(POM, part)
        _maven(part, kafka)
        _check(part / "libs", kafka)
        (part / "libs").rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _maven(project: Path, kafka: str) -> None:
    command = ["mvn", "-B", "-q", "dependency:copy-dependencies"]
    command.append(f"-DoutputDirectory={project / 'libs'}")
    command.append(f"-Dkafka.version={kafka}")
    done = subprocess.run(
        command,
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=FETCH_S,
        check=False,
    )
    if done.returncode:
        raise JarsError(f"mvn ended with {done.returncode}:\n{done.stdout[-3000:]}")


def _check(libs: Path, kafka: str) -> None:
    """Refuse a mix of Kafka versions, which would start and fail later."""
    found = [_KAFKA.fullmatch(path.name) for path in libs.glob("kafka*.jar")]
    versions = {match[1] for match in found if match}
    if versions != {kafka} or None in found:
        raise JarsError(f"expected only Kafka {kafka}, got {sorted(versions)}")
