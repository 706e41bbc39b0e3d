"""Who may import whom: the ground floor is pure, the agents are thin."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("streamproc", "agents", "tables")

PURE = (
    "streamproc.errors",
    "streamproc.cells",
    "streamproc.timestamp",
    "streamproc.poll",
    "streamproc.poll_batch",
    "streamproc.history",
    "streamproc.schedule",
    "streamproc.timeline",
    "streamproc.uptime",
    "streamproc.partitioner",
    "streamproc.fleet",
    "streamproc.csv_input",
    "streamproc.settings",
    "streamproc.topics",
    "streamproc.report.state",
    "streamproc.report.rows",
    "streamproc.report.files",
)
WIRING = ("faust", "mode", "aiokafka", "rocksdict", "asyncio", "aiohttp")
CLOCKS = ("time", "datetime.now", "time.time")


def modules() -> dict[str, Path]:
    """Every module of the program."""
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(p for p in parts if p != "__init__")] = path
    return found


def imports(path: Path) -> set[str]:
    """What a module imports, by full name."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def within(name: str, *packages: str) -> bool:
    """Whether a name is one of the packages or inside one."""
    return any(name == p or name.startswith(p + ".") for p in packages)


@pytest.mark.parametrize("module", PURE)
def test_the_ground_floor_knows_no_faust_no_async_and_no_clock(module: str) -> None:
    """Pure modules import neither wiring nor anything above them."""
    path = modules()[module]
    for name in imports(path):
        assert not within(name, *WIRING, "time", "agents", "tables"), name
        if within(name, "streamproc"):
            assert within(name, "streamproc.report", *PURE) or name == "streamproc"
    assert ".now(" not in path.read_text()


@pytest.mark.parametrize("module", [m for m in modules() if within(m, "tables")])
def test_tables_do_not_know_the_agents(module: str) -> None:
    """Nor the command line, nor the web."""
    for name in imports(modules()[module]):
        assert not within(name, "agents", "streamproc.cli", "streamproc.web"), name


@pytest.mark.parametrize("module", [m for m in modules() if within(m, "agents")])
def test_agents_know_neither_brokers_nor_web_nor_commands(module: str) -> None:
    """The same agents run on every broker."""
    for name in imports(modules()[module]):
        assert not within(
            name,
            "streamproc.cli",
            "streamproc.web",
            "streamproc.transport.sqlite",
            "streamproc.transport.kafka",
            "rocksdict",
            "aiokafka",
        ), name


@pytest.mark.parametrize(
    "module", [m for m in modules() if within(m, "streamproc.transport.sqlite")]
)
def test_the_embedded_log_is_fit_for_any_faust_app(module: str) -> None:
    """No store, no poll, no uptime in it."""
    text = modules()[module].read_text().lower()
    for word in ("uptime", "poll(", "polls", "store_id", "histor"):
        assert word not in text, word


@pytest.mark.parametrize("module", list(modules()))
def test_modules_say_which_room_they_are(module: str) -> None:
    """Every module has a docstring, and none a TODO."""
    text = modules()[module].read_text()
    assert ast.get_docstring(ast.parse(text)), module
    assert "TO" + "DO" not in text
    assert "FIX" + "ME" not in text
