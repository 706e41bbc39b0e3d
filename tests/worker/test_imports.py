"""What a worker loads: nothing of what it does not do."""

from pathlib import Path

import pytest

from tests.imports import ran

PAGES = {"streamproc.web.server", "jinja2"}


@pytest.mark.parametrize(("web", "has_them"), [("off", False), ("on", True)])
def test_a_worker_without_web_loads_no_pages(
    tmp_path: Path, web: str, has_them: bool
) -> None:
    """They take a third of the CPU time that it needs to start."""
    script = (
        "from pathlib import Path\n"
        "from streamproc import settings; from streamproc.worker.app import build\n"
        f"build(settings.load({{'data_dir': Path('data'), 'web': {web!r}}}, {{}}))"
    )
    assert ran(script, PAGES, tmp_path).loaded == (PAGES if has_them else set())
