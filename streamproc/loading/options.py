"""Which files to load and how, and what came of it. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from streamproc.rules.poll import STATUS
from streamproc.rules.schedule import Weekdays


class ProgressBar(Protocol):
    """What shows how far a step has come."""

    def advance(self, count: int) -> None:
        """Count some more."""


NewProgress = Callable[[str, int | None, str], AbstractContextManager[ProgressBar]]
"""Called with label, total and unit of a step."""


@dataclass(frozen=True, slots=True)
class Files:
    """What to load; each may be missing. Polls may be in several files."""

    polls: tuple[Path, ...] = ()
    hours: Path | None = None
    zones: Path | None = None
    special_hours: Path | None = None
    exclusions: Path | None = None
    labels: Path | None = None

    @classmethod
    def of(cls, paths: Mapping[str, Path]) -> "Files":
        """One file of some kinds."""
        others = {kind: path for kind, path in paths.items() if kind != "polls"}
        return cls((paths["polls"],) if "polls" in paths else (), **others)


@dataclass(frozen=True, slots=True)
class Reading:
    """How the files are to be read, and when they are not believed.

    ``names``: a file's own words for columns. ``words``: what its statuses say.
    ``weekdays``: how it counts them. ``strict``: the first refused row ends it.
    ``skip_refused``: stores whose hours or zone cannot be read are left as they were;
    without it nothing is published. ``leave_out``: they have no polls then, either.
    ``max_refused``: most of the polls' rows, a share, that may be refused. ``force``:
    ids that do not join, or are cut, are believed. ``until_us``: a time from which on
    no poll counts, so that what is older is kept in full.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, bool] = field(default_factory=lambda: STATUS)
    weekdays: Weekdays | None = None
    strict: bool = False
    skip_refused: bool = False
    leave_out: bool = False
    max_refused: float = 0.5
    force: bool = False
    until_us: int | None = None


@dataclass(slots=True)
class Loaded:
    """What came of it: messages to publish, rows refused by reason, and by file, too.

    ``more``: messages of other kinds. ``summary``: what there is to say of the files,
    ``remarks``: what to look at.
    """

    polls: int = 0
    hours: int = 0
    zones: int = 0
    more: dict[str, int] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    refused_in: Counter[tuple[Path, str]] = field(default_factory=Counter)
    rejects: list[Path] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
