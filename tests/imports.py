"""Which modules a piece of the program loads, looked at in a process of its own."""

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ran:
    """What a script has said, and those of some modules that it has loaded."""

    said: str
    loaded: set[str]


def ran(script: str, names: Iterable[str], cwd: Path) -> Ran:
    """Run a script, which ends without an error, and look for some modules."""
    told = f"{script}\nimport sys; print(*sys.modules.keys() & {set(names)!r})"
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    *said, names_loaded = done.stdout.splitlines()
    return Ran("\n".join(said), set(names_loaded.split()))


def command(*words: str) -> str:
    """A script that runs the command ``streamproc``."""
    return (
        f"from streamproc.cli import main\nmain({list(words)!r}, standalone_mode=False)"
    )
