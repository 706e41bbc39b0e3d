"""The gate runs every test, and none twice: what the Makefile's targets ask for."""

import re
from pathlib import Path

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
