"""A table and its keys as the API tells of them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of a table; None for what its owner cannot tell.

    ``newest_us``: time of the newest poll, in the table of histories only.
    """

    partition: int
    owner: str
    keys: int
    changelog_offset: int | None
    changelog_end: int | None
    newest_us: int | None


@dataclass(frozen=True, slots=True)
class Table:
    """What a table is for, its partitions and who owns them."""

    name: str
    help: str
    changelog: str
    keys: int
    partitions: list[Partition]


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables."""

    tables: list[Table]


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One key with its decoded value; ``size``: bytes of the stored value."""

    key: str
    partition: int
    size: int
    value: Any


@dataclass(frozen=True, slots=True)
class TablePage:
    """A table and some of its keys; ``next``: where the next page goes on."""

    name: str
    help: str
    changelog: str
    keys: int
    partitions: list[Partition]
    entries: list[TableEntry]
    next: str | None
