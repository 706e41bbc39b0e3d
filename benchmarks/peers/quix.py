"""Quix Streams: ``python -m benchmarks.peers.quix BROKERS APP_ID TOPIC FOLDER COUNT``.

As its documentation would write it: JSON in, a list in the state, all defaults (a
commit every 5 s, changelogs on). Runs in a virtual environment of its own, since
its requirements and ours contradict each other.
"""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.measure import tell

REQUIREMENT = "quixstreams>=3.20"
HOUR_MS = 3_600_000
KEPT_MS = 7 * 24 * HOUR_MS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTALL_S = 300.0


def python(cache: Path) -> Path:
    """Python of an environment with Quix Streams; raises OSError without one."""
    folder = cache / "quix-venv"
    found = folder / "bin" / "python"
    try:
        if not (folder / "complete").exists():
            _run(sys.executable, "-m", "venv", "--clear", folder)
            _run(found, "-m", "pip", "install", "--quiet", REQUIREMENT)
            (folder / "complete").touch()
    except subprocess.SubprocessError as exc:
        raise OSError(f"{REQUIREMENT} cannot be installed: {exc}") from exc
    return found


def version(python: Path) -> str:
    """Which one it is."""
    code = "from importlib.metadata import version; print(version('quixstreams'))"
    return subprocess.check_output([python, "-c", code], text=True).strip()


def _run(*command: object) -> None:
    subprocess.run(list(map(str, command)), check=True, timeout=_INSTALL_S)


def add(runs: list[Any], time_ms: int, status: str) -> list[Any]:
    """A store's runs after one more poll."""
    last = runs[-1] if runs else None
    if last and last[2] == status and time_ms - last[1] <= HOUR_MS:
        last[1] = time_ms
    else:
        runs.append([time_ms, time_ms, status])
    if runs[0][1] < time_ms - KEPT_MS:
        runs = [run for run in runs if run[1] >= time_ms - KEPT_MS]
    return runs


def main() -> None:
    """Consume so many polls, commit, tell the figures."""
    from quixstreams import Application, State  # type: ignore[import-not-found]

    brokers, app_id, topic, folder, count = sys.argv[1:]
    app = Application(
        broker_address=brokers,
        consumer_group=app_id,
        auto_offset_reset="earliest",
        state_dir=folder,
        loglevel="WARNING",
    )
    first: list[float] = []

    def track(poll: dict[str, str], state: State) -> None:
        if not first:
            first.append(time.perf_counter())
        moment = datetime.fromisoformat(poll["timestamp_utc"][:-4]).replace(tzinfo=UTC)
        time_ms = (moment - _EPOCH) // timedelta(milliseconds=1)
        state.set("runs", add(state.get("runs", default=[]), time_ms, poll["status"]))

    polls = app.topic(topic, key_deserializer="bytes", value_deserializer="json")
    app.dataframe(polls).update(track, stateful=True)
    app.run(count=int(count), collect=False)
    tell(polls=int(count), seconds=time.perf_counter() - first[0])


if __name__ == "__main__":
    main()
