"""What a worker loads: nothing of what it does not do."""

import subprocess
import sys
from pathlib import Path

import pytest

PAGES = ("streamproc.web.server", "jinja2")


@pytest.mark.parametrize(("web", "loaded"), [("off", False), ("on", True)])
def test_a_worker_without_web_loads_no_pages(
    tmp_path: Path, web: str, loaded: bool
) -> None:
    """They take a third of the CPU time that it needs to start."""
    script = (
        "import sys; from pathlib import Path\n"
        "from streamproc import settings; from streamproc.worker.app import build\n"
        f"build(settings.load({{'data_dir': Path('data'), 'web': {web!r}}}, {{}}))\n"
        f"sys.exit(' '.join(sys.modules.keys() & {set(PAGES)!r}) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert all((name in done.stderr) == loaded for name in PAGES), done.stderr
    assert done.returncode == int(loaded)
