"""The gate runs every test, none twice, and leaves little behind."""

import re
from pathlib import Path

from tests.in_memory import folder

TESTS = Path(__file__).parent
RUN = re.compile(r"^(test[\w-]*): .*\n\t\$\(PYTEST\) (.*)$", re.MULTILINE)
IN_A_BROWSER = re.compile(r"^(pytestmark = |@).*pytest\.mark\.browser", re.MULTILINE)


def test_tests_in_a_browser_lie_where_a_target_looks_for_them() -> None:
    """In tests/web, or beside the brokers they need: elsewhere nobody runs them."""
    folders = {
        path.relative_to(TESTS).parts[0]
        for path in TESTS.rglob("test_*.py")
        if IN_A_BROWSER.search(path.read_text())
    }
    assert folders == {"web", "kafka"}
    told = dict(RUN.findall((TESTS.parent / "Makefile").read_text()))
    assert told["test"].endswith('-m "not kafka and not browser"')
    assert told["test-browser"].endswith("-m browser tests/web")
    assert told["test-kafka"].endswith(" tests/kafka")


def test_files_are_kept_in_memory_only_where_there_is_room(tmp_path: Path) -> None:
    """Else on the disk, as ever."""
    assert folder(tmp_path, enough=0) == tmp_path
    assert folder(tmp_path, enough=1 << 60) is None
    assert folder(tmp_path / "nowhere", enough=0) is None
