"""Settings as people read them: in a table, with values, defaults and help."""

from dataclasses import dataclass, fields
from typing import Any

from streamproc.settings import SECRET, Settings, env_name


@dataclass(frozen=True, slots=True)
class Described:
    """One row of ``streamproc settings``."""

    name: str
    variable: str
    value: str
    default: str
    help: str


def describe(settings: Settings) -> list[Described]:
    """Every setting with its value, default and help; secrets are not shown."""
    rows = []
    for item in fields(Settings):
        value = getattr(settings, item.name)
        hidden = item.metadata.get("secret") and value
        rows.append(
            Described(
                item.name,
                env_name(item.name),
                SECRET if hidden else as_text(item.name, value),
                as_text(item.name, item.default),
                item.metadata["help"],
            )
        )
    return rows


MARKDOWN_HEAD = "| setting | default | |\n| --- | --- | --- |"


def markdown_row(row: Described) -> str:
    """A setting's row in ``docs/operations.md``."""
    default = f"`{row.default}`" if row.default else ""
    return f"| `{row.variable}` | {default} | {row.help} |"


def as_text(name: str, value: Any) -> str:
    """A value the way it is written in the environment."""
    if value is None:
        return "none" if name == "hold" else ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value)
