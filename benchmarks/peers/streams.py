"""Kafka Streams: its jars, its program compiled, its command."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.kafka import jars

HERE = Path(__file__).parent
CACHE_BYTES = 64 << 20
"""Six times the default: it never was slower with more."""

_FETCH_S = 600.0
_COMPILE_S = 120.0


def missing() -> str | None:
    """Return why it cannot run on this machine, or None if it can."""
    if shutil.which("javac") is None:
        return "javac is not on the PATH"
    if not _libs().exists() and shutil.which("mvn") is None:
        return "mvn is not on the PATH"
    return None


def _libs() -> Path:
    """Folder of the jars; it exists only when complete."""
    return jars.cache().with_name(f"kafka-streams-{jars.version()}")


def _fetch() -> None:
    """Fill a folder beside the cache, and rename it once it is whole."""
    _libs().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_libs().parent) as folder:
        part = Path(folder)
        shutil.copy(HERE / "pom.xml", part)
        command = ["mvn", "-B", "-q", "dependency:copy-dependencies"]
        command += [f"-Dkafka.version={jars.version()}"]
        command += [f"-DoutputDirectory={part / 'libs'}"]
        subprocess.run(command, cwd=part, check=True, timeout=_FETCH_S)
        (part / "libs").rename(_libs())


def build(classes: Path) -> None:
    """Fetch the jars if need be, and compile into a folder."""
    if not _libs().exists():
        _fetch()
    command = ["javac", "-cp", f"{_libs()}/*", "-d", str(classes)]
    command += map(str, sorted(HERE.glob("*.java")))
    subprocess.run(command, check=True, timeout=_COMPILE_S)


def command(classes: Path, threads: int, cached: bool, *rest: object) -> list[str]:
    """Command that runs it; ``rest``: app id, brokers, topic, folder, count."""
    app_id, brokers, topic, folder, count = map(str, rest)
    return [
        jars.java(),
        "-Xmx1g",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
        "-cp",
        f"{classes}:{_libs()}/*",
        "Streams",
        app_id,
        brokers,
        topic,
        str(threads),
        str(CACHE_BYTES if cached else 0),
        folder,
        count,
    ]
