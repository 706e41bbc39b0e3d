"""The documents say what the program does."""

import re
from itertools import takewhile
from pathlib import Path

import pytest

from streamproc import settings
from streamproc.cli import main
from streamproc.report.wire import INBOX, ORDERS
from streamproc.settings import described
from streamproc.topics import topics_for

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
FOLDERS = ("streamproc", "agents", "tables", "tests", "tools", "benchmarks", "docker")
PATHS = [
    f"/{each.relative_to(ROOT)}"
    for folder in FOLDERS
    for each in (ROOT / folder).rglob("*")
]
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
    """Relative links lead somewhere; so do modules, be it by the end of their path."""
    text = path.read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (path.parent / target).exists(), target
    for name in re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]+|[\w/]+\.py)`", text):
        ending = f"/{name.rstrip('/')}"
        assert any(each.endswith((ending, f"{ending}.py")) for each in PATHS), name


def test_what_make_does_in_the_readme_it_does() -> None:
    """Every target that is named there is one of the Makefile's."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"\bmake ([a-z-]+)  ", README))
    assert {"run", "test", "check", "bench"} <= named <= targets


def test_the_topics_page_names_every_topic_and_every_kind_of_message() -> None:
    """Those that people meet, and the internal ones."""
    page = (ROOT / "docs" / "topics.md").read_text()
    made = settings.Settings()
    for topic in topics_for(made):
        name = topic.name.replace(made.app_id + "-", "<app_id>-", 1)
        assert f"`{name}`" in page, name
    for kind in (*INBOX, *ORDERS):
        assert f"`{kind}`" in page, kind


def rows_of(text: str, header: str) -> list[list[str]]:
    """The cells of the table whose header begins like this."""
    lines = iter(text.split(header, 1)[1].splitlines()[2:])
    table = takewhile(lambda line: line.startswith("|"), lines)
    return [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in table]


def test_the_topics_page_says_how_long_each_topic_is_kept() -> None:
    """Days, with the setting they come from, or the newest record of each key."""
    made = settings.Settings()
    by_name = {topic.name: topic for topic in topics_for(made)}
    page = (ROOT / "docs" / "topics.md").read_text()
    told = {row[0]: row[-1] for row in rows_of(page, "| topic | value | kept |")}
    kept = {
        name.split("`")[1].replace("<app_id>", made.app_id): said
        for name, said in told.items()
    }
    assert set(by_name) <= set(kept)
    for name, topic in by_name.items():
        days = re.match(r"(\d+) days?(?: \(`(\w+)`\))?$", kept[name])
        assert topic.compacted == (days is None) == kept[name].startswith("newest per")
        if days is not None:
            assert topic.retention_ms == int(days[1]) * 86_400_000, name
            assert not days[2] or getattr(made, days[2]) == int(days[1]), name
    assert {topic.partitions for topic in by_name.values()} == {1, made.partitions}
    assert topics_for(made).inbox.partitions == 1


def test_each_line_of_what_was_tried_on_kafka_is_a_test() -> None:
    """The last column names modules that are there, and have tests."""
    page = (ROOT / "docs" / "kafka.md").read_text()
    rows = rows_of(page, "| what was done | what came of it | test |")
    named = {name for row in rows for name in re.findall(r"`(test_\w+)`", row[-1])}
    assert len(rows) > 20
    for name in named:
        text = (ROOT / "tests" / "kafka" / f"{name}.py").read_text()
        assert re.search(r"^(async )?def test_", text, re.M), name


def test_every_reason_of_a_refusal_is_in_the_tables() -> None:
    """What a program may look for in ``store-polls-rejected`` is written down."""
    folders = ("streamproc", "tables", "agents")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    raised = re.compile(
        r"(?:InvalidInput|InvalidPoll|InvalidHours|InvalidZone)\(\s*\"([a-z-]+)\""
    )
    reasons = {name for path in sources for name in raised.findall(path.read_text())}
    told = (ROOT / "docs" / "accounting.md").read_text()
    told += (ROOT / "docs" / "files.md").read_text()
    # Of questions; these are answered, and not kept.
    of_questions = {"bad-where", "bad-by", "bad-period", "bad-as-of", "no-pyarrow"}
    of_questions.add("bad-option")
    assert len(reasons) > 15
    untold = {name for name in reasons - of_questions if f"`{name}`" not in told}
    assert untold == set()
