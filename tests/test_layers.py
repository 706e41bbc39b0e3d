"""Who may import whom: the ground floor is pure, the agents are thin."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("streamproc", "agents", "tables")

BASE = ("streamproc.errors", "streamproc.cells")
RULES = (*BASE, "streamproc.rules")
WIRE = (*BASE, "streamproc.transport")
REPORT = (*RULES, "streamproc.report", "streamproc.transport.partitioner")
TABLES_WITHOUT_FAUST = (
    *("tables.accounting", "tables.period_accounting", "tables.calendars"),
    *("tables.chunks", "tables.facts", "tables.fact_records"),
    *("tables.hours", "tables.zones", "tables.special_hours", "tables.exclusions"),
    "tables.labels",
)
TABLES = (
    *(*REPORT, "streamproc.transport", "streamproc.events", "streamproc.origin"),
    *("streamproc.pace", "tables"),
)
PROGRAM = (
    *TABLES,
    "streamproc.program",
    "streamproc.rechecking",
    "streamproc.rejected",
    "streamproc.settings",
    "streamproc.topics",
    "streamproc.events",
    "streamproc.clock",
)

MAY_IMPORT = {
    "streamproc.errors": ("streamproc.errors",),
    "streamproc.cells": (),
    "streamproc.rules": RULES,
    "streamproc.transport": WIRE,
    "streamproc.rejected": WIRE,
    "streamproc.origin": WIRE,
    "streamproc.report": REPORT,
    "streamproc.events": REPORT,
    "streamproc.webhook": (
        *(*REPORT, "streamproc.transport", "streamproc.webhook", "streamproc.events"),
        *("streamproc.settings", "streamproc.topics", "streamproc.metrics"),
    ),
    "streamproc.loading": (
        *(*REPORT, *WIRE, "streamproc.loading"),
        *("streamproc.settings", "streamproc.topics", "streamproc.origin"),
    ),
    "streamproc.simulation": (*PROGRAM, "streamproc.simulation"),
    "tables": TABLES,
    **dict.fromkeys(TABLES_WITHOUT_FAUST, (*REPORT, *TABLES_WITHOUT_FAUST)),
    "agents": (*PROGRAM, "agents"),
    "streamproc.web": (
        *(*PROGRAM, "streamproc.web", "streamproc.webhook"),
        "streamproc.loading",
        "streamproc.report_client",
    ),
}
"""What each folder may import of the program; the others are at the top."""

PURE = (
    *(*BASE, "streamproc.rules", "streamproc.report", "streamproc.loading"),
    *TABLES_WITHOUT_FAUST,
    *(
        "streamproc.events",
        "streamproc.bulk",
        "streamproc.pace",
        "streamproc.webhook.posts",
        "streamproc.webhook.waiting",
    ),
)
WIRING = ("faust", "mode", "aiokafka", "rocksdict", "asyncio", "aiohttp")


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


@pytest.mark.parametrize("module", [m for m in modules() if within(m, *MAY_IMPORT)])
def test_a_folder_imports_only_what_lies_below_it(module: str) -> None:
    """The walk of the data leads one way: no import runs back up."""
    folder = max((f for f in MAY_IMPORT if within(module, f)), key=len)
    for name in imports(modules()[module]):
        if within(name, *PACKAGES) and name not in PACKAGES:
            assert within(name, *MAY_IMPORT[folder]), name


@pytest.mark.parametrize("module", [m for m in modules() if within(m, *PURE)])
def test_the_ground_floor_knows_no_faust_no_async_and_no_clock(module: str) -> None:
    """Rules, rows and files: a time is always handed in."""
    path = modules()[module]
    for name in imports(path):
        assert not within(name, *WIRING, "time"), name
    assert ".now(" not in path.read_text()


@pytest.mark.parametrize("module", [m for m in modules() if within(m, "agents")])
def test_agents_know_no_broker(module: str) -> None:
    """The same agents run on every broker."""
    for name in imports(modules()[module]):
        assert not within(
            name,
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
