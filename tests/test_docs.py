"""The documents say what the program does."""

import re
from pathlib import Path

import pytest

from streamproc import settings
from streamproc.cli import main
from streamproc.report.wire import INBOX, ORDERS
from streamproc.settings import described
from streamproc.topics import topics_for

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


@pytest.mark.parametrize(
    "row", described.describe(settings.Settings()), ids=lambda r: r.name
)
def test_every_setting_stands_in_the_operations_guide(row: described.Described) -> None:
    """With its default and its help, word for word: ``settings --markdown``."""
    assert described.markdown_row(row) in OPERATIONS


def test_settings_in_the_readme_exist_with_these_defaults() -> None:
    """The short table agrees with the program."""
    known = {row.variable: row for row in described.describe(settings.Settings())}
    found = re.findall(
        r"^\| `(STREAMPROC_\w+)` \| (?:`([^`]*)`|[^|]*) \|", README, re.M
    )
    assert len(found) >= 6
    for variable, default in found:
        assert default in ("", known[variable].default), variable


@pytest.mark.parametrize("command", list(main.commands))
def test_every_command_is_documented_and_has_help(command: str) -> None:
    """In the table of commands; and each option says what it does."""
    assert f"`streamproc {command}" in OPERATIONS
    assert main.commands[command].help


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs").glob("*.md")), ids=lambda p: p.name
)
def test_every_document_is_reached_from_the_readme(path: Path) -> None:
    """Nobody finds a page that nothing points to."""
    assert f"docs/{path.name}" in README


@pytest.mark.parametrize(
    "path",
    [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))],
    ids=lambda p: p.name,
)
def test_links_and_paths_in_the_documents_exist(path: Path) -> None:
    """Relative links lead somewhere."""
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_the_walk_passes_rooms_that_are_there() -> None:
    """Every path that stands in docs/walk.md is one of the repository."""
    walk = (ROOT / "docs" / "walk.md").read_text()
    for path in re.findall(r"`((?:streamproc|agents|tables|tests)/[a-z_/.]+)`", walk):
        assert (ROOT / path).exists(), path


def test_the_topics_page_names_every_topic_and_every_kind_of_message() -> None:
    """Those that people meet, and the internal ones."""
    page = (ROOT / "docs" / "topics.md").read_text()
    made = settings.Settings()
    for topic in topics_for(made):
        name = topic.name.replace(made.app_id + "-", "<app_id>-", 1)
        assert f"`{name}`" in page, name
    for kind in (*INBOX, *ORDERS):
        assert f"`{kind}`" in page, kind
